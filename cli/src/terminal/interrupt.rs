//! Ctrl-C, when something has to be undone, asked or said before the process ends.

use std::future::Future;

use crate::failure::{Failure, FailureContext, Result, unless_stopped};

/// Returns the result of `work`. If Ctrl-C comes first, `work` is dropped and `interrupted` is the failure.
///
/// From then on Ctrl-C no longer ends this process by itself: tokio keeps its handler.
pub(crate) async fn unless_interrupted<T>(
    interrupted: Failure,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    unless_stopped(ctrl_c(), interrupted, work).await
}

/// Waits for Ctrl-C.
pub(crate) async fn ctrl_c() -> Result<()> {
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
}
