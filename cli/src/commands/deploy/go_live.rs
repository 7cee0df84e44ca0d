//! Tests the new versions of both functions and then makes them live.

use restctl_contract::template::output as stack_output;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, lambda};
use crate::deployment::function_version::LiveVersion;
use crate::deployment::smoke;
use crate::failure::{Failure, Result};
use crate::terminal::output;
use crate::timestamp;

/// The versions of both functions that are live after the deployment.
pub(crate) struct LiveVersions {
    pub(crate) api: LiveVersion,
    pub(crate) ingest: LiveVersion,
}

/// Makes both new versions live, or neither: they are built to work together.
pub(crate) async fn go_live(aws: &Aws, stack: &Stack) -> Result<LiveVersions> {
    let (api, ingest) =
        (stack.output(stack_output::API_FUNCTION)?, stack.output(stack_output::INGEST_FUNCTION)?);
    let (api, ingest) =
        tokio::try_join!(VersionShift::publish_next(aws, api), VersionShift::publish_next(aws, ingest))?;
    let tested = tokio::try_join!(
        smoke::test_api(aws, api.before.function(), &api.version),
        smoke::test_ingest(aws, ingest.before.function(), &ingest.version),
    );
    if let Err(failure) = tested {
        return Err(with_advice_after_test(failure, &api, &ingest));
    }
    let now = timestamp::seconds_now();
    let api_before = api.before.clone();
    let api = api.put_into_service(aws, now).await?;
    match ingest.put_into_service(aws, now).await {
        Ok(ingest) => Ok(LiveVersions { api, ingest }),
        Err(failure) => {
            // Both versions go live or neither, so the API goes back too.
            api_before.make_live(aws).await?;
            Err(failure.next("restctl deploy: neither version went live"))
        }
    }
}

/// A function's live version, and the version that replaces it.
struct VersionShift {
    before: LiveVersion,
    version: String,
}

impl VersionShift {
    /// Publishes the function's current code and settings as the next version.
    async fn publish_next(aws: &Aws, function: &str) -> Result<Self> {
        let (before, version) =
            tokio::try_join!(LiveVersion::read(aws, function), lambda::publish_version(aws, function))?;
        Ok(Self { before, version })
    }

    fn is_already_live(&self) -> bool {
        self.before.version() == self.version
    }

    async fn put_into_service(self, aws: &Aws, now: u64) -> Result<LiveVersion> {
        if self.is_already_live() {
            return Ok(self.before);
        }
        let after = self.before.with_version(&self.version, now);
        after.make_live(aws).await?;
        let (function, version) = (after.function(), after.version());
        output::print_message(&format!(
            "{function}: version {version} is live, instead of {}",
            self.before.version()
        ));
        Ok(after)
    }
}

/// Adds what to do after a failed test.
fn with_advice_after_test(failure: Failure, api: &VersionShift, ingest: &VersionShift) -> Failure {
    if api.is_already_live() && ingest.is_already_live() {
        return failure.next(
            "fix the cause, then: restctl deploy; or return to the previous version: restctl rollback",
        );
    }
    let (api, ingest) = (api.before.version(), ingest.before.version());
    failure.next(format!(
        "version {api} of the API and version {ingest} of the ingest function stay live.\n\
         Fix the cause, then: restctl deploy"
    ))
}
