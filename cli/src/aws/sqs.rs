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

/// About how many messages are in the queue, those under way included.
pub(crate) async fn messages(aws: &Aws, queue_url: &str) -> Result<u64> {
    const COUNTS: [QueueAttributeName; 3] = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let request =
        aws.sqs.get_queue_attributes().queue_url(queue_url).set_attribute_names(Some(COUNTS.to_vec()));
    let answer = request.send().await.called("look at the queue of loads")?;
    let counts = answer.attributes.unwrap_or_default();
    Ok(COUNTS.iter().filter_map(|count| counts.get(count)?.parse::<u64>().ok()).sum())
}
