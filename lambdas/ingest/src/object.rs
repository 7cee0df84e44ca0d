use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use restctl_contract::load::COLUMN_TYPES_METADATA;

use crate::error::Error;
use crate::event::ObjectCreated;

/// One version of an object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    version: Version,
}

#[derive(Debug, Clone)]
enum Version {
    Id(String),
    /// Where the bucket keeps no versions: the entity tag, without quotes.
    Etag(String),
}

/// An object on its way in.
pub(crate) struct Content {
    pub(crate) body: ByteStream,
    /// The letters of its columns' types, if it came with them.
    pub(crate) column_types: Option<String>,
}

impl Object {
    /// The version that the event names, or else the current one.
    pub(crate) async fn of(s3: &Client, created: &ObjectCreated) -> Result<Self, Error> {
        let version = match version_id(created.version.as_deref()) {
            Some(id) => id,
            None => current_version(s3, created).await?,
        };
        Ok(Self { bucket: created.bucket.clone(), key: created.key.clone(), version })
    }

    /// What names the version in the ledger.
    pub(crate) fn version(&self) -> &str {
        match &self.version {
            Version::Id(id) | Version::Etag(id) => id,
        }
    }

    /// `None` if there is no such object any more.
    pub(crate) async fn open(&self, s3: &Client) -> Result<Option<Content>, Error> {
        let version = match &self.version {
            Version::Id(id) => Some(id.clone()),
            Version::Etag(_) => None,
        };
        let got = s3.get_object().bucket(&self.bucket).key(&self.key).set_version_id(version).send().await;
        match got {
            Ok(object) => {
                let types = object.metadata.and_then(|mut metadata| metadata.remove(COLUMN_TYPES_METADATA));
                Ok(Some(Content { body: object.body, column_types: types }))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(Error::service("GetObject", &self.key, error)),
        }
    }
}

/// Puts the file at `path` beside the object, into its bucket.
pub(crate) async fn put_csv(s3: &Client, bucket: &str, key: &str, path: &Path) -> Result<(), Error> {
    let body =
        ByteStream::from_path(path).await.map_err(|error| Error::Spool(std::io::Error::other(error)))?;
    let put = s3.put_object().bucket(bucket).key(key).content_type("text/csv; charset=utf-8").body(body);
    put.send().await.map_err(|error| Error::service("PutObject", key, error))?;
    Ok(())
}

async fn current_version(s3: &Client, created: &ObjectCreated) -> Result<Version, Error> {
    match s3.head_object().bucket(&created.bucket).key(&created.key).send().await {
        Ok(head) => {
            Ok(version_id(head.version_id()).unwrap_or_else(|| etag(head.e_tag().unwrap_or_default())))
        }
        Err(error) if is_gone(&error) => Ok(etag(&created.etag)),
        Err(error) => Err(Error::service("HeadObject", &created.key, error)),
    }
}

/// While versioning is suspended every object bears the version `null`, whatever it holds.
fn version_id(id: Option<&str>) -> Option<Version> {
    id.filter(|id| !matches!(*id, "" | "null")).map(|id| Version::Id(id.to_owned()))
}

fn etag(etag: &str) -> Version {
    Version::Etag(etag.trim_matches('"').to_owned())
}

/// 404 where key or version do not exist, 405 where the version is a delete marker (Amazon S3 API Reference).
fn is_gone<E>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|response| matches!(response.status().as_u16(), 404 | 405))
}
