//! Says before a deployment that it ends a rollback.

use restctl_contract::template::output as stack_output;

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::deployment::drift::Difference;
use crate::deployment::drift::functions::{ComparedFunction, compare_functions};
use crate::deployment::function_version::{LiveBy, LiveVersion};
use crate::failure::Result;
use crate::terminal::output;
use crate::terminal::text::Text;

/// Says which versions are live since a rollback, and how they differ from the newest code and settings of the stack, which a
/// deployment makes live again. Returns whether there are any.
pub(super) async fn announce_end_of_rollback(aws: &Aws, stack: &Stack) -> Result<bool> {
    let (Ok(api), Ok(ingest)) =
        (stack.output(stack_output::API_FUNCTION), stack.output(stack_output::INGEST_FUNCTION))
    else {
        return Ok(false);
    };
    let (api, ingest) = tokio::try_join!(LiveVersion::find(aws, api), LiveVersion::find(aws, ingest))?;
    if ![api, ingest].iter().flatten().any(|live| live.by() == LiveBy::Rollback) {
        return Ok(false);
    }
    let functions = compare_functions(aws, stack).await?;
    for lines in functions.iter().filter_map(describe_end_of_rollback) {
        output::print_message(Text::from_lines(lines));
    }
    Ok(true)
}

fn describe_end_of_rollback(function: &ComparedFunction) -> Option<Vec<String>> {
    let (version, name) = (function.rolled_back_to()?, function.resource);
    let live = function.live.as_ref()?;
    let end = match live.differences.is_empty() {
        true => ", which are the same",
        false => ":",
    };
    let first = format!(
        "version {version} of {name} is live since the rollback; a deployment makes the stack's newest code and settings live{end}"
    );
    let differences = live.differences.iter().map(Difference::describe);
    Some([first].into_iter().chain(differences.map(|difference| format!("  {difference}"))).collect())
}
