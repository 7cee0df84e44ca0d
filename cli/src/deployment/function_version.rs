//! The live version of a function, to which its alias points, and the versions that were live before it.
//!
//! The alias's description lists the earlier versions, so that any operator can return to them: each with the time at which
//! it became live, the newest first, as in `version 5 since 1763868000; before 4@1763860000 2@1763850000`. It names the live
//! version, too: a change of the alias by hand leaves the description as it is.

use restctl_contract::template::output as stack_output;

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::lambda::{self, Alias};
use crate::failure::{AwsCause, Failure, Result};
use crate::terminal::interrupt;

/// How many earlier versions are kept. A description has at most 256 characters (`CreateAlias`).
const MAX_EARLIER: usize = 10;

/// The version that CloudFormation publishes and makes live.
const FIRST_VERSION: &str = "1";

/// A version, and the time at which it became live, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LivePeriod {
    version: String,
    since: u64,
}

/// Who made a version live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveBy {
    Deploy,
    Rollback,
    /// CloudFormation, or a version of restctl that did not write it down.
    Unknown,
    /// Someone who changed the alias without restctl.
    Hand,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveVersion {
    function: String,
    now: LivePeriod,
    /// The newest first.
    before: Vec<LivePeriod>,
    /// The alias's revision when it was read. `None` if this is not what was read.
    revision: Option<String>,
    by: LiveBy,
    additional_versions: Vec<String>,
}

impl LiveVersion {
    pub(crate) async fn read(aws: &Aws, function: &str) -> Result<Self> {
        Ok(Self::from_alias(function, lambda::read_live_alias(aws, function).await?))
    }

    /// Returns `None` if the function has no alias.
    pub(crate) async fn find(aws: &Aws, function: &str) -> Result<Option<Self>> {
        let alias = lambda::find_live_alias(aws, function).await?;
        Ok(alias.map(|alias| Self::from_alias(function, alias)))
    }

    /// Returns the live versions of the API and of the ingest function.
    pub(crate) async fn find_both(aws: &Aws, stack: &Stack) -> Result<[Option<Self>; 2]> {
        let (api, ingest) = tokio::try_join!(
            Self::find(aws, stack.output(stack_output::API_FUNCTION)?),
            Self::find(aws, stack.output(stack_output::INGEST_FUNCTION)?),
        )?;
        Ok([api, ingest])
    }

    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    pub(crate) fn version(&self) -> &str {
        &self.now.version
    }

    /// Returns when this version became live, in seconds since 1970, or 0 if CloudFormation made it live.
    pub(crate) fn live_since(&self) -> u64 {
        self.now.since
    }

    pub(crate) fn by(&self) -> LiveBy {
        self.by
    }

    /// Returns the other versions that get a share of the calls, which restctl never arranges.
    pub(crate) fn additional_versions(&self) -> &[String] {
        &self.additional_versions
    }

    /// Returns the state with this version alone live since `now`. Functions that are switched together share that time. The same
    /// version stays live since its own time.
    pub(crate) fn with_version(&self, version: &str, now: u64) -> Self {
        if version == self.now.version {
            return Self { by: LiveBy::Deploy, ..self.without_reading() };
        }
        let mut before = self.before.clone();
        // After a change by hand, the live version may be the newest of the earlier ones.
        before.retain(|period| period.version != self.now.version);
        before.insert(0, self.now.clone());
        before.truncate(MAX_EARLIER);
        let now = LivePeriod { version: version.to_owned(), since: now };
        Self { now, before, by: LiveBy::Deploy, ..self.without_reading() }
    }

    /// Returns the state with the previous version live, or `None` if there is none.
    pub(crate) fn with_previous_version(&self) -> Option<Self> {
        let (now, before) = self.before.split_first()?;
        let (now, before) = (now.clone(), before.to_vec());
        Some(Self { now, before, by: LiveBy::Rollback, ..self.without_reading() })
    }

    fn without_reading(&self) -> Self {
        Self { revision: None, additional_versions: Vec::new(), ..self.clone() }
    }

    /// Points the function's alias at this version, unless the alias no longer has that `revision`. Returns its new one.
    async fn make_live(&self, aws: &Aws, revision: Option<String>) -> Result<Option<String>> {
        let (version, description) = (self.now.version.clone(), self.alias_description());
        let alias = Alias { version, description, revision, additional_versions: Vec::new() };
        lambda::update_live_alias(aws, &self.function, &alias).await
    }

    /// Replaces the live versions of all these functions or of none, because they are built to work together. Each pair is a
    /// live version as it was read, and the version to replace it with. Fails if the live version has changed since. `next` is
    /// what to type after what the failure advises, if all versions are as before.
    ///
    /// Ctrl-C waits until this ends. Nothing else may drop it, such as a deadline.
    pub(crate) async fn replace_together(
        aws: &Aws,
        replacements: &[(&Self, &Self)],
        next: &str,
    ) -> Result<()> {
        interrupt::postpone_during(Self::replace_each(aws, replacements, next)).await
    }

    async fn replace_each(aws: &Aws, replacements: &[(&Self, &Self)], next: &str) -> Result<()> {
        let mut replaced = Vec::new();
        for (before, after) in replacements {
            match after.make_live(aws, before.revision.clone()).await {
                Ok(revision) => replaced.push((*before, revision)),
                Err(failure) => return Err(Self::restore(aws, replaced, failure, next).await),
            }
        }
        Ok(())
    }

    /// Restores the previous versions after the `failure`. Each comes with its alias's revision after the replacement.
    async fn restore(
        aws: &Aws,
        replaced: Vec<(&Self, Option<String>)>,
        failure: Failure,
        next: &str,
    ) -> Failure {
        let mut unrestored = Vec::new();
        for (before, revision) in replaced {
            unrestored.extend(before.make_live(aws, revision).await.err());
        }
        if unrestored.is_empty() {
            // Without an answer, the change may have been made.
            let is_refused = !matches!(failure.aws_cause, Some(AwsCause::Unreachable | AwsCause::Failed));
            let unchanged = is_refused.then(|| Failure::new("this command has changed neither live version"));
            return failure.and(unchanged).then_repeat(next);
        }
        unrestored.into_iter().fold(failure, |failure, later| failure.and(Some(later))).next(
            "fix both, then: restctl deploy; until then, the live versions are of different deployments",
        )
    }

    fn alias_description(&self) -> String {
        let LivePeriod { version, since } = &self.now;
        let who = match self.by {
            LiveBy::Deploy => format!("version {version} "),
            LiveBy::Rollback => format!("version {version} again "),
            LiveBy::Unknown | LiveBy::Hand => String::new(),
        };
        let periods = self.before.iter().map(|period| format!(" {}@{}", period.version, period.since));
        format!("{who}since {since}; before{}", periods.collect::<String>())
    }

    /// Reads the versions from an alias. A description that restctl did not write lists no earlier versions.
    fn from_alias(function: &str, alias: Alias) -> Self {
        let (head, before) = alias.description.split_once("; before").unwrap_or_default();
        let (who, since) = head.rsplit_once("since ").unwrap_or_default();
        let since: Option<u64> = since.parse().ok();
        let by = match who.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["version", version] if *version == alias.version => LiveBy::Deploy,
            ["version", version, "again"] if *version == alias.version => LiveBy::Rollback,
            [] if since.is_some() || alias.version == FIRST_VERSION => LiveBy::Unknown,
            _ => LiveBy::Hand,
        };
        let to_period = |text: &str| {
            let (version, since) = text.split_once('@')?;
            Some(LivePeriod { version: version.to_owned(), since: since.parse().ok()? })
        };
        let before = before.split_whitespace().filter_map(to_period).collect();
        let now = LivePeriod { version: alias.version, since: since.unwrap_or_default() };
        let (function, additional_versions) = (function.to_owned(), alias.additional_versions);
        Self { function, now, before, revision: alias.revision, by, additional_versions }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use axum::extract::Request;
    use axum::http::{Method, StatusCode, Uri};

    use super::*;
    use crate::aws::test_server;

    fn alias(version: &str, description: &str) -> Alias {
        Alias {
            version: version.to_owned(),
            description: description.to_owned(),
            revision: None,
            additional_versions: Vec::new(),
        }
    }

    fn first_version() -> LiveVersion {
        LiveVersion::from_alias("api", alias("1", ""))
    }

    #[test]
    fn a_previous_version_exists_until_the_first_one() {
        let second = first_version().with_version("2", 100);
        let fourth = second.with_version("4", 200);
        assert_eq!((fourth.version(), fourth.live_since()), ("4", 200));
        let again = |live: &LiveVersion| Some(LiveVersion { by: LiveBy::Rollback, ..live.clone() });
        assert_eq!(fourth.with_previous_version(), again(&second));
        assert_eq!(second.with_previous_version(), again(&first_version()));
        assert_eq!(first_version().with_previous_version(), None);
    }

    #[test]
    fn a_version_that_a_change_by_hand_repeats_is_not_its_own_predecessor() {
        let second = first_version().with_version("2", 100);
        let by_hand = LiveVersion::from_alias("api", alias("1", &second.alias_description()));
        let reverted = by_hand.with_version("2", 200);
        let first = reverted.with_previous_version().unwrap();
        assert_eq!((first.version(), first.with_previous_version()), ("1", None));
    }

    #[test]
    fn the_alias_description_keeps_the_earlier_versions() {
        let mut live = first_version();
        for version in 2..40 {
            live = live.with_version(&format!("1000000{version}"), 1_763_868_000 + version);
            let alias = alias(live.version(), &live.alias_description());
            assert!(alias.description.len() <= 256, "{}", alias.description);
            assert_eq!(LiveVersion::from_alias("api", alias), live);
        }
        assert_eq!(live.before.len(), MAX_EARLIER);
        let back = live.with_previous_version().unwrap();
        assert_eq!(LiveVersion::from_alias("api", alias(back.version(), &back.alias_description())), back);
    }

    #[test]
    fn the_alias_description_says_who_made_the_version_live() {
        for (version, description, by) in [
            ("1", "", LiveBy::Unknown),
            ("4", "since 100; before 1@0", LiveBy::Unknown),
            ("4", "version 4 since 100; before 1@0", LiveBy::Deploy),
            ("4", "version 4 again since 100; before", LiveBy::Rollback),
            ("1", "version 4 since 100; before 1@0", LiveBy::Hand),
            ("1", "version 4 again since 100; before 1@0", LiveBy::Hand),
            ("4", "", LiveBy::Hand),
            ("4", "blue", LiveBy::Hand),
        ] {
            assert_eq!(LiveVersion::from_alias("api", alias(version, description)).by(), by, "{description}");
        }
    }

    #[test]
    fn a_version_that_was_made_live_by_hand_becomes_that_of_the_deployment() {
        let deployed = first_version().with_version("2", 100);
        let mut moved = alias("3", &deployed.alias_description());
        moved.additional_versions = vec!["1".to_owned()];
        let moved = LiveVersion::from_alias("api", moved);
        assert_eq!((moved.by(), moved.additional_versions()), (LiveBy::Hand, &["1".to_owned()][..]));
        let live = moved.with_version("3", 200);
        assert_eq!((live.version(), live.by(), live.additional_versions()), ("3", LiveBy::Deploy, &[][..]));
        assert_eq!(live.with_previous_version().unwrap().version(), "1", "it is no predecessor of itself");
    }

    /// Answers as Lambda does to a caller who may change only the alias of the API, and that one `allowed` times.
    async fn lambda_that_allows(allowed: usize) -> Aws {
        let changes = Arc::new(AtomicUsize::new(0));
        test_server::connect(move |request: Request| {
            let is_api = request.uri().path().contains("/functions/api/");
            let is_allowed = is_api && changes.fetch_add(1, Ordering::SeqCst) < allowed;
            ready(if is_allowed { (StatusCode::OK, "{}") } else { (StatusCode::FORBIDDEN, "{}") })
        })
        .await
    }

    #[tokio::test]
    async fn neither_version_changes_only_if_the_first_was_restored() {
        let api = first_version();
        let ingest = LiveVersion { function: "ingest".to_owned(), ..api.clone() };
        let (new_api, new_ingest) = (api.with_version("2", 100), ingest.with_version("2", 100));
        let replacements = [(&api, &new_api), (&ingest, &new_ingest)];
        for (allowed, is_restored) in [(2, true), (1, false)] {
            let aws = lambda_that_allows(allowed).await;
            let failure = LiveVersion::replace_together(&aws, &replacements, "again").await.unwrap_err();
            assert_eq!(failure.next_step().unwrap().ends_with("again"), is_restored, "{failure}");
            assert_eq!(failure.to_string().contains("has changed neither live version"), is_restored);
            let failure = failure.to_string();
            assert!(failure.starts_with("cannot update the alias live of the function ingest"), "{failure}");
            assert_eq!(failure.contains("cannot update the alias live of the function api"), !is_restored);
        }
    }

    /// Another deployment may have made its own version live since.
    #[tokio::test]
    async fn only_what_this_deployment_made_live_is_undone() {
        let changes: Arc<Mutex<Vec<String>>> = Arc::default();
        let made = Arc::clone(&changes);
        let aws = test_server::connect(move |uri: Uri, change: String| {
            made.lock().unwrap().push(change);
            ready(if uri.path().contains("/functions/api/") {
                (StatusCode::OK, r#"{"RevisionId":"of this deployment"}"#)
            } else {
                (StatusCode::FORBIDDEN, r#"{"__type":"AccessDeniedException"}"#)
            })
        })
        .await;
        let api = first_version();
        let ingest = LiveVersion { function: "ingest".to_owned(), ..api.clone() };
        let (new_api, new_ingest) = (api.with_version("2", 100), ingest.with_version("2", 100));
        let replacements = [(&api, &new_api), (&ingest, &new_ingest)];
        LiveVersion::replace_together(&aws, &replacements, "again").await.unwrap_err();
        let undone = changes.lock().unwrap().pop().unwrap();
        assert!(undone.contains(r#""RevisionId":"of this deployment""#), "{undone}");
    }

    #[tokio::test]
    async fn a_version_that_another_deployment_made_live_stays() {
        for (revision, alias, is_replaced) in [
            ("now", "{}", true),
            ("before", r#"{"FunctionVersion":"2","Description":"version 2 since 99; before 1@0"}"#, false),
            ("before", r#"{"FunctionVersion":"3","Description":"version 2 since 100; before 1@0"}"#, false),
            // The answer to the first attempt was lost.
            ("before", r#"{"FunctionVersion":"2","Description":"version 2 since 100; before 1@0"}"#, true),
        ] {
            let aws = test_server::connect(move |method: Method, change: String| {
                let is_allowed = method == Method::GET || change.contains(r#""RevisionId":"now""#);
                let refusal =
                    (StatusCode::PRECONDITION_FAILED, r#"{"__type":"PreconditionFailedException"}"#);
                ready(if is_allowed { (StatusCode::OK, alias) } else { refusal })
            })
            .await;
            let live = LiveVersion { revision: Some(revision.to_owned()), ..first_version() };
            let next = live.with_version("2", 100);
            let replaced = LiveVersion::replace_together(&aws, &[(&live, &next)], "again").await;
            assert_eq!(replaced.is_ok(), is_replaced);
            let reason = replaced.err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(is_replaced || reason.contains("another deployment or rollback came first"), "{reason}");
        }
    }

    #[test]
    fn a_foreign_description_lists_no_earlier_versions() {
        for description in
            ["", "the live one", "since noon; before lunch", "since ; before 3", "; before @ 1@x"]
        {
            let live = LiveVersion::from_alias("api", alias("3", description));
            assert_eq!(
                (live.version(), live.live_since(), live.with_previous_version()),
                ("3", 0, None),
                "{description}"
            );
        }
    }
}
