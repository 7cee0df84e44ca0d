//! AWS Certificate Manager: the imported certificate.

use std::time::Duration;

use aws_sdk_acm::error::BuildError;
use aws_sdk_acm::primitives::{Blob, DateTime};
use aws_sdk_acm::types::{CertificateStatus, KeyAlgorithm, RenewalEligibility, Tag};
use restctl_contract::stack::Tags;
use time::OffsetDateTime;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::certificate::CertificateBundle;
use crate::failure::{Exit, Failure, FailureContext, Result};

/// Imports `bundle` and returns its ARN. If `existing` is set, replaces the certificate under that ARN, which keeps its tags: ACM
/// accepts none then ("ImportCertificate", ACM API Reference).
pub(crate) async fn import_certificate(
    aws: &Aws,
    bundle: &CertificateBundle,
    existing: Option<&str>,
    tags: &Tags,
) -> Result<String> {
    let tags = existing.is_none().then(|| build_tags(tags)).transpose();
    let tags = tags.context("cannot build the certificate's tags")?.filter(|tags| !tags.is_empty());
    let request = aws
        .acm
        .import_certificate()
        .certificate(Blob::new(bundle.certificate_pem.as_str()))
        .private_key(Blob::new(bundle.key_pem.as_str()))
        .set_certificate_chain(bundle.chain_pem.as_deref().map(Blob::new))
        .set_certificate_arn(existing.map(str::to_owned))
        .set_tags(tags);
    let arn = request.send().await.aws_context("import the certificate into ACM")?.certificate_arn;
    arn.ok_or_else(|| Failure::new("ACM imported the certificate but returned no ARN"))
}

fn build_tags(tags: &Tags) -> std::result::Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// A certificate in ACM, as PEM.
pub(crate) struct Imported {
    pub(crate) certificate: String,
    /// The certificates above it.
    pub(crate) chain: Option<String>,
}

/// Reads the certificate `arn`. `None` if there is no such certificate in this region.
pub(crate) async fn read_certificate(aws: &Aws, arn: &str) -> Result<Option<Imported>> {
    let answer = aws.acm.get_certificate().certificate_arn(arn).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let answer = answer.aws_context("read the certificate in ACM")?;
    let no_text = || Failure::new(format!("ACM returned no text for the certificate {arn}"));
    let chain = answer.certificate_chain.filter(|chain| !chain.trim().is_empty());
    Ok(Some(Imported { certificate: answer.certificate.ok_or_else(no_text)?, chain }))
}

/// A certificate's description in ACM.
pub(crate) struct CertificateDescription {
    pub(crate) status: CertificateStatus,
    pub(crate) key: Option<KeyAlgorithm>,
    pub(crate) not_before: Option<OffsetDateTime>,
    pub(crate) not_after: Option<OffsetDateTime>,
    /// Whether ACM renews it. It renews no imported certificate.
    pub(crate) is_renewed: bool,
    /// The ARNs of the resources that serve it.
    pub(crate) in_use_by: Vec<String>,
}

/// Describes the certificate `arn`. `None` if there is no such certificate in this region.
pub(crate) async fn describe_certificate(aws: &Aws, arn: &str) -> Result<Option<CertificateDescription>> {
    let answer = aws.acm.describe_certificate().certificate_arn(arn).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let described = answer.aws_context("describe the certificate")?.certificate;
    let to_time = |time: DateTime| OffsetDateTime::from_unix_timestamp(time.secs()).ok();
    Ok(described.map(|certificate| CertificateDescription {
        status: certificate.status.unwrap_or(CertificateStatus::Issued),
        key: certificate.key_algorithm,
        not_before: certificate.not_before.and_then(to_time),
        not_after: certificate.not_after.and_then(to_time),
        is_renewed: certificate.renewal_eligibility == Some(RenewalEligibility::Eligible),
        in_use_by: certificate.in_use_by.unwrap_or_default(),
    }))
}

pub(crate) fn certificate_missing_failure(arn: &str) -> Failure {
    Failure::new(format!("the certificate {arn} is not in ACM"))
        .exit(Exit::NotFound)
        .next("restctl setup --cert FILE --key FILE, or --self-signed NAME; then restctl deploy")
}

/// Deletes the certificate. Returns false if something still uses it.
pub(crate) async fn delete_certificate(aws: &Aws, arn: &str) -> Result<bool> {
    let answer = aws.acm.delete_certificate().certificate_arn(arn).send().await;
    match answer.as_ref().err().and_then(|error| error.as_service_error()) {
        Some(error) if error.is_resource_not_found_exception() => Ok(true),
        Some(error) if error.is_resource_in_use_exception() => Ok(false),
        _ => answer.aws_context("delete the certificate from ACM").map(|_| true),
    }
}

/// Deletes the certificate unless it is in use. Returns false if it is still in use after 20 seconds: a load balancer that
/// has just been given another certificate takes a moment to release this one.
pub(crate) async fn delete_unused_certificate(aws: &Aws, arn: &str) -> Result<bool> {
    let attempt = async || Ok(delete_certificate(aws, arn).await?.then_some(()));
    let (pause, patience) = (Duration::from_secs(2), Duration::from_secs(20));
    Ok(aws.clock.poll(pause, patience, attempt).await?.is_some())
}
