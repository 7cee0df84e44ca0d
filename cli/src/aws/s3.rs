//! Amazon S3: buckets, object versions and uploads.

pub(crate) mod destination;
mod emptying;
mod key_encoding;
mod own_bucket;
pub(crate) mod resume_state;
pub(crate) mod upload;
mod versions;

use std::collections::HashMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::Tag;
pub(crate) use emptying::empty_bucket;
pub(crate) use own_bucket::{
    OwnBucket, OwnBucketState, delete_bucket, delete_object, enable_versioning, ensure_object,
    ensure_private_bucket, read_bucket_state,
};
pub(crate) use versions::{MAX_COUNTED, ObjectVersion, bucket_size, list_versions};

use super::Aws;
use super::error::AwsContext;
use crate::failure::{Failure, Result};
use crate::timestamp;

/// Whether the bucket sends its events to EventBridge. Without them, no new object is loaded.
pub(crate) async fn sends_events(aws: &Aws, bucket: &str) -> Result<bool> {
    let answer = aws.s3.get_bucket_notification_configuration().bucket(bucket).send().await;
    let answer = answer.aws_context(&format!("read the notifications of the bucket {bucket}"))?;
    Ok(answer.event_bridge_configuration.is_some())
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
        version: lasting_version(answer.version_id),
        metadata: answer.metadata.unwrap_or_default(),
    }))
}

/// Returns a version id. `None` for `null`, which each object has if the versioning of its bucket is suspended: the next
/// upload overwrites that version ("Adding objects to versioning-suspended buckets", Amazon S3 User Guide).
fn lasting_version(id: Option<String>) -> Option<String> {
    id.filter(|id| id != "null")
}

/// Returns the bytes of an object as a stream.
pub(crate) async fn get_object(aws: &Aws, bucket: &str, key: &str) -> Result<ByteStream> {
    let answer = aws.s3.get_object().bucket(bucket).key(key).send().await;
    Ok(answer.aws_context(&format!("read s3://{bucket}/{key}"))?.body)
}

pub(crate) struct TaggedBucket {
    pub(crate) name: String,
    /// Empty on the local cloud.
    pub(crate) tags: HashMap<String, String>,
    /// RFC 3339.
    pub(crate) created: Option<String>,
}

pub(crate) struct TaggedBuckets {
    pub(crate) tagged: Vec<TaggedBucket>,
    /// The names of the buckets whose tags the credentials may not read, with the refusals.
    pub(crate) denied: Vec<(String, Failure)>,
}

/// Returns the buckets of this account and region that have the tag `key`. Looks only at those whose names begin with `prefix`
/// and may belong to a stack.
///
/// The CloudFormation of the local cloud tags no buckets, so there the name suffices.
pub(crate) async fn find_buckets_by_tag(
    aws: &Aws,
    key: &str,
    prefix: &str,
    is_candidate: impl Fn(&str) -> bool,
) -> Result<TaggedBuckets> {
    let mut found = TaggedBuckets { tagged: Vec::new(), denied: Vec::new() };
    let request = aws.s3.list_buckets().bucket_region(&aws.region);
    let mut pages =
        request.set_prefix((!prefix.is_empty()).then(|| prefix.to_owned())).into_paginator().send();
    while let Some(page) = pages.next().await {
        let buckets = page.aws_context("list the buckets")?.buckets.unwrap_or_default();
        for bucket in buckets {
            let created = bucket.creation_date.as_ref().and_then(timestamp::from_sdk);
            let Some(name) = bucket.name.filter(|name| name.starts_with(prefix) && is_candidate(name)) else {
                continue;
            };
            let tags = match read_tags(aws, &name).await {
                Err(denied) if denied.is_denied() => {
                    found.denied.push((name, denied));
                    continue;
                }
                tags => tags?,
            };
            let Some(tags) = tags else { continue };
            let tags: HashMap<_, _> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            let needs_no_tag = tags.is_empty() && aws.endpoint_url.is_some();
            if tags.contains_key(key) || needs_no_tag {
                found.tagged.push(TaggedBucket { name, tags, created });
            }
        }
    }
    Ok(found)
}

/// Returns `None` if the bucket does not exist any more.
async fn read_tags(aws: &Aws, bucket: &str) -> Result<Option<Vec<Tag>>> {
    let answer = aws.s3.get_bucket_tagging().bucket(bucket).send().await;
    match answer.error_code() {
        Some("NoSuchTagSet") => Ok(Some(Vec::new())),
        Some("NoSuchBucket") => Ok(None),
        _ => Ok(Some(answer.aws_context(&format!("read the tags of the bucket {bucket}"))?.tag_set)),
    }
}
