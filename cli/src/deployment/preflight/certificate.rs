//! Checks that the certificate exists, is valid, is accepted by load balancers, and covers the domain name.

use aws_sdk_acm::types::{CertificateStatus, KeyAlgorithm};
use restctl_contract::stack::Certificate;
use restctl_contract::template::parameter;
use time::OffsetDateTime;

use super::{Deployment, PreflightFinding};
use crate::aws::acm::{self, CertificateDescription};
use crate::context::Context;
use crate::failure::{Result, shell_argument};

/// A certificate that expires sooner is worth a note.
const EXPIRES_SOON: time::Duration = time::Duration::days(30);

const RENEW: &str = "restctl setup --cert FILE --key FILE, or --self-signed NAME";

pub(super) async fn check_certificate(
    context: &Context,
    deployment: &Deployment<'_>,
) -> Result<Vec<PreflightFinding>> {
    let certificate = deployment.certificate;
    let described = acm::describe_certificate(context.aws().await?, &certificate.arn).await?;
    let mut findings = check_description(&certificate.arn, described.as_ref(), OffsetDateTime::now_utc());
    findings.extend(find_uncovered_domain(certificate, deployment.parameter(parameter::DOMAIN)));
    Ok(findings)
}

/// Finds a domain name that the certificate does not cover.
fn find_uncovered_domain(certificate: &Certificate, domain: &str) -> Option<PreflightFinding> {
    let own = std::slice::from_ref(&certificate.name);
    let names = if certificate.names.is_empty() { own } else { &certificate.names };
    let is_covered = domain.is_empty() || names.iter().any(|name| covers_domain(name, domain));
    (!is_covered).then(|| PreflightFinding::Problem {
        what: format!("the certificate is for {}, not for {domain}", names.join(", ")),
        next: format!(
            "restctl setup with a certificate for {}, or another --domain",
            shell_argument(domain, "this domain")
        ),
    })
}

fn check_description(
    arn: &str,
    described: Option<&CertificateDescription>,
    now: OffsetDateTime,
) -> Vec<PreflightFinding> {
    let problem = |what: String| vec![PreflightFinding::Problem { what, next: RENEW.to_owned() }];
    let Some(described) = described else {
        return problem(format!("the certificate {arn} was not found"));
    };
    if described.status != CertificateStatus::Issued {
        return problem(format!("the certificate {arn} is in {}", described.status.as_str()));
    }
    // "Listener certificates" of the Application Load Balancers guide: RSA of 2,048 bits or more, and ECDSA.
    if described.key == Some(KeyAlgorithm::Rsa1024) {
        return problem(format!("load balancers refuse the certificate {arn}: its key is RSA of 1,024 bits"));
    }
    match described.not_after {
        Some(end) if end <= now => problem(format!("the certificate {arn} expired on {}", end.date())),
        Some(end) if end - now < EXPIRES_SOON => {
            vec![PreflightFinding::Note(format!(
                "the certificate expires on {}; renew it with {RENEW}",
                end.date()
            ))]
        }
        _ => Vec::new(),
    }
}

/// Whether a certificate name covers a domain. A star stands for the leftmost label (RFC 9525, section 6.3).
fn covers_domain(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    match (name.strip_prefix("*."), domain.split_once('.')) {
        (Some(parent), Some((label, rest))) => !label.is_empty() && rest == parent,
        _ => name == domain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid_description() -> CertificateDescription {
        CertificateDescription {
            status: CertificateStatus::Issued,
            key: Some(KeyAlgorithm::Rsa2048),
            not_before: Some(test_time()),
            not_after: Some(test_time() + time::Duration::days(90)),
            is_renewed: false,
            in_use_by: Vec::new(),
        }
    }

    fn test_time() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_763_868_000).unwrap()
    }

    fn describe_findings(described: Option<CertificateDescription>) -> String {
        check_description("arn", described.as_ref(), test_time())
            .iter()
            .map(|finding| format!("{finding:?}"))
            .collect()
    }

    fn test_certificate() -> Certificate {
        Certificate {
            arn: "arn".to_owned(),
            name: "api.example.com".to_owned(),
            names: vec!["api.example.com".to_owned(), "*.example.org".to_owned()],
            anchor: String::new(),
            fingerprint: String::new(),
            not_after: String::new(),
            self_signed: false,
            supersedes: Vec::new(),
            tags: restctl_contract::stack::Tags::new(),
        }
    }

    #[test]
    fn a_valid_certificate_has_no_findings() {
        assert_eq!(describe_findings(Some(valid_description())), "");
        for domain in ["", "api.example.com", "API.example.com", "any.example.org"] {
            assert!(find_uncovered_domain(&test_certificate(), domain).is_none(), "{domain}");
        }
        let from_an_earlier_version = Certificate { names: Vec::new(), ..test_certificate() };
        assert!(find_uncovered_domain(&from_an_earlier_version, "api.example.com").is_none());
    }

    #[test]
    fn a_certificate_that_load_balancers_refuse_is_found() {
        assert!(describe_findings(None).contains("was not found"));
        let expired = CertificateDescription { status: CertificateStatus::Expired, ..valid_description() };
        assert!(describe_findings(Some(expired)).contains("is in EXPIRED"));
        let ended = CertificateDescription { not_after: Some(test_time()), ..valid_description() };
        assert!(
            describe_findings(Some(ended)).contains("Problem")
                && describe_findings(None).contains("restctl setup")
        );
        let weak = CertificateDescription { key: Some(KeyAlgorithm::Rsa1024), ..valid_description() };
        assert!(describe_findings(Some(weak)).contains("1,024 bits"));
        for domain in ["example.org", "a.b.example.org", "www.example.com"] {
            let uncovered = format!("{:?}", find_uncovered_domain(&test_certificate(), domain));
            assert!(uncovered.contains(&format!("not for {domain}")), "{uncovered}");
        }
        let soon = CertificateDescription {
            not_after: Some(test_time() + time::Duration::days(29)),
            ..valid_description()
        };
        assert!(describe_findings(Some(soon)).starts_with("Note"));
    }
}
