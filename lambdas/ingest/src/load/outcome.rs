use std::time::Duration;

/// How far one invocation has brought a load.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LoadOutcome {
    /// The ledger has the load as loaded or as failed: nothing is left to do.
    Settled,
    /// Time ran short, and the next invocation continues.
    Continues,
    /// The load failed for a reason that may pass.
    Retries {
        /// The number of failures since the load last made progress.
        failures: u32,
    },
    /// The last attempt failed so recently that the next one should wait.
    TooEarly {
        /// How long it should wait.
        wait: Duration,
    },
    /// The load has failed too often.
    Stopped,
}
