//! What keeps a load from making progress.

use std::collections::HashMap;

use aws_sdk_eventbridge::types::RuleState;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;

use super::state_text::describe_state;
use crate::aws::cloudformation::drift::RECREATE;
use crate::aws::cloudformation::{self, Resource, Stack};
use crate::aws::eventbridge::RULE;
use crate::aws::lambda::{MAPPING, MappingState};
use crate::aws::{Aws, dynamodb, eventbridge, lambda, sqs};
use crate::failure::{Result, shell_argument};

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
    /// `None` before they were listed.
    resources: Option<Vec<Resource>>,
}

impl<'a> ObstacleFinder<'a> {
    pub(super) fn new(aws: &'a Aws, stack: &'a Stack) -> Self {
        Self { aws, stack, resources: None }
    }

    /// Looks at what a load depends on. Returns `None` if nothing is wrong, or if the look fails: the caller may wait for a
    /// load without the permissions to see what is wrong.
    pub(super) async fn find_obstacle(
        &mut self,
        load: &LoadId,
        entry: Option<&LedgerEntry>,
    ) -> Option<Obstacle> {
        if let Ok(Some(obstacle)) = self.check_mapping().await {
            return Some(obstacle);
        }
        if let Ok(Some(obstacle)) = self.check_concurrency().await {
            return Some(obstacle);
        }
        // A load that has begun is the first one in the queue.
        if entry.is_some() {
            return None;
        }
        if let Ok(Some(obstacle)) = self.find_load_in_front(load).await {
            return Some(obstacle);
        }
        self.check_queue().await.ok()?
    }

    async fn check_mapping(&mut self) -> Result<Option<Obstacle>> {
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

    /// With a reserved concurrency of 0, Lambda throttles each invocation ("Configuring reserved concurrency for a function",
    /// AWS Lambda Developer Guide).
    async fn check_concurrency(&self) -> Result<Option<Obstacle>> {
        let function = self.stack.output(stack_output::INGEST_FUNCTION)?;
        if lambda::read_reserved_concurrency(self.aws, function).await? != Some(0) {
            return Ok(None);
        }
        let reason =
            format!("the function {function} has a reserved concurrency of 0, so Lambda does not run it");
        let name = shell_argument(function, "NAME");
        let delete = format!("aws lambda delete-function-concurrency --function-name {name}");
        Ok(Some(Obstacle::new(reason).remedy(delete)))
    }

    async fn find_load_in_front(&self, load: &LoadId) -> Result<Option<Obstacle>> {
        let ledger = self.stack.output(stack_output::LEDGER_TABLE)?;
        let entries = dynamodb::read_ledger_entries(self.aws, ledger).await?;
        Ok(load_in_front(entries, load))
    }

    async fn check_queue(&mut self) -> Result<Option<Obstacle>> {
        let depth = sqs::read_depth(self.aws, self.stack.output(stack_output::LOAD_QUEUE)?).await?;
        match depth.total_messages() {
            0 => self.explain_missing_event().await.map(Some),
            messages => Ok(Some(Obstacle {
                extent: format!("; messages in it: {messages}"),
                ..Obstacle::new("it is in the queue".to_owned())
            })),
        }
    }

    async fn explain_missing_event(&mut self) -> Result<Obstacle> {
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

    async fn find_resource(&mut self, kind: &str) -> Result<Option<String>> {
        if self.resources.is_none() {
            self.resources = Some(cloudformation::list_resources(self.aws, self.stack).await?);
        }
        let found = Resource::find(self.resources.as_deref().unwrap_or_default(), kind);
        Ok(found.map(|resource| resource.id.clone()))
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
    use serde_json::json;

    use super::*;
    use crate::failure::Failure;
    use crate::loads::test_entry::ledger_entry;

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
