//! Amazon S3: the artifact bucket, uploads and the emptying of buckets.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, DateTimeFormat as Format};
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier,
    PublicAccessBlockConfiguration,
};

use super::Aws;
use super::call::Called;
use crate::failure::{During, Failure, Result};

/// S3's objects of one deletion.
const MAX_DELETIONS: i32 = 1000;

pub(crate) async fn bucket_exists(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.head_bucket().bucket(bucket).send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_not_found())
    {
        return Ok(false);
    }
    answer.called(&format!("look at the bucket {bucket}"))?;
    Ok(true)
}

/// Makes a bucket that nobody else can read, unless it is there already.
pub(crate) async fn ensure_private_bucket(aws: &Aws, bucket: &str) -> Result<()> {
    if bucket_exists(aws, bucket).await? {
        return Ok(());
    }
    let mut request = aws.s3.create_bucket().bucket(bucket);
    // us-east-1 is the one region that must not be named.
    if aws.region != "us-east-1" {
        let place = BucketLocationConstraint::from(aws.region.as_str());
        request = request.create_bucket_configuration(
            CreateBucketConfiguration::builder().location_constraint(place).build(),
        );
    }
    request.send().await.called(&format!("make the bucket {bucket}"))?;
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let request = aws.s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block);
    request.send().await.called(&format!("close the bucket {bucket} to the public"))?;
    Ok(())
}

pub(crate) async fn object_exists(aws: &Aws, bucket: &str, key: &str) -> Result<bool> {
    let answer = aws.s3.head_object().bucket(bucket).key(key).send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_not_found())
    {
        return Ok(false);
    }
    answer.called(&format!("look at s3://{bucket}/{key}"))?;
    Ok(true)
}

/// The current version of an object.
pub(crate) struct Current {
    pub(crate) version: Option<String>,
    /// When it was uploaded: RFC 3339, UTC.
    pub(crate) uploaded: String,
}

pub(crate) async fn current(aws: &Aws, bucket: &str, key: &str) -> Result<Current> {
    let request = aws.s3.head_object().bucket(bucket).key(key);
    let answer = request.send().await.called(&format!("look at s3://{bucket}/{key}"))?;
    let uploaded = answer.last_modified.and_then(|time| time.fmt(Format::DateTime).ok());
    let uploaded = uploaded
        .ok_or_else(|| Failure::new(format!("S3 does not say when s3://{bucket}/{key} was uploaded")))?;
    Ok(Current { version: answer.version_id, uploaded })
}

pub(crate) async fn put(aws: &Aws, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<()> {
    let request = aws.s3.put_object().bucket(bucket).key(key).body(ByteStream::from(bytes));
    request.send().await.called(&format!("upload to s3://{bucket}/{key}"))?;
    Ok(())
}

/// The first bytes of an object, `limit` at most.
pub(crate) async fn get_start(aws: &Aws, bucket: &str, key: &str, limit: usize) -> Result<Vec<u8>> {
    let request = aws.s3.get_object().bucket(bucket).key(key).range(format!("bytes=0-{}", limit - 1));
    let answer = request.send().await.called(&format!("read s3://{bucket}/{key}"))?;
    let body = answer.body.collect().await.during(format!("s3://{bucket}/{key} broke off"))?;
    Ok(body.to_vec())
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
        let page = answer.called(&format!("list the bucket {bucket}"))?;
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
        let batch = batch.during("a deletion cannot be put together")?;
        let request = aws.s3.delete_objects().bucket(bucket).delete(batch);
        let answer = request.send().await.called(&format!("empty the bucket {bucket}"))?;
        if let Some(error) = answer.errors().first() {
            let key = error.key().unwrap_or_default();
            let why =
                format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default());
            return Err(Failure::new(format!("cannot delete s3://{bucket}/{key}")).why(why));
        }
    }
}

pub(crate) async fn delete_bucket(aws: &Aws, bucket: &str) -> Result<()> {
    aws.s3.delete_bucket().bucket(bucket).send().await.called(&format!("delete the bucket {bucket}"))?;
    Ok(())
}
