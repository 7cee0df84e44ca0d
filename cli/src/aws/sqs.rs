//! Amazon SQS: the queue of loads.

use restctl_contract::event::{MESSAGE_GROUP, ObjectCreated};

use super::Aws;
use super::call::Called;
use crate::failure::{During, Result};

/// Queues a load behind those that came before. Done twice, the ledger makes the second do nothing.
pub(crate) async fn queue_load(aws: &Aws, queue_url: &str, event: &ObjectCreated) -> Result<()> {
    let body = serde_json::to_string(event).during("the load cannot be described")?;
    let request =
        aws.sqs.send_message().queue_url(queue_url).message_group_id(MESSAGE_GROUP).message_body(body);
    request.send().await.called("queue the load")?;
    Ok(())
}
