//! The logs of several functions as one.

use super::Function;
use super::wanted::Wanted;
use crate::aws::cloudwatchlogs::{self, LogEvent, LogEvents};
use crate::context::Context;
use crate::failure::Result;

pub(super) struct Merged {
    logs: Vec<Log>,
}

struct Log {
    function: Function,
    events: LogEvents,
    /// The first one that has not been handed out.
    next: Option<LogEvent>,
}

impl Merged {
    /// What is wanted of these functions, each from its own `since` on, in milliseconds since the Unix epoch.
    pub(super) async fn since(
        context: &Context,
        functions: &[Function],
        wanted: &Wanted,
        since: impl Fn(Function) -> i64,
    ) -> Result<Self> {
        let aws = context.aws().await?;
        let mut logs = Vec::new();
        for function in functions.iter().copied() {
            let group = function.log_group(&context.stack);
            let mut events = cloudwatchlogs::filter_events(aws, &group, since(function), wanted.term());
            let next = events.next().await?;
            logs.push(Log { function, events, next });
        }
        Ok(Self { logs })
    }

    /// The earliest one that is left.
    pub(super) async fn next(&mut self) -> Result<Option<(Function, LogEvent)>> {
        let logs = self
            .logs
            .iter_mut()
            .filter_map(|log| log.next.as_ref().map(|next| next.timestamp).zip(Some(log)));
        let Some((_, log)) = logs.min_by_key(|(timestamp, _)| *timestamp) else { return Ok(None) };
        let following = log.events.next().await?;
        Ok(std::mem::replace(&mut log.next, following).map(|event| (log.function, event)))
    }
}
