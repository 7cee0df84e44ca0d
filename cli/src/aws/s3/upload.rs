//! Amazon S3 uploads: one request for a small file, parts for a larger one.

#[cfg(test)]
mod tests;

use std::future::Future;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use super::destination::{Destination, UploadEvent, UploadedObject, metadata_for_sdk};
use super::multipart::{self, PART_BYTES, unless_stopped};
use super::resume_state::ResumeState;
use crate::aws::Aws;
use crate::aws::answer_date::AnswerDate;
use crate::aws::error::AwsContext;
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};

/// S3's limit to all metadata of an object, names and values ("Working with object metadata", Amazon S3 User Guide).
const MAX_METADATA_BYTES: usize = 2048;

/// Uploads `source`, tells `observe` how far it is, and gives up when `stopped` completes.
///
/// An upload in parts sends only the parts that are missing from the one in `resume_state`. If it fails, its parts stay
/// in S3 as long as `resume_state` refers to them; without a `resume_state` they are deleted.
pub(crate) async fn upload_source(
    aws: &Aws,
    source: &Source,
    destination: &Destination<'_>,
    resume_state: Option<&ResumeState>,
    observe: &dyn Fn(UploadEvent),
    stopped: impl Future<Output = Result<()>>,
) -> Result<UploadedObject> {
    let metadata = destination.metadata.iter();
    let metadata_bytes: usize = metadata.map(|(name, value)| name.len() + value.len()).sum();
    if metadata_bytes > MAX_METADATA_BYTES {
        return Err(Failure::new(format!("{} has too many columns of too many types", source.shown))
            .why(format!("S3 takes {MAX_METADATA_BYTES} bytes of metadata, and they need {metadata_bytes}"))
            .next("write the file as NDJSON, whose values carry their own types"));
    }
    if source.size <= PART_BYTES {
        let interrupted = Failure::new("the upload was interrupted; nothing of it is kept");
        unless_stopped(stopped, interrupted, put(aws, source, destination, observe)).await
    } else {
        multipart::upload(aws, source, destination, resume_state, observe, stopped).await
    }
}

/// Uploads the file in one request.
async fn put(
    aws: &Aws,
    source: &Source,
    destination: &Destination<'_>,
    observe: &dyn Fn(UploadEvent),
) -> Result<UploadedObject> {
    let bytes = source.read_range(0, source.size)?;
    source.ensure_unchanged()?;
    let answered = AnswerDate::default();
    let request = aws
        .s3
        .put_object()
        .bucket(destination.bucket)
        .key(destination.key)
        .set_metadata(Some(metadata_for_sdk(destination.metadata)))
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .body(ByteStream::from(bytes));
    let put = request.customize().interceptor(answered.clone()).send().await;
    let put = put.aws_context(&format!("upload s3://{}/{}", destination.bucket, destination.key))?;
    observe(UploadEvent::BytesSent(source.size));
    Ok(UploadedObject { version: put.version_id, uploaded: answered.rfc3339() })
}
