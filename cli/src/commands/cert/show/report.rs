//! The report about a certificate, as text and JSON.

use std::fmt;

use restctl_contract::stack::Certificate;
use restctl_contract::timestamp::to_rfc3339;
use serde::Serialize;
use time::OffsetDateTime;

use crate::aws::acm::CertificateDescription;
use crate::certificate::PresentedCertificate;

/// The JSON output.
#[derive(Serialize)]
pub(super) struct CertificateReport {
    /// The DNS name to request.
    name: String,
    names: Vec<String>,
    arn: String,
    key_algorithm: String,
    not_before: String,
    not_after: String,
    /// Negative after the expiry.
    days_left: i64,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    fingerprint: String,
    self_signed: bool,
    /// The certificates that issued it, from its issuer upwards.
    chain: Vec<ChainCertificate>,
    acm: AcmState,
    /// `None` before the first deployment.
    served: Option<ServedCertificate>,
}

#[derive(Serialize)]
struct ChainCertificate {
    subject: String,
    not_after: String,
    fingerprint: String,
}

#[derive(Serialize)]
struct AcmState {
    /// Such as `ISSUED`.
    status: String,
    /// ARNs of the resources that use it.
    in_use_by: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ServedCertificate {
    /// `None` if the endpoint cannot be reached or presents no certificate.
    pub(super) fingerprint: Option<String>,
    /// Whether it is the certificate of this report.
    pub(super) is_same: bool,
    pub(super) is_trusted: bool,
    /// Why it is not trusted, or why it was not seen.
    pub(super) why: Option<String>,
}

impl CertificateReport {
    pub(super) fn new(
        certificate: Certificate,
        leaf: PresentedCertificate,
        issuers: &[PresentedCertificate],
        described: CertificateDescription,
        served: Option<ServedCertificate>,
    ) -> Self {
        let issuers = issuers.iter().map(|each| ChainCertificate {
            subject: each.subject.clone(),
            not_after: to_rfc3339(each.not_after),
            fingerprint: each.fingerprint.clone(),
        });
        Self {
            name: certificate.name,
            names: leaf.names,
            arn: certificate.arn,
            key_algorithm: leaf.key_algorithm,
            not_before: to_rfc3339(leaf.not_before),
            not_after: to_rfc3339(leaf.not_after),
            days_left: (leaf.not_after - OffsetDateTime::now_utc()).whole_days(),
            fingerprint: leaf.fingerprint,
            self_signed: certificate.self_signed,
            chain: issuers.collect(),
            acm: AcmState { status: described.status.as_str().to_owned(), in_use_by: described.in_use_by },
            served,
        }
    }

    pub(super) fn named_values(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("name", self.names.join(", ")),
            ("arn", self.arn.clone()),
            ("key", self.key_algorithm.clone()),
            (
                "valid",
                format!(
                    "from {} until {}, {} days left",
                    date_of(&self.not_before),
                    date_of(&self.not_after),
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
                    .map(|each| ("chain", format!("{:?}, until {}", each.subject, date_of(&each.not_after)))),
            ),
        }
        lines.push(("ACM", self.acm.to_string()));
        lines.push((
            "served",
            self.served.as_ref().map_or("not deployed yet".to_owned(), ServedCertificate::to_string),
        ));
        lines
    }
}

impl fmt::Display for AcmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.in_use_by.as_slice() {
            [] => f.write_str(&self.status),
            users => write!(f, "{}, in use by {}", self.status, users.join(", ")),
        }
    }
}

impl fmt::Display for ServedCertificate {
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

/// Returns the date of an RFC 3339 time.
fn date_of(time: &str) -> &str {
    time.split_once('T').map_or(time, |(date, _)| date)
}
