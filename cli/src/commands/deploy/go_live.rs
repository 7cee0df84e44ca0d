//! Publishes and tests the new versions of both functions, and then makes them live.

use restctl_contract::stack::StackName;

use super::revert_drift::{CheckedFunction, RevertedStack};
use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::deployment::function_version::{LiveBy, LiveVersion};
use crate::deployment::smoke;
use crate::failure::{Failure, Result, shell_argument};
use crate::terminal::output;
use crate::timestamp;

/// The versions of both functions that are live after the deployment.
pub(crate) struct LiveVersions {
    pub(crate) api: LiveVersion,
    pub(crate) ingest: LiveVersion,
    /// Whether the deployment had to change an alias.
    pub(crate) have_changed: bool,
}

/// Publishes and tests new versions of both functions, and makes both live or neither: neither if another deployment begins to
/// change the stack, whose versions would then be half of one and half of the other.
pub(crate) async fn go_live(
    aws: &Aws,
    name: &StackName,
    stack: &Stack,
    reverted: &RevertedStack,
) -> Result<LiveVersions> {
    let (api, ingest) = tokio::try_join!(
        VersionShift::publish_next(aws, &reverted.api),
        VersionShift::publish_next(aws, &reverted.ingest),
    )?;
    let tested = tokio::try_join!(
        smoke::test_api(aws, api.before.function(), &api.version),
        smoke::test_ingest(aws, ingest.before.function(), &ingest.version),
    );
    if let Err(failure) = tested {
        return Err(with_advice_after_test(failure, &api, &ingest));
    }
    cloudformation::check_unchanged(aws, name, stack).await?;
    let now = timestamp::seconds_now();
    let (api_after, ingest_after) = (api.version_after(now), ingest.version_after(now));
    let shifts = [(&api, &api_after), (&ingest, &ingest_after)];
    let replacements: Vec<(&LiveVersion, &LiveVersion)> = shifts
        .into_iter()
        .filter(|(shift, _)| !shift.is_already_live())
        .map(|(shift, after)| (&shift.before, after))
        .collect();
    let next = "restctl deploy: neither version went live";
    LiveVersion::replace_together(aws, &replacements, next).await?;
    for (before, after) in &replacements {
        output::print_message(describe_replacement(before, after));
    }
    let have_changed = !replacements.is_empty();
    Ok(LiveVersions { api: api_after, ingest: ingest_after, have_changed })
}

fn describe_replacement(before: &LiveVersion, after: &LiveVersion) -> String {
    let (function, version) = (after.function(), after.version());
    let shared = before.additional_versions().join(" and ");
    match before.version() {
        same if same == version && !shared.is_empty() => {
            format!("{function}: version {version} alone is live, without {shared}")
        }
        same if same == version => format!("{function}: version {version} stays live"),
        other if shared.is_empty() => format!("{function}: version {version} is live, instead of {other}"),
        other => format!("{function}: version {version} is live, instead of {other} and {shared}"),
    }
}

/// A function's live version, and the version that replaces it.
struct VersionShift {
    before: LiveVersion,
    version: String,
}

impl VersionShift {
    /// Publishes the function as it was checked, as the next version.
    async fn publish_next(aws: &Aws, function: &CheckedFunction) -> Result<Self> {
        let (before, version) =
            tokio::try_join!(LiveVersion::read(aws, function.name()), function.publish(aws))?;
        Ok(Self { before, version })
    }

    /// Whether the alias points at the version, at no other, and says so itself.
    fn is_already_live(&self) -> bool {
        self.before.version() == self.version
            && self.before.additional_versions().is_empty()
            && self.before.by() != LiveBy::Hand
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
