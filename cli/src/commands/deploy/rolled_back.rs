//! Says before a deployment that it ends a rollback.

use restctl_contract::template::output as stack_output;

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::can_compare;
use crate::deployment::drift::functions::{ComparedFunction, compare_functions_with};
use crate::deployment::function_version::{LiveBy, LiveVersion};
use crate::failure::Result;
use crate::terminal::output;
use crate::terminal::text::Text;

/// Says which versions have been live since a rollback, and how they differ from the newest code and settings of the stack, which
/// a deployment makes live. Returns whether there are any.
pub(super) async fn announce_end_of_rollback(aws: &Aws, stack: &Stack) -> Result<bool> {
    // A stack that was never complete has no functions.
    if stack.output(stack_output::API_FUNCTION).is_err() {
        return Ok(false);
    }
    let live = LiveVersion::find_both(aws, stack).await?;
    let is_rolled_back = |live: &&LiveVersion| live.by() == LiveBy::Rollback;
    let rolled_back = live.iter().flatten().filter(is_rolled_back);
    let rolled_back: Vec<_> =
        rolled_back.map(|live| describe_rollback(live.version(), live.function())).collect();
    if rolled_back.is_empty() {
        return Ok(false);
    }
    // The deployment ends the rollback, whether or not it can say what that changes.
    let compared =
        if can_compare(stack) { Some(compare_functions_with(aws, stack, live).await) } else { None };
    match compared {
        Some(Ok(functions)) => {
            for lines in functions.iter().filter_map(describe_end_of_rollback) {
                output::print_message(Text::from_lines(lines));
            }
        }
        unknown => {
            rolled_back.into_iter().for_each(output::print_message);
            if let Some(Err(failure)) = unknown {
                output::print_message(format!("note: {}", failure.to_single_line()));
            }
        }
    }
    Ok(true)
}

fn describe_rollback(version: &str, function: &str) -> String {
    format!(
        "version {version} of {function} has been live since the rollback; a deployment makes the newest code and settings live"
    )
}

fn describe_end_of_rollback(function: &ComparedFunction) -> Option<Vec<String>> {
    let described = describe_rollback(function.rolled_back_to()?, function.resource);
    let differences = &function.live.as_ref()?.differences;
    if differences.is_empty() {
        return Some(vec![format!("{described} (no difference)")]);
    }
    let differences = differences.iter().map(|difference| format!("  {}", difference.describe()));
    Some([format!("{described}:")].into_iter().chain(differences).collect())
}
