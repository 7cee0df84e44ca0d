//! Publishes and tests the new versions of both functions, and then makes them live.

use restctl_contract::stack::StackName;

use super::revert_drift::{CheckedFunction, publish_functions};
use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::deployment::function_version::{LiveBy, LiveVersion};
use crate::deployment::smoke;
use crate::failure::{Failure, Result};
use crate::terminal::output;
use crate::timestamp;

/// The versions of both functions that are live after the deployment.
pub(super) struct LiveVersions {
    pub(super) api: LiveVersion,
    pub(super) ingest: LiveVersion,
    /// Whether the deployment had to change an alias.
    pub(super) have_changed: bool,
}

/// Publishes both functions as they were checked, and tests the new versions. Fails if another deployment has begun to change
/// the stack: the versions would then be half of one and half of the other.
pub(super) async fn prepare_versions(
    aws: &Aws,
    name: &StackName,
    stack: &Stack,
    functions: &[CheckedFunction; 2],
) -> Result<[VersionShift; 2]> {
    let versions = publish_functions(aws, stack, functions).await?;
    let [api, ingest] = functions.each_ref().map(CheckedFunction::live_version);
    let [api_version, ingest_version] = versions;
    let api = VersionShift { before: api?.clone(), version: api_version };
    let ingest = VersionShift { before: ingest?.clone(), version: ingest_version };
    let tested = tokio::try_join!(
        smoke::test_api(aws, api.before.function(), &api.version),
        smoke::test_ingest(aws, ingest.before.function(), &ingest.version),
    );
    if let Err(failure) = tested {
        return Err(with_advice_after_test(failure, &api, &ingest));
    }
    cloudformation::check_unchanged(aws, name, stack).await?;
    Ok([api, ingest])
}

/// Makes both new versions live or neither. Nothing may drop this.
pub(super) async fn go_live(aws: &Aws, [api, ingest]: &[VersionShift; 2]) -> Result<LiveVersions> {
    let now = timestamp::seconds_now();
    let (api_after, ingest_after) = (api.version_after(now), ingest.version_after(now));
    let shifts = [(api, &api_after), (ingest, &ingest_after)];
    let replacements: Vec<(&LiveVersion, &LiveVersion)> = shifts
        .into_iter()
        .filter(|(shift, _)| !shift.is_already_live())
        .map(|(shift, after)| (&shift.before, after))
        .collect();
    LiveVersion::replace_together(aws, &replacements, "restctl deploy").await?;
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
pub(super) struct VersionShift {
    /// As it was when the function was checked: an alias that has changed since is not updated.
    before: LiveVersion,
    version: String,
}

impl VersionShift {
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
    let [api, ingest] = [api, ingest].map(|shift| shift.before.version());
    let live = format!("version {api} of the API and version {ingest} of the ingest function stay live");
    let failure = failure.and(Some(Failure::new(live)));
    match failure.next_step() {
        Some(_) => failure.then_repeat("restctl deploy"),
        None => failure.next("fix the cause, then: restctl deploy"),
    }
}
