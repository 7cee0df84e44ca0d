//! What happens at Ctrl-C.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

type Action = Box<dyn FnOnce() + Send>;

/// The innermost is the last.
static HANDLERS: Mutex<BTreeMap<u64, Action>> = Mutex::new(BTreeMap::new());

/// Handles Ctrl-C once, in a thread of its own, unless it is dropped before.
pub(super) struct InterruptHandler(u64);

impl InterruptHandler {
    pub(super) fn register(action: impl FnOnce() + Send + 'static) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let place = NEXT.fetch_add(1, Ordering::Relaxed);
        lock_handlers().insert(place, Box::new(action));
        Self(place)
    }
}

impl Drop for InterruptHandler {
    fn drop(&mut self) {
        lock_handlers().remove(&self.0);
    }
}

/// Removes the handler that was registered last, and returns what it does.
pub(super) fn take_innermost() -> Option<Action> {
    lock_handlers().pop_last().map(|(_, action)| action)
}

fn lock_handlers() -> MutexGuard<'static, BTreeMap<u64, Action>> {
    HANDLERS.lock().unwrap_or_else(PoisonError::into_inner)
}
