//! The argument `--timeout` of the commands that wait.

use std::future::Future;
use std::time::{Duration, Instant};

use clap::Args;

use super::duration::parse_duration;
use crate::failure::{Exit, Failure, Result, unless_stopped};
use crate::terminal::interrupt;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WaitArgs {
    /// Stop waiting after this time, such as 90s, 10m or 2h; what was started continues
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    timeout: Option<Duration>,
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "give a number with s, m, h or d, as in 90s".to_owned())
}

impl WaitArgs {
    /// Returns the deadline of a wait that begins now.
    pub(crate) fn deadline(self) -> WaitDeadline {
        WaitDeadline(self.timeout.map(|timeout| (timeout, Instant::now())))
    }
}

/// When a command stops waiting: after a time since a moment, or never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitDeadline(Option<(Duration, Instant)>);

impl WaitDeadline {
    /// The deadline of a command without `--timeout`.
    #[cfg(test)]
    pub(crate) const NEVER: Self = Self(None);

    #[cfg(test)]
    pub(crate) fn after(timeout: Duration) -> Self {
        Self(Some((timeout, Instant::now())))
    }

    /// Returns `time`, or the time until the deadline if that is shorter.
    pub(crate) fn limit_time(self, time: Duration) -> Duration {
        self.0.map_or(time, |(timeout, began)| time.min(timeout.saturating_sub(began.elapsed())))
    }

    pub(crate) fn is_over(self) -> bool {
        self.0.is_some_and(|(timeout, began)| began.elapsed() >= timeout)
    }

    /// Completes at the deadline.
    pub(crate) async fn reached(self) {
        match self.0 {
            Some((timeout, began)) => tokio::time::sleep(timeout.saturating_sub(began.elapsed())).await,
            None => std::future::pending().await,
        }
    }

    /// Returns the failure of a command whose deadline is over. `running` says in a sentence what continues.
    pub(crate) fn failure(self, running: &str) -> Failure {
        self.stopped(&format!(": {running}"))
    }

    fn stopped(self, state: &str) -> Failure {
        let seconds = self.0.map_or(0.0, |(timeout, _)| timeout.as_secs_f64());
        Failure::new(format!("stopped waiting after {seconds} s{state}")).exit(Exit::StillRunning)
    }

    /// Fails at the deadline, or at Ctrl-C from the call on. `undone` completes "before …", and `next` says what to type.
    pub(crate) fn wait_for_stop(self, undone: &str, next: &str) -> impl Future<Output = Result<()>> + use<> {
        let interrupted = Failure::new(format!("interrupted before {undone}")).next(next);
        let is_over = self.stopped(&format!(", before {undone}")).next(next);
        let ctrl_c = interrupt::ctrl_c();
        async move {
            tokio::select! {
                biased;
                () = self.reached() => Err(is_over),
                signal = ctrl_c => Err(signal.err().unwrap_or(interrupted.exit(Exit::Interrupted))),
            }
        }
    }

    /// Returns the result of `work`. If Ctrl-C or the deadline comes first, `work` is dropped. `undone` and `next` are those of
    /// [`wait_for_stop`](Self::wait_for_stop).
    pub(crate) fn limit<T>(
        self,
        undone: &str,
        next: &str,
        work: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        let work = Box::pin(work);
        unless_stopped(self.wait_for_stop(undone, next), Failure::interrupted(), work)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn work_is_given_up_at_the_deadline() {
        let over = WaitDeadline::after(Duration::ZERO);
        assert!(over.is_over() && !WaitDeadline::NEVER.is_over());
        let failure = over.limit::<()>("it began", "again", pending()).await.unwrap_err();
        assert_eq!(failure.exit, Exit::StillRunning);
        assert!(failure.to_string().contains("before it began"), "{failure}");
        assert_eq!(WaitDeadline::NEVER.limit("it began", "again", ready(Ok(1))).await.unwrap(), 1);
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!((over.limit_time(day), WaitDeadline::NEVER.limit_time(day)), (Duration::ZERO, day));
    }
}
