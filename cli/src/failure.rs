//! Failures of a command, and its exit codes.

mod shell_argument;

use std::fmt;
use std::future::Future;

use serde_json::{Value, json};

pub(crate) use self::shell_argument::shell_argument;

/// Exit codes, as `restctl --help` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failure = 1,
    /// The command line is wrong, or lacks something that cannot be asked for. clap uses the same code.
    Usage = 2,
    /// Done in part: some rows were rejected, or some ids were not found.
    Partial = 3,
    /// Credentials or a token were missing or refused.
    Authentication = 4,
    NotFound = 5,
    /// A dry run found something that would change.
    Changes = 6,
    /// `--timeout` is over, and what was started continues.
    StillRunning = 7,
    /// Ended by Ctrl-C: 128 + SIGINT, as shells report it.
    Interrupted = 130,
}

/// Why a call to AWS failed, if a caller may do something else about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AwsCause {
    /// The caller may not make the call.
    Denied,
    /// There were too many others: the call may succeed later.
    Throttled,
    /// No answer came: the call may succeed later, or has succeeded.
    Unreachable,
    /// The service failed: the call may succeed later, or has succeeded.
    Failed,
    /// What the call changes is no longer as it was read.
    Outdated,
    /// The service never makes this change.
    NotUpdatable,
}

impl AwsCause {
    /// Whether the same call may succeed later.
    pub(crate) fn is_temporary(self) -> bool {
        match self {
            Self::Denied | Self::Outdated | Self::NotUpdatable => false,
            Self::Throttled | Self::Unreachable | Self::Failed => true,
        }
    }
}

/// What happened, why, and what to type next.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) aws_cause: Option<AwsCause>,
    /// One line. Unsafe characters in it, line breaks included, are escaped when it is printed.
    what: String,
    /// Its lines.
    why: Vec<String>,
    /// One or more lines of restctl's own. What others wrote is not part of them, except as an argument that
    /// `shell_argument` quotes.
    next: Option<String>,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { exit: Exit::Failure, aws_cause: None, what: what.into(), why: Vec::new(), next: None }
    }

    /// Describes a wrong command line or a wrong setting.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(what).exit(Exit::Usage)
    }

    /// Describes Ctrl-C before anything has to be undone.
    pub(crate) fn interrupted() -> Self {
        Self::new("interrupted").exit(Exit::Interrupted)
    }

    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(crate) fn aws_cause(mut self, cause: impl Into<Option<AwsCause>>) -> Self {
        self.aws_cause = cause.into();
        self
    }

    /// Whether AWS refused a call that the caller may not make.
    pub(crate) fn is_denied(&self) -> bool {
        self.aws_cause == Some(AwsCause::Denied)
    }

    /// Sets the reason to the error and the errors that caused it.
    pub(crate) fn because(self, why: &dyn std::error::Error) -> Self {
        let mut text = why.to_string();
        let mut source = why.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        self.why(text)
    }

    /// Sets the reason, in one line.
    pub(crate) fn why(self, why: impl Into<String>) -> Self {
        self.why_lines([why])
    }

    /// Sets the reason, in several lines.
    pub(crate) fn why_lines(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.why = lines.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Appends a next step.
    pub(crate) fn then(self, next: &str) -> Self {
        match &self.next {
            Some(before) if before.ends_with(next) => self,
            Some(before) => {
                let next = format!("{before}\nthen: {next}");
                self.next(next)
            }
            None => self.next(next),
        }
    }

    /// Appends that the command is to be repeated, as `next` says, unless the next step says that already.
    pub(crate) fn then_repeat(self, next: &str) -> Self {
        match &self.next {
            Some(before) if before.contains("the same command again") => self,
            _ => self.then(next),
        }
    }

    /// Adds to the reason what failed afterwards, such as undoing what had been done.
    pub(crate) fn and(mut self, later: Option<Self>) -> Self {
        self.why.extend(later.map(|later| later.to_single_line()));
        self
    }

    /// Returns this failure as the reason why something else failed. `what` completes "cannot …".
    pub(crate) fn during(&self, what: &str) -> Self {
        Self { what: format!("cannot {what}: {}", self.what), ..self.clone() }
    }

    /// Returns what happened and why in one line.
    pub(crate) fn to_single_line(&self) -> String {
        match self.why.is_empty() {
            true => self.what.clone(),
            false => format!("{}: {}", self.what, self.why.join(" ")),
        }
    }

    /// Returns what happened, why and what to type next, in lines that are not escaped.
    pub(crate) fn to_lines(&self) -> Vec<String> {
        let mut lines = vec![self.what.clone()];
        let mut push_part = |name: &str, part: &mut dyn Iterator<Item = &str>| {
            for (place, line) in part.enumerate() {
                let margin = if place == 0 { name } else { "" };
                lines.push(format!("  {margin:5} {line}"));
            }
        };
        push_part("why:", &mut self.why.iter().map(String::as_str));
        // A user who interrupts the command knows how to start it again.
        if self.next.is_some() || self.exit != Exit::Interrupted {
            push_part("next:", &mut self.next_step_or_default().split('\n'));
        }
        lines
    }

    /// Returns the next step that was set, or else a default one.
    fn next_step_or_default(&self) -> &str {
        match (&self.next, self.exit) {
            (Some(next), _) => next,
            (None, Exit::Usage) => "the same command with --help",
            (None, Exit::Interrupted) => "the same command again",
            (None, _) => "restctl doctor, which checks the whole chain",
        }
    }

    /// Returns the next step that was set. `None` if the default one applies.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.next.as_deref()
    }

    pub(crate) fn to_json(&self) -> Value {
        let why = (!self.why.is_empty()).then(|| self.why.join("\n"));
        json!({
            "outcome": "failed",
            "what": self.what,
            "why": why,
            "next": self.next_step_or_default(),
            "exit": self.exit as u8,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_lines().join("\n"))
    }
}

impl std::error::Error for Failure {}

/// Returns the result of `work`. If `stopped` completes first, `work` is dropped and `interrupted` is the failure.
pub(crate) async fn unless_stopped<T>(
    stopped: impl Future<Output = Result<()>>,
    interrupted: Failure,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        // The stop comes first: a caller that has stopped already wants no question and no request.
        biased;
        signal = stopped => {
            signal?;
            Err(interrupted.exit(Exit::Interrupted))
        }
        done = work => done,
    }
}

/// Adds to an error what was being done.
pub(crate) trait FailureContext<T>: Sized {
    fn context(self, what: impl Into<String>) -> Result<T>;

    /// Adds to an error of a file that an argument names what was being done, and that the argument may be wrong.
    fn context_of_argument(self, what: impl Into<String>) -> Result<T> {
        let next = "correct the path, or allow yourself to read the file";
        self.context(what).map_err(|failure| failure.exit(Exit::Usage).next(next))
    }

    /// Adds to an error of a temporary file what was being done, and how to make room.
    fn context_of_temporary_file(self, what: impl Into<String>) -> Result<T> {
        let next = "choose a folder with more space: export TMPDIR=/path/to/folder";
        self.context(what).map_err(|failure| failure.next(next))
    }
}

impl<T, E: std::error::Error + 'static> FailureContext<T> for std::result::Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|error| Failure::new(what).because(&error))
    }
}
