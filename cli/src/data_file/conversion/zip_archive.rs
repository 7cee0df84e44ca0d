//! Zip archives that hold one data file. Workbooks of today are zip archives too.

use std::io::Read;

use encoding_rs::Encoding as CharacterEncoding;
use restctl_rows::Format;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::refusal::{EXPORT_AGAIN, cannot_convert, damaged};
use super::spool::Spool;
use super::text::guess::{TO_UTF8, TextEncoding, guess_encoding};
use super::{Converted, ObjectName, magic, text};
use crate::data_file::source::{Source, SourceReader};
use crate::failure::{Failure, Result, shell_argument};

/// How many members a message lists.
const LISTED_MEMBERS: usize = 10;

type Archive = ZipArchive<SourceReader>;

/// Takes the one data file out of an archive.
pub(super) async fn convert(
    source: &Source,
    chosen: Option<&'static CharacterEncoding>,
) -> Result<Converted> {
    let shown = &source.shown;
    let mut archive = open(source)?;
    let member = find_data_file(&archive, shown)?;
    let name = ObjectName::of_member(&member.name).ok_or_else(|| {
        let why = format!("its file {:?} has no name that an object can have", member.name);
        cannot_convert(shown, why, format!("extract it and upload it with a --name: {}", unzip(shown)))
    })?;
    let mut notes = vec![format!("{:?} of a zip archive", member.name)];
    let opened = archive.by_index(member.index);
    let mut text = text::decompress(opened.map_err(|error| cannot_open_failure(shown, &error))?)
        .map_err(|error| damaged(shown, &error))?;
    let head = text::take_head(&mut text).map_err(|error| damaged(shown, &error))?;
    ensure_text(shown, &member.name, &head)?;
    let encoding = match chosen {
        Some(encoding) => TextEncoding::chosen(encoding),
        None => guess_encoding(&head).map_err(|reason| cannot_convert(shown, reason, TO_UTF8))?,
    };
    let mut spool = Spool::create()?;
    let mut whole = head.as_slice().chain(text);
    match encoding {
        Some(encoding) => {
            notes.push(encoding.to_string());
            text::transcode(&mut whole, shown, encoding, &mut spool).await?;
        }
        None => text::copy(&mut whole, shown, &mut spool).await?,
    }
    Ok(Converted { source: spool.into_source(shown)?, name, notes })
}

/// Opens a zip archive.
pub(super) fn open(source: &Source) -> Result<Archive> {
    ZipArchive::new(source.reader()?).map_err(|error| damaged(&source.shown, &error))
}

struct Member {
    index: usize,
    name: String,
}

/// Returns the member that is the data: the only file, or the only one whose name tells a format.
fn find_data_file(archive: &Archive, shown: &str) -> Result<Member> {
    let files = list_files(archive, shown)?;
    let tells_format = |member: &Member| Format::from_name(&member.name).is_ok();
    let (data, others): (Vec<Member>, Vec<Member>) = files.into_iter().partition(tells_format);
    let mut candidates = if data.is_empty() { others } else { data };
    match (candidates.pop(), candidates.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(cannot_convert(shown, "it is a zip archive without a file", EXPORT_AGAIN)),
        (Some(last), false) => {
            candidates.push(last);
            Err(several_files_failure(shown, &candidates))
        }
    }
}

/// Returns the files of an archive, without those that macOS adds.
fn list_files(archive: &Archive, shown: &str) -> Result<Vec<Member>> {
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let Some(name) = archive.name_for_index(index) else { break };
        let name = name.map_err(|error| damaged(shown, &error))?.into_owned();
        let base = name.rsplit('/').next().unwrap_or_default();
        let is_litter = name.starts_with("__MACOSX/") || base == ".DS_Store" || base.is_empty();
        if !is_litter {
            files.push(Member { index, name });
        }
    }
    Ok(files)
}

fn several_files_failure(shown: &str, files: &[Member]) -> Failure {
    let names = files.iter().take(LISTED_MEMBERS).map(|member| format!("{:?}", member.name));
    let names = names.collect::<Vec<_>>().join(", ");
    let more = files.len().saturating_sub(LISTED_MEMBERS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let why = format!("it is a zip archive with {} files: {names}{more}", files.len());
    cannot_convert(shown, why, format!("extract them, then upload those that you want: {}", unzip(shown)))
}

fn unzip(shown: &str) -> String {
    format!("unzip {}", shell_argument(shown, "FILE"))
}

/// Fails if a member is no text: archives within archives are not opened.
fn ensure_text(shown: &str, member: &str, head: &[u8]) -> Result<()> {
    let magics = magic::ZIP.into_iter().chain([magic::OLE, magic::PARQUET]);
    if !magics.into_iter().any(|magic| head.starts_with(magic)) {
        return Ok(());
    }
    let why = format!("its file {member:?} is itself an archive, a workbook or a Parquet file");
    Err(cannot_convert(shown, why, format!("extract it, then upload the file: {}", unzip(shown))))
}

fn cannot_open_failure(shown: &str, error: &ZipError) -> Failure {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            let why = "its file is encrypted";
            cannot_convert(shown, why, format!("extract it with its password: {}", unzip(shown)))
        }
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            let next = format!("extract it, then upload the file: {}", unzip(shown));
            Failure::new(format!("{shown} cannot be loaded")).because(error).next(next)
        }
        _ => damaged(shown, error),
    }
}

/// What a member of a workbook claims to be, decompressed. No more can be read of it.
pub(super) fn declared_sizes(source: &Source) -> Result<Vec<(String, u64)>> {
    let archive = open(source)?;
    let size = |index| -> Result<(String, u64), ZipError> {
        let member = archive.by_index_data(index)?;
        Ok((member.name()?.into_owned(), member.size()))
    };
    let sizes = (0..archive.len()).map(size).collect::<Result<_, _>>();
    sizes.map_err(|error| damaged(&source.shown, &error))
}

/// Opens a member of a workbook.
pub(super) fn open_member<'a>(
    archive: &'a mut Archive,
    name: &str,
    shown: &str,
) -> Result<ZipFile<'a, SourceReader>> {
    archive.by_name(name).map_err(|error| cannot_open_failure(shown, &error))
}
