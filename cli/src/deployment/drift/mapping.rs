//! Checks that Lambda still takes loads from the queue. The template does not set whether the event source mapping is enabled, so
//! CloudFormation does not compare that.

use super::{Difference, ResourceDrift};
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, lambda};
use crate::failure::Result;

const MAPPING: &str = "AWS::Lambda::EventSourceMapping";

/// The states of a mapping that takes loads, or is about to ("EventSourceMappingConfiguration", AWS Lambda API Reference).
const TAKES_LOADS: [&str; 4] = ["Enabled", "Creating", "Enabling", "Updating"];

pub(crate) async fn compare_mapping(aws: &Aws, stack: &Stack) -> Result<Option<ResourceDrift>> {
    let resources = cloudformation::list_resources(aws, stack).await?;
    let Some(mapping) = resources.into_iter().find(|resource| resource.kind == MAPPING) else {
        return Ok(None);
    };
    let found = lambda::find_event_source_mapping(aws, &mapping.id).await?;
    let differences = match found.map(|found| found.state) {
        Some(state) if TAKES_LOADS.contains(&state.as_str()) => return Ok(None),
        Some(state) => vec![Difference {
            property: "State".to_owned(),
            expected: Some("Enabled".to_owned()),
            actual: Some(state),
        }],
        None => Vec::new(),
    };
    Ok(Some(ResourceDrift {
        resource: mapping.name,
        kind: mapping.kind,
        physical_id: mapping.id,
        differences,
    }))
}
