//! The endpoint of the deployed API, and how clients reach it.

use restctl_contract::api::OPENAPI_PATH;
use restctl_contract::template::{output as stack_output, parameter};

use super::super::first_steps::with_target_flags;
use super::request::DeployRequest;
use crate::api::endpoint::{self, Location};
use crate::aws::cloudformation::Stack;
use crate::aws::elasticloadbalancing;
use crate::context::Context;
use crate::failure::Result;
use crate::terminal::output;
use crate::terminal::text::Text;

/// Makes the API reachable at its endpoint, says how to call it, and returns its base URL.
pub(super) async fn serve_at_endpoint(request: &DeployRequest<'_>, stack: &Stack) -> Result<String> {
    let DeployRequest { context, aws, certificate, .. } = request;
    let load_balancer = stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?;
    if let Some(local) = &context.local {
        let target_group = stack.output(stack_output::TARGET_GROUP)?;
        let function = stack.output(stack_output::API_ALIAS)?;
        elasticloadbalancing::register_function(aws, target_group, function).await?;
        local.serve_stack(&context.stack, certificate, load_balancer).await?;
    } else {
        match endpoint::domain(stack) {
            Some(domain) => output::print_message(format!("{domain} points to {load_balancer}")),
            None => output::print_message(format!(
                "point {} to {load_balancer} (CNAME or alias record)",
                certificate.name
            )),
        }
    }
    let location = Location::from_stack(context, stack, certificate)?;
    print_next_calls(context, stack, &location);
    Ok(location.base_url())
}

fn print_next_calls(context: &Context, stack: &Stack, location: &Location) {
    let list = stack.parameter(parameter::LIST).unwrap_or_default();
    let access = match stack.parameter(parameter::OPENAPI) {
        Some("open") => "is open to everyone",
        _ => "needs a token",
    };
    let document = format!("{}{OPENAPI_PATH}", location.base_url());
    output::print_message(format!("the list of all items is {list}; {document} {access}"));
    if context.local.is_some() {
        let with_flags = |command| with_target_flags(&context.target, command);
        let call = location.curl_command(OPENAPI_PATH, &with_flags("restctl token"));
        output::print_message(Text::from_lines([
            "with curl:".to_owned(),
            format!("  {} >ca.pem", with_flags("restctl cert show --pem")),
            format!("  {call}"),
        ]));
    }
    output::print_message("next: restctl upload data.csv");
}
