//! Amazon S3 uploads: one request for a small file, parts for a larger one.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use indicatif::ProgressBar;

use super::multipart::{self, PART_BYTES};
use crate::aws::Aws;
use crate::aws::answer_date::AnswerDate;
use crate::aws::error::AwsContext;
use crate::aws::s3::resume_state::ResumeState;
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};
use crate::terminal::interrupt::unless_interrupted;

/// S3's limit to all metadata of an object, names and values ("Working with object metadata", Amazon S3 User Guide).
const MAX_METADATA_BYTES: usize = 2048;

/// Where a file goes.
pub(crate) struct Destination<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) metadata: &'a Metadata,
}

/// Object metadata, by its name without `x-amz-meta-`.
pub(crate) type Metadata = BTreeMap<&'static str, String>;

/// What S3 made of an upload.
pub(crate) struct Sent {
    pub(crate) version: Option<String>,
    /// When S3 said that it has it, as the ledger writes times.
    pub(crate) uploaded: Option<String>,
}

/// Uploads `source`. Where it goes in parts and `unfinished` remembers some of them, only the others are sent; those
/// of an upload that fails stay there as long as `unfinished` remembers them, and are removed otherwise.
pub(crate) async fn upload(
    aws: &Aws,
    source: &Source,
    to: &Destination<'_>,
    unfinished: Option<&ResumeState>,
    progress: &ProgressBar,
) -> Result<Sent> {
    let metadata_bytes: usize = to.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if metadata_bytes > MAX_METADATA_BYTES {
        return Err(Failure::new(format!("{} has too many columns of too many types", source.shown))
            .why(format!("S3 takes {MAX_METADATA_BYTES} bytes of metadata, and they need {metadata_bytes}"))
            .next("write the file as NDJSON, whose values have types of their own"));
    }
    if source.size <= PART_BYTES {
        put(aws, source, to, progress).await
    } else {
        multipart::upload(aws, source, to, unfinished, progress).await
    }
}

/// In one request.
async fn put(aws: &Aws, source: &Source, to: &Destination<'_>, progress: &ProgressBar) -> Result<Sent> {
    let bytes = source.read(0, source.size)?;
    source.is_as_it_was()?;
    let answered = AnswerDate::default();
    let request = aws
        .s3
        .put_object()
        .bucket(to.bucket)
        .key(to.key)
        .set_metadata(Some(owned(to.metadata)))
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .body(ByteStream::from(bytes));
    let interrupted = Failure::new("the upload was interrupted; nothing of it is kept");
    let sent = unless_interrupted(interrupted, async {
        let sent = request.customize().interceptor(answered.clone()).send().await;
        sent.aws_context(&format!("upload s3://{}/{}", to.bucket, to.key))
    });
    let sent = sent.await?;
    progress.inc(source.size);
    Ok(Sent { version: sent.version_id, uploaded: answered.heard() })
}

/// As the SDK takes it.
pub(super) fn owned(metadata: &Metadata) -> HashMap<String, String> {
    metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
