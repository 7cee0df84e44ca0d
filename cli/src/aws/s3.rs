//! Amazon S3: the artifact bucket, uploads and the emptying of buckets.

pub(crate) mod destination;
mod multipart;
pub(crate) mod resume_state;
pub(crate) mod upload;

use std::collections::HashMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier,
    PublicAccessBlockConfiguration, Tag, Tagging,
};

use super::Aws;
use super::error::AwsContext;
use crate::failure::{Failure, FailureContext, Result};
use crate::timestamp;

/// S3's objects of one deletion.
const MAX_DELETIONS: i32 = 1000;

pub(crate) async fn bucket_exists(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.head_bucket().bucket(bucket).send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_not_found())
    {
        return Ok(false);
    }
    answer.aws_context(&format!("look at the bucket {bucket}"))?;
    Ok(true)
}

/// A bucket of the caller's own account. Whoever had made one of that name before, with a policy that lets everyone in, would
/// be trusted with what runs in this account; so each call names the owner, and S3 answers 403 where it is another
/// ("Verifying bucket ownership with bucket owner condition").
#[derive(Clone, Copy)]
pub(crate) struct OwnBucket<'a> {
    pub(crate) name: &'a str,
    /// 12 digits.
    pub(crate) account: &'a str,
}

/// What there is of the name of a bucket of one's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Own,
    /// Somebody else's, or one that these credentials may not use.
    Refused,
}

pub(crate) async fn find(aws: &Aws, bucket: OwnBucket<'_>) -> Result<Found> {
    let request = aws.s3.head_bucket().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    if let Err(error) = &answer {
        if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 403) {
            return Ok(Found::Refused);
        }
        if error.as_service_error().is_some_and(|error| error.is_not_found()) {
            return Ok(Found::Nothing);
        }
    }
    answer.aws_context(&format!("look at the bucket {}", bucket.name))?;
    Ok(Found::Own)
}

/// Makes a bucket that nobody else can read, unless it is there already.
pub(crate) async fn ensure_private_bucket(aws: &Aws, own: OwnBucket<'_>) -> Result<()> {
    let bucket = own.name;
    match find(aws, own).await? {
        Found::Own => return Ok(()),
        Found::Refused => {
            return Err(Failure::new(format!("the bucket {bucket} may not be used"))
                .why("it is somebody else's, or a policy is in the way")
                .next("another name: --stack NAME"));
        }
        Found::Nothing => {}
    }
    let mut request = aws.s3.create_bucket().bucket(bucket);
    // us-east-1 is the one region that must not be named.
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
    answer.aws_context(&format!("look at s3://{}/{key}", bucket.name))?;
    Ok(true)
}

/// The current version of an object.
pub(crate) struct Current {
    pub(crate) version: Option<String>,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was uploaded, or its upload in parts was begun; as the ledger writes times.
    pub(crate) uploaded: Option<String>,
    pub(crate) metadata: HashMap<String, String>,
}

/// The current version of an object; none where there is no such object, or it is deleted.
pub(crate) async fn current(aws: &Aws, bucket: &str, key: &str) -> Result<Option<Current>> {
    let answer = aws.s3.head_object().bucket(bucket).key(key).send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_not_found())
    {
        return Ok(None);
    }
    let answer = answer.aws_context(&format!("look at s3://{bucket}/{key}"))?;
    Ok(Some(Current {
        uploaded: answer.last_modified.as_ref().and_then(timestamp::from_sdk),
        size: answer.content_length.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        version: answer.version_id,
        metadata: answer.metadata.unwrap_or_default(),
    }))
}

/// One version of one object.
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) id: String,
    /// In bytes.
    pub(crate) size: u64,
    /// As [`Current::uploaded`].
    pub(crate) uploaded: String,
}

/// Every version of every object, without the marks of deletions.
pub(crate) async fn versions(aws: &Aws, bucket: &str) -> Result<Vec<Version>> {
    let mut versions = Vec::new();
    let (mut key, mut version) = (None, None);
    loop {
        let request = aws.s3.list_object_versions().bucket(bucket);
        let request = request.set_key_marker(key).set_version_id_marker(version);
        let page = request.send().await.aws_context(&format!("list the bucket {bucket}"))?;
        versions.extend(page.versions().iter().filter_map(|version| {
            Some(Version {
                key: version.key()?.to_owned(),
                id: version.version_id()?.to_owned(),
                size: version.size().and_then(|size| u64::try_from(size).ok())?,
                uploaded: version.last_modified().and_then(timestamp::from_sdk)?,
            })
        }));
        if page.is_truncated() != Some(true) {
            return Ok(versions);
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
}

pub(crate) async fn put(aws: &Aws, bucket: OwnBucket<'_>, key: &str, bytes: Vec<u8>) -> Result<()> {
    let request = aws.s3.put_object().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let request = request.key(key).body(ByteStream::from(bytes));
    request.send().await.aws_context(&format!("upload to s3://{}/{key}", bucket.name))?;
    Ok(())
}

/// The bytes of an object, piece by piece.
pub(crate) async fn get(aws: &Aws, bucket: &str, key: &str) -> Result<ByteStream> {
    let answer = aws.s3.get_object().bucket(bucket).key(key).send().await;
    Ok(answer.aws_context(&format!("read s3://{bucket}/{key}"))?.body)
}

/// Deletes every version of every object; answers how many. A bucket that is not there is empty.
pub(crate) async fn empty(aws: &Aws, bucket: &str) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let request = aws.s3.list_object_versions().bucket(bucket).max_keys(MAX_DELETIONS);
        let answer = request.send().await;
        if let Err(error) = &answer
            && error.code() == Some("NoSuchBucket")
        {
            return Ok(deleted);
        }
        let page = answer.aws_context(&format!("list the bucket {bucket}"))?;
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let doomed: Vec<ObjectIdentifier> = versions
            .chain(markers)
            .filter_map(|(key, version)| {
                ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
            })
            .collect();
        if doomed.is_empty() {
            return Ok(deleted);
        }
        deleted += doomed.len() as u64;
        let batch = Delete::builder().set_objects(Some(doomed)).quiet(true).build();
        let batch = batch.context("a deletion cannot be put together")?;
        let request = aws.s3.delete_objects().bucket(bucket).delete(batch);
        let answer = request.send().await.aws_context(&format!("empty the bucket {bucket}"))?;
        if let Some(error) = answer.errors().first() {
            let key = error.key().unwrap_or_default();
            let why =
                format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default());
            return Err(Failure::new(format!("cannot delete s3://{bucket}/{key}")).why(why));
        }
    }
}

/// How many object versions the bucket holds, and their bytes; counted up to `limit` of them.
pub(crate) async fn size(aws: &Aws, bucket: &str, limit: usize) -> Result<(usize, u64)> {
    let (mut versions, mut bytes) = (0, 0);
    let (mut key, mut version) = (None, None);
    loop {
        let request = aws.s3.list_object_versions().bucket(bucket);
        let request = request.set_key_marker(key).set_version_id_marker(version);
        let page = request.send().await.aws_context(&format!("list the bucket {bucket}"))?;
        versions += page.versions().len();
        let sizes = page.versions().iter().filter_map(|version| u64::try_from(version.size()?).ok());
        bytes += sizes.sum::<u64>();
        if page.is_truncated() != Some(true) || versions >= limit {
            return Ok((versions, bytes));
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
}

/// The buckets of this account and region whose names begin with `prefix` and that bear this tag, as far as it may be
/// read.
pub(crate) async fn tagged(aws: &Aws, prefix: &str, (key, value): (&str, &str)) -> Result<Vec<String>> {
    let mut tagged = Vec::new();
    let mut pages = aws.s3.list_buckets().prefix(prefix).bucket_region(&aws.region).into_paginator().send();
    while let Some(page) = pages.next().await {
        let buckets = page.aws_context("list the buckets")?.buckets.unwrap_or_default();
        let names = buckets.into_iter().filter_map(|bucket| bucket.name);
        for bucket in names.filter(|name| name.starts_with(prefix)) {
            let tags = tags(aws, &bucket).await?.unwrap_or_default();
            if tags.iter().any(|tag| tag.key() == key && tag.value() == value) {
                tagged.push(bucket);
            }
        }
    }
    Ok(tagged)
}

/// Gives a bucket that has no tags this one.
pub(crate) async fn tag_untagged(aws: &Aws, bucket: &str, (key, value): (&str, &str)) -> Result<()> {
    if tags(aws, bucket).await?.is_none_or(|tags| !tags.is_empty()) {
        return Ok(());
    }
    let doing = format!("tag the bucket {bucket}");
    let tag = Tag::builder().key(key).value(value).build().context("a tag cannot be put together")?;
    let tags = Tagging::builder().tag_set(tag).build().context("tags cannot be put together")?;
    aws.s3.put_bucket_tagging().bucket(bucket).tagging(tags).send().await.aws_context(&doing)?;
    Ok(())
}

/// None where the bucket is gone, or somebody else's.
async fn tags(aws: &Aws, bucket: &str) -> Result<Option<Vec<Tag>>> {
    let answer = aws.s3.get_bucket_tagging().bucket(bucket).send().await;
    match answer.as_ref().err().and_then(ProvideErrorMetadata::code) {
        Some("NoSuchTagSet") => Ok(Some(Vec::new())),
        Some("NoSuchBucket" | "AccessDenied") => Ok(None),
        _ => Ok(Some(answer.aws_context(&format!("read the tags of the bucket {bucket}"))?.tag_set)),
    }
}

/// One that is gone is as good as deleted.
pub(crate) async fn delete_bucket(aws: &Aws, bucket: &str) -> Result<()> {
    let answer = aws.s3.delete_bucket().bucket(bucket).send().await;
    if answer.as_ref().err().and_then(ProvideErrorMetadata::code) != Some("NoSuchBucket") {
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

    /// As S3 answers for a bucket of the account 210987654321 whose policy lets everyone do everything.
    async fn somebody_elses(request: Request) -> StatusCode {
        let expected = request.headers().get("x-amz-expected-bucket-owner");
        let is_another = expected.is_some_and(|owner| owner != "210987654321");
        if is_another { StatusCode::FORBIDDEN } else { StatusCode::OK }
    }

    #[tokio::test]
    async fn a_bucket_of_somebody_else_s_is_not_trusted() {
        let aws = test_server::connect(somebody_elses).await;
        assert_eq!(find(&aws, OWN).await.unwrap(), Found::Refused);
        assert!(ensure_private_bucket(&aws, OWN).await.is_err());
        assert!(object_exists(&aws, OWN, "package.zip").await.is_err());
        assert!(put(&aws, OWN, "package.zip", b"package".to_vec()).await.is_err());

        let owner = OwnBucket { account: "210987654321", ..OWN };
        assert_eq!(find(&aws, owner).await.unwrap(), Found::Own);
        ensure_private_bucket(&aws, owner).await.unwrap();
        assert!(object_exists(&aws, owner, "package.zip").await.unwrap());
        put(&aws, owner, "package.zip", b"package".to_vec()).await.unwrap();
    }
}
