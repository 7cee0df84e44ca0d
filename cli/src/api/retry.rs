//! Which answers of the API are worth another attempt, and when.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::terminal::output;

/// The most attempts of a call, and the longest pause between two of them.
const MAX_ATTEMPTS: u32 = 6;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The attempts of one call.
#[derive(Default)]
pub(crate) struct Attempts {
    count: u32,
    has_renewed_token: bool,
}

/// What has to happen before the next attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    WithNewToken,
    After(Duration),
}

impl Attempts {
    /// Counts an answered attempt and returns how to retry it: once with a new token if the API refuses the current one,
    /// and a few times if the API is busy. `None` if the answer is final.
    pub(crate) fn next_retry(&mut self, status: StatusCode, headers: &HeaderMap) -> Option<Retry> {
        self.count += 1;
        if status == StatusCode::UNAUTHORIZED && !self.has_renewed_token {
            self.has_renewed_token = true;
            return Some(Retry::WithNewToken);
        }
        requested_pause(status, headers).filter(|_| self.count < MAX_ATTEMPTS).map(Retry::After)
    }
}

/// Waits as long as the busy API asks for.
pub(crate) async fn wait_while_busy(pause: Duration) {
    output::print_message(format!("the API is busy; retrying in {} s", pause.as_secs()));
    tokio::time::sleep(pause).await;
}

/// Returns how long a busy API asks to wait. `None` if it is not busy, or if it gives no number of seconds.
fn requested_pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    let is_busy = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS;
    is_busy.then(|| Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())])
    }

    #[test]
    fn the_api_sets_the_pause_within_a_bound() {
        let pause = |status: u16, value: &str| {
            requested_pause(status.try_into().unwrap(), &retry_after(value)).map(|pause| pause.as_secs())
        };
        assert_eq!(pause(503, "2"), Some(2));
        assert_eq!(pause(429, "3600"), Some(60));
        assert_eq!(pause(500, "2"), None);
        assert_eq!(pause(503, "Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(requested_pause(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()), None);
    }

    #[test]
    fn a_token_is_renewed_once_and_a_busy_api_is_retried_a_few_times() {
        let mut attempts = Attempts::default();
        let busy = || (StatusCode::SERVICE_UNAVAILABLE, retry_after("1"));
        let none = HeaderMap::new();
        assert_eq!(attempts.next_retry(StatusCode::UNAUTHORIZED, &none), Some(Retry::WithNewToken));
        for _ in 0..4 {
            let (status, headers) = busy();
            assert_eq!(attempts.next_retry(status, &headers), Some(Retry::After(Duration::from_secs(1))));
        }
        let (status, headers) = busy();
        assert_eq!(attempts.next_retry(status, &headers), None, "the sixth attempt is the last");

        assert_eq!(attempts.next_retry(StatusCode::UNAUTHORIZED, &none), None);
        assert_eq!(Attempts::default().next_retry(StatusCode::NOT_FOUND, &none), None);
    }
}
