//! Checks that new objects still become loads. The template sets neither whether the event rule nor whether the event source
//! mapping is enabled, so CloudFormation does not compare that.

use aws_sdk_eventbridge::types::RuleState;
use serde_json::Value;

use super::{Difference, ResourceDrift};
use crate::aws::cloudformation::Resource;
use crate::aws::eventbridge::RULE;
use crate::aws::lambda::{self, MAPPING, MappingState};
use crate::aws::{Aws, eventbridge};
use crate::failure::Result;

/// Checks that Lambda takes loads from the queue.
pub(crate) async fn compare_mapping(aws: &Aws, resources: &[Resource]) -> Result<Option<ResourceDrift>> {
    let Some(mapping) = Resource::find(resources, MAPPING) else { return Ok(None) };
    let found = lambda::find_event_source_mapping(aws, &mapping.id).await?;
    Ok(match found.map(|found| found.state) {
        Some(MappingState::Enabled | MappingState::Changing) => None,
        Some(MappingState::Disabled) => Some(drift(mapping, vec![difference("Enabled", "Disabled")])),
        Some(MappingState::Deleting) | None => Some(drift(mapping, Vec::new())),
    })
}

/// Checks that EventBridge queues new objects. The comparison by CloudFormation finds a rule that was deleted.
pub(super) async fn compare_rule(aws: &Aws, resources: &[Resource]) -> Result<Option<ResourceDrift>> {
    let Some(rule) = Resource::find(resources, RULE) else { return Ok(None) };
    let state = eventbridge::read_rule_state(aws, &rule.id).await?;
    Ok((state == Some(RuleState::Disabled)).then(|| drift(rule, vec![difference("ENABLED", "DISABLED")])))
}

fn difference(expected: &str, actual: &str) -> Difference {
    let [property, expected, actual] = ["State", expected, actual].map(str::to_owned);
    Difference { property, expected: Some(expected), actual: Some(actual) }
}

fn drift(resource: &Resource, differences: Vec<Difference>) -> ResourceDrift {
    ResourceDrift {
        resource: resource.name.clone(),
        kind: resource.kind.clone(),
        physical_id: resource.id.clone(),
        differences,
        expected: Value::Null,
        remove: None,
    }
}
