//! Sends a file, or finds that it was sent before.

use restctl_contract::load::{
    COLUMN_TYPES_METADATA, DIALECT_METADATA, DIGEST_METADATA, DUPLICATES_METADATA, MAX_REJECTS_METADATA,
};

use super::share::Share;
use crate::aws::Aws;
use crate::aws::s3;
use crate::aws::s3::destination::{Destination, Metadata, UploadEvent};
use crate::aws::s3::resume_state::ResumeState;
use crate::aws::s3::upload::Upload;
use crate::data_file::OpenedFile;
use crate::data_file::source::Source;
use crate::data_file::survey::SurveyedFile;
use crate::directories;
use crate::failure::{Failure, Result, shell_argument};
use crate::loads::load::Load;
use crate::terminal::{interrupt, output, progress};

/// The prefix of all metadata that restctl writes.
const METADATA_PREFIX: &str = "restctl-";

/// The most bytes that the names and values of an object's metadata may have ("Working with object metadata", Amazon S3
/// User Guide).
const MAX_METADATA_BYTES: usize = 2048;

/// Returns what the load has to know about the file.
pub(super) fn object_metadata(
    file: &OpenedFile,
    surveyed: &SurveyedFile,
    max_rejects: Option<Share>,
) -> Result<Metadata> {
    let mut metadata = Metadata::from([
        (DIALECT_METADATA, file.dialect.to_string()),
        (DIGEST_METADATA, surveyed.digest.clone()),
        (DUPLICATES_METADATA, surveyed.duplicates.to_string()),
    ]);
    if let Some(types) = surveyed.findings.column_types() {
        metadata.insert(COLUMN_TYPES_METADATA, types.to_string());
    }
    if let Some(share) = max_rejects {
        metadata.insert(MAX_REJECTS_METADATA, share.to_metadata());
    }
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_METADATA_BYTES {
        let columns = surveyed.findings.columns.len();
        return Err(Failure::new(format!("{} has too many columns to be sent", file.source.shown))
            .why(format!(
                "the types of {columns} columns take more than the {MAX_METADATA_BYTES} bytes of an object's metadata"
            ))
            .next("convert the file to NDJSON, which has its own types"));
    }
    Ok(metadata)
}

/// Sends the file that was surveyed with this digest.
pub(super) async fn send_file(
    aws: &Aws,
    source: &Source,
    digest: &str,
    to: &Destination<'_>,
) -> Result<Load> {
    let resume_state = match source.can_be_read_again {
        true => Some(ResumeState::new(&directories::state_folder()?.join("uploads"), aws, to, source.size)?),
        false => None,
    };
    let progress = progress::bytes_bar("uploading", source.size);
    let observe = |event| match event {
        UploadEvent::Resumed { parts_present, parts_total } => output::print_message(format!(
            "resuming an interrupted upload: {parts_present} of {parts_total} parts are in S3"
        )),
        UploadEvent::BytesPresent(bytes) => progress.start_at(progress.position() + bytes),
        UploadEvent::BytesSent(bytes) => progress.inc(bytes),
    };
    let resume_state = resume_state.as_ref();
    let upload = Upload { aws, source, digest, destination: to, resume_state, observe: &observe };
    let sent = upload.send(interrupt::ctrl_c()).await;
    progress.finish_and_clear();
    let sent = sent.map_err(|failure| match resume_state {
        Some(resume_state) if resume_state.upload_id().is_some() => failure.then(&command_line()),
        Some(_) => failure,
        None => failure.then("run the whole pipeline again, from the program that writes into the pipe"),
    })?;
    let version = sent.version.ok_or_else(|| {
        Failure::new(format!("the bucket {} keeps no versions", to.bucket))
            .why("a load is identified by the version of its object")
            .next("restctl deploy")
    })?;
    Ok(Load {
        bucket: to.bucket.to_owned(),
        key: to.key.to_owned(),
        version,
        size: source.size,
        uploaded: sent.uploaded,
    })
}

/// Returns the load of the object's current version if it has the same bytes and metadata as the file.
pub(super) async fn find_uploaded(aws: &Aws, to: &Destination<'_>, size: u64) -> Result<Option<Load>> {
    let Some(current) = s3::find_current_version(aws, to.bucket, to.key).await? else { return Ok(None) };
    let ours = current.metadata.iter().filter(|(name, _)| name.starts_with(METADATA_PREFIX));
    let is_same = current.size == size
        && ours.clone().count() == to.metadata.len()
        && ours.clone().all(|(name, value)| to.metadata.get(name.as_str()) == Some(value));
    let version = current.version.filter(|_| is_same);
    Ok(version.map(|version| Load {
        bucket: to.bucket.to_owned(),
        key: to.key.to_owned(),
        version,
        size,
        uploaded: current.uploaded,
    }))
}

/// Returns the command line as the user typed it.
pub(super) fn command_line() -> String {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words
        .map(|word| match word.strip_prefix('-') {
            // An option, with its value if that is joined to it.
            Some(option) => format!("-{}", shell_argument(option.trim_start_matches('-'), "…")),
            None => shell_argument(&word, "…"),
        })
        .collect();
    words.join(" ")
}
