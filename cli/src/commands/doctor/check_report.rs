//! What a check found, or why it could not run.

use std::fmt;

use console::Style;
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::terminal::advice::name_target;
use crate::terminal::text::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckVerdict {
    Ok,
    Warning,
    Failed,
    Skipped,
}

impl CheckVerdict {
    pub(super) const ALL: [CheckVerdict; 4] =
        [CheckVerdict::Ok, CheckVerdict::Warning, CheckVerdict::Failed, CheckVerdict::Skipped];

    pub(super) fn in_color(self) -> Text {
        let style = match self {
            CheckVerdict::Ok => Style::new().green(),
            CheckVerdict::Warning => Style::new().yellow(),
            CheckVerdict::Failed => Style::new().red().bold(),
            CheckVerdict::Skipped => Style::new().dim(),
        };
        Text::styled(&self.to_string(), &style)
    }
}

impl fmt::Display for CheckVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CheckVerdict::Ok => "ok",
            CheckVerdict::Warning => "warning",
            CheckVerdict::Failed => "failed",
            CheckVerdict::Skipped => "skipped",
        })
    }
}

/// What a check that did not fail found.
pub(super) struct CheckFinding {
    verdict: CheckVerdict,
    evidence: String,
    next: Option<String>,
}

impl CheckFinding {
    pub(super) fn ok(evidence: impl Into<String>) -> Self {
        Self { verdict: CheckVerdict::Ok, evidence: evidence.into(), next: None }
    }

    pub(super) fn warning(evidence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: CheckVerdict::Warning, evidence: evidence.into(), next: Some(next.into()) }
    }

    /// There was nothing to look at.
    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self { verdict: CheckVerdict::Skipped, evidence: reason.into(), next: None }
    }

    /// Puts `text` before the evidence.
    pub(super) fn after(self, text: &str) -> Self {
        Self { evidence: format!("{text}{}", self.evidence), ..self }
    }
}

/// Why a check failed or could not run.
#[derive(Clone)]
pub(super) struct CheckError {
    /// The check that fails; other checks that return this error are skipped. `None` if it is the check that returns the
    /// error.
    check: Option<&'static str>,
    failure: Failure,
}

impl CheckError {
    pub(super) fn in_check(check: &'static str, failure: Failure) -> Self {
        Self { check: Some(check), failure }
    }

    /// Assigns the error to `check` unless it belongs to a check already.
    pub(super) fn or_in_check(mut self, check: &'static str) -> Self {
        self.check.get_or_insert(check);
        self
    }
}

impl From<Failure> for CheckError {
    fn from(failure: Failure) -> Self {
        Self { check: None, failure }
    }
}

/// A check and its result.
#[derive(Clone, Serialize)]
pub(super) struct DoctorCheckReport {
    pub(super) check: &'static str,
    pub(super) verdict: CheckVerdict,
    pub(super) evidence: String,
    pub(super) next: Option<String>,
    /// The exit code of a failed check.
    #[serde(skip)]
    pub(super) exit: Exit,
    /// Why it was skipped: the failure of another check.
    #[serde(skip)]
    needed: Option<(&'static str, Failure)>,
}

impl DoctorCheckReport {
    pub(super) fn new(check: &'static str, result: Result<CheckFinding, CheckError>) -> Self {
        match result {
            Ok(CheckFinding { verdict, evidence, next }) => {
                let next = next.map(|next| name_target(&next).into_owned());
                Self { check, verdict, evidence, next, exit: Exit::Done, needed: None }
            }
            Err(CheckError { check: Some(other), failure }) if other != check => Self {
                check,
                verdict: CheckVerdict::Skipped,
                evidence: format!("needs {other}"),
                next: None,
                exit: Exit::Done,
                needed: Some((other, failure)),
            },
            Err(CheckError { failure, .. }) => Self {
                check,
                verdict: CheckVerdict::Failed,
                evidence: failure.to_single_line(),
                next: Some(
                    name_target(
                        failure.next_step().unwrap_or("fix what is named here, then: restctl doctor"),
                    )
                    .into_owned(),
                ),
                exit: failure.exit,
                needed: None,
            },
        }
    }

    /// Returns what this check needed from a check that has not noticed the failure itself, as the result of that check.
    fn failure_of_needed(&self, reports: &[Self]) -> Option<Self> {
        let (needed, failure) = self.needed.as_ref()?;
        let is_fine = |report: &&Self| matches!(report.verdict, CheckVerdict::Ok | CheckVerdict::Warning);
        reports.iter().filter(is_fine).find(|report| report.check == *needed)?;
        Some(Self::new(needed, Err(failure.clone().into())))
    }
}

/// Lets each check fail for which another one was skipped: if all were ok, nobody would learn why.
pub(super) fn fail_needed_checks(reports: &mut [DoctorCheckReport]) {
    while let Some(failed) = reports.iter().find_map(|report| report.failure_of_needed(reports)) {
        for report in reports.iter_mut().filter(|report| report.check == failed.check) {
            *report = failed.clone();
        }
    }
}
