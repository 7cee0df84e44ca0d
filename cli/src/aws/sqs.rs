//! Amazon SQS: the queue of loads.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::types::QueueAttributeName;
use restctl_contract::event::{MESSAGE_GROUP, ObjectCreated};
use restctl_contract::load::LoadId;

use super::Aws;
use super::call::Called;
use crate::failure::{During, Result};

/// Queues `load` behind those that came before. Done twice, the ledger makes the second do nothing.
pub(crate) async fn queue_load(
    aws: &Aws,
    queue_url: &str,
    load: &LoadId,
    event: &ObjectCreated,
) -> Result<()> {
    let body = serde_json::to_string(event).during("the load cannot be described")?;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let request = aws
        .sqs
        .send_message()
        .queue_url(queue_url)
        .message_group_id(MESSAGE_GROUP)
        // By itself the queue drops a message whose body it has seen in the last five minutes.
        .message_deduplication_id(format!("{load}-{}", since_epoch.as_nanos()))
        .message_body(body);
    request.send().await.called("queue the load")?;
    Ok(())
}

/// About how many messages a queue holds.
pub(crate) struct Depth {
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
}

pub(crate) async fn depth(aws: &Aws, queue_url: &str) -> Result<Depth> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesDelayed as Delayed,
        ApproximateNumberOfMessagesNotVisible as NotVisible,
    };
    let request = aws.sqs.get_queue_attributes().queue_url(queue_url);
    let request = request.set_attribute_names(Some(vec![Visible, Delayed, NotVisible]));
    let answer = request.send().await.called(&format!("look at the queue {queue_url}"))?;
    let count = |name| answer.attributes()?.get(&name)?.parse::<u64>().ok();
    let count = |name| count(name).unwrap_or_default();
    Ok(Depth { waiting: count(Visible) + count(Delayed), in_flight: count(NotVisible) })
}
