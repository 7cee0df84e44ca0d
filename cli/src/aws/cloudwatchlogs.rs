//! Amazon CloudWatch Logs: the logs of the functions.

use std::collections::HashMap;
use std::vec;

use aws_sdk_cloudwatchlogs::operation::filter_log_events::builders::FilterLogEventsFluentBuilder;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Exit, Failure, Result};
use crate::timestamp;

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

/// A log group with a tag, whether or not its stack still exists.
pub(crate) struct TaggedGroup {
    pub(crate) name: String,
    pub(crate) tags: HashMap<String, String>,
    /// As CloudWatch Logs counts it, some time later.
    pub(crate) bytes: u64,
    /// RFC 3339.
    pub(crate) created: Option<String>,
}

/// Returns the log groups that have the tag `key`. Looks only at those whose names contain `part` and may belong to a stack.
pub(crate) async fn find_groups_by_tag(
    aws: &Aws,
    key: &str,
    part: &str,
    is_candidate: impl Fn(&str) -> bool,
) -> Result<Vec<TaggedGroup>> {
    let mut tagged = Vec::new();
    let request = aws.cloudwatchlogs.describe_log_groups();
    let mut pages = request
        .set_log_group_name_pattern((!part.is_empty()).then(|| part.to_owned()))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let groups = page.aws_context("list the logs")?.log_groups.unwrap_or_default();
        for group in groups {
            let (Some(name), Some(arn)) = (group.log_group_name, group.log_group_arn) else { continue };
            if !is_candidate(&name) {
                continue;
            }
            let tags = aws.cloudwatchlogs.list_tags_for_resource().resource_arn(arn).send().await;
            let tags =
                tags.aws_context(&format!("read the tags of the log {name}"))?.tags.unwrap_or_default();
            if tags.contains_key(key) {
                let bytes = group.stored_bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
                let created = group.creation_time.and_then(timestamp::from_milliseconds);
                tagged.push(TaggedGroup { name, tags, bytes, created });
            }
        }
    }
    Ok(tagged)
}

/// Deletes a log group with its events. Does nothing if it is gone.
pub(crate) async fn delete_group(aws: &Aws, group: &str) -> Result<()> {
    let answer = aws.cloudwatchlogs.delete_log_group().log_group_name(group).send().await;
    if answer.error_code() != Some(RESOURCE_NOT_FOUND) {
        answer.aws_context(&format!("delete the log {group}"))?;
    }
    Ok(())
}

pub(crate) async fn group_exists(aws: &Aws, group: &str) -> Result<bool> {
    let mut pages =
        aws.cloudwatchlogs.describe_log_groups().log_group_name_prefix(group).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context(&format!("read the log {group}"))?;
        if page.log_groups().iter().any(|found| found.log_group_name() == Some(group)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn group_not_found(group: &str) -> Failure {
    Failure::new(format!("the log group {group} was not found"))
        .exit(Exit::NotFound)
        .next("restctl deploy, which creates it; or name another stack with --stack NAME")
}
