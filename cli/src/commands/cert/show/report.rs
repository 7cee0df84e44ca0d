//! What there is to tell of a certificate.

use std::fmt;

use restctl_contract::stack::Certificate;
use restctl_contract::timestamp::rfc3339;
use serde::Serialize;
use time::OffsetDateTime;

use crate::aws::acm::CertificateDescription;
use crate::certificate::PresentedCertificate;

/// For programs.
#[derive(Serialize)]
pub(super) struct Report {
    /// The DNS name to ask for.
    name: String,
    names: Vec<String>,
    arn: String,
    key_algorithm: String,
    not_before: String,
    not_after: String,
    /// Negative once it has ended.
    days_left: i64,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    fingerprint: String,
    self_signed: bool,
    /// The certificates above it, from its issuer upwards.
    chain: Vec<Above>,
    acm: Acm,
    /// None before the first deployment.
    served: Option<Served>,
}

#[derive(Serialize)]
struct Above {
    subject: String,
    not_after: String,
    fingerprint: String,
}

#[derive(Serialize)]
struct Acm {
    /// Such as `ISSUED`.
    status: String,
    /// ARNs of what serves it.
    in_use_by: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Served {
    /// None where the endpoint cannot be reached, or presents no certificate.
    pub(super) fingerprint: Option<String>,
    /// It is the certificate of this report.
    pub(super) is_same: bool,
    pub(super) is_trusted: bool,
    /// Why it is not to be trusted, or was not seen.
    pub(super) why: Option<String>,
}

impl Report {
    pub(super) fn of(
        certificate: Certificate,
        leaf: PresentedCertificate,
        above: &[PresentedCertificate],
        described: CertificateDescription,
        served: Option<Served>,
    ) -> Self {
        let above = above.iter().map(|each| Above {
            subject: each.subject.clone(),
            not_after: rfc3339(each.not_after),
            fingerprint: each.fingerprint.clone(),
        });
        Self {
            name: certificate.name,
            names: leaf.names,
            arn: certificate.arn,
            key_algorithm: leaf.key_algorithm,
            not_before: rfc3339(leaf.not_before),
            not_after: rfc3339(leaf.not_after),
            days_left: (leaf.not_after - OffsetDateTime::now_utc()).whole_days(),
            fingerprint: leaf.fingerprint,
            self_signed: certificate.self_signed,
            chain: above.collect(),
            acm: Acm { status: described.status.as_str().to_owned(), in_use_by: described.in_use_by },
            served,
        }
    }

    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("name", self.names.join(", ")),
            ("arn", self.arn.clone()),
            ("key", self.key_algorithm.clone()),
            (
                "valid",
                format!(
                    "from {} until {}, {} days left",
                    date(&self.not_before),
                    date(&self.not_after),
                    self.days_left
                ),
            ),
            ("SHA-256", self.fingerprint.clone()),
        ];
        match self.chain.as_slice() {
            [] if self.self_signed => lines.push(("chain", "none: it is self-signed".to_owned())),
            [] => lines.push(("chain", "none was imported".to_owned())),
            chain => lines.extend(
                chain
                    .iter()
                    .map(|each| ("chain", format!("{:?}, until {}", each.subject, date(&each.not_after)))),
            ),
        }
        lines.push(("ACM", self.acm.to_string()));
        lines.push(("served", self.served.as_ref().map_or("not deployed yet".to_owned(), Served::to_string)));
        lines
    }
}

impl fmt::Display for Acm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.in_use_by.as_slice() {
            [] => f.write_str(&self.status),
            users => write!(f, "{}, in use by {}", self.status, users.join(", ")),
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fingerprint {
            Some(_) if self.is_same => f.write_str("yes, this one")?,
            Some(other) => write!(f, "another one, SHA-256 {other}")?,
            None => f.write_str("not seen")?,
        }
        match &self.why {
            Some(why) => write!(f, "; {why}"),
            None => Ok(()),
        }
    }
}

/// Of a time in RFC 3339.
fn date(time: &str) -> &str {
    time.split_once('T').map_or(time, |(date, _)| date)
}
