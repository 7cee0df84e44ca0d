//! Amazon S3 multipart uploads: several parts at a time, and only those that S3 does not have yet.

use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Upload;
use crate::aws::answer_date::AnswerDate;
use crate::aws::error::AwsContext;
use crate::aws::s3::destination::{UploadEvent, UploadedObject, metadata_for_sdk};
use crate::aws::s3::resume_state::ResumeState;
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

    /// Sends the parts that S3 does not have, and completes the upload.
    pub(super) async fn send(self, stopped: impl Future<Output = Result<()>>) -> Result<UploadedObject> {
        let Upload { aws, source, destination, resume_state, .. } = self.upload;
        let (id, present) = self.begin().await?;
        let kept =
            if resume_state.is_some() { "the parts sent so far are kept" } else { "nothing of it is kept" };
        let interrupted = Failure::new(format!("the upload was interrupted; {kept}"));
        let uploaded = unless_stopped(stopped, interrupted, async {
            let parts = self.send_missing_parts(&id, present).await?;
            source.ensure_unchanged()?;
            self.complete(&id, parts).await
        });
        let uploaded = uploaded.await;
        match (&uploaded, resume_state) {
            (Ok(_), Some(resume_state)) => resume_state.delete()?,
            (Err(_), None) => {
                let abort = aws.s3.abort_multipart_upload();
                let abort = abort.bucket(destination.bucket).key(destination.key).upload_id(&id);
                // The bucket's lifecycle rule removes what this request does not.
                let _ = abort.send().await;
            }
            _ => {}
        }
        uploaded
    }

    /// Returns the upload's id and its parts. Continues the upload of `resume_state` if S3 still has it.
    async fn begin(&self) -> Result<(String, Parts)> {
        let Upload { aws, source, destination, resume_state, observe } = self.upload;
        if let Some(id) = resume_state.and_then(ResumeState::upload_id)
            && let Some(parts) = self.list_usable_parts(&id).await?
        {
            let parts_total = source.size.div_ceil(self.part_bytes);
            observe(UploadEvent::Resumed { parts_present: parts.len(), parts_total });
            return Ok((id, parts));
        }
        let request = aws
            .s3
            .create_multipart_upload()
            .bucket(destination.bucket)
            .key(destination.key)
            .set_metadata(Some(metadata_for_sdk(destination.metadata)))
            .checksum_algorithm(ChecksumAlgorithm::Crc32);
        let id = request.send().await.aws_context(&destination.upload_context())?.upload_id;
        let id = id.ok_or_else(|| {
            Failure::new(format!("cannot {}: S3 returned no upload id", destination.upload_context()))
        })?;
        resume_state.map_or(Ok(()), |resume_state| resume_state.save(&id))?;
        Ok((id, Parts::new()))
    }

    /// Returns the parts of the upload `id` whose sizes fit this file, or `None` if S3 does not know the upload.
    async fn list_usable_parts(&self, id: &str) -> Result<Option<Parts>> {
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
                let (Some(number), Some(size)) = (part.part_number(), part.size()) else { continue };
                if self.span(number).is_some_and(|(_, length)| i64::try_from(length) == Ok(size)) {
                    let present = CompletedPart::builder().part_number(number);
                    let present = present.set_e_tag(part.e_tag.clone());
                    parts.insert(number, present.set_checksum_crc32(part.checksum_crc32.clone()).build());
                }
            }
        }
        Ok(Some(parts))
    }

    /// Returns where part `number` (the first is 1) starts in the file, and its length, both in bytes.
    fn span(&self, number: i32) -> Option<(u64, u64)> {
        let before = u64::try_from(number).ok()?.checked_sub(1)?;
        let start = before.checked_mul(self.part_bytes).filter(|start| *start < self.upload.source.size)?;
        Some((start, self.part_bytes.min(self.upload.source.size - start)))
    }

    async fn send_missing_parts(&self, id: &str, mut parts: Parts) -> Result<Parts> {
        let observe = self.upload.observe;
        let present = parts.keys().filter_map(|number| self.span(*number));
        observe(UploadEvent::BytesPresent(present.map(|(_, length)| length).sum()));
        let spans = (1..).map_while(|number| Some((number, self.span(number)?)));
        let missing: Vec<_> = spans.filter(|(number, _)| !parts.contains_key(number)).collect();
        let sent = missing.into_iter().map(|(number, (start, length))| async move {
            let part = self.send_part(id, number, start, length).await?;
            observe(UploadEvent::BytesSent(length));
            Ok::<_, Failure>((number, part))
        });
        let sent: Vec<_> = stream::iter(sent).buffer_unordered(PARTS_IN_FLIGHT).try_collect().await?;
        parts.extend(sent);
        Ok(parts)
    }

    async fn send_part(&self, id: &str, number: i32, start: u64, length: u64) -> Result<CompletedPart> {
        let Upload { aws, source, destination, .. } = self.upload;
        let request = aws
            .s3
            .upload_part()
            .bucket(destination.bucket)
            .key(destination.key)
            .upload_id(id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(source.read_range(start, length)?));
        let sent =
            request.send().await.aws_context(&format!("upload part {number} of {}", destination.key))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        Ok(part.set_checksum_crc32(sent.checksum_crc32).build())
    }

    async fn complete(&self, id: &str, parts: Parts) -> Result<UploadedObject> {
        let Upload { aws, destination, resume_state, .. } = self.upload;
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
            resume_state.map_or(Ok(()), ResumeState::delete)?;
        }
        let done = done.aws_context(&destination.upload_context())?;
        Ok(UploadedObject { version: done.version_id, uploaded: answered.rfc3339() })
    }
}
