use std::collections::HashMap;
use std::ops::Range;
use std::str::FromStr;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use restctl_contract::load::{
    COLUMN_TYPES_METADATA, DIALECT_METADATA, DUPLICATES_METADATA, MAX_REJECTS_METADATA,
};
use restctl_rows::{ColumnTypes, Dialect, Types, Unreadable};

use crate::error::Error;

/// One version of one object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    version: ObjectVersion,
    /// In bytes, as stored.
    pub(crate) size: u64,
    metadata: HashMap<String, String>,
}

/// The bytes of an object as they arrive.
pub(super) struct ObjectBody {
    pub(super) bytes: ByteStream,
    /// The offset in the object of the next byte.
    pub(super) offset: u64,
    /// A server may ignore the range of a request (RFC 9110, section 14.2), and emulators do if it names a version.
    pub(super) is_range: bool,
}

#[derive(Debug, Clone)]
enum ObjectVersion {
    Id(String),
    /// The entity tag, without quotes, if the bucket keeps no versions.
    Etag(String),
}

impl Object {
    /// Finds the version with the id `version`, or else the current one. Returns `None` if the object is gone.
    pub(crate) async fn find(
        s3: &Client,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let version = version.and_then(ObjectVersion::from_id);
        let request = s3
            .head_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.as_ref().and_then(ObjectVersion::id));
        let head = match request.send().await {
            Ok(head) => head,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(Error::failed_call("HeadObject", key, error)),
        };
        let version = version
            .or_else(|| head.version_id().and_then(ObjectVersion::from_id))
            .unwrap_or_else(|| ObjectVersion::from_etag(head.e_tag().unwrap_or_default()));
        Ok(Some(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version,
            size: head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            metadata: head.metadata.unwrap_or_default(),
        }))
    }

    /// Returns the version's name in the ledger.
    pub(crate) fn version(&self) -> &str {
        match &self.version {
            ObjectVersion::Id(id) | ObjectVersion::Etag(id) => id,
        }
    }

    /// Returns whether `restctl upload` has put the object into the bucket, and not another tool.
    pub(crate) fn is_from_upload(&self) -> bool {
        self.metadata.contains_key(DIALECT_METADATA)
    }

    /// Returns how to read the file, or `None` if its metadata does not say so.
    pub(crate) fn uploaded_dialect(&self) -> Result<Option<Dialect>, Unreadable> {
        let Some(dialect) = self.metadata.get(DIALECT_METADATA) else { return Ok(None) };
        let column_types = self.metadata.get(COLUMN_TYPES_METADATA);
        parse_dialect(dialect, column_types.map(String::as_str)).map(Some)
    }

    /// Returns the types of a CSV's columns, if the metadata lists them. Versions of restctl before
    /// [`DIALECT_METADATA`] sent only the types.
    pub(crate) fn uploaded_types(&self) -> Result<Option<ColumnTypes>, Unreadable> {
        Ok(self.metadata.get(COLUMN_TYPES_METADATA).map(|letters| letters.parse()).transpose()?)
    }

    /// Returns the number of rows that a later row with the same key supersedes, if the uploader has counted them.
    pub(crate) fn duplicate_count(&self) -> Option<u64> {
        self.parse_metadata(DUPLICATES_METADATA)
    }

    /// Returns the share of rejected rows above which the load fails.
    pub(crate) fn max_rejects(&self) -> Option<f64> {
        self.parse_metadata(MAX_REJECTS_METADATA)
    }

    /// Opens a range of the object that is not empty. Returns `None` if the object is gone.
    pub(super) async fn open(&self, s3: &Client, range: Range<u64>) -> Result<Option<ObjectBody>, Error> {
        let request = s3.get_object().bucket(&self.bucket).key(&self.key).set_version_id(self.version.id());
        let request = match &self.version {
            ObjectVersion::Id(_) => request,
            ObjectVersion::Etag(etag) => request.if_match(format!("\"{etag}\"")),
        };
        let last = range.end.saturating_sub(1);
        match request.range(format!("bytes={}-{last}", range.start)).send().await {
            Ok(object) => {
                let is_range = object.content_range.is_some();
                let offset = if is_range { range.start } else { 0 };
                Ok(Some(ObjectBody { bytes: object.body, offset, is_range }))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(Error::failed_call("GetObject", &self.key, error)),
        }
    }

    /// Counts metadata that cannot be parsed as missing: another tool may use the same name.
    fn parse_metadata<T: FromStr>(&self, name: &str) -> Option<T> {
        self.metadata.get(name)?.parse().ok()
    }
}

impl ObjectVersion {
    /// Returns `None` for the id `null`, which every object has while versioning is suspended: it identifies no content.
    fn from_id(id: &str) -> Option<Self> {
        (!matches!(id, "" | "null")).then(|| Self::Id(id.to_owned()))
    }

    fn from_etag(etag: &str) -> Self {
        Self::Etag(etag.trim_matches('"').to_owned())
    }

    fn id(&self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.clone()),
            Self::Etag(_) => None,
        }
    }
}

/// Reads a dialect as the metadata of an object has it.
pub(crate) fn parse_dialect(dialect: &str, column_types: Option<&str>) -> Result<Dialect, Unreadable> {
    let mut dialect: Dialect = dialect.parse()?;
    if let Some(letters) = column_types {
        dialect.csv.types = Types::Columns(letters.parse()?);
    }
    Ok(dialect)
}

/// Returns whether the object is gone: 404 if the key or the version does not exist, 405 if the version is a delete
/// marker, 412 if the object no longer has the entity tag (Amazon S3 API Reference).
fn is_gone<E>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|response| matches!(response.status().as_u16(), 404 | 405 | 412))
}
