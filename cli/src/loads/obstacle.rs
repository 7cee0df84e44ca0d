//! What keeps a load from making progress.

mod ingest_function;

use std::collections::HashMap;

use aws_sdk_eventbridge::types::RuleState;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use tokio::sync::OnceCell;

use self::ingest_function::IngestFunction;
use super::dead_letter;
use super::state_text::describe_state;
use crate::aws::cloudformation::drift::RECREATE;
use crate::aws::cloudformation::{self, Resource, Stack};
use crate::aws::eventbridge::RULE;
use crate::aws::lambda::{MAPPING, MappingState};
use crate::aws::{Aws, dynamodb, eventbridge, lambda, sqs};
use crate::failure::Result;

/// Why a load makes no progress.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) reason: String,
    /// What follows the reason and may change while the reason stays.
    pub(super) extent: String,
    /// What to type.
    pub(super) remedy: Option<String>,
}

impl Obstacle {
    fn new(reason: String) -> Self {
        Self { reason, extent: String::new(), remedy: None }
    }

    fn remedy(self, remedy: String) -> Self {
        Self { remedy: Some(remedy), ..self }
    }
}

pub(super) struct ObstacleFinder<'a> {
    aws: &'a Aws,
    stack: &'a Stack,
    resources: OnceCell<Vec<Resource>>,
}

impl<'a> ObstacleFinder<'a> {
    pub(super) fn new(aws: &'a Aws, stack: &'a Stack) -> Self {
        Self { aws, stack, resources: OnceCell::new() }
    }

    /// Looks at what a load depends on. Returns `None` if nothing is wrong, or if the look fails: the caller may wait for a
    /// load without the permissions to see what is wrong.
    pub(super) async fn find_obstacle(&self, load: &LoadId, entry: Option<&LedgerEntry>) -> Option<Obstacle> {
        let (mapping, function) = tokio::join!(self.check_mapping(), self.check_function());
        let found = [mapping, function].into_iter().find_map(|checked| checked.ok().flatten());
        if found.is_some() {
            return found;
        }
        // A load that has begun is the first one in the queue.
        if entry.is_none()
            && let Ok(Some(front)) = self.find_load_in_front(load).await
        {
            return Some(front);
        }
        self.check_queue(load, entry).await.ok()?
    }

    async fn check_mapping(&self) -> Result<Option<Obstacle>> {
        let Some(id) = self.find_resource(MAPPING).await? else { return Ok(None) };
        let state = lambda::find_event_source_mapping(self.aws, &id).await?.map(|mapping| mapping.state);
        let (state, remedy) = match state {
            Some(MappingState::Enabled | MappingState::Changing) => return Ok(None),
            Some(MappingState::Disabled) => ("disabled", lambda::enable_mapping_command(&id)),
            Some(MappingState::Deleting) | None => ("deleted", RECREATE.to_owned()),
        };
        let reason =
            format!("the event source mapping {id} is {state}, so the ingest function gets no loads");
        Ok(Some(Obstacle::new(reason).remedy(remedy)))
    }

    async fn find_load_in_front(&self, load: &LoadId) -> Result<Option<Obstacle>> {
        let ledger = self.stack.output(stack_output::LEDGER_TABLE)?;
        let entries = dynamodb::read_ledger_entries(self.aws, ledger).await?;
        Ok(load_in_front(entries, load))
    }

    async fn check_function(&self) -> Result<Option<Obstacle>> {
        let name = self.stack.output(stack_output::INGEST_FUNCTION)?;
        Ok(IngestFunction { aws: self.aws, name }.find_fault().await)
    }

    async fn check_queue(&self, load: &LoadId, entry: Option<&LedgerEntry>) -> Result<Option<Obstacle>> {
        let depth = sqs::read_depth(self.aws, self.stack.output(stack_output::LOAD_QUEUE)?).await?;
        match depth.total_messages() {
            0 if self.has_dead_letter(load, entry).await? => {
                let reason = "its message is in the dead-letter queue, so the function does not get it";
                let retry = format!("restctl loads retry {load}");
                Ok(Some(Obstacle::new(reason.to_owned()).remedy(retry)))
            }
            0 if entry.is_none() => self.explain_missing_event().await.map(Some),
            messages if entry.is_none() => Ok(Some(Obstacle {
                extent: format!("; messages in it: {messages}"),
                ..Obstacle::new("it is in the queue".to_owned())
            })),
            _ => Ok(None),
        }
    }

    /// Whether the load's message is among the first dead letters.
    async fn has_dead_letter(&self, load: &LoadId, entry: Option<&LedgerEntry>) -> Result<bool> {
        let queue = self.stack.output(stack_output::DEAD_LETTER_QUEUE)?;
        // Reading a message hides it from others for a moment.
        if sqs::read_depth(self.aws, queue).await?.total_messages() == 0 {
            return Ok(false);
        }
        let letters = dead_letter::read_first(self.aws, queue).await?;
        Ok(letters.iter().any(|letter| match entry {
            Some(entry) => letter.belongs_to(entry),
            None => letter.load_id().as_ref() == Some(load),
        }))
    }

    async fn explain_missing_event(&self) -> Result<Obstacle> {
        let missing = "the queue is empty: the bucket's event has not arrived";
        let rule = match self.find_resource(RULE).await? {
            Some(rule)
                if eventbridge::read_rule_state(self.aws, &rule).await? == Some(RuleState::Disabled) =>
            {
                rule
            }
            _ => return Ok(Obstacle::new(missing.to_owned())),
        };
        let enable = eventbridge::enable_rule_command(&rule);
        Ok(Obstacle::new(format!("{missing}, and the event rule {rule} is disabled")).remedy(enable))
    }

    async fn find_resource(&self, kind: &str) -> Result<Option<String>> {
        let listing = || cloudformation::list_resources(self.aws, self.stack);
        let resources = self.resources.get_or_try_init(listing).await?;
        Ok(Resource::find(resources, kind).map(|resource| resource.id.clone()))
    }
}

/// Returns the load that runs while `load` waits: the queue gives one load at a time to the function.
fn load_in_front(entries: HashMap<String, Result<LedgerEntry>>, load: &LoadId) -> Option<Obstacle> {
    let readable = entries.into_values().filter_map(Result::ok);
    let running = readable.filter(|entry| entry.state == LoadState::Loading && entry.load != *load);
    let front = running.min_by(|one, other| one.began.cmp(&other.began))?;
    Some(Obstacle {
        reason: format!(
            "behind the load {} of {}: {}",
            front.load,
            front.object,
            describe_state(Some(&front))
        ),
        extent: format!(", {} rows so far", front.progress.max(front.receipt.read)),
        remedy: None,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use restctl_contract::event::UploadedObject;
    use serde_json::json;

    use super::*;
    use crate::aws::test_server;
    use crate::failure::Failure;
    use crate::loads::test_entry::{ledger_entry, test_stack};

    /// Answers as a cloud whose queue of loads is empty, and whose dead-letter queue has a message of `object`.
    async fn find_with_dead_letter(object: &UploadedObject, entry: Option<&LedgerEntry>) -> Option<Obstacle> {
        let message = object.to_message();
        let aws = test_server::connect(move |headers: HeaderMap, body: String| async move {
            let target = headers.get("x-amz-target").map(|target| target.to_str().unwrap_or_default());
            let is_dead = body.contains("DeadLetterQueue");
            match target.and_then(|target| target.split_once('.')) {
                Some((_, "GetQueueAttributes")) => {
                    let messages = if is_dead { "1" } else { "0" };
                    json!({ "Attributes": { "ApproximateNumberOfMessages": messages } }).to_string()
                }
                Some((_, "ReceiveMessage")) if is_dead => {
                    let received = json!({ "MessageId": "m-1", "ReceiptHandle": "r-1", "Body": message });
                    json!({ "Messages": [received] }).to_string()
                }
                Some((_, "ChangeMessageVisibilityBatch")) => r#"{"Successful":[],"Failed":[]}"#.to_owned(),
                Some(_) => "{}".to_owned(),
                None => {
                    "<ListStackResourcesResponse><ListStackResourcesResult/></ListStackResourcesResponse>"
                        .to_owned()
                }
            }
        })
        .await;
        let load = LoadId::for_version("a.csv", "v1");
        ObstacleFinder::new(&aws, &test_stack()).find_obstacle(&load, entry).await
    }

    #[tokio::test]
    async fn a_load_whose_message_is_a_dead_letter_is_retried_by_hand() {
        let object = |version: &str| UploadedObject {
            bucket: "data".to_owned(),
            key: "a.csv".to_owned(),
            size: 1,
            version: Some(version.to_owned()),
            etag: String::new(),
            uploaded: "2026-01-15T09:30:05.000Z".to_owned(),
        };
        let load = LoadId::for_version("a.csv", "v1");
        let begun = ledger_entry(&json!({ "load": load, "state": "loading" }));
        for entry in [None, Some(&begun)] {
            let found = find_with_dead_letter(&object("v1"), entry).await.unwrap();
            assert!(found.reason.starts_with("its message is in the dead-letter queue"), "{}", found.reason);
            assert_eq!(found.remedy, Some(format!("restctl loads retry {load}")));
        }
        let other = find_with_dead_letter(&object("v2"), None).await.unwrap();
        assert_eq!(other.reason, "the queue is empty: the bucket's event has not arrived");
        assert_eq!(find_with_dead_letter(&object("v2"), Some(&begun)).await, None);
    }

    #[test]
    fn the_load_in_front_is_the_first_of_the_others_that_run() {
        let (front, own) = ("00000000000000aa", "00000000000000bb");
        let entry = |load: &str, state: &str, second: u32, progress: u64| {
            let began = format!("2026-01-15T09:30:{second:02}.000Z");
            let members = json!({ "load": load, "state": state, "began": began, "progress": progress });
            (load.to_owned(), Ok(ledger_entry(&members)))
        };
        let entries = [
            entry("00000000000000cc", "loaded", 1, 5),
            entry(own, "loading", 2, 5),
            entry(front, "loading", 3, 5),
            entry("00000000000000dd", "loading", 4, 9),
            ("00000000000000ee".to_owned(), Err(Failure::new("unreadable"))),
        ];
        let found = load_in_front(HashMap::from(entries), &own.parse().unwrap()).unwrap();
        assert_eq!(found.reason, format!("behind the load {front} of a.csv: loading"));
        assert_eq!((found.extent.as_str(), found.remedy), (", 5 rows so far", None));
        let alone = HashMap::from([entry(own, "loading", 2, 5)]);
        assert_eq!(load_in_front(alone, &own.parse().unwrap()), None);
    }
}
