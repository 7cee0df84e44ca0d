//! Amazon S3 uploads: one request for a small file, parts for a larger one.

mod multipart;
mod part_reader;
#[cfg(test)]
mod tests;

use std::future::Future;

use aws_sdk_s3::primitives::ByteStream;

use self::multipart::{Multipart, PART_BYTES};
use self::part_reader::PartReader;
use super::destination::{Destination, UploadEvent, UploadedObject, metadata_for_sdk};
use super::resume_state::ResumeState;
use crate::aws::Aws;
use crate::aws::answer_date::AnswerDate;
use crate::aws::error::AwsContext;
use crate::data_file::source::Source;
use crate::digest::sha256_base64;
use crate::failure::{Failure, Result, unless_stopped};

/// A file to upload.
pub(crate) struct Upload<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) source: &'a Source,
    /// SHA-256 of the bytes that were surveyed, in hexadecimal. Other bytes are not sent, or make no object.
    pub(crate) digest: &'a str,
    pub(crate) destination: &'a Destination<'a>,
    /// An upload in parts sends only the parts that are missing from the one in here. If it fails, its parts stay in S3 as
    /// long as a resume state refers to them. They are deleted without one, or if the file has changed.
    pub(crate) resume_state: Option<&'a ResumeState>,
    /// Is told how far the upload is.
    pub(crate) observe: &'a dyn Fn(UploadEvent),
}

impl Upload<'_> {
    /// Uploads the file, and gives up when `stopped` completes.
    pub(crate) async fn send(&self, stopped: impl Future<Output = Result<()>>) -> Result<UploadedObject> {
        if self.source.size <= PART_BYTES {
            let interrupted = Failure::new("the upload was interrupted; nothing of it is kept");
            unless_stopped(stopped, interrupted, self.put()).await
        } else {
            Multipart::new(self).send(stopped).await
        }
    }

    /// Uploads the file in one request.
    async fn put(&self) -> Result<UploadedObject> {
        let Upload { aws, source, digest, destination, observe, .. } = self;
        let mut reader = PartReader::new(source, PART_BYTES);
        let only_part = reader.read_next()?;
        reader.ensure_digest(digest)?;
        let bytes = only_part.map(|part| part.bytes).unwrap_or_default();
        let answered = AnswerDate::default();
        let request = aws
            .s3
            .put_object()
            .bucket(destination.bucket)
            .key(destination.key)
            .set_metadata(Some(metadata_for_sdk(destination.metadata)))
            // S3 refuses the object if its bytes do not have the checksum on arrival.
            .checksum_sha256(sha256_base64(&bytes))
            .body(ByteStream::from(bytes));
        let put = request.customize().interceptor(answered.clone()).send().await;
        let put = put.aws_context(&destination.upload_context())?;
        observe(UploadEvent::BytesSent(source.size));
        Ok(UploadedObject { version: super::lasting_version(put.version_id), uploaded: answered.rfc3339() })
    }
}
