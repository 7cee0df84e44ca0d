use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use restctl_contract::load::{
    COLUMN_TYPES_METADATA, DELIMITER_METADATA, DUPLICATES_METADATA, MAX_REJECTS_METADATA,
};
use restctl_rows::{ColumnTypes, Delimiter, Dialect, Encoding, Types, Unreadable};

use crate::error::Error;

/// One version of one object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    version: Version,
    /// In bytes, as stored.
    pub(crate) size: u64,
    metadata: std::collections::HashMap<String, String>,
}

/// The bytes of an object as they arrive.
pub(crate) struct Body {
    pub(crate) bytes: ByteStream,
    /// The offset in the object of the byte that comes next.
    pub(crate) at: u64,
    /// A server may ignore the range that it is asked for (RFC 9110, 14.2), and emulators do where a version is named.
    pub(crate) is_range: bool,
}

#[derive(Debug, Clone)]
enum Version {
    Id(String),
    /// Where the bucket keeps no versions: the entity tag, without quotes.
    Etag(String),
}

impl Object {
    /// The version called `version`, or else the current one. `None` if there is no such object any more.
    pub(crate) async fn find(
        s3: &Client,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let version = version.and_then(Version::named);
        let request = s3.head_object().bucket(bucket).key(key).set_version_id(id(version.as_ref()));
        let head = match request.send().await {
            Ok(head) => head,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(Error::service("HeadObject", key, error)),
        };
        let current = || head.version_id().and_then(Version::named);
        let version =
            version.or_else(current).unwrap_or_else(|| Version::etag(head.e_tag().unwrap_or_default()));
        Ok(Some(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version,
            size: head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            metadata: head.metadata.unwrap_or_default(),
        }))
    }

    /// What names the version in the ledger.
    pub(crate) fn version(&self) -> &str {
        match &self.version {
            Version::Id(id) | Version::Etag(id) => id,
        }
    }

    /// How the file is to be read, by its name and by what came with it.
    pub(crate) fn dialect(&self) -> Result<Dialect, Unreadable> {
        let encoding = Encoding::of(&self.key)?;
        let types = match self.metadata.get(COLUMN_TYPES_METADATA) {
            Some(letters) => Types::Columns(letters.parse::<ColumnTypes>()?),
            None => Types::Strings,
        };
        let delimiter = self.metadata(DELIMITER_METADATA).and_then(|byte: u8| Delimiter::try_from(byte).ok());
        Ok(Dialect { encoding, delimiter: delimiter.unwrap_or_default(), types })
    }

    /// Rows that a later row of the same key supersedes, where whoever uploaded the file has counted them.
    pub(crate) fn duplicates(&self) -> Option<u64> {
        self.metadata(DUPLICATES_METADATA)
    }

    /// The share of rejected rows above which the load fails.
    pub(crate) fn max_rejects(&self) -> Option<f64> {
        self.metadata(MAX_REJECTS_METADATA)
    }

    /// The object's bytes from `offset` on, which is before its end. `None` if there is no such object any more.
    pub(crate) async fn open(&self, s3: &Client, offset: u64) -> Result<Option<Body>, Error> {
        let request =
            s3.get_object().bucket(&self.bucket).key(&self.key).set_version_id(id(Some(&self.version)));
        let request = match &self.version {
            Version::Id(_) => request,
            Version::Etag(etag) => request.if_match(format!("\"{etag}\"")),
        };
        match request.range(format!("bytes={offset}-")).send().await {
            Ok(object) => {
                let is_range = object.content_range.is_some();
                Ok(Some(Body { bytes: object.body, at: if is_range { offset } else { 0 }, is_range }))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(Error::service("GetObject", &self.key, error)),
        }
    }

    /// What another tool wrote under a name of restctl's and does not fit is as good as absent.
    fn metadata<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.metadata.get(name)?.parse().ok()
    }
}

/// Puts the CSV at `path` into the bucket.
pub(crate) async fn put_csv(s3: &Client, bucket: &str, key: &str, path: &Path) -> Result<(), Error> {
    let body =
        ByteStream::from_path(path).await.map_err(|error| Error::Spool(std::io::Error::other(error)))?;
    let put = s3.put_object().bucket(bucket).key(key).content_type("text/csv; charset=utf-8").body(body);
    put.send().await.map_err(|error| Error::service("PutObject", key, error))?;
    Ok(())
}

impl Version {
    /// While versioning is suspended every object bears the version `null`, whatever it holds.
    fn named(id: &str) -> Option<Self> {
        (!matches!(id, "" | "null")).then(|| Self::Id(id.to_owned()))
    }

    fn etag(etag: &str) -> Self {
        Self::Etag(etag.trim_matches('"').to_owned())
    }
}

fn id(version: Option<&Version>) -> Option<String> {
    match version {
        Some(Version::Id(id)) => Some(id.clone()),
        Some(Version::Etag(_)) | None => None,
    }
}

/// 404 where key or version do not exist, 405 where the version is a delete marker, 412 where the object is no longer
/// the one with the entity tag (Amazon S3 API Reference).
fn is_gone<E>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|response| matches!(response.status().as_u16(), 404 | 405 | 412))
}
