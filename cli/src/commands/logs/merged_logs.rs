//! Merges the logs of several functions by time.

use super::filter::LogFilter;
use super::function::{LogGroup, LoggedFunction};
use crate::aws::cloudwatchlogs::{self, LogEvent, LogEvents};
use crate::context::Context;
use crate::failure::Result;

pub(super) struct MergedLogs {
    logs: Vec<FunctionLog>,
}

struct FunctionLog {
    function: LoggedFunction,
    events: LogEvents,
    /// The first event that has not been returned.
    next: Option<LogEvent>,
}

impl MergedLogs {
    /// Opens the log of each function from its own `since` on, in milliseconds since the Unix epoch.
    pub(super) async fn open(
        context: &Context,
        groups: &[LogGroup],
        filter: &LogFilter,
        since: impl Fn(LoggedFunction) -> i64,
    ) -> Result<Self> {
        let aws = context.aws().await?;
        let mut logs = Vec::new();
        for LogGroup { function, name } in groups {
            let mut events = cloudwatchlogs::filter_events(aws, name, since(*function), filter.search_term());
            let next = events.next().await?;
            logs.push(FunctionLog { function: *function, events, next });
        }
        Ok(Self { logs })
    }

    /// Returns the earliest remaining event, or `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<(LoggedFunction, LogEvent)>> {
        let logs = self
            .logs
            .iter_mut()
            .filter_map(|log| log.next.as_ref().map(|next| next.timestamp).zip(Some(log)));
        let Some((_, log)) = logs.min_by_key(|(timestamp, _)| *timestamp) else { return Ok(None) };
        let following = log.events.next().await?;
        Ok(std::mem::replace(&mut log.next, following).map(|event| (log.function, event)))
    }
}
