//! What a check found, or why it could not be made.

use std::fmt;

use console::{StyledObject, style};
use serde::Serialize;

use crate::failure::{Exit, Failure};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Warning,
    Failed,
    Skipped,
}

impl Verdict {
    pub(super) const ALL: [Verdict; 4] = [Verdict::Ok, Verdict::Warning, Verdict::Failed, Verdict::Skipped];

    pub(super) fn styled(self) -> StyledObject<Verdict> {
        match self {
            Verdict::Ok => style(self).green(),
            Verdict::Warning => style(self).yellow(),
            Verdict::Failed => style(self).red().bold(),
            Verdict::Skipped => style(self).dim(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
        })
    }
}

/// Of a check that did not fail.
pub(super) struct Finding {
    verdict: Verdict,
    evidence: String,
    next: Option<String>,
}

impl Finding {
    pub(super) fn ok(evidence: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, evidence: evidence.into(), next: None }
    }

    pub(super) fn warning(evidence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, evidence: evidence.into(), next: Some(next.into()) }
    }
}

/// Why a check fails, or cannot be made.
#[derive(Clone)]
pub(super) struct Trouble {
    /// The check in charge, which fails; the others are skipped. None where that is whichever asks.
    check: Option<&'static str>,
    failure: Failure,
}

impl Trouble {
    pub(super) fn with(check: &'static str, failure: Failure) -> Self {
        Self { check: Some(check), failure }
    }

    /// The trouble of this check, unless it is another's already.
    pub(super) fn or_with(mut self, check: &'static str) -> Self {
        self.check.get_or_insert(check);
        self
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { check: None, failure }
    }
}

/// A check and what became of it.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) evidence: String,
    pub(super) next: Option<String>,
    /// Of a check that failed.
    #[serde(skip)]
    pub(super) exit: Exit,
}

impl Row {
    pub(super) fn of(check: &'static str, found: Result<Finding, Trouble>) -> Self {
        match found {
            Ok(Finding { verdict, evidence, next }) => {
                Self { check, verdict, evidence, next, exit: Exit::Done }
            }
            Err(Trouble { check: Some(other), .. }) if other != check => Self {
                check,
                verdict: Verdict::Skipped,
                evidence: format!("needs {other}"),
                next: None,
                exit: Exit::Done,
            },
            Err(Trouble { failure, .. }) => Self {
                check,
                verdict: Verdict::Failed,
                evidence: failure.to_single_line(),
                next: Some(failure.advice().unwrap_or("restctl doctor again, in a moment").to_owned()),
                exit: failure.exit,
            },
        }
    }
}
