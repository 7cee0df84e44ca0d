//! Imports a certificate into ACM and stores its metadata in Secrets Manager.

use restctl_contract::stack::{Certificate, Tags};

use crate::api::session_cache;
use crate::aws::acm;
use crate::certificate::CertificateBundle;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::identity::settings;
use crate::terminal::output;

/// Imports `bundle` under the ARN of the certificate `before`, or under a new ARN if ACM would refuse that. What is created gets
/// these tags.
pub(in crate::commands) async fn import_certificate(
    context: &Context,
    bundle: &CertificateBundle,
    before: Option<&Certificate>,
    tags: Tags,
) -> Result<Certificate> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let mut supersedes = before.map(|certificate| certificate.supersedes.clone()).unwrap_or_default();
    let (mut existing, mut obstacle) = (None, None);
    if let Some(certificate) = before
        && let Some(imported) = acm::read_certificate(aws, &certificate.arn).await?
    {
        obstacle = bundle.reimport_obstacle(&imported.certificate)?;
        match obstacle {
            None => existing = Some(certificate.arn.as_str()),
            Some(_) => supersedes.push(certificate.arn.clone()),
        }
    }
    let arn = acm::import_certificate(aws, bundle, existing, &tags).await?;
    let certificate = bundle.to_metadata(arn, supersedes, tags)?;
    let recorded = settings::write_certificate(aws, stack, &certificate).await;
    recorded.map_err(|failure| {
        let arn = &certificate.arn;
        let imported = format!("the certificate was imported as {arn}, but restctl has not recorded that");
        failure.and(Some(Failure::new(imported))).then_repeat("the same command again")
    })?;
    // The cached session trusts the former certificate.
    session_cache::clear_session(context)?;
    if let Some(local) = &context.local {
        let stacks = local.served_stacks()?;
        stacks.keep_certificate(stack, &certificate, &bundle.served_pem(), &bundle.key_pem)?;
    }
    let (name, expiry) = (&certificate.name, bundle.not_after.date());
    output::print_message(format!("certificate        {name}, valid until {expiry}, {}", certificate.arn));
    if let Some(obstacle) = obstacle {
        output::print_message(format!(
            "                   a new ARN because {obstacle}; restctl deploy puts it in service"
        ));
    }
    Ok(certificate)
}
