//! Ctrl-C. It goes to the innermost part of the command that waits for it because something has to be undone, asked or said.
//! If none does, it ends the process, even while that waits for a disk, a pipe or a terminal.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::{process, thread};

use futures_util::FutureExt;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, MutexGuard, oneshot};

use super::interrupt_handler::{self, InterruptHandler};
use super::output;
use crate::failure::{Exit, Failure, FailureContext, Result, unless_stopped};

const WAITING: &str = "cannot wait for Ctrl-C";

/// Ctrl-C is ending the process.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Held while Ctrl-C is handled, and while it must wait.
static HANDLING: Mutex<()> = Mutex::const_new(());

/// Handles Ctrl-C from now on. A thread of its own does so, because the main one may be blocked.
pub(crate) fn start_handling() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context(WAITING)?;
    let entered = runtime.enter();
    let mut signals = signal(SignalKind::interrupt()).context(WAITING)?;
    // With a handler, a write beyond the limit for files fails as on a full disk. Otherwise it would end the process.
    let beyond_limit = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
    drop(beyond_limit.context("cannot handle the limit for files")?);
    drop(entered);
    let handle_signals = move || {
        runtime.block_on(async {
            while signals.recv().await.is_some() {
                if IS_ENDING.load(Ordering::SeqCst) {
                    process::exit(Exit::Interrupted as i32);
                }
                handle_signal(HANDLING.lock().await);
            }
        });
    };
    thread::Builder::new().spawn(handle_signals).context(WAITING)?;
    Ok(())
}

/// Handles Ctrl-C in a thread of its own: to say that the process ends may take forever if the reader of a pipe is stuck. The
/// next Ctrl-C then ends it at once.
fn handle_signal(handling: MutexGuard<'static, ()>) {
    let handle = move || {
        handle_innermost();
        drop(handling);
    };
    if thread::Builder::new().spawn(handle).is_err() {
        process::exit(Exit::Interrupted as i32);
    }
}

fn handle_innermost() {
    match interrupt_handler::take_innermost() {
        Some(handle) => handle(),
        None => end_process(&Failure::interrupted()),
    }
}

fn end_process(failure: &Failure) -> ! {
    IS_ENDING.store(true, Ordering::SeqCst);
    output::exit_with_failure(failure)
}

/// Returns the result of `work`. If Ctrl-C comes first, `work` is dropped and `interrupted` is the failure.
pub(crate) fn unless_interrupted<T>(
    interrupted: Failure,
    work: impl Future<Output = Result<T>>,
) -> impl Future<Output = Result<T>> {
    // On the heap: the futures of a deployment, one in another and unoptimized, do not fit on the stack.
    let work = Box::pin(work);
    async move { unless_stopped(ctrl_c(), interrupted, work).await }
}

/// Returns the result of `work`, which Ctrl-C does not cut off: it is handled afterwards. For calls that belong together; one such
/// `work` must not contain another.
pub(crate) fn postpone_during<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    // On the heap, as in `unless_interrupted`.
    let work = Box::pin(work);
    async move {
        let _waiting = HANDLING.lock().await;
        // A Ctrl-C that came before drops this future here, and not later.
        tokio::task::yield_now().await;
        work.await
    }
}

/// Waits for Ctrl-C, from the call on until the returned value is dropped.
pub(crate) fn ctrl_c() -> CtrlC {
    let (sender, receiver) = oneshot::channel();
    let registered = InterruptHandler::register(move || {
        if sender.send(()).is_err() {
            handle_innermost();
        }
    });
    CtrlC { registered: Some(registered), receiver }
}

/// A wait for Ctrl-C. One that comes too late for it goes to the handler outside.
pub(crate) struct CtrlC {
    registered: Option<InterruptHandler>,
    receiver: oneshot::Receiver<()>,
}

impl Future for CtrlC {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.receiver.poll_unpin(context).map(|received| received.context(WAITING))
    }
}

impl Drop for CtrlC {
    fn drop(&mut self) {
        self.registered = None;
        self.receiver.close();
        if self.receiver.try_recv().is_ok() {
            handle_innermost();
        }
    }
}

/// Until the returned value is dropped, the first Ctrl-C does nothing here: it is left to another process of the terminal.
pub(crate) fn leave_to_other_process() -> impl Drop {
    InterruptHandler::register(|| {})
}

/// Until the returned value is dropped, Ctrl-C ends the process: for what blocks the main thread. `restore` comes first.
pub(crate) fn end_process_with(failure: Failure, restore: impl FnOnce() + Send + 'static) -> impl Drop {
    InterruptHandler::register(move || {
        restore();
        end_process(&failure.exit(Exit::Interrupted))
    })
}
