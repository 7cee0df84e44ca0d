//! What brings an object of the data bucket into the table.

use aws_sdk_eventbridge::types::RuleState;
use restctl_contract::template::output as stack_output;

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use crate::aws::sqs::{self, Depth};
use crate::aws::{eventbridge, lambda};
use crate::failure::{Exit, Failure};

/// New objects are queued.
pub(super) async fn rule(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let rule = resource(facts, "AWS::Events::Rule").await?;
    match eventbridge::read_rule_state(facts.aws().await?, rule).await? {
        Some(RuleState::Disabled) => {
            Err(Failure::new(format!("{rule} is disabled: new objects are not loaded"))
                .next(format!("aws events enable-rule --name {rule}"))
                .into())
        }
        Some(_) => Ok(Finding::ok(format!("{rule} is enabled"))),
        None => Err(gone(rule)),
    }
}

/// What is queued is loaded.
pub(super) async fn mapping(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let id = resource(facts, "AWS::Lambda::EventSourceMapping").await?;
    let Some(state) = lambda::read_event_source_mapping_state(facts.aws().await?, id).await? else {
        return Err(gone(id));
    };
    match state.as_str() {
        "Enabled" => Ok(Finding::ok(format!("{id} is Enabled"))),
        "Creating" | "Enabling" | "Updating" => {
            Ok(Finding::warning(format!("{id} is {state}"), "restctl doctor in a minute"))
        }
        _ => Err(Failure::new(format!("{id} is {state}: what is queued is not loaded"))
            .next(format!("aws lambda update-event-source-mapping --uuid {id} --enabled"))
            .into()),
    }
}

/// No load was given up.
pub(super) async fn dead_letters(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let queue = facts.stack().await?.output(stack_output::DEAD_LETTER_QUEUE)?;
    let QueueDepth { waiting, in_flight } = sqs::read_depth(facts.aws().await?, queue).await?;
    match waiting + in_flight {
        0 => Ok(Finding::ok("none")),
        number => Err(Failure::new(format!("{number} in {queue}: loads that kept failing"))
            .next("restctl dlq ls, which says why; then restctl dlq redrive")
            .into()),
    }
}

/// The stack's only resource of this type, by its physical id.
async fn resource<'a>(facts: &'a Facts<'_>, kind: &str) -> Result<&'a str, Trouble> {
    let resource = facts.resources().await?.iter().find(|resource| resource.kind == kind);
    Ok(resource.map(|resource| resource.id.as_str()).ok_or_else(|| {
        Failure::new(format!("the stack has no {kind}")).exit(Exit::NotFound).next("restctl deploy")
    })?)
}

/// Deployments change only what their template changes, so they would not bring it back.
fn gone(id: &str) -> Trouble {
    let failure = Failure::new(format!("{id} is gone: somebody deleted it")).exit(Exit::NotFound);
    failure.next("restctl destroy, which keeps the data; then restctl deploy").into()
}
