//! AWS Certificate Manager: the imported certificate.

use std::time::Duration;

use aws_sdk_acm::primitives::Blob;
use aws_sdk_acm::types::{CertificateStatus, KeyAlgorithm};
use time::OffsetDateTime;

use super::Aws;
use super::call::Called;
use crate::certificate::Identity;
use crate::failure::{Failure, Result};
use crate::output;

/// Imports `identity`, under the same ARN where `existing` still names a certificate.
pub(crate) async fn import(aws: &Aws, identity: &Identity, existing: Option<&str>) -> Result<String> {
    let request = |arn: Option<&str>| {
        aws.acm
            .import_certificate()
            .certificate(Blob::new(identity.certificate_pem.as_str()))
            .private_key(Blob::new(identity.key_pem.as_str()))
            .set_certificate_chain(identity.chain_pem.as_deref().map(Blob::new))
            .set_certificate_arn(arn.map(str::to_owned))
            .send()
    };
    let mut answer = request(existing).await;
    if existing.is_some()
        && matches!(&answer, Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()))
    {
        answer = request(None).await;
    }
    let arn = answer.called("import the certificate into ACM")?.certificate_arn;
    arn.ok_or_else(|| Failure::new("ACM imported the certificate and named no ARN"))
}

/// What ACM says of a certificate.
pub(crate) struct Described {
    pub(crate) status: CertificateStatus,
    pub(crate) key: Option<KeyAlgorithm>,
    pub(crate) not_after: Option<OffsetDateTime>,
}

/// None where there is no such certificate in this region.
pub(crate) async fn describe(aws: &Aws, arn: &str) -> Result<Option<Described>> {
    let answer = aws.acm.describe_certificate().certificate_arn(arn).send().await;
    if matches!(&answer, Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()))
    {
        return Ok(None);
    }
    let described = answer.called("describe the certificate")?.certificate;
    Ok(described.map(|certificate| Described {
        status: certificate.status.unwrap_or(CertificateStatus::Issued),
        key: certificate.key_algorithm,
        not_after: certificate.not_after.and_then(|end| OffsetDateTime::from_unix_timestamp(end.secs()).ok()),
    }))
}

/// Deletes the certificate; waits a while where a load balancer that is going away still uses it.
pub(crate) async fn delete(aws: &Aws, arn: &str) -> Result<()> {
    // A load balancer lets go of its certificate some minutes after it was deleted.
    const TRIES: u32 = 150;
    let waiting = output::spinner("Waiting until no load balancer uses the certificate");
    for attempt in 1.. {
        let answer = aws.acm.delete_certificate().certificate_arn(arn).send().await;
        match &answer {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                break;
            }
            Err(error)
                if attempt < TRIES
                    && error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) =>
            {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {
                let failure = Failure::new("the certificate is still in use, and was not deleted");
                return Err(failure.next(format!(
                    "aws acm describe-certificate --certificate-arn {arn} names what uses it (InUseBy)"
                )));
            }
            _ => {
                answer.called("delete the certificate from ACM")?;
                break;
            }
        }
    }
    waiting.finish_and_clear();
    Ok(())
}
