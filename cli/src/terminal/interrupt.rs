//! Ctrl-C. It goes to the innermost part of the command that waits for it because something has to be undone, asked or said.
//! If none does, it ends the process, even while that waits for a disk, a pipe or a terminal.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::output;
use crate::failure::{Exit, Failure, FailureContext, Result, unless_stopped};

const WAITING: &str = "cannot wait for Ctrl-C";

type Handler = Box<dyn FnOnce() + Send>;

/// The handlers of those who wait for Ctrl-C, the innermost last.
static HANDLERS: Mutex<BTreeMap<u64, Handler>> = Mutex::new(BTreeMap::new());

/// Handles Ctrl-C from now on. A thread of its own does so, because the main one may be blocked.
pub(crate) fn start_handling() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context(WAITING)?;
    let entered = runtime.enter();
    let mut signals = signal(SignalKind::interrupt()).context(WAITING)?;
    drop(entered);
    let handle_signals = move || {
        runtime.block_on(async {
            while signals.recv().await.is_some() {
                handle_signal();
            }
        });
    };
    thread::Builder::new().spawn(handle_signals).context(WAITING)?;
    Ok(())
}

fn handle_signal() {
    let innermost = lock_handlers().pop_last();
    match innermost {
        Some((_, handler)) => handler(),
        None => output::exit_with_failure(&Failure::interrupted()),
    }
}

/// Returns the result of `work`. If Ctrl-C comes first, `work` is dropped and `interrupted` is the failure.
pub(crate) async fn unless_interrupted<T>(
    interrupted: Failure,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    unless_stopped(ctrl_c(), interrupted, work).await
}

/// Waits for Ctrl-C, from the call on until the future is dropped.
pub(crate) fn ctrl_c() -> impl Future<Output = Result<()>> {
    let (sender, receiver) = oneshot::channel();
    let registered = Registered::new(move || {
        // Nobody waits any more if the future was dropped meanwhile.
        let _ = sender.send(());
    });
    async move {
        let _registered = registered;
        receiver.await.context(WAITING)
    }
}

/// Until the returned value is dropped, Ctrl-C ends the process: for what blocks the main thread. `restore` comes first.
pub(crate) fn end_process_with(failure: Failure, restore: impl FnOnce() + Send + 'static) -> impl Drop {
    Registered::new(move || {
        restore();
        output::exit_with_failure(&failure.exit(Exit::Interrupted))
    })
}

/// A handler in its place until this is dropped.
struct Registered(u64);

impl Registered {
    fn new(handler: impl FnOnce() + Send + 'static) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let place = NEXT.fetch_add(1, Ordering::Relaxed);
        lock_handlers().insert(place, Box::new(handler));
        Self(place)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock_handlers().remove(&self.0);
    }
}

fn lock_handlers() -> MutexGuard<'static, BTreeMap<u64, Handler>> {
    HANDLERS.lock().unwrap_or_else(PoisonError::into_inner)
}
