//! Deletes superseded certificates once the load balancer serves their successor.

use restctl_contract::stack::Certificate;
use restctl_contract::template::parameter;

use crate::aws::acm;
use crate::aws::cloudformation::Stack;
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings;
use crate::terminal::output;

/// Deletes the certificates that `deployed`, the certificate of this deployment, supersedes, except those still in use.
/// `stack` is the stack after the deployment.
pub(super) async fn delete_superseded_certificates(
    context: &Context,
    stack: &Stack,
    deployed: &Certificate,
) -> Result<()> {
    if deployed.supersedes.is_empty() {
        return Ok(());
    }
    let (aws, name) = (context.aws().await?, &context.stack);
    // Meanwhile `setup` may have imported another certificate that supersedes the deployed one.
    let mut certificate = settings::require_certificate(aws, name).await?;
    let served = stack.parameter(parameter::CERTIFICATE_ARN);
    let mut remaining = Vec::new();
    for arn in &certificate.supersedes {
        if served == Some(arn) {
            remaining.push(arn.clone());
        } else if acm::delete_unused_certificate(aws, arn).await? {
            output::print_message(format!("deleted {arn} from ACM: its successor is in service"));
        } else {
            output::print_message(format!(
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
