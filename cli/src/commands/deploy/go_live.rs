//! The new versions of both functions are tried, and then take over from those that are live.

use restctl_contract::template::output as stack_output;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, lambda};
use crate::deployment::function_version::LiveVersion;
use crate::deployment::smoke;
use crate::failure::{Failure, Result};
use crate::terminal::output;
use crate::timestamp;

pub(crate) struct Versions {
    pub(crate) api: LiveVersion,
    pub(crate) ingest: LiveVersion,
}

/// Neither takes over unless both are good: they are made to work together.
pub(crate) async fn go_live(aws: &Aws, stack: &Stack) -> Result<Versions> {
    let (api, ingest) =
        (stack.output(stack_output::API_FUNCTION)?, stack.output(stack_output::INGEST_FUNCTION)?);
    let (api, ingest) = tokio::try_join!(Takeover::prepare(aws, api), Takeover::prepare(aws, ingest))?;
    let good = tokio::try_join!(
        smoke::test_api(aws, api.before.function(), &api.version),
        smoke::test_ingest(aws, ingest.before.function(), &ingest.version),
    );
    if let Err(failure) = good {
        return Err(refused(failure, &api, &ingest));
    }
    let now = timestamp::seconds_now();
    let api_before = api.before.clone();
    let api = api.complete(aws, now).await?;
    match ingest.complete(aws, now).await {
        Ok(ingest) => Ok(Versions { api, ingest }),
        Err(failure) => {
            // Together or not at all: so they go back together, too.
            api_before.make_live(aws).await?;
            Err(failure.next("restctl deploy: neither version has taken over"))
        }
    }
}

/// A function with the version that is live, and the one that is to be.
struct Takeover {
    before: LiveVersion,
    version: String,
}

impl Takeover {
    async fn prepare(aws: &Aws, function: &str) -> Result<Self> {
        let (before, version) =
            tokio::try_join!(LiveVersion::read(aws, function), lambda::publish_version(aws, function))?;
        Ok(Self { before, version })
    }

    fn is_over(&self) -> bool {
        self.before.version() == self.version
    }

    async fn complete(self, aws: &Aws, now: u64) -> Result<LiveVersion> {
        if self.is_over() {
            return Ok(self.before);
        }
        let after = self.before.with_version(&self.version, now);
        after.make_live(aws).await?;
        let (function, version) = (after.function(), after.version());
        output::print_message(&format!(
            "{function}: version {version} is live, {} was",
            self.before.version()
        ));
        Ok(after)
    }
}

fn refused(failure: Failure, api: &Takeover, ingest: &Takeover) -> Failure {
    if api.is_over() && ingest.is_over() {
        return failure
            .next("mend the cause, then: restctl deploy; or return to the version before: restctl rollback");
    }
    let (api, ingest) = (api.before.version(), ingest.before.version());
    failure.next(format!(
        "nothing was shifted: version {api} of the API and version {ingest} of the load stay live.\n\
         Mend the cause, then: restctl deploy"
    ))
}
