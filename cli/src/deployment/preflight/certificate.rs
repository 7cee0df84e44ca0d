//! The certificate: there, valid, one that a load balancer takes, and for the name that leads to it.

use aws_sdk_acm::types::{CertificateStatus, KeyAlgorithm};
use restctl_contract::stack::Certificate;
use restctl_contract::template::parameter;
use time::OffsetDateTime;

use super::{Deployment, Finding};
use crate::aws::acm::{self, CertificateDescription};
use crate::context::Context;
use crate::failure::Result;

/// A certificate that ends sooner is worth a note.
const SOON: time::Duration = time::Duration::days(30);

const RENEW: &str = "restctl setup --cert FILE --key FILE, or --self-signed NAME";

pub(super) async fn check(context: &Context, deployment: &Deployment<'_>) -> Result<Vec<Finding>> {
    let certificate = deployment.certificate;
    let described = acm::describe(context.aws().await?, &certificate.arn).await?;
    let mut findings = judge(&certificate.arn, described.as_ref(), OffsetDateTime::now_utc());
    findings.extend(misses(certificate, deployment.parameter(parameter::DOMAIN)));
    Ok(findings)
}

/// The name that shall lead to the load balancer is none of the certificate's.
fn misses(certificate: &Certificate, domain: &str) -> Option<Finding> {
    let own = std::slice::from_ref(&certificate.name);
    let names = if certificate.names.is_empty() { own } else { &certificate.names };
    let is_covered = domain.is_empty() || names.iter().any(|name| covers(name, domain));
    (!is_covered).then(|| Finding::Problem {
        what: format!("the certificate is for {}, not for {domain}", names.join(", ")),
        next: format!("restctl setup with a certificate for {domain}, or another --domain"),
    })
}

fn judge(arn: &str, described: Option<&CertificateDescription>, now: OffsetDateTime) -> Vec<Finding> {
    let problem = |what: String| vec![Finding::Problem { what, next: RENEW.to_owned() }];
    let Some(described) = described else {
        return problem(format!("the certificate {arn} is not there"));
    };
    if described.status != CertificateStatus::Issued {
        return problem(format!("the certificate {arn} is in {}", described.status.as_str()));
    }
    // "Listener certificates" of the Application Load Balancers guide: RSA of 2,048 bits or more, and ECDSA.
    if described.key == Some(KeyAlgorithm::Rsa1024) {
        return problem(format!(
            "no load balancer takes the certificate {arn}: its key is RSA of 1,024 bits"
        ));
    }
    match described.not_after {
        Some(end) if end <= now => problem(format!("the certificate {arn} ended on {}", end.date())),
        Some(end) if end - now < SOON => {
            vec![Finding::Note(format!("the certificate ends on {}; renew it with {RENEW}", end.date()))]
        }
        _ => Vec::new(),
    }
}

/// A star stands for one label, the leftmost (RFC 9525, section 6.3).
fn covers(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    match (name.strip_prefix("*."), domain.split_once('.')) {
        (Some(parent), Some((label, rest))) => !label.is_empty() && rest == parent,
        _ => name == domain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> CertificateDescription {
        CertificateDescription {
            status: CertificateStatus::Issued,
            key: Some(KeyAlgorithm::Rsa2048),
            not_after: Some(now() + time::Duration::days(90)),
            in_use_by: Vec::new(),
        }
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_763_868_000).unwrap()
    }

    fn said(described: Option<CertificateDescription>) -> String {
        judge("arn", described.as_ref(), now()).iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn certificate() -> Certificate {
        Certificate {
            arn: "arn".to_owned(),
            name: "api.example.com".to_owned(),
            names: vec!["api.example.com".to_owned(), "*.example.org".to_owned()],
            anchor: String::new(),
            fingerprint: String::new(),
            not_after: String::new(),
            self_signed: false,
            supersedes: Vec::new(),
        }
    }

    #[test]
    fn a_good_certificate_has_nothing_to_say() {
        assert_eq!(said(Some(described())), "");
        for domain in ["", "api.example.com", "API.example.com", "any.example.org"] {
            assert!(misses(&certificate(), domain).is_none(), "{domain}");
        }
        let of_an_earlier_version = Certificate { names: Vec::new(), ..certificate() };
        assert!(misses(&of_an_earlier_version, "api.example.com").is_none());
    }

    #[test]
    fn what_a_load_balancer_would_refuse_is_found() {
        assert!(said(None).contains("is not there"));
        let expired = CertificateDescription { status: CertificateStatus::Expired, ..described() };
        assert!(said(Some(expired)).contains("is in EXPIRED"));
        let ended = CertificateDescription { not_after: Some(now()), ..described() };
        assert!(said(Some(ended)).contains("Problem") && said(None).contains("restctl setup"));
        let weak = CertificateDescription { key: Some(KeyAlgorithm::Rsa1024), ..described() };
        assert!(said(Some(weak)).contains("1,024 bits"));
        for domain in ["example.org", "a.b.example.org", "www.example.com"] {
            let missed = format!("{:?}", misses(&certificate(), domain));
            assert!(missed.contains(&format!("not for {domain}")), "{missed}");
        }
        let soon =
            CertificateDescription { not_after: Some(now() + time::Duration::days(29)), ..described() };
        assert!(said(Some(soon)).starts_with("Note"));
    }
}
