//! Amazon S3 uploads: one request for a small file, parts in parallel for a larger one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;

use super::Aws;
use super::call::Called;
use crate::failure::{During, Failure, Result};
use crate::interrupt::unless_interrupted;

const MIB: u64 = 1024 * 1024;

/// S3 takes parts of 5 MiB and more, except for the last.
const PART_BYTES: u64 = 8 * MIB;

/// S3 takes at most 10,000 parts.
const MAX_PARTS: u64 = 10_000;

/// Parts on their way at a time; each is held in memory while it is.
const PARTS_IN_FLIGHT: usize = 4;

/// Where a file goes.
pub(crate) struct Destination<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    /// Name and value of one piece of object metadata.
    pub(crate) metadata: Option<(&'a str, &'a str)>,
}

/// Uploads `file` of `size` bytes and answers the object's version id.
///
/// A file that changes its size meanwhile is an error. What has been sent of a failed upload is removed.
pub(crate) async fn upload(
    aws: &Aws,
    file: &Path,
    size: u64,
    to: &Destination<'_>,
    progress: &ProgressBar,
) -> Result<String> {
    let opened = File::open(file).during(format!("{} cannot be read", file.display()))?;
    let version = if size <= PART_BYTES {
        put(aws, opened, size, to, progress).await?
    } else {
        put_parts(aws, opened, size, to, progress).await?
    };
    version.ok_or_else(|| {
        Failure::new(format!("the bucket {} keeps no versions", to.bucket))
            .why("a load is named by the version of its object")
            .next("restctl deploy")
    })
}

async fn put(
    aws: &Aws,
    mut file: File,
    size: u64,
    to: &Destination<'_>,
    progress: &ProgressBar,
) -> Result<Option<String>> {
    let bytes = read_part(&mut file, size)?;
    let mut request = aws
        .s3
        .put_object()
        .bucket(to.bucket)
        .key(to.key)
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .body(ByteStream::from(bytes));
    if let Some((name, value)) = to.metadata {
        request = request.metadata(name, value);
    }
    let answer = request.send().await.called(&format!("upload s3://{}/{}", to.bucket, to.key))?;
    progress.inc(size);
    Ok(answer.version_id)
}

async fn put_parts(
    aws: &Aws,
    file: File,
    size: u64,
    to: &Destination<'_>,
    progress: &ProgressBar,
) -> Result<Option<String>> {
    let what = format!("upload s3://{}/{}", to.bucket, to.key);
    let mut request = aws
        .s3
        .create_multipart_upload()
        .bucket(to.bucket)
        .key(to.key)
        .checksum_algorithm(ChecksumAlgorithm::Crc32);
    if let Some((name, value)) = to.metadata {
        request = request.metadata(name, value);
    }
    let id = request.send().await.called(&what)?.upload_id;
    let id = id.ok_or_else(|| Failure::new(format!("cannot {what}: S3 names no upload")))?;
    let interrupted = Failure::new("the upload was interrupted; nothing of it is kept");
    let sent = unless_interrupted(interrupted, send_parts(aws, file, size, to, &id, progress)).await;
    let parts = match sent {
        Ok(parts) => parts,
        Err(failure) => {
            let abort = aws.s3.abort_multipart_upload().bucket(to.bucket).key(to.key).upload_id(&id);
            // The bucket's lifecycle removes what this cannot.
            let _ = abort.send().await;
            return Err(failure);
        }
    };
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = aws.s3.complete_multipart_upload().bucket(to.bucket).key(to.key).upload_id(&id);
    Ok(request.multipart_upload(upload).send().await.called(&what)?.version_id)
}

async fn send_parts(
    aws: &Aws,
    mut file: File,
    size: u64,
    to: &Destination<'_>,
    upload_id: &str,
    progress: &ProgressBar,
) -> Result<Vec<CompletedPart>> {
    let part_bytes = PART_BYTES.max(size.div_ceil(MAX_PARTS));
    let starts = (0..size).step_by(usize::try_from(part_bytes).unwrap_or(usize::MAX));
    // Read in order, one at a time; sent side by side.
    let parts = starts.zip(1..).map(move |(start, number)| {
        let bytes = read_part(&mut file, part_bytes.min(size - start));
        async move {
            let bytes = bytes?;
            let length = bytes.len() as u64;
            let request = aws
                .s3
                .upload_part()
                .bucket(to.bucket)
                .key(to.key)
                .upload_id(upload_id)
                .part_number(number)
                .checksum_algorithm(ChecksumAlgorithm::Crc32)
                .body(ByteStream::from(bytes));
            let sent = request.send().await.called(&format!("upload part {number} of {}", to.key))?;
            progress.inc(length);
            Ok::<_, Failure>(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(sent.e_tag)
                    .set_checksum_crc32(sent.checksum_crc32)
                    .build(),
            )
        }
    });
    stream::iter(parts).buffered(PARTS_IN_FLIGHT).try_collect().await
}

fn read_part(file: &mut File, length: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).during("the file cannot be read")?;
    if (bytes.len() as u64) < length {
        return Err(Failure::new("the file became shorter while it was uploaded")
            .next("wait until it is written, then upload it again"));
    }
    Ok(bytes)
}
