//! Checks of what `restctl setup` stored in the account.

use aws_sdk_acm::types::CertificateStatus;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::{acm, secretsmanager};
use crate::failure::Failure;

pub(super) async fn check_settings(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let settings = facts.complete_settings().await?;
    let issuers = settings.issuers().iter().map(|issuer| issuer.provider.name());
    let issuers =
        if settings.issuers().is_empty() { vec!["the stack's user pool"] } else { issuers.collect() };
    Ok(CheckFinding::ok(format!("complete, for {}", issuers.join(", "))))
}

pub(super) async fn check_client_secret(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    facts.client_secret().await?;
    let name = facts.context.stack.client_secret();
    Ok(CheckFinding::ok(
        match secretsmanager::last_changed(facts.authenticated_clients().await?, &name).await? {
            Some(changed) => format!("{name}, changed {changed}"),
            None => name,
        },
    ))
}

/// Checks that the certificate was imported and that ACM still has it.
pub(super) async fn check_certificate(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let certificate = facts.imported_certificate().await?;
    let arn = &certificate.arn;
    let Some(described) = acm::describe_certificate(facts.authenticated_clients().await?, arn).await? else {
        return Err(acm::certificate_missing_failure(arn).into());
    };
    if described.status != CertificateStatus::Issued {
        return Err(Failure::new(format!("the certificate {arn} is in {}", described.status.as_str()))
            .next("restctl cert renew")
            .into());
    }
    Ok(CheckFinding::ok(format!("{}, {arn}", certificate.name)))
}
