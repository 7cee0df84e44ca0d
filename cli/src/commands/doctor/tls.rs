//! What the endpoint presents in a TLS handshake.

use restctl_contract::stack::Certificate;
use rustls::CertificateError;
use time::{Duration, OffsetDateTime};

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use super::memo::CONNECTION;
use crate::api::handshake::Handshake;
use crate::certificate::{Presented, covers, did_issue};
use crate::digest::sha256_hex;
use crate::failure::Failure;

pub(super) const KEY: &str = "key";
pub(super) const CHAIN: &str = "chain";
pub(super) const NAME: &str = "name";
pub(super) const EXPIRY: &str = "expiry";

/// A certificate that ends sooner is worth a warning.
const SOON: Duration = Duration::days(30);

const RENEW: &str = "restctl cert renew --cert FILE --key FILE --chain FILE";

/// The check that tells why a handshake came to nothing.
pub(super) fn at_fault(handshake: &Handshake) -> &'static str {
    use CertificateError::*;
    if handshake.holds_key == Some(false) {
        return KEY;
    }
    match &handshake.certificate_error {
        None => CONNECTION,
        Some(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => NAME,
        Some(rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        )) => EXPIRY,
        Some(_) => CHAIN,
    }
}

pub(super) async fn connection(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (location, handshake) = (facts.location().await?, facts.handshake().await?);
    match &handshake.connection {
        Err(error) if at_fault(handshake) == CONNECTION => {
            let failure = Failure::new(format!("the handshake with {} breaks off", handshake.address));
            Err(failure.because(error).next("restctl deploy").into())
        }
        _ => Ok(Finding::ok(format!("{} at {}", location.base_url(), handshake.address))),
    }
}

/// Whoever signs the handshake has the certificate's private key.
pub(super) async fn key(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let handshake = facts.handshake().await?;
    match handshake.holds_key {
        Some(true) => {
            let algorithm = Presented::of(&handshake.chain[0])?.key_algorithm;
            Ok(Finding::ok(format!("{algorithm}; the endpoint signs with it")))
        }
        Some(false) => {
            Err(Failure::new("the endpoint signs with another key than its certificate's").next(RENEW).into())
        }
        None => Err(Trouble::with(CONNECTION, Failure::new("the handshake breaks off"))),
    }
}

pub(super) async fn chain(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let handshake = facts.handshake().await?;
    let (presented, length) = (&handshake.chain, handshake.chain.len());
    for (place, pair) in presented.windows(2).enumerate() {
        if !did_issue(&pair[1], &pair[0])? {
            let (before, this) = (Presented::of(&pair[0])?, Presented::of(&pair[1])?);
            let number = place + 2;
            return Err(Failure::new(format!(
                "certificate {number} of {length} did not issue the one before it"
            ))
            .why(format!("it is {:?}'s, and {:?} should follow", this.subject, before.issuer))
            .next(format!("{RENEW}, the chain in order from the issuer of --cert upwards"))
            .into());
        }
    }
    if let (Some(refusal), CHAIN) = (&handshake.certificate_error, at_fault(handshake)) {
        return Err(Failure::new("nobody who is trusted vouches for it").because(refusal).next(RENEW).into());
    }
    Ok(Finding::ok(match length {
        1 if did_issue(&presented[0], &presented[0])? => "1 certificate, self-signed".to_owned(),
        1 => format!("1 certificate, of {:?}", Presented::of(&presented[0])?.issuer),
        _ => format!("{length} certificates, each issued by the next"),
    }))
}

pub(super) async fn name(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (location, handshake) = (facts.location().await?, facts.handshake().await?);
    let name = &location.name;
    if covers(&handshake.chain[0], name) {
        return Ok(Finding::ok(name));
    }
    let names = Presented::of(&handshake.chain[0])?.names.join(", ");
    Err(Failure::new(format!("the certificate is for {names:?}, not for {name}")).next(RENEW).into())
}

pub(super) async fn expiry(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (certificate, handshake) = (facts.certificate().await?, facts.handshake().await?);
    judge(&Presented::of(&handshake.chain[0])?, renewal(certificate), OffsetDateTime::now_utc())
}

fn judge(presented: &Presented, renewal: &str, now: OffsetDateTime) -> Result<Finding, Trouble> {
    let (start, end) = (presented.not_before, presented.not_after);
    let left = end - now;
    if now < start {
        let failure = Failure::new(format!("the certificate is valid only from {}", start.date()));
        return Err(failure.next("see that this machine's clock is right, or wait").into());
    }
    if left <= Duration::ZERO {
        return Err(Failure::new(format!("the certificate ended on {}", end.date())).next(renewal).into());
    }
    let evidence = format!("ends on {}, in {} days", end.date(), left.whole_days());
    Ok(if left < SOON { Finding::warning(evidence, renewal) } else { Finding::ok(evidence) })
}

fn renewal(certificate: &Certificate) -> &'static str {
    if certificate.self_signed { "restctl cert renew" } else { RENEW }
}

/// What is served is what was imported.
pub(super) async fn fingerprint(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (location, handshake) = (facts.location().await?, facts.handshake().await?);
    let served = sha256_hex(&handshake.chain[0]);
    if served == location.fingerprint {
        return Ok(Finding::ok(format!("SHA-256 {served}, as imported")));
    }
    Err(Failure::new("the endpoint serves another certificate than the one imported last")
        .why(format!("SHA-256 {served}, imported {}", location.fingerprint))
        .next("restctl deploy; where that says \"no change\", restctl cert renew")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(days: i64, from: i64) -> Result<Finding, Trouble> {
        let now = OffsetDateTime::from_unix_timestamp(1_763_868_000).unwrap();
        let presented = Presented {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            key_algorithm: String::new(),
            not_before: now + Duration::days(from),
            not_after: now + Duration::days(days),
            fingerprint: String::new(),
        };
        judge(&presented, "renew it", now)
    }

    #[test]
    fn a_certificate_is_good_until_30_days_before_its_end() {
        use super::super::check_report::{Row, Verdict};
        for (days, from, verdict) in [
            (31, -1, Verdict::Ok),
            (29, -1, Verdict::Warning),
            (0, -1, Verdict::Failed),
            (-1, -9, Verdict::Failed),
            (90, 1, Verdict::Failed),
        ] {
            assert_eq!(Row::of(EXPIRY, judged(days, from)).verdict, verdict, "{days}");
        }
    }
}
