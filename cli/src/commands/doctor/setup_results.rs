//! What `restctl setup` has left in the account.

use aws_sdk_acm::types::CertificateStatus;
use restctl_contract::stack::Setting;

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use crate::aws::{acm, secretsmanager};
use crate::failure::{Exit, Failure};

pub(super) async fn settings(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let settings = facts.settings().await?;
    let kind = settings.require(Setting::Provider)?;
    Ok(Finding::ok(format!("all {} parameters, of {kind}", Setting::ALL.len())))
}

pub(super) async fn client_secret(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    facts.client_secret().await?;
    let name = facts.context.stack.client_secret();
    Ok(Finding::ok(match secretsmanager::last_changed(facts.aws().await?, &name).await? {
        Some(changed) => format!("{name}, changed {changed}"),
        None => name,
    }))
}

/// It is imported, and ACM still has it.
pub(super) async fn certificate(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let certificate = facts.certificate().await?;
    let arn = &certificate.arn;
    let Some(described) = acm::describe(facts.aws().await?, arn).await? else {
        return Err(Failure::new(format!("the certificate {arn} is not in ACM"))
            .exit(Exit::NotFound)
            .next("restctl setup --cert FILE --key FILE, or --self-signed NAME; then restctl deploy")
            .into());
    };
    if described.status != CertificateStatus::Issued {
        return Err(Failure::new(format!("the certificate {arn} is in {}", described.status.as_str()))
            .next("restctl cert renew")
            .into());
    }
    Ok(Finding::ok(format!("{}, {arn}", certificate.name)))
}
