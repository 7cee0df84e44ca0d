use std::error::Error as StdError;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a load cannot go on for now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the message is no \"Object Created\" event of Amazon S3")]
    NoEvent(#[source] Option<serde_json::Error>),
    #[error("{operation} of {target:?} failed")]
    Service { operation: &'static str, target: String, source: BoxError },
    #[error("{operation} is refused: {message}")]
    Refused { operation: &'static str, message: String },
    #[error("{operation} gives an answer that cannot be read")]
    Answer { operation: &'static str, source: BoxError },
    #[error("the rejects cannot be written to local disk")]
    Spool(#[from] std::io::Error),
    #[error("the invocation's time was up before a window of rows was written")]
    OutOfTime,
}

impl Error {
    pub(crate) fn service(
        operation: &'static str,
        target: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Service { operation, target: target.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn answer(operation: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Answer { operation, source: source.into() }
    }

    /// The error and its causes in one line.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
