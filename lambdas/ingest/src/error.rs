use std::error::Error as StdError;

/// Why a message has to come again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the message is no \"Object Created\" event of Amazon S3")]
    NoEvent(#[source] Option<serde_json::Error>),
    #[error("{operation} of {target:?} failed")]
    Service { operation: &'static str, target: String, source: Box<dyn StdError + Send + Sync> },
    #[error("the ledger's entry of load {load} is not one that this version understands")]
    Ledger { load: String, source: serde_dynamo::Error },
    #[error("the rejects file cannot be written to local disk")]
    Spool(#[from] std::io::Error),
    #[error("the invocation's time is nearly up, and the load is not done")]
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
