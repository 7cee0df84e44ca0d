//! Checks of the path from the data bucket to the table.

use aws_sdk_eventbridge::types::RuleState;
use restctl_contract::template::output as stack_output;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::cloudformation::Resource;
use crate::aws::eventbridge::RULE;
use crate::aws::lambda::{self, EventSourceMapping, MAPPING, MappingState};
use crate::aws::{eventbridge, sqs};
use crate::deployment::drift::RECREATE;
use crate::failure::{Exit, Failure};

pub(super) const READ_DEAD_LETTERS: &str = "restctl dlq ls, which says why; then restctl dlq redrive";

/// Checks that EventBridge queues new objects.
pub(super) async fn check_event_rule(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let rule = find_resource(facts, RULE).await?;
    match eventbridge::read_rule_state(facts.authenticated_clients().await?, rule).await? {
        Some(RuleState::Disabled) => {
            Err(Failure::new(format!("{rule} is disabled: new objects are not loaded"))
                .next(eventbridge::enable_rule_command(rule))
                .into())
        }
        Some(_) => Ok(CheckFinding::ok(format!("{rule} is enabled"))),
        None => Err(deleted_resource(rule)),
    }
}

/// Checks that Lambda takes loads from the queue.
pub(super) async fn check_event_source_mapping(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let id = find_resource(facts, MAPPING).await?;
    match lambda::find_event_source_mapping(facts.authenticated_clients().await?, id).await? {
        Some(mapping) => judge_mapping(id, mapping),
        None => Err(deleted_resource(id)),
    }
}

fn judge_mapping(id: &str, mapping: EventSourceMapping) -> Result<CheckFinding, CheckError> {
    let EventSourceMapping { state, reason } = mapping;
    match state {
        MappingState::Enabled => Ok(CheckFinding::ok(format!("{id} is enabled"))),
        MappingState::Changing => {
            Ok(CheckFinding::warning(format!("{id} is changing"), "restctl doctor, again in a minute"))
        }
        MappingState::Deleting => Err(deleted_resource(id)),
        MappingState::Disabled => {
            let disabled = Failure::new(format!("{id} is disabled: queued objects are not loaded"));
            Err(disabled.why_lines(reason).next(lambda::enable_mapping_command(id)).into())
        }
    }
}

/// Checks that the dead-letter queue is empty.
pub(super) async fn check_dead_letters(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let queue = facts.deployed_stack().await?.output(stack_output::DEAD_LETTER_QUEUE)?;
    let depth = sqs::read_depth(facts.authenticated_clients().await?, queue).await?;
    match depth.total_messages() {
        0 => Ok(CheckFinding::ok("none")),
        number => Err(Failure::new(format!("{number} in {queue}: loads that kept failing"))
            .next(READ_DEAD_LETTERS)
            .into()),
    }
}

/// Returns the physical id of the stack's only resource of this type.
async fn find_resource<'a>(facts: &'a DoctorFacts<'_>, kind: &str) -> Result<&'a str, CheckError> {
    let resource = Resource::find(facts.resources().await?, kind);
    Ok(resource.map(|resource| resource.id.as_str()).ok_or_else(|| {
        Failure::new(format!("the stack has no {kind}")).exit(Exit::NotFound).next("restctl deploy")
    })?)
}

/// Returns the error for a deleted resource.
pub(super) fn deleted_resource(id: &str) -> CheckError {
    let failure = Failure::new(format!("{id} was deleted outside of CloudFormation")).exit(Exit::NotFound);
    failure.next(RECREATE).into()
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::super::check_report::DoctorCheckReport;
    use super::*;
    use crate::aws::test_server;

    /// Answers as AWS sent them between 2023 and 2025.
    #[tokio::test]
    async fn each_state_of_a_mapping_is_judged() {
        for (state, reason, evidence) in [
            ("Enabled", "USER_INITIATED", "m-1 is enabled"),
            ("Creating", "USER_INITIATED", "m-1 is changing"),
            ("Enabling", "User action", "m-1 is changing"),
            ("Updating", "User action", "m-1 is changing"),
            ("Disabling", "USER_INITIATED", "m-1 is disabled: queued objects are not loaded"),
            ("Disabled", "USER_INITIATED", "m-1 is disabled: queued objects are not loaded"),
            ("Disabled", "The queue was deleted", "The queue was deleted"),
            ("Deleting", "USER_INITIATED", "m-1 was deleted outside of CloudFormation"),
        ] {
            let answer = format!(
                r#"{{"UUID":"m-1","BatchSize":1,"MaximumBatchingWindowInSeconds":0,"State":"{state}",
                    "EventSourceArn":"arn:aws:sqs:us-east-1:123456789012:loads.fifo","LastModified":1764500000.123,
                    "FunctionResponseTypes":["ReportBatchItemFailures"],"StateTransitionReason":"{reason}",
                    "LastProcessingResult":"No records processed","NewMember":{{"Of":["a","later","version"]}}}}"#
            );
            let aws = test_server::connect(move || async move { (StatusCode::OK, answer) }).await;
            let mapping = lambda::find_event_source_mapping(&aws, "m-1").await.unwrap().unwrap();
            let report = DoctorCheckReport::new("event source mapping", judge_mapping("m-1", mapping));
            assert!(report.evidence.contains(evidence), "{state}: {}", report.evidence);
        }
    }
}
