//! Checks of the path from the data bucket to the table.

use aws_sdk_eventbridge::types::RuleState;
use restctl_contract::template::output as stack_output;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::{eventbridge, lambda, sqs};
use crate::failure::{Exit, Failure, shell_argument};

/// Checks that EventBridge queues new objects.
pub(super) async fn check_event_rule(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let rule = find_resource(facts, "AWS::Events::Rule").await?;
    match eventbridge::read_rule_state(facts.authenticated_clients().await?, rule).await? {
        Some(RuleState::Disabled) => {
            Err(Failure::new(format!("{rule} is disabled: new objects are not loaded"))
                .next(format!("aws events enable-rule --name {}", shell_argument(rule, "NAME")))
                .into())
        }
        Some(_) => Ok(CheckFinding::ok(format!("{rule} is enabled"))),
        None => Err(deleted_resource(rule)),
    }
}

/// Checks that Lambda takes loads from the queue.
pub(super) async fn check_event_source_mapping(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let id = find_resource(facts, "AWS::Lambda::EventSourceMapping").await?;
    let Some(state) =
        lambda::read_event_source_mapping_state(facts.authenticated_clients().await?, id).await?
    else {
        return Err(deleted_resource(id));
    };
    match state.as_str() {
        "Enabled" => Ok(CheckFinding::ok(format!("{id} is Enabled"))),
        "Creating" | "Enabling" | "Updating" => {
            Ok(CheckFinding::warning(format!("{id} is {state}"), "restctl doctor, again in a minute"))
        }
        _ => Err(Failure::new(format!("{id} is {state}: queued objects are not loaded"))
            .next(format!(
                "aws lambda update-event-source-mapping --uuid {} --enabled",
                shell_argument(id, "UUID")
            ))
            .into()),
    }
}

/// Checks that the dead-letter queue is empty.
pub(super) async fn check_dead_letters(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let queue = facts.deployed_stack().await?.output(stack_output::DEAD_LETTER_QUEUE)?;
    let depth = sqs::read_depth(facts.authenticated_clients().await?, queue).await?;
    match depth.total_messages() {
        0 => Ok(CheckFinding::ok("none")),
        number => Err(Failure::new(format!("{number} in {queue}: loads that kept failing"))
            .next("restctl dlq ls, which says why; then restctl dlq redrive")
            .into()),
    }
}

/// Returns the physical id of the stack's only resource of this type.
async fn find_resource<'a>(facts: &'a DoctorFacts<'_>, kind: &str) -> Result<&'a str, CheckError> {
    let resource = facts.resources().await?.iter().find(|resource| resource.kind == kind);
    Ok(resource.map(|resource| resource.id.as_str()).ok_or_else(|| {
        Failure::new(format!("the stack has no {kind}")).exit(Exit::NotFound).next("restctl deploy")
    })?)
}

/// Returns the error for a deleted resource. A deployment would not restore it: CloudFormation changes only what the template
/// changes.
fn deleted_resource(id: &str) -> CheckError {
    let failure = Failure::new(format!("{id} was deleted outside of CloudFormation")).exit(Exit::NotFound);
    failure.next("restctl destroy, which keeps the data; then restctl deploy").into()
}
