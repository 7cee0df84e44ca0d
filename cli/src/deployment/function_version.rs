//! Which version of a function is live, that is behind the alias through which it is called, and which ones were before.
//!
//! The alias's description keeps them, so that any operator can return to them: each with the time at which it was
//! made live, the newest first, as in `since 1763868000; before 4@1763860000 2@1763850000`.

use crate::aws::Aws;
use crate::aws::lambda::{self, Alias};
use crate::failure::Result;

/// A description has 256 characters at most (`CreateAlias`); more than these are forgotten.
const REMEMBERED: usize = 10;

/// A version and when it was made live, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Turn {
    version: String,
    since: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveVersion {
    function: String,
    now: Turn,
    /// The newest first.
    before: Vec<Turn>,
}

impl LiveVersion {
    pub(crate) async fn read(aws: &Aws, function: &str) -> Result<Self> {
        Ok(Self::parse(function, lambda::read_live_alias(aws, function).await?))
    }

    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    pub(crate) fn version(&self) -> &str {
        &self.now.version
    }

    /// When this version was made live, in seconds since 1970; 0 where that was CloudFormation's doing.
    pub(crate) fn since(&self) -> u64 {
        self.now.since
    }

    /// With another version live, as of `now`; functions that are shifted together have it in common.
    pub(crate) fn forward(&self, version: &str, now: u64) -> Self {
        let mut before = self.before.clone();
        before.insert(0, self.now.clone());
        before.truncate(REMEMBERED);
        let now = Turn { version: version.to_owned(), since: now };
        Self { function: self.function.clone(), now, before }
    }

    /// With the version live that was so before this one; none where there was none.
    pub(crate) fn back(&self) -> Option<Self> {
        let (now, before) = self.before.split_first()?;
        Some(Self { function: self.function.clone(), now: now.clone(), before: before.to_vec() })
    }

    /// Makes it so.
    pub(crate) async fn shift(&self, aws: &Aws) -> Result<()> {
        let alias = Alias { version: self.now.version.clone(), description: self.description() };
        lambda::update_live_alias(aws, &self.function, &alias).await
    }

    fn description(&self) -> String {
        let turns = self.before.iter().map(|turn| format!(" {}@{}", turn.version, turn.since));
        format!("since {}; before{}", self.now.since, turns.collect::<String>())
    }

    /// A description that somebody else wrote tells nothing.
    fn parse(function: &str, alias: Alias) -> Self {
        let (since, before) = alias.description.split_once("; before").unwrap_or_default();
        let since = since.strip_prefix("since ").and_then(|since| since.parse().ok()).unwrap_or_default();
        let turn = |text: &str| {
            let (version, since) = text.split_once('@')?;
            Some(Turn { version: version.to_owned(), since: since.parse().ok()? })
        };
        let before = before.split_whitespace().filter_map(turn).collect();
        Self { function: function.to_owned(), now: Turn { version: alias.version, since }, before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> LiveVersion {
        LiveVersion::parse("api", Alias { version: "1".to_owned(), description: String::new() })
    }

    #[test]
    fn back_undoes_forward_until_there_is_nothing_before() {
        let second = first().forward("2", 100);
        let fourth = second.forward("4", 200);
        assert_eq!((fourth.version(), fourth.since()), ("4", 200));
        assert_eq!(fourth.back(), Some(second.clone()));
        assert_eq!(second.back(), Some(first()));
        assert_eq!(first().back(), None);
    }

    #[test]
    fn the_alias_s_description_keeps_what_was_before() {
        let mut live = first();
        for version in 2..40 {
            live = live.forward(&format!("1000000{version}"), 1_763_868_000 + version);
            let alias = Alias { version: live.version().to_owned(), description: live.description() };
            assert!(alias.description.len() <= 256, "{}", alias.description);
            assert_eq!(LiveVersion::parse("api", alias), live);
        }
        assert_eq!(live.before.len(), REMEMBERED);
    }

    #[test]
    fn a_description_of_somebody_else_s_tells_nothing() {
        for description in
            ["", "the live one", "since noon; before lunch", "since ; before 3", "; before @ 1@x"]
        {
            let live = LiveVersion::parse(
                "api",
                Alias { version: "3".to_owned(), description: description.to_owned() },
            );
            assert_eq!((live.version(), live.since(), live.back()), ("3", 0, None), "{description}");
        }
    }
}
