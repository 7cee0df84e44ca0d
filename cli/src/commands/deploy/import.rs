//! Imports what a deleted stack left into a new stack.

use aws_sdk_cloudformation::types::ResourceStatus;

use super::adoption::{Adoption, nothing_to_adopt};
use super::preview;
use super::request::DeployRequest;
use super::template::select_resources;
use crate::aws::cloudformation::change_set::{self, Desired};
use crate::aws::cloudformation::{self, Stack};
use crate::deployment::operation::{Operation, OperationKind};
use crate::deployment::retained_data::RetainedResource;
use crate::failure::Result;

/// Makes a stack of the adopted resources, and of nothing else, and returns it. The update that follows makes the rest.
pub(super) async fn import_adopted(
    request: &DeployRequest<'_>,
    adoption: &Adoption,
    parameters: &[(&'static str, String)],
    stopped: impl Future<Output = Result<()>>,
) -> Result<Stack> {
    let DeployRequest { context, aws, report, deadline, .. } = *request;
    let (name, adopted) = (&context.stack, adoption.resources());
    let names: Vec<_> = adopted.iter().filter_map(|resource| resource.template_name).collect();
    let template = select_resources(&names);
    let imports = adopted.iter().filter_map(RetainedResource::to_import).collect();
    let desired = Desired { template: &template, parameters, tags: &[], imports };
    let created = change_set::create_change_set(aws, name, None, desired, stopped);
    let change_set = created.await?.ok_or_else(|| nothing_to_adopt(aws, name))?;
    for change in &change_set.changes {
        report.write_line("change", &change.to_json())?;
        preview::print_change(change);
    }
    let mut operation = Operation::prepare(aws, &change_set.stack, OperationKind::Create).await?;
    let executing = change_set::execute_change_set(aws, name, &change_set);
    match operation.run_to_end(aws, deadline, report, executing).await? {
        ResourceStatus::ImportComplete => cloudformation::find_idle(aws, name, Some(&change_set.stack)).await,
        ended => Err(operation.to_failure(aws, "the data was not adopted, and is as before", &ended).await),
    }
}
