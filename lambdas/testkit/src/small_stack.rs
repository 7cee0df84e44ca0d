//! A thread with little stack, on which a parser of hostile texts must manage.

/// A sixteenth of what Linux gives the first thread of a process.
const STACK_BYTES: usize = 512 * 1024;

/// Runs `work` on such a thread, and panics if it does. If the stack overflows, the process ends.
pub fn run_on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    thread.expect("the system has room for a thread").join().expect("the work does not panic");
}
