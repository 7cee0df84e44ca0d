//! The versions of a bucket's objects.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::EncodingType;

use super::key_encoding::decode_key;
use super::own_bucket::OwnBucket;
use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::Result;
use crate::timestamp;

/// The most object versions of a bucket that are counted.
pub(crate) const MAX_COUNTED: usize = 20_000;

/// One version of one object.
pub(crate) struct ObjectVersion {
    pub(crate) key: String,
    pub(crate) id: String,
    /// In bytes.
    pub(crate) size: u64,
    /// As [`super::CurrentVersion::uploaded`].
    pub(crate) uploaded: String,
}

/// Where the next page of a listing begins.
#[derive(Default)]
struct Marker {
    key: Option<String>,
    version: Option<String>,
}

impl Marker {
    /// Returns `None` after the last page.
    fn after(page: &ListObjectVersionsOutput) -> Option<Self> {
        let key = page.next_key_marker().map(|key| decode_key(key, page.encoding_type()));
        let version = page.next_version_id_marker().map(str::to_owned);
        (page.is_truncated() == Some(true)).then_some(Self { key, version })
    }
}

/// Lists one page. If `owner` is given, the bucket must belong to that account.
async fn list_page(
    aws: &Aws,
    bucket: &str,
    owner: Option<&str>,
    marker: Marker,
) -> Result<ListObjectVersionsOutput> {
    let request = aws.s3.list_object_versions().bucket(bucket).encoding_type(EncodingType::Url);
    let request = request.set_expected_bucket_owner(owner.map(str::to_owned));
    let request = request.set_key_marker(marker.key).set_version_id_marker(marker.version);
    request.send().await.aws_context(&format!("list the bucket {bucket}"))
}

/// Lists every version of every object, without delete markers.
pub(crate) async fn list_versions(aws: &Aws, bucket: &str) -> Result<Vec<ObjectVersion>> {
    let (mut versions, mut marker) = (Vec::new(), Some(Marker::default()));
    while let Some(start) = marker {
        let page = list_page(aws, bucket, None, start).await?;
        versions.extend(page.versions().iter().filter_map(|version| {
            Some(ObjectVersion {
                key: decode_key(version.key()?, page.encoding_type()),
                id: version.version_id()?.to_owned(),
                size: version.size().and_then(|size| u64::try_from(size).ok())?,
                uploaded: version.last_modified().and_then(timestamp::from_sdk)?,
            })
        }));
        marker = Marker::after(&page);
    }
    Ok(versions)
}

/// Returns how many object versions the bucket holds, and their bytes. Counts at most `limit` versions.
pub(crate) async fn bucket_size(aws: &Aws, bucket: OwnBucket<'_>, limit: usize) -> Result<(usize, u64)> {
    let (mut versions, mut bytes, mut marker) = (0, 0, Some(Marker::default()));
    while let Some(start) = marker.filter(|_| versions < limit) {
        let page = list_page(aws, bucket.name, Some(bucket.account), start).await?;
        versions += page.versions().len();
        let sizes = page.versions().iter().filter_map(|version| u64::try_from(version.size()?).ok());
        bytes += sizes.sum::<u64>();
        marker = Marker::after(&page);
    }
    Ok((versions, bytes))
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;

    use super::*;
    use crate::aws::test_server;

    const LAST_MODIFIED: &str = "<LastModified>2026-01-15T09:30:05.000Z</LastModified>";

    /// Answers two pages as S3 does. The second one begins at the decoded marker.
    async fn two_pages(request: Request) -> String {
        let query = request.uri().query().unwrap_or_default();
        assert!(query.contains("encoding-type=url"), "{query}");
        let (key, next) = match query.contains("key-marker=a%20%01%2B.csv") {
            true => ("b.csv", "<IsTruncated>false</IsTruncated>"),
            false => (
                "a+%01%2B.csv",
                "<IsTruncated>true</IsTruncated><NextKeyMarker>a+%01%2B.csv</NextKeyMarker>\
                 <NextVersionIdMarker>v1</NextVersionIdMarker>",
            ),
        };
        format!(
            "<ListVersionsResult><EncodingType>url</EncodingType>{next}<Version><Key>{key}</Key>\
             <VersionId>v1</VersionId>{LAST_MODIFIED}<Size>3</Size></Version></ListVersionsResult>"
        )
    }

    #[tokio::test]
    async fn keys_and_markers_are_decoded() {
        let aws = test_server::connect(two_pages).await;
        let versions = list_versions(&aws, "data").await.unwrap();
        let keys: Vec<_> = versions.iter().map(|version| version.key.as_str()).collect();
        assert_eq!(keys, ["a \u{1}+.csv", "b.csv"]);
        let data = OwnBucket { name: "data", account: "123456789012" };
        assert_eq!(bucket_size(&aws, data, 10).await.unwrap(), (2, 6));
        assert_eq!(bucket_size(&aws, data, 1).await.unwrap(), (1, 3));
    }
}
