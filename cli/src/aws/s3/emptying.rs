//! Deleting everything in a bucket.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};

use super::key_encoding::{decode_key, fits_into_xml};
use super::own_bucket::OwnBucket;
use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::{Failure, FailureContext, Result};

/// S3 deletes at most this many objects in one request.
const MAX_DELETIONS: i32 = 1000;

/// Deletes every version of every object and returns how many. A bucket that does not exist is empty.
pub(crate) async fn empty_bucket(aws: &Aws, own: OwnBucket<'_>) -> Result<u64> {
    let OwnBucket { name: bucket, account } = own;
    let mut deleted = 0;
    loop {
        let request = aws.s3.list_object_versions().bucket(bucket).expected_bucket_owner(account);
        let request = request.max_keys(MAX_DELETIONS);
        let answer = request.encoding_type(EncodingType::Url).send().await;
        if answer.error_code() == Some("NoSuchBucket") {
            return Ok(deleted);
        }
        let page = answer.aws_context(&format!("list the bucket {bucket}"))?;
        let doomed = versions_and_markers(&page);
        if doomed.is_empty() {
            return Ok(deleted);
        }
        deleted += doomed.len() as u64;
        let (batch, others) = doomed.into_iter().partition(|version| fits_into_xml(version.key()));
        delete_batch(aws, own, batch).await?;
        delete_one_by_one(aws, own, others).await?;
    }
}

fn versions_and_markers(page: &ListObjectVersionsOutput) -> Vec<ObjectIdentifier> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let identify = |(key, version): (Option<&str>, Option<&str>)| {
        let key = decode_key(key?, page.encoding_type());
        ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build().ok()
    };
    versions.chain(markers).filter_map(identify).collect()
}

async fn delete_batch(aws: &Aws, own: OwnBucket<'_>, batch: Vec<ObjectIdentifier>) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let OwnBucket { name: bucket, account } = own;
    let batch = Delete::builder().set_objects(Some(batch)).quiet(true).build();
    let batch = batch.context("cannot build the deletion request")?;
    let request = aws.s3.delete_objects().bucket(bucket).expected_bucket_owner(account).delete(batch);
    let answer = request.send().await.aws_context(&format!("empty the bucket {bucket}"))?;
    match answer.errors().first() {
        None => Ok(()),
        Some(error) => {
            let key = error.key().unwrap_or_default();
            let why =
                format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default());
            Err(Failure::new(format!("cannot delete s3://{bucket}/{key}")).why(why))
        }
    }
}

/// Deletes versions whose names the body of a batch cannot hold. A URL can.
async fn delete_one_by_one(aws: &Aws, own: OwnBucket<'_>, versions: Vec<ObjectIdentifier>) -> Result<()> {
    let OwnBucket { name: bucket, account } = own;
    for version in versions {
        let request = aws.s3.delete_object().bucket(bucket).expected_bucket_owner(account);
        let request = request.key(version.key()).set_version_id(version.version_id);
        request.send().await.aws_context(&format!("empty the bucket {bucket}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::extract::Request;
    use axum::http::Method;

    use super::*;
    use crate::aws::test_server;

    const LISTING: &str = "<EncodingType>url</EncodingType>\
        <Version><Key>a+b.csv</Key><VersionId>v1</VersionId></Version>\
        <Version><Key>c%01.csv</Key><VersionId>v2</VersionId></Version>\
        <DeleteMarker><Key>d%0A</Key><VersionId>v3</VersionId></DeleteMarker>";

    /// Answers as S3 does for a bucket with these versions until something is deleted.
    async fn answer(request: Request, deletions: Arc<Mutex<Vec<String>>>) -> String {
        if request.method() == Method::GET {
            let listing = if deletions.lock().unwrap().is_empty() { LISTING } else { "" };
            return format!("<ListVersionsResult>{listing}</ListVersionsResult>");
        }
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        deletions.lock().unwrap().push(format!("{} {} {body}", parts.method, parts.uri));
        "<DeleteResult></DeleteResult>".to_owned()
    }

    #[tokio::test]
    async fn names_that_xml_cannot_hold_are_deleted_one_by_one() {
        let deletions: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&deletions);
        let aws = test_server::connect(move |request: Request| answer(request, Arc::clone(&log))).await;
        assert_eq!(empty_bucket(&aws, OwnBucket { name: "data", account: "123456789012" }).await.unwrap(), 3);
        let deletions = deletions.lock().unwrap();
        assert_eq!(deletions.len(), 3, "{deletions:?}");
        assert!(
            deletions[0].starts_with("POST") && deletions[0].contains("<Key>a b.csv</Key>"),
            "{deletions:?}"
        );
        for (deletion, key, version) in [(&deletions[1], "c%01.csv", "v2"), (&deletions[2], "d%0A", "v3")] {
            let is_right =
                deletion.starts_with("DELETE") && deletion.contains(key) && deletion.contains(version);
            assert!(is_right, "{deletion}");
        }
    }
}
