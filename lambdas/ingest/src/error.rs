//! Why a call, an attempt or a load fails.

use std::error::Error as StdError;

use restctl_aws::{BoxError, CallError, error_chain};
use restctl_contract::event::EventError;
use restctl_contract::log_text::LogText;
use restctl_rows::Unreadable;

/// A failure that another attempt may avoid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the message is not an \"Object Created\" event of Amazon S3")]
    NotAnObjectCreatedEvent(#[from] EventError),
    #[error("a call of DynamoDB failed")]
    Dynamodb(#[from] CallError),
    #[error("the message was received so long ago that another invocation may have it")]
    MessageTaken,
    #[error("{operation} of {target:?} failed")]
    Service { operation: &'static str, target: String, source: BoxError },
    /// The request itself is invalid.
    #[error("{operation} was refused: {message}")]
    InvalidRequest { operation: &'static str, message: String },
    #[error("the answer to {operation} cannot be read")]
    UnreadableAnswer { operation: &'static str, source: BoxError },
    #[error("cannot write the rejects to the local disk")]
    RejectsFile(#[from] std::io::Error),
    #[error("the invocation ran out of time before it had written a window of rows")]
    OutOfTime,
}

/// Why a load stops before the end of its file.
pub(crate) enum LoadError {
    /// Every attempt would fail in the same way. The reason is for the ledger.
    Permanent(String),
    /// An invocation's time does not suffice for reading the file any further. The reason is for the ledger.
    TooSlow(String),
    Temporary(Error),
}

impl Error {
    /// Returns the error and its causes as the log and the ledger show them.
    pub(crate) fn describe(&self) -> String {
        LogText(&error_chain(self)).to_string()
    }

    pub(crate) fn failed_call(
        operation: &'static str,
        target: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Service { operation, target: target.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn unreadable_answer(operation: &'static str, source: impl Into<BoxError>) -> Self {
        Self::UnreadableAnswer { operation, source: source.into() }
    }
}

impl LoadError {
    pub(crate) fn object_deleted() -> Self {
        Self::Permanent("the object was deleted before it was loaded: upload it again".to_owned())
    }
}

impl From<Unreadable> for LoadError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Permanent(unreadable.with_advice())
    }
}

impl From<Error> for LoadError {
    fn from(error: Error) -> Self {
        Self::Temporary(error)
    }
}
