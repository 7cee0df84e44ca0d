//! Amazon S3 multipart uploads: several parts at a time, and only those that S3 does not have yet.

use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Upload;
use super::part_reader::{FilePart, PartReader};
use crate::aws::answer_date::AnswerDate;
use crate::aws::error::AwsContext;
use crate::aws::s3::destination::{UploadEvent, UploadedObject, metadata_for_sdk};
use crate::aws::s3::lasting_version;
use crate::aws::s3::resume_state::{LockedRecord, ResumeState};
use crate::failure::{Failure, Result, unless_stopped};

const MIB: u64 = 1024 * 1024;

/// S3 takes parts of 5 MiB and more, except for the last.
pub(super) const PART_BYTES: u64 = 8 * MIB;

/// S3 takes at most 10,000 parts.
const MAX_PARTS: u64 = 10_000;

/// How many parts are sent at the same time. Each is held in memory meanwhile.
const PARTS_IN_FLIGHT: usize = 4;

/// The error codes of an upload that can no longer be completed.
const BROKEN_UPLOAD: [&str; 4] = ["NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"];

/// The parts that S3 has, by number.
type Parts = BTreeMap<i32, CompletedPart>;

/// An upload in parts.
pub(super) struct Multipart<'a> {
    upload: &'a Upload<'a>,
    part_bytes: u64,
}

impl<'a> Multipart<'a> {
    pub(super) fn new(upload: &'a Upload<'a>) -> Self {
        Self { upload, part_bytes: PART_BYTES.max(upload.source.size.div_ceil(MAX_PARTS)) }
    }

    /// Sends the parts that S3 does not have, and completes the upload if all of them together are the surveyed file.
    pub(super) async fn send(self, stopped: impl Future<Output = Result<()>>) -> Result<UploadedObject> {
        let Upload { source, digest, resume_state, .. } = self.upload;
        let record = resume_state.map(ResumeState::lock).transpose()?.flatten();
        let (id, present) = self.begin(record.as_ref()).await?;
        let kept = if record.is_some() { "the parts sent so far are kept" } else { "nothing of it is kept" };
        let interrupted = Failure::new(format!("the upload was interrupted; {kept}"));
        let mut reader = PartReader::new(source, self.part_bytes);
        let uploaded = unless_stopped(stopped, interrupted, async {
            let parts = self.send_missing_parts(&id, &mut reader, &present).await?;
            reader.ensure_digest(digest)?;
            self.complete(&id, parts, record.as_ref()).await
        });
        let uploaded = uploaded.await;
        // The parts of a file that has changed are of no use to its next upload.
        if uploaded.is_err() && (record.is_none() || reader.found_change()) {
            self.abort(&id).await;
        }
        if uploaded.is_ok() || reader.found_change() {
            record.map_or(Ok(()), |record| record.delete())?;
        }
        uploaded
    }

    /// Returns the upload's id and its parts. Continues the upload of `record` if S3 still has it.
    async fn begin(&self, record: Option<&LockedRecord<'_>>) -> Result<(String, Parts)> {
        let Upload { source, observe, .. } = self.upload;
        if let Some(id) = record.and_then(LockedRecord::upload_id)
            && let Some(parts) = self.list_parts(&id).await?
        {
            let parts_total = source.size.div_ceil(self.part_bytes);
            observe(UploadEvent::Resumed { parts_present: parts.len(), parts_total });
            return Ok((id, parts));
        }
        let created = self.create().await;
        match (&created, record) {
            (Ok(id), Some(record)) => {
                if let Err(unsaved) = record.save(id) {
                    // Nothing would refer to its parts.
                    self.abort(id).await;
                    record.delete()?;
                    return Err(unsaved);
                }
            }
            // A record without an upload would only be in the way.
            (Err(_), Some(record)) => record.delete()?,
            (_, None) => {}
        }
        Ok((created?, Parts::new()))
    }

    /// Begins an upload and returns its id.
    async fn create(&self) -> Result<String> {
        let Upload { aws, destination, .. } = self.upload;
        let request = aws
            .s3
            .create_multipart_upload()
            .bucket(destination.bucket)
            .key(destination.key)
            .set_metadata(Some(metadata_for_sdk(destination.metadata)))
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let id = request.send().await.aws_context(&destination.upload_context())?.upload_id;
        id.ok_or_else(|| {
            Failure::new(format!("cannot {}: S3 returned no upload id", destination.upload_context()))
        })
    }

    /// Returns the parts of the upload `id`, or `None` if S3 does not know the upload.
    async fn list_parts(&self, id: &str) -> Result<Option<Parts>> {
        let Upload { aws, destination, .. } = self.upload;
        let request = aws.s3.list_parts().bucket(destination.bucket).key(destination.key).upload_id(id);
        let mut pages = request.into_paginator().send();
        let mut parts = Parts::new();
        while let Some(page) = pages.next().await {
            if let Err(error) = &page
                && error.code() == Some("NoSuchUpload")
            {
                return Ok(None);
            }
            for part in page.aws_context(&format!("list the parts of {}", destination.key))?.parts() {
                let Some(number) = part.part_number() else { continue };
                let present = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag.clone());
                parts.insert(number, present.set_checksum_sha256(part.checksum_sha256.clone()).build());
            }
        }
        Ok(Some(parts))
    }

    /// Reads all parts, and sends those that S3 does not have with the same bytes.
    async fn send_missing_parts(
        &self,
        id: &str,
        reader: &mut PartReader<'_>,
        present: &Parts,
    ) -> Result<Parts> {
        let read = std::iter::from_fn(|| reader.read_next().transpose());
        let sent = read.map(|part| self.send_part_if_missing(id, part, present));
        stream::iter(sent).buffer_unordered(PARTS_IN_FLIGHT).try_collect().await
    }

    async fn send_part_if_missing(
        &self,
        id: &str,
        part: Result<FilePart>,
        present: &Parts,
    ) -> Result<(i32, CompletedPart)> {
        let (part, observe) = (part?, self.upload.observe);
        let (number, length) = (part.number, part.bytes.len() as u64);
        // A size says nothing about the bytes. A part without a checksum is sent again.
        let same = present.get(&number).filter(|present| present.checksum_sha256() == Some(&part.checksum));
        if let Some(same) = same {
            observe(UploadEvent::BytesPresent(length));
            // So that Ctrl-C is noticed.
            tokio::task::yield_now().await;
            return Ok((number, same.clone()));
        }
        let sent = self.send_part(id, part).await?;
        observe(UploadEvent::BytesSent(length));
        Ok((number, sent))
    }

    /// S3 refuses the part if its bytes do not have the checksum on arrival.
    async fn send_part(&self, id: &str, part: FilePart) -> Result<CompletedPart> {
        let Upload { aws, destination, .. } = self.upload;
        let FilePart { number, bytes, checksum } = part;
        let request = aws
            .s3
            .upload_part()
            .bucket(destination.bucket)
            .key(destination.key)
            .upload_id(id)
            .part_number(number)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(bytes));
        let sent =
            request.send().await.aws_context(&format!("upload part {number} of {}", destination.key))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        Ok(part.checksum_sha256(checksum).build())
    }

    async fn complete(
        &self,
        id: &str,
        parts: Parts,
        record: Option<&LockedRecord<'_>>,
    ) -> Result<UploadedObject> {
        let Upload { aws, destination, .. } = self.upload;
        let parts =
            CompletedMultipartUpload::builder().set_parts(Some(parts.into_values().collect())).build();
        let answered = AnswerDate::default();
        let request = aws
            .s3
            .complete_multipart_upload()
            .bucket(destination.bucket)
            .key(destination.key)
            .upload_id(id)
            .multipart_upload(parts);
        let done = request.customize().interceptor(answered.clone()).send().await;
        if let Err(error) = &done
            && error.code().is_some_and(|code| BROKEN_UPLOAD.contains(&code))
        {
            record.map_or(Ok(()), LockedRecord::delete)?;
        }
        let done = done.aws_context(&destination.upload_context())?;
        Ok(UploadedObject { version: lasting_version(done.version_id), uploaded: answered.rfc3339() })
    }

    /// The bucket's lifecycle rule removes the parts that this request does not.
    async fn abort(&self, id: &str) {
        let Upload { aws, destination, .. } = self.upload;
        let abort = aws.s3.abort_multipart_upload().bucket(destination.bucket).key(destination.key);
        let _ = abort.upload_id(id).send().await;
    }
}
