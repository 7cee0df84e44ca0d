//! The certificate → ACM, its metadata → Secrets Manager.

use restctl_contract::stack::Certificate;

use crate::api::session_cache;
use crate::aws::acm;
use crate::certificate::Identity;
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings;
use crate::terminal::output;

/// Imports `identity` under the ARN of the certificate `before`, or under a new one where ACM would refuse that.
pub(in crate::commands) async fn import(
    context: &Context,
    identity: &Identity,
    before: Option<&Certificate>,
) -> Result<Certificate> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let mut supersedes = before.map(|certificate| certificate.supersedes.clone()).unwrap_or_default();
    let (mut existing, mut obstacle) = (None, None);
    if let Some(certificate) = before
        && let Some(imported) = acm::read(aws, &certificate.arn).await?
    {
        obstacle = identity.obstacle_to_replacing(&imported.certificate)?;
        match obstacle {
            None => existing = Some(certificate.arn.as_str()),
            Some(_) => supersedes.push(certificate.arn.clone()),
        }
    }
    let arn = acm::import(aws, identity, existing).await?;
    let certificate = identity.metadata(arn, supersedes)?;
    settings::write_certificate(aws, stack, &certificate).await?;
    // What is remembered is known by the certificate before.
    session_cache::clear(context)?;
    if let Some(local) = &context.local {
        local.keep_certificate(stack, &certificate, &identity.served_pem(), &identity.key_pem)?;
    }
    let (name, expiry) = (&certificate.name, identity.not_after.date());
    output::print_message(&format!("certificate        {name}, valid until {expiry}, {}", certificate.arn));
    if let Some(obstacle) = obstacle {
        output::print_message(&format!(
            "                   a new ARN, because {obstacle}; restctl deploy puts it in front"
        ));
    }
    Ok(certificate)
}
