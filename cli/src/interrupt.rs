//! Ctrl-C, where something has to be undone or said before the process ends.

use std::future::Future;

use crate::failure::{During, Exit, Failure, Result};

/// What `work` comes to, unless Ctrl-C comes first: then `work` is dropped, and `what` is the failure.
///
/// From then on Ctrl-C no longer ends this process by itself: tokio keeps its handler.
pub(crate) async fn unless_interrupted<T>(what: Failure, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.during("Ctrl-C cannot be waited for")?;
            Err(what.exit(Exit::Interrupted))
        }
    }
}
