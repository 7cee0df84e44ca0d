//! Checks of what `restctl setup` stored in the account.

use aws_sdk_acm::types::CertificateStatus;
use restctl_contract::stack::Certificate;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use super::tls::{check_validity_at, renew_command};
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

/// Checks that the certificate was imported, that ACM still has it, and how old it is.
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
    let description = format!("{}, {arn}", certificate.name);
    match described.not_before.zip(described.not_after) {
        // The local cloud makes up the dates.
        Some(validity) if facts.context.local.is_none() => {
            let finding =
                judge_imported(OffsetDateTime::now_utc(), certificate, validity, described.is_renewed)?;
            Ok(finding.after(&format!("{description}, ")))
        }
        _ => Ok(CheckFinding::ok(description)),
    }
}

/// Checks that ACM has the certificate that was imported last, and for how long it is valid.
fn judge_imported(
    now: OffsetDateTime,
    certificate: &Certificate,
    (start, end): (OffsetDateTime, OffsetDateTime),
    is_renewed: bool,
) -> Result<CheckFinding, CheckError> {
    let imported_end = OffsetDateTime::parse(&certificate.not_after, &Rfc3339).ok();
    if let Some(imported_end) = imported_end
        && imported_end.unix_timestamp() != end.unix_timestamp()
    {
        return Err(Failure::new("ACM has another certificate than the one that restctl imported last")
            .why(format!("it expires on {}, and the imported one on {}", end.date(), imported_end.date()))
            .next(renew_command(certificate))
            .into());
    }
    let kind = if certificate.self_signed { "self-signed" } else { "valid" };
    let renewal = if is_renewed { "ACM renews it" } else { "ACM does not renew it" };
    let finding = check_validity_at(now, (start, end), renew_command(certificate))?;
    Ok(finding.after(&format!("{kind} since {}, {renewal}, ", start.date())))
}

#[cfg(test)]
mod tests {
    use restctl_contract::stack::Tags;
    use time::Duration;

    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    fn judged(expires_in: i64, imported_expires_in: i64) -> DoctorCheckReport {
        let now = OffsetDateTime::from_unix_timestamp(1_763_868_000).unwrap();
        let at = |days| now + Duration::days(days);
        let certificate = Certificate {
            arn: "arn".to_owned(),
            name: "api.example.com".to_owned(),
            names: Vec::new(),
            anchor: String::new(),
            fingerprint: String::new(),
            not_after: at(imported_expires_in).format(&Rfc3339).unwrap(),
            self_signed: true,
            supersedes: Vec::new(),
            tags: Tags::new(),
        };
        let finding = judge_imported(now, &certificate, (at(-10), at(expires_in)), false);
        DoctorCheckReport::new("certificate", finding)
    }

    #[test]
    fn the_certificate_in_acm_is_judged_by_its_dates() {
        let report = judged(90, 90);
        assert_eq!(report.verdict, CheckVerdict::Ok);
        assert_eq!(
            report.evidence,
            "self-signed since 2025-11-13, ACM does not renew it, expires on 2026-02-21, in 90 days"
        );
        assert_eq!(judged(29, 29).verdict, CheckVerdict::Warning);
        assert_eq!(judged(-1, -1).verdict, CheckVerdict::Failed);
        let other = judged(365, 90);
        assert_eq!(other.verdict, CheckVerdict::Failed);
        assert!(other.evidence.contains("another certificate"), "{}", other.evidence);
        assert_eq!(other.next.as_deref(), Some("restctl cert renew"));
    }
}
