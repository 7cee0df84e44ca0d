//! Amazon SQS: the queue of loads and its dead-letter queue.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};
use restctl_contract::event::{MESSAGE_GROUP, UploadedObject};
use restctl_contract::load::LoadId;

use super::Aws;
use super::error::AwsContext;
use crate::failure::{FailureContext, Result};
use crate::timestamp;

/// The most messages of one call. No more of a FIFO queue's message group can be received until these are deleted or visible
/// again ("FIFO queue delivery logic", Amazon SQS Developer Guide).
pub(crate) const MAX_RECEIVED: usize = 10;

/// A received message, which is hidden from other receivers for a while.
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    /// When it was sent, in the ledger's format.
    pub(crate) sent: Option<String>,
    receipt_handle: String,
}

/// Queues `load` behind the loads that are queued already. If a load is queued twice, the ledger makes the second one do nothing.
pub(crate) async fn queue_load(
    aws: &Aws,
    queue_url: &str,
    load: &LoadId,
    object: &UploadedObject,
) -> Result<()> {
    queue_message(aws, queue_url, load.as_str(), &object.to_message()).await
}

/// Queues a message of a load behind those that are queued already. `name` distinguishes it from other messages.
pub(crate) async fn queue_message(aws: &Aws, queue_url: &str, name: &str, body: &str) -> Result<()> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let request = aws
        .sqs
        .send_message()
        .queue_url(queue_url)
        .message_group_id(MESSAGE_GROUP)
        // Without an id, the queue drops a message whose body it has seen in the last five minutes.
        .message_deduplication_id(format!("{name}-{}", since_epoch.as_nanos()))
        .message_body(body);
    request.send().await.aws_context("queue the load")?;
    Ok(())
}

/// Approximately how many messages a queue holds.
pub(crate) struct QueueDepth {
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
}

impl QueueDepth {
    pub(crate) fn total_messages(&self) -> usize {
        usize::try_from(self.waiting + self.in_flight).unwrap_or(usize::MAX)
    }
}

pub(crate) async fn read_depth(aws: &Aws, queue_url: &str) -> Result<QueueDepth> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesDelayed as Delayed,
        ApproximateNumberOfMessagesNotVisible as NotVisible,
    };
    let request = aws.sqs.get_queue_attributes().queue_url(queue_url);
    let request = request.set_attribute_names(Some(vec![Visible, Delayed, NotVisible]));
    let answer =
        request.send().await.aws_context(&format!("read the attributes of the queue {queue_url}"))?;
    let count = |name| answer.attributes()?.get(&name)?.parse::<u64>().ok();
    let count = |name| count(name).unwrap_or_default();
    Ok(QueueDepth { waiting: count(Visible) + count(Delayed), in_flight: count(NotVisible) })
}

/// Receives the first messages and hides them from other receivers for the time `hidden`.
pub(crate) async fn receive_messages(aws: &Aws, queue_url: &str, hidden: Duration) -> Result<Vec<Message>> {
    let request = aws
        .sqs
        .receive_message()
        .queue_url(queue_url)
        .max_number_of_messages(i32::try_from(MAX_RECEIVED).unwrap_or(1))
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        // Without a wait, SQS asks only some of its servers.
        .wait_time_seconds(1)
        .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX));
    let answer = request.send().await.aws_context("read the dead letters")?;
    let message = |message: aws_sdk_sqs::types::Message| {
        let attributes = message.attributes.unwrap_or_default();
        let sent = attributes.get(&MessageSystemAttributeName::SentTimestamp);
        Some(Message {
            id: message.message_id?,
            body: message.body.unwrap_or_default(),
            sent: sent.and_then(|sent| timestamp::from_milliseconds(sent.parse().ok()?)),
            receipt_handle: message.receipt_handle?,
        })
    };
    Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message).collect())
}

/// Makes received messages visible again. If this fails, they become visible by themselves after a while.
pub(crate) async fn return_messages<'a>(
    aws: &Aws,
    queue_url: &str,
    messages: impl IntoIterator<Item = &'a Message>,
) -> Result<()> {
    let entries = messages.into_iter().enumerate().map(|(place, message)| {
        ChangeMessageVisibilityBatchRequestEntry::builder()
            .id(place.to_string())
            .receipt_handle(&message.receipt_handle)
            .visibility_timeout(0)
            .build()
    });
    let entries = entries.collect::<std::result::Result<Vec<_>, _>>();
    let entries = entries.context("cannot build the request to return the dead letters")?;
    if entries.is_empty() {
        return Ok(());
    }
    let request = aws.sqs.change_message_visibility_batch().queue_url(queue_url);
    request.set_entries(Some(entries)).send().await.aws_context("return the dead letters to their queue")?;
    Ok(())
}

pub(crate) async fn delete_message(aws: &Aws, queue_url: &str, message: &Message) -> Result<()> {
    let request = aws.sqs.delete_message().queue_url(queue_url).receipt_handle(&message.receipt_handle);
    request.send().await.aws_context(&format!("delete the dead letter {}", message.id))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    async fn connect(answer: &'static str) -> Aws {
        test_server::connect(move || async move { (StatusCode::OK, answer) }).await
    }

    /// Answers as AWS sent them between 2023 and 2025: every value is a string, and what was not asked for may be there, too.
    #[tokio::test]
    async fn a_depth_counts_what_the_queue_tells() {
        for (answer, depth) in [
            (
                r#"{"Attributes":{"ApproximateNumberOfMessages":"3","ApproximateNumberOfMessagesDelayed":"4",
                    "ApproximateNumberOfMessagesNotVisible":"5","FifoQueue":"true","DeduplicationScope":"queue",
                    "RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:123456789012:dead.fifo\",\"maxReceiveCount\":1000}"}}"#,
                (7, 5),
            ),
            (r#"{"Attributes":{"ApproximateNumberOfMessages":"3"}}"#, (3, 0)),
            (r#"{"Attributes":{}}"#, (0, 0)),
            ("{}", (0, 0)),
        ] {
            let read = read_depth(&connect(answer).await, "http://localhost/loads").await.unwrap();
            assert_eq!((read.waiting, read.in_flight), depth, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_message_without_what_returns_it_is_left_out() {
        let answer = r#"{"Messages":[
            {"MessageId":"m-1","ReceiptHandle":"AQEB","MD5OfBody":"00","Body":"{}","Attributes":{"SentTimestamp":"1768469405123",
                "SequenceNumber":"18849496460467696128","MessageGroupId":"items","ApproximateReceiveCount":"2","NewOne":"1"}},
            {"MessageId":"m-2","ReceiptHandle":"AQEC"},
            {"MessageId":"m-3","ReceiptHandle":"AQED","Body":"{}","Attributes":{"SentTimestamp":"soon"}},
            {"MessageId":"m-4","Body":"{}"}]}"#;
        let aws = connect(answer).await;
        let messages = receive_messages(&aws, "http://localhost/dead", Duration::from_secs(1)).await.unwrap();
        let read: Vec<_> = messages.iter().map(|it| (&*it.id, &*it.body, it.sent.as_deref())).collect();
        let sent = Some("2026-01-15T09:30:05.123Z");
        assert_eq!(read, [("m-1", "{}", sent), ("m-2", "", None), ("m-3", "{}", None)]);
        let none = connect("{}").await;
        assert!(receive_messages(&none, "http://localhost/dead", Duration::ZERO).await.unwrap().is_empty());
    }
}
