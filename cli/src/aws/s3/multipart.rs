//! Amazon S3 multipart uploads: parts side by side, and only those that are not there yet.

use std::collections::BTreeMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;

use super::upload::{Destination, Sent, owned};
use crate::aws::Aws;
use crate::aws::answer_date::AnswerDate;
use crate::aws::error::AwsContext;
use crate::aws::s3::resume_state::ResumeState;
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output;

const MIB: u64 = 1024 * 1024;

/// S3 takes parts of 5 MiB and more, except for the last.
pub(super) const PART_BYTES: u64 = 8 * MIB;

/// S3 takes at most 10,000 parts.
const MAX_PARTS: u64 = 10_000;

/// Parts on their way at a time; each is held in memory while it is.
const PARTS_IN_FLIGHT: usize = 4;

/// What says that an upload can no longer be completed as it is.
const SPOILT: [&str; 4] = ["NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"];

/// The parts that are there, by their numbers.
type Parts = BTreeMap<i32, CompletedPart>;

/// One upload in parts.
struct Multipart<'a> {
    aws: &'a Aws,
    source: &'a Source,
    to: &'a Destination<'a>,
    part_bytes: u64,
}

pub(super) async fn upload(
    aws: &Aws,
    source: &Source,
    to: &Destination<'_>,
    unfinished: Option<&ResumeState>,
    progress: &ProgressBar,
) -> Result<Sent> {
    let upload = Multipart { aws, source, to, part_bytes: PART_BYTES.max(source.size.div_ceil(MAX_PARTS)) };
    let (id, there) = upload.begin(unfinished).await?;
    let kept =
        if unfinished.is_some() { "what has been sent of it is kept" } else { "nothing of it is kept" };
    let interrupted = Failure::new(format!("the upload was interrupted; {kept}"));
    let sent = unless_interrupted(interrupted, async {
        let parts = upload.send_missing(&id, there, progress).await?;
        source.is_as_it_was()?;
        upload.complete(&id, parts, unfinished).await
    });
    let sent = sent.await;
    match (&sent, unfinished) {
        (Ok(_), Some(unfinished)) => unfinished.forget()?,
        (Err(_), None) => {
            let abort = aws.s3.abort_multipart_upload().bucket(to.bucket).key(to.key).upload_id(&id);
            // The bucket's lifecycle removes what this cannot.
            let _ = abort.send().await;
        }
        _ => {}
    }
    sent
}

impl Multipart<'_> {
    fn what(&self) -> String {
        format!("upload s3://{}/{}", self.to.bucket, self.to.key)
    }

    /// The upload's id and its parts: of one that has begun before, where there is one still.
    async fn begin(&self, unfinished: Option<&ResumeState>) -> Result<(String, Parts)> {
        if let Some(id) = unfinished.and_then(ResumeState::upload_id)
            && let Some(parts) = self.parts_there(&id).await?
        {
            let total = self.source.size.div_ceil(self.part_bytes);
            output::print_message(&format!(
                "going on with an upload that broke off: {} of {total} parts are there",
                parts.len()
            ));
            return Ok((id, parts));
        }
        let request = self
            .aws
            .s3
            .create_multipart_upload()
            .bucket(self.to.bucket)
            .key(self.to.key)
            .set_metadata(Some(owned(self.to.metadata)))
            .checksum_algorithm(ChecksumAlgorithm::Crc32);
        let id = request.send().await.aws_context(&self.what())?.upload_id;
        let id = id.ok_or_else(|| Failure::new(format!("cannot {}: S3 names no upload", self.what())))?;
        unfinished.map_or(Ok(()), |unfinished| unfinished.keep(&id))?;
        Ok((id, Parts::new()))
    }

    /// The parts of the upload `id` that are as this file would have them; nothing where S3 does not know it.
    async fn parts_there(&self, id: &str) -> Result<Option<Parts>> {
        let request = self.aws.s3.list_parts().bucket(self.to.bucket).key(self.to.key).upload_id(id);
        let mut pages = request.into_paginator().send();
        let mut parts = Parts::new();
        while let Some(page) = pages.next().await {
            if let Err(error) = &page
                && error.code() == Some("NoSuchUpload")
            {
                return Ok(None);
            }
            for part in page.aws_context(&format!("list the parts of {}", self.to.key))?.parts() {
                let (Some(number), Some(size)) = (part.part_number(), part.size()) else { continue };
                if self.span(number).is_some_and(|(_, length)| i64::try_from(length) == Ok(size)) {
                    let there = CompletedPart::builder().part_number(number);
                    let there = there.set_e_tag(part.e_tag.clone());
                    parts.insert(number, there.set_checksum_crc32(part.checksum_crc32.clone()).build());
                }
            }
        }
        Ok(Some(parts))
    }

    /// Where part `number`, from 1, starts in the file, and its length; both in bytes.
    fn span(&self, number: i32) -> Option<(u64, u64)> {
        let before = u64::try_from(number).ok()?.checked_sub(1)?;
        let start = before.checked_mul(self.part_bytes).filter(|start| *start < self.source.size)?;
        Some((start, self.part_bytes.min(self.source.size - start)))
    }

    async fn send_missing(&self, id: &str, mut parts: Parts, progress: &ProgressBar) -> Result<Parts> {
        let there = parts.keys().filter_map(|number| self.span(*number));
        progress.set_position(there.map(|(_, length)| length).sum());
        progress.reset_eta();
        let spans = (1..).map_while(|number| Some((number, self.span(number)?)));
        let missing: Vec<_> = spans.filter(|(number, _)| !parts.contains_key(number)).collect();
        let sent = missing.into_iter().map(|(number, (start, length))| async move {
            let part = self.send(id, number, start, length).await?;
            progress.inc(length);
            Ok::<_, Failure>((number, part))
        });
        let sent: Vec<_> = stream::iter(sent).buffer_unordered(PARTS_IN_FLIGHT).try_collect().await?;
        parts.extend(sent);
        Ok(parts)
    }

    async fn send(&self, id: &str, number: i32, start: u64, length: u64) -> Result<CompletedPart> {
        let request = self
            .aws
            .s3
            .upload_part()
            .bucket(self.to.bucket)
            .key(self.to.key)
            .upload_id(id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(self.source.read(start, length)?));
        let sent = request.send().await.aws_context(&format!("upload part {number} of {}", self.to.key))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        Ok(part.set_checksum_crc32(sent.checksum_crc32).build())
    }

    async fn complete(&self, id: &str, parts: Parts, unfinished: Option<&ResumeState>) -> Result<Sent> {
        let parts =
            CompletedMultipartUpload::builder().set_parts(Some(parts.into_values().collect())).build();
        let answered = AnswerDate::default();
        let request = self
            .aws
            .s3
            .complete_multipart_upload()
            .bucket(self.to.bucket)
            .key(self.to.key)
            .upload_id(id)
            .multipart_upload(parts);
        let done = request.customize().interceptor(answered.clone()).send().await;
        if let Err(error) = &done
            && error.code().is_some_and(|code| SPOILT.contains(&code))
        {
            unfinished.map_or(Ok(()), ResumeState::forget)?;
        }
        let done = done.aws_context(&self.what())?;
        Ok(Sent { version: done.version_id, uploaded: answered.heard() })
    }
}
