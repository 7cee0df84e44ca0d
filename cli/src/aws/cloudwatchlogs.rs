//! Amazon CloudWatch Logs: the logs of the functions.

use std::vec;

use aws_sdk_cloudwatchlogs::operation::filter_log_events::builders::FilterLogEventsFluentBuilder;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Exit, Failure, Result};

pub(crate) struct LogEvent {
    /// `None` in emulators.
    pub(crate) id: Option<String>,
    pub(crate) stream: String,
    /// When it was written, in milliseconds since 1970.
    pub(crate) timestamp: i64,
    pub(crate) message: String,
}

/// The events of a log group, ordered by their timestamps. One page of 1 MB is in memory at a time.
pub(crate) struct LogEvents {
    group: String,
    /// The request for the next page. `None` after the last one.
    request: Option<FilterLogEventsFluentBuilder>,
    page: vec::IntoIter<FilteredLogEvent>,
}

/// Returns the events of `group` from `since` on, in milliseconds since 1970. If `term` is set, returns only the events that
/// contain it; it consists of letters, digits and hyphens. Sends nothing yet.
///
/// Events appear some seconds after a function wrote them, and not always in order.
pub(crate) fn filter_events(aws: &Aws, group: &str, since: i64, term: Option<&str>) -> LogEvents {
    // A term with hyphens has to be quoted ("Filter pattern syntax", Amazon CloudWatch Logs User Guide).
    let pattern = term.map(|term| format!("\"{term}\""));
    let request = aws.cloudwatchlogs.filter_log_events().log_group_name(group).start_time(since);
    let request = request.set_filter_pattern(pattern);
    LogEvents { group: group.to_owned(), request: Some(request), page: Vec::new().into_iter() }
}

impl LogEvents {
    pub(crate) async fn next(&mut self) -> Result<Option<LogEvent>> {
        loop {
            if let Some(event) = self.page.next() {
                return Ok(Some(LogEvent::from(event)));
            }
            // A page may be empty although others follow.
            let Some(request) = self.request.take() else { return Ok(None) };
            let answer = request.clone().send().await;
            if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
                return Err(group_not_found(&self.group));
            }
            let page = answer.aws_context(&format!("read the log {}", self.group))?;
            self.request = page.next_token.map(|token| request.next_token(token));
            self.page = page.events.unwrap_or_default().into_iter();
        }
    }
}

impl From<FilteredLogEvent> for LogEvent {
    fn from(event: FilteredLogEvent) -> Self {
        Self {
            id: event.event_id,
            stream: event.log_stream_name.unwrap_or_default(),
            timestamp: event.timestamp.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
        }
    }
}

fn group_not_found(group: &str) -> Failure {
    Failure::new(format!("the log group {group} was not found"))
        .exit(Exit::NotFound)
        .next("restctl deploy, which creates it; or name another stack with --stack NAME")
}
