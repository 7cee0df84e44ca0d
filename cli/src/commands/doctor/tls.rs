//! Checks of what the endpoint presents in a TLS handshake.

use restctl_contract::stack::Certificate;
use time::{Duration, OffsetDateTime};

use super::check_names::{CHAIN, CONNECTION};
use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use super::handshake_fault::failed_handshake_check;
use crate::certificate::{PresentedCertificate, covers_name, did_issue};
use crate::digest::sha256_hex;
use crate::failure::Failure;

/// A certificate that expires sooner gets a warning.
const MIN_REMAINING_WITHOUT_WARNING: Duration = Duration::days(30);

pub(super) const RENEW: &str = "restctl cert renew --cert FILE --key FILE --chain FILE";

pub(super) async fn check_connection(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (location, handshake) = (facts.location().await?, facts.handshake().await?);
    match &handshake.connection {
        Err(error) if failed_handshake_check(handshake) == CONNECTION => {
            let failure = Failure::new(format!("the TLS handshake with {} fails", handshake.address));
            Err(failure.because(error).next("restctl deploy").into())
        }
        _ => Ok(CheckFinding::ok(format!("{} at {}", location.base_url(), handshake.address))),
    }
}

/// Checks that the endpoint signs the handshake with the private key of its certificate.
pub(super) async fn check_key(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let handshake = facts.handshake().await?;
    match handshake.holds_key {
        Some(true) => {
            let algorithm = PresentedCertificate::parse(&handshake.chain[0])?.key_algorithm;
            Ok(CheckFinding::ok(format!("{algorithm}; the endpoint signs with it")))
        }
        Some(false) => Err(Failure::new("the endpoint signs with a key that is not its certificate's")
            .next(RENEW)
            .into()),
        None => Err(CheckError::in_check(CONNECTION, Failure::new("the TLS handshake fails"))),
    }
}

pub(super) async fn check_chain(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let handshake = facts.handshake().await?;
    let (presented, length) = (&handshake.chain, handshake.chain.len());
    for (index, pair) in presented.windows(2).enumerate() {
        if !did_issue(&pair[1], &pair[0])? {
            let before = PresentedCertificate::parse(&pair[0])?;
            let this = PresentedCertificate::parse(&pair[1])?;
            let number = index + 2;
            return Err(Failure::new(format!(
                "certificate {number} of {length} did not issue the one before it"
            ))
            .why(format!("its subject is {:?}, but the issuer is {:?}", this.subject, before.issuer))
            .next(format!("{RENEW}, with the chain in order, starting with the issuer of --cert"))
            .into());
        }
    }
    if let (Some(refusal), CHAIN) = (&handshake.certificate_error, failed_handshake_check(handshake)) {
        return Err(Failure::new("no trusted authority issued the certificate")
            .because(refusal)
            .next(RENEW)
            .into());
    }
    Ok(CheckFinding::ok(match length {
        1 if did_issue(&presented[0], &presented[0])? => "1 certificate, self-signed".to_owned(),
        1 => format!("1 certificate, issued by {:?}", PresentedCertificate::parse(&presented[0])?.issuer),
        _ => format!("{length} certificates, each issued by the next"),
    }))
}

pub(super) async fn check_name(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (location, handshake) = (facts.location().await?, facts.handshake().await?);
    let name = &location.name;
    if covers_name(&handshake.chain[0], name) {
        return Ok(CheckFinding::ok(name));
    }
    let names = PresentedCertificate::parse(&handshake.chain[0])?.names.join(", ");
    Err(Failure::new(format!("the certificate is for {names:?}, not for {name}")).next(RENEW).into())
}

pub(super) async fn check_expiry(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (certificate, handshake) = (facts.imported_certificate().await?, facts.handshake().await?);
    let presented = PresentedCertificate::parse(&handshake.chain[0])?;
    let validity = (presented.not_before, presented.not_after);
    check_validity_at(OffsetDateTime::now_utc(), validity, renew_command(certificate))
}

/// Checks that the endpoint serves the certificate that was imported.
pub(super) async fn check_fingerprint(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (location, handshake) = (facts.location().await?, facts.handshake().await?);
    let served = sha256_hex(&handshake.chain[0]);
    if served == location.fingerprint {
        return Ok(CheckFinding::ok(format!("SHA-256 {served}, as imported")));
    }
    Err(Failure::new("the endpoint does not serve the certificate that was imported last")
        .why(format!("it serves SHA-256 {served}, and {} was imported", location.fingerprint))
        .next("restctl deploy; if that reports no change: restctl cert renew")
        .into())
}

/// Checks a certificate that is valid from `start` to `end`.
pub(super) fn check_validity_at(
    now: OffsetDateTime,
    (start, end): (OffsetDateTime, OffsetDateTime),
    renew_command: &str,
) -> Result<CheckFinding, CheckError> {
    let remaining = end - now;
    if now < start {
        let failure = Failure::new(format!("the certificate is valid only from {}", start.date()));
        return Err(failure.next("check this machine's clock, or wait").into());
    }
    if remaining <= Duration::ZERO {
        return Err(Failure::new(format!("the certificate expired on {}", end.date()))
            .next(renew_command)
            .into());
    }
    let evidence = format!("expires on {}, in {} days", end.date(), remaining.whole_days());
    Ok(if remaining < MIN_REMAINING_WITHOUT_WARNING {
        CheckFinding::warning(evidence, renew_command)
    } else {
        CheckFinding::ok(evidence)
    })
}

pub(super) fn renew_command(certificate: &Certificate) -> &'static str {
    if certificate.self_signed { "restctl cert renew" } else { RENEW }
}

#[cfg(test)]
mod tests {
    use super::super::check_names::EXPIRY;
    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    fn check_validity(from_days: i64, to_days: i64) -> Result<CheckFinding, CheckError> {
        let now = OffsetDateTime::from_unix_timestamp(1_763_868_000).unwrap();
        let validity = (now + Duration::days(from_days), now + Duration::days(to_days));
        check_validity_at(now, validity, "restctl cert renew")
    }

    #[test]
    fn a_certificate_gets_a_warning_in_its_last_30_days() {
        for (from_days, to_days, verdict) in [
            (-1, 31, CheckVerdict::Ok),
            (-1, 29, CheckVerdict::Warning),
            (-1, 0, CheckVerdict::Failed),
            (-9, -1, CheckVerdict::Failed),
            (1, 90, CheckVerdict::Failed),
        ] {
            let report = DoctorCheckReport::new(EXPIRY, check_validity(from_days, to_days));
            assert_eq!(report.verdict, verdict, "{to_days}");
        }
    }
}
