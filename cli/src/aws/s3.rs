//! Amazon S3: buckets, object versions and uploads.

pub(crate) mod destination;
mod emptying;
mod key_encoding;
pub(crate) mod resume_state;
pub(crate) mod upload;
mod versions;

use std::collections::HashMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration, Tag, Tagging,
};
pub(crate) use emptying::empty_bucket;
pub(crate) use versions::{ObjectVersion, bucket_size, list_versions};

use super::Aws;
use super::error::AwsContext;
use crate::failure::{Failure, FailureContext, Result};
use crate::timestamp;

pub(crate) async fn bucket_exists(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.head_bucket().bucket(bucket).send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_not_found())
    {
        return Ok(false);
    }
    answer.aws_context(&format!("read the bucket {bucket}"))?;
    Ok(true)
}

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

pub(crate) async fn find_own_bucket(aws: &Aws, bucket: OwnBucket<'_>) -> Result<OwnBucketState> {
    let request = aws.s3.head_bucket().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    if let Err(error) = &answer {
        if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 403) {
            return Ok(OwnBucketState::Refused);
        }
        if error.as_service_error().is_some_and(|error| error.is_not_found()) {
            return Ok(OwnBucketState::Missing);
        }
    }
    answer.aws_context(&format!("read the bucket {}", bucket.name))?;
    Ok(OwnBucketState::Own)
}

/// Creates a private bucket unless it exists already.
pub(crate) async fn ensure_private_bucket(aws: &Aws, own: OwnBucket<'_>) -> Result<()> {
    let bucket = own.name;
    match find_own_bucket(aws, own).await? {
        OwnBucketState::Own => return Ok(()),
        OwnBucketState::Refused => {
            return Err(Failure::new(format!("the bucket {bucket} cannot be used"))
                .why("it belongs to another account, or a policy denies access")
                .next("choose another name: --stack NAME"));
        }
        OwnBucketState::Missing => {}
    }
    let mut request = aws.s3.create_bucket().bucket(bucket);
    // us-east-1 is the one region that must not be given as a location.
    if aws.region != "us-east-1" {
        let place = BucketLocationConstraint::from(aws.region.as_str());
        request = request.create_bucket_configuration(
            CreateBucketConfiguration::builder().location_constraint(place).build(),
        );
    }
    request.send().await.aws_context(&format!("make the bucket {bucket}"))?;
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let request = aws.s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block);
    let request = request.expected_bucket_owner(own.account);
    request.send().await.aws_context(&format!("close the bucket {bucket} to the public"))?;
    Ok(())
}

pub(crate) async fn object_exists(aws: &Aws, bucket: OwnBucket<'_>, key: &str) -> Result<bool> {
    let request = aws.s3.head_object().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.key(key).send().await;
    if matches!(&answer, Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found())) {
        return Ok(false);
    }
    answer.aws_context(&format!("read s3://{}/{key}", bucket.name))?;
    Ok(true)
}

/// The current version of an object.
pub(crate) struct CurrentVersion {
    pub(crate) version: Option<String>,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was uploaded, or when its multipart upload began, in the ledger's format.
    pub(crate) uploaded: Option<String>,
    pub(crate) metadata: HashMap<String, String>,
}

/// Returns the current version of an object. `None` if there is no such object, or if it is deleted.
pub(crate) async fn find_current_version(
    aws: &Aws,
    bucket: &str,
    key: &str,
) -> Result<Option<CurrentVersion>> {
    let answer = aws.s3.head_object().bucket(bucket).key(key).send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_not_found())
    {
        return Ok(None);
    }
    let answer = answer.aws_context(&format!("read s3://{bucket}/{key}"))?;
    Ok(Some(CurrentVersion {
        uploaded: answer.last_modified.as_ref().and_then(timestamp::from_sdk),
        size: answer.content_length.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        version: answer.version_id,
        metadata: answer.metadata.unwrap_or_default(),
    }))
}

pub(crate) async fn put_object(aws: &Aws, bucket: OwnBucket<'_>, key: &str, bytes: Vec<u8>) -> Result<()> {
    let request = aws.s3.put_object().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let request = request.key(key).body(ByteStream::from(bytes));
    request.send().await.aws_context(&format!("upload to s3://{}/{key}", bucket.name))?;
    Ok(())
}

/// Returns the bytes of an object as a stream.
pub(crate) async fn get_object(aws: &Aws, bucket: &str, key: &str) -> Result<ByteStream> {
    let answer = aws.s3.get_object().bucket(bucket).key(key).send().await;
    Ok(answer.aws_context(&format!("read s3://{bucket}/{key}"))?.body)
}

/// Returns the buckets of this account and region whose names begin with `prefix` and that have this tag. Leaves out buckets
/// whose tags the credentials may not read.
pub(crate) async fn find_buckets_by_tag(
    aws: &Aws,
    prefix: &str,
    (key, value): (&str, &str),
) -> Result<Vec<String>> {
    let mut tagged = Vec::new();
    let mut pages = aws.s3.list_buckets().prefix(prefix).bucket_region(&aws.region).into_paginator().send();
    while let Some(page) = pages.next().await {
        let buckets = page.aws_context("list the buckets")?.buckets.unwrap_or_default();
        let names = buckets.into_iter().filter_map(|bucket| bucket.name);
        for bucket in names.filter(|name| name.starts_with(prefix)) {
            let tags = read_tags(aws, &bucket).await?.unwrap_or_default();
            if tags.iter().any(|tag| tag.key() == key && tag.value() == value) {
                tagged.push(bucket);
            }
        }
    }
    Ok(tagged)
}

/// Adds the tag to a bucket that has no tags.
pub(crate) async fn tag_untagged_bucket(aws: &Aws, bucket: &str, (key, value): (&str, &str)) -> Result<()> {
    if read_tags(aws, bucket).await?.is_none_or(|tags| !tags.is_empty()) {
        return Ok(());
    }
    let tagging = format!("tag the bucket {bucket}");
    let tag = Tag::builder().key(key).value(value).build().context("cannot build the tag")?;
    let tags = Tagging::builder().tag_set(tag).build().context("cannot build the tags")?;
    aws.s3.put_bucket_tagging().bucket(bucket).tagging(tags).send().await.aws_context(&tagging)?;
    Ok(())
}

/// Returns `None` if the bucket does not exist, or if it belongs to another account.
async fn read_tags(aws: &Aws, bucket: &str) -> Result<Option<Vec<Tag>>> {
    let answer = aws.s3.get_bucket_tagging().bucket(bucket).send().await;
    match answer.error_code() {
        Some("NoSuchTagSet") => Ok(Some(Vec::new())),
        Some("NoSuchBucket" | "AccessDenied") => Ok(None),
        _ => Ok(Some(answer.aws_context(&format!("read the tags of the bucket {bucket}"))?.tag_set)),
    }
}

/// Deletes the bucket. A bucket that does not exist counts as deleted.
pub(crate) async fn delete_bucket(aws: &Aws, bucket: &str) -> Result<()> {
    let answer = aws.s3.delete_bucket().bucket(bucket).send().await;
    if answer.error_code() != Some("NoSuchBucket") {
        answer.aws_context(&format!("delete the bucket {bucket}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    const OWN: OwnBucket<'_> = OwnBucket { name: "restctl", account: "123456789012" };

    /// Answers as S3 does for a bucket of the account 210987654321 whose policy allows everyone everything.
    async fn bucket_of_another_account(request: Request) -> StatusCode {
        let expected = request.headers().get("x-amz-expected-bucket-owner");
        let is_another = expected.is_some_and(|owner| owner != "210987654321");
        if is_another { StatusCode::FORBIDDEN } else { StatusCode::OK }
    }

    #[tokio::test]
    async fn a_bucket_of_another_account_is_not_trusted() {
        let aws = test_server::connect(bucket_of_another_account).await;
        assert_eq!(find_own_bucket(&aws, OWN).await.unwrap(), OwnBucketState::Refused);
        assert!(ensure_private_bucket(&aws, OWN).await.is_err());
        assert!(object_exists(&aws, OWN, "package.zip").await.is_err());
        assert!(put_object(&aws, OWN, "package.zip", b"package".to_vec()).await.is_err());

        let owner = OwnBucket { account: "210987654321", ..OWN };
        assert_eq!(find_own_bucket(&aws, owner).await.unwrap(), OwnBucketState::Own);
        ensure_private_bucket(&aws, owner).await.unwrap();
        assert!(object_exists(&aws, owner, "package.zip").await.unwrap());
        put_object(&aws, owner, "package.zip", b"package".to_vec()).await.unwrap();
    }
}
