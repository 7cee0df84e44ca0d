//! A bucket of the caller's own account whose name others can guess.

mod controls;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{BuildError, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, ChecksumAlgorithm, ChecksumMode, CreateBucketConfiguration, Tag,
};
use restctl_contract::stack::Tags;

pub(crate) use self::controls::enable_versioning;
use crate::aws::Aws;
use crate::aws::answer::is_from_service;
use crate::aws::error::AwsContext;
use crate::digest::sha256_base64;
use crate::failure::{Failure, FailureContext, Result};

/// "A conflicting conditional operation is currently in progress against this resource."
const ABORTED: &str = "OperationAborted";

const ABORTED_PATIENCE: Duration = Duration::from_secs(120);

const ABORTED_PAUSE: Duration = Duration::from_secs(5);

/// A bucket of the caller's own account. An attacker could create a bucket of that name first, open it to everyone, and so
/// replace the code that runs in this account. Each call therefore names the owner, and S3 answers 403 if the bucket belongs
/// to another account ("Verifying bucket ownership with bucket owner condition").
#[derive(Clone, Copy)]
pub(crate) struct OwnBucket<'a> {
    pub(crate) name: &'a str,
    /// 12 digits.
    pub(crate) account: &'a str,
}

/// Whether a bucket of the caller's own account exists.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OwnBucketState {
    Missing,
    Own,
    /// It belongs to another account, or the credentials may not use it.
    Refused,
}

pub(crate) async fn read_bucket_state(aws: &Aws, bucket: OwnBucket<'_>) -> Result<OwnBucketState> {
    let request = aws.s3.head_bucket().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    if let Err(error) = &answer {
        let is_refusal = |answer: &HttpResponse| answer.status().as_u16() == 403 && is_from_service(answer);
        if error.raw_response().is_some_and(is_refusal) {
            return Ok(OwnBucketState::Refused);
        }
        if error.as_service_error().is_some_and(|error| error.is_not_found()) {
            return Ok(OwnBucketState::Missing);
        }
    }
    answer.aws_context(&format!("read the bucket {}", bucket.name))?;
    Ok(OwnBucketState::Own)
}

/// Creates a private bucket with these tags, or checks that the existing one is still as it was created. Returns the names of
/// the controls that had to be restored. `partition` is the first part of its ARN, such as `aws`. `on_wait` is called if the name
/// is not free yet.
pub(crate) async fn ensure_private_bucket(
    aws: &Aws,
    bucket: OwnBucket<'_>,
    partition: &str,
    tags: &Tags,
    on_wait: impl Fn(),
) -> Result<Vec<&'static str>> {
    match read_bucket_state(aws, bucket).await? {
        OwnBucketState::Own => controls::restore_controls(aws, bucket, partition).await,
        OwnBucketState::Refused => Err(Failure::new(format!("the bucket {} cannot be used", bucket.name))
            .why("it belongs to another account, or a policy denies access")
            .next(
                "if it is your bucket, ask for access to it; otherwise: restctl deploy --stack ANOTHER-NAME",
            )),
        OwnBucketState::Missing => {
            create_bucket(aws, bucket.name, tags, on_wait).await?;
            close_new_bucket(aws, bucket, partition).await?;
            Ok(Vec::new())
        }
    }
}

/// Creates the bucket. The name of a deleted one is free again after a while, sometimes after hours ("I want to resolve the
/// 'conflicting conditional operation' error", AWS re:Post).
async fn create_bucket(aws: &Aws, bucket: &str, tags: &Tags, on_wait: impl Fn()) -> Result<()> {
    // us-east-1 is the one region that must not be given as a location.
    let place = (aws.region != "us-east-1").then(|| BucketLocationConstraint::from(aws.region.as_str()));
    let mut request = aws.s3.create_bucket().bucket(bucket);
    if place.is_some() || !tags.is_empty() {
        let tags = build_tags(tags).context("cannot build the bucket's tags")?;
        let tags = Some(tags).filter(|tags| !tags.is_empty());
        let configuration = CreateBucketConfiguration::builder().set_location_constraint(place);
        request = request.create_bucket_configuration(configuration.set_tags(tags).build());
    }
    let answer = retry_while_aborted(aws, on_wait, async || request.clone().send().await).await;
    match answer.error_code() {
        // Another deployment of the same stack has just created it.
        Some("BucketAlreadyOwnedByYou") => return Ok(()),
        Some(ABORTED) => {
            return Err(Failure::new(format!("the name of the deleted bucket {bucket} is not free yet"))
                .why(format!("S3 has not finished deleting it after {} s", ABORTED_PATIENCE.as_secs()))
                .next(
                    "run the same command again in an hour, or use another name now: restctl deploy --stack NAME",
                ));
        }
        _ => {}
    }
    answer.aws_context(&format!("create the bucket {bucket}"))?;
    Ok(())
}

fn build_tags(tags: &Tags) -> std::result::Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Repeats a request that S3 refuses because it still works on an earlier one for the same bucket. Returns the last answer.
async fn retry_while_aborted<T, E>(
    aws: &Aws,
    on_wait: impl Fn(),
    send: impl AsyncFn() -> Result<T, SdkError<E, HttpResponse>>,
) -> Result<T, SdkError<E, HttpResponse>>
where
    Result<T, SdkError<E, HttpResponse>>: AwsContext<T>,
{
    let mut waited = Duration::ZERO;
    loop {
        let answer = send().await;
        if answer.error_code() != Some(ABORTED) || waited >= ABORTED_PATIENCE {
            return answer;
        }
        if waited.is_zero() {
            on_wait();
        }
        aws.clock.sleep(ABORTED_PAUSE).await;
        waited += ABORTED_PAUSE;
    }
}

/// Sets the controls of a new bucket. S3 may refuse that for some seconds, until it knows the bucket everywhere.
async fn close_new_bucket(aws: &Aws, bucket: OwnBucket<'_>, partition: &str) -> Result<()> {
    for pause in [1, 2, 4].map(Duration::from_secs) {
        if controls::restore_controls(aws, bucket, partition).await.is_ok() {
            return Ok(());
        }
        aws.clock.sleep(pause).await;
    }
    controls::restore_controls(aws, bucket, partition).await?;
    Ok(())
}

/// Uploads the object, unless the bucket has it already with these very bytes: by the SHA-256 checksum that S3 computed when
/// it was uploaded, and not by its name, which anyone who may write to the bucket chooses.
pub(crate) async fn ensure_object(aws: &Aws, bucket: OwnBucket<'_>, key: &str, bytes: &[u8]) -> Result<()> {
    let checksum = sha256_base64(bytes);
    let request = aws.s3.head_object().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let stored = request.key(key).checksum_mode(ChecksumMode::Enabled).send().await;
    if !matches!(&stored, Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found())) {
        let stored = stored.aws_context(&format!("read s3://{}/{key}", bucket.name))?;
        if stored.checksum_sha256() == Some(&checksum) {
            return Ok(());
        }
    }
    let request = aws.s3.put_object().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256).checksum_sha256(checksum);
    let request = request.key(key).body(ByteStream::from(bytes.to_vec()));
    request.send().await.aws_context(&format!("upload to s3://{}/{key}", bucket.name))?;
    Ok(())
}

/// Deletes the object. Its version stays until the bucket's lifecycle removes it.
pub(crate) async fn delete_object(aws: &Aws, bucket: OwnBucket<'_>, key: &str) -> Result<()> {
    let request = aws.s3.delete_object().bucket(bucket.name).expected_bucket_owner(bucket.account);
    request.key(key).send().await.aws_context(&format!("delete s3://{}/{key}", bucket.name))?;
    Ok(())
}

/// Deletes the bucket. A bucket that does not exist counts as deleted. S3 refuses to delete one that it is still creating.
pub(crate) async fn delete_bucket(aws: &Aws, bucket: OwnBucket<'_>) -> Result<()> {
    let request = aws.s3.delete_bucket().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = retry_while_aborted(aws, || {}, async || request.clone().send().await).await;
    if answer.error_code() != Some("NoSuchBucket") {
        answer.aws_context(&format!("delete the bucket {}", bucket.name))?;
    }
    Ok(())
}
