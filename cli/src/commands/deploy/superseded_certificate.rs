//! Certificates that another one has superseded go once the load balancer serves that one.

use restctl_contract::stack::Certificate;
use restctl_contract::template::parameter;

use crate::aws::acm;
use crate::aws::cloudformation::Stack;
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings;
use crate::terminal::output;

/// `deployed` is what was deployed, `stack` how it is now.
pub(super) async fn remove(context: &Context, stack: &Stack, deployed: &Certificate) -> Result<()> {
    if deployed.supersedes.is_empty() {
        return Ok(());
    }
    let (aws, name) = (context.aws().await?, &context.stack);
    // `setup` may have written another one meanwhile, which supersedes the one in front.
    let mut certificate = settings::require_certificate(aws, name).await?;
    let in_front = stack.parameter(parameter::CERTIFICATE_ARN);
    let mut remaining = Vec::new();
    for arn in &certificate.supersedes {
        if in_front == Some(arn) {
            remaining.push(arn.clone());
        } else if acm::delete_unused(aws, arn).await? {
            output::print_message(&format!("{arn} is deleted from ACM: another certificate is in front"));
        } else {
            output::print_message(&format!(
                "note: {arn} is still in use; the next restctl deploy deletes it from ACM"
            ));
            remaining.push(arn.clone());
        }
    }
    if remaining == certificate.supersedes {
        return Ok(());
    }
    certificate.supersedes = remaining;
    settings::write_certificate(aws, name, &certificate).await
}
