//! Tests the new versions of both functions and then makes them live.

use restctl_contract::stack::StackName;
use restctl_contract::template::output as stack_output;

use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, lambda};
use crate::deployment::function_version::LiveVersion;
use crate::deployment::smoke;
use crate::failure::{Failure, Result, shell_argument};
use crate::terminal::output;
use crate::timestamp;

/// The versions of both functions that are live after the deployment.
pub(crate) struct LiveVersions {
    pub(crate) api: LiveVersion,
    pub(crate) ingest: LiveVersion,
}

/// Publishes and tests new versions of both functions, and makes both live or neither: neither if another deployment begins to
/// change the stack, whose versions would then be half of one and half of the other.
pub(crate) async fn go_live(aws: &Aws, name: &StackName, stack: &Stack) -> Result<LiveVersions> {
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
    cloudformation::check_unchanged(aws, name, stack).await?;
    let now = timestamp::seconds_now();
    let live = LiveVersions { api: api.version_after(now), ingest: ingest.version_after(now) };
    let shifts = [(&api, &live.api), (&ingest, &live.ingest)];
    let replacements: Vec<(&LiveVersion, &LiveVersion)> = shifts
        .into_iter()
        .filter(|(shift, _)| !shift.is_already_live())
        .map(|(shift, after)| (&shift.before, after))
        .collect();
    let next = "restctl deploy: neither version went live";
    LiveVersion::replace_together(aws, &replacements, next).await?;
    for (before, after) in replacements {
        let (function, version) = (after.function(), after.version());
        output::print_message(format!(
            "{function}: version {version} is live, instead of {}",
            before.version()
        ));
    }
    Ok(live)
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

    /// Returns the version that is live after the shift, since `now`, in seconds since 1970.
    fn version_after(&self, now: u64) -> LiveVersion {
        if self.is_already_live() {
            self.before.clone()
        } else {
            self.before.with_version(&self.version, now)
        }
    }
}

/// Adds what to do after a failed test.
fn with_advice_after_test(failure: Failure, api: &VersionShift, ingest: &VersionShift) -> Failure {
    if api.is_already_live() && ingest.is_already_live() {
        return failure.next(
            "fix the cause, then: restctl deploy; or return to the previous version: restctl rollback",
        );
    }
    let [api, ingest] = [api, ingest].map(|shift| shell_argument(shift.before.version(), "N"));
    failure.next(format!(
        "version {api} of the API and version {ingest} of the ingest function stay live.\n\
         Fix the cause, then: restctl deploy"
    ))
}
