//! Keeps a panic of somebody else's parser from ending the command.
//!
//! calamine 0.38 panics on an .xls that was cut off, and parquet 60 on a footer with negative offsets; the tests have
//! such files. What they were parsing is dropped with them, so nothing broken is used afterwards.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

use super::refusal::contradictory;
use crate::failure::Result;

thread_local! {
    /// Whether a panic of this thread is contained, and need not be printed.
    static CONTAINS: Cell<bool> = const { Cell::new(false) };
}

/// Returns the result of `work`. If it panics, the file `shown` is damaged.
pub(super) async fn contain_panics<T>(shown: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    silence_contained_panics();
    let mut work = pin!(work);
    poll_fn(|context| {
        CONTAINS.set(true);
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        CONTAINS.set(false);
        polled.unwrap_or_else(|_| Poll::Ready(Err(contradictory(shown, "its parts contradict each other"))))
    })
    .await
}

fn silence_contained_panics() {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            if !CONTAINS.get() {
                print(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[tokio::test]
    async fn a_panic_is_a_failure_with_advice() {
        let panics = async {
            tokio::task::yield_now().await;
            let nothing: [u8; 0] = [];
            Ok(nothing[nothing.len()])
        };
        let failure = contain_panics("a.xls", panics).await.unwrap_err().to_string();
        assert!(failure.contains("a.xls is damaged or was cut off"), "{failure}");
        assert!(contain_panics("a.xls", async { Ok(1) }).await.is_ok());
        assert!(contain_panics("a.xls", async { Err::<(), _>(Failure::new("other")) }).await.is_err());
    }
}
