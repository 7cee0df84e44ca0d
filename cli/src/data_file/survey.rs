//! Reads a whole file as its load will, before anything is sent.

use std::fmt;
use std::io;

use restctl_contract::key::Key;
use restctl_rows::{Dialect, Format, Reject, Survey, SurveyFindings, SurveyedColumn, Unreadable};
use sha2::{Digest, Sha256};

use crate::data_file::duplicates::Duplicates;
use crate::data_file::source::Source;
use crate::digest::to_hex;
use crate::failure::{Failure, FailureContext, Result, shell_argument};

/// What to do about cells that contain lines which look like rows.
pub(crate) const IF_CELLS_ARE_MEANT: &str =
    "correct the quotes; or, if these cells are meant, add --multiline-cells";

const CHUNK_BYTES: usize = 256 * 1024;

const KEYS_ON_DISK: &str = "cannot keep the keys in a temporary file";

/// What the first reading of a file found.
pub(crate) struct SurveyedFile {
    pub(crate) findings: SurveyFindings,
    /// Rows that a later row with the same key supersedes.
    pub(crate) duplicates: u64,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub(crate) digest: String,
}

impl SurveyedFile {
    pub(crate) fn rows_read(&self) -> u64 {
        self.findings.rows + self.findings.rejected
    }
}

/// Reads all of `source` and reports each position that it reaches. Yields between chunks, so that Ctrl-C is noticed.
pub(crate) async fn survey_file(
    source: &Source,
    dialect: &Dialect,
    key: &Key,
    report_position: impl Fn(u64),
) -> Result<SurveyedFile> {
    let mut survey = SurveyInProgress::new(dialect, key);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let length = source.read_at(at, &mut chunk)?;
        if length == 0 {
            break;
        }
        at += length as u64;
        survey.feed(&chunk[..length], source)?;
        report_position(at);
        tokio::task::yield_now().await;
    }
    survey.finish(source)
}

struct SurveyInProgress<'a> {
    dialect: &'a Dialect,
    key: &'a Key,
    survey: Survey,
    keys: SeenKeys,
    digest: Sha256,
}

impl<'a> SurveyInProgress<'a> {
    fn new(dialect: &'a Dialect, key: &'a Key) -> Self {
        let keys = SeenKeys { duplicates: Duplicates::default(), kept: Ok(()) };
        Self { dialect, key, survey: Survey::new(dialect, key), keys, digest: Sha256::new() }
    }

    fn feed(&mut self, chunk: &[u8], source: &Source) -> Result<()> {
        self.digest.update(chunk);
        let read = self.survey.feed(chunk, |key| self.keys.push(key));
        read.map_err(|reason| cannot_load_failure(&source.shown, &reason))?;
        std::mem::replace(&mut self.keys.kept, Ok(())).context_of_temporary_file(KEYS_ON_DISK)
    }

    fn finish(mut self, source: &Source) -> Result<SurveyedFile> {
        let findings = self.survey.finish(|key| self.keys.push(key));
        let findings = findings.map_err(|reason| cannot_load_failure(&source.shown, &reason))?;
        self.keys.kept.context_of_temporary_file(KEYS_ON_DISK)?;
        if let (0, Some(reject)) = (findings.rows, findings.rejects.first()) {
            return Err(nothing_to_load_failure(source, reject, self.dialect, self.key));
        }
        let duplicates = self.keys.duplicates.count().context_of_temporary_file(KEYS_ON_DISK)?;
        Ok(SurveyedFile { findings, duplicates, digest: to_hex(&self.digest.finalize()) })
    }
}

/// The keys so far, and whether all of them could be kept.
struct SeenKeys {
    duplicates: Duplicates,
    kept: io::Result<()>,
}

impl SeenKeys {
    fn push(&mut self, key: &str) {
        if self.kept.is_ok() {
            self.kept = self.duplicates.push(key);
        }
    }
}

/// Describes why the file `shown` cannot be loaded, and what to do about it.
pub(crate) fn cannot_load_failure(shown: &str, reason: &Unreadable) -> Failure {
    Failure::new(format!("{shown} cannot be loaded")).why(reason.to_string()).next(reason.advice())
}

/// Describes a file that has rows, none of which can be loaded. `reject` is the first of them.
pub(crate) fn nothing_to_load_failure(
    source: &Source,
    reject: &Reject,
    dialect: &Dialect,
    key: &Key,
) -> Failure {
    let failure = Failure::new(format!("{} has no row that can be loaded", source.shown))
        .why(format!("the first: {}", RejectLine(reject)));
    if reject.has_multiline_cell {
        return failure.next(IF_CELLS_ARE_MEANT);
    }
    if reject.column.as_ref() != Some(&key.name) {
        return failure.next("fix the rows, or choose how to read them: restctl upload --help");
    }
    let mut next = format!(
        "correct the key {} of the rows, or deploy with a key that they have: restctl deploy --key NAME:S",
        shell_argument(&key.name, "column")
    );
    if dialect.format != Format::Csv && dialect.records.is_none() {
        next.push_str("\nif the rows are in an array within that object, say in which: --records PATH");
    }
    failure.next(next)
}

/// Describes the type of a column, and how the first number changes that is loaded in another notation.
pub(crate) fn describe_type(column: &SurveyedColumn) -> String {
    match &column.changed {
        Some((from, to)) => format!("{} ({from} becomes {to})", column.kind),
        None => column.kind.to_string(),
    }
}

/// Formats a reject as one line of text.
pub(crate) struct RejectLine<'a>(pub(crate) &'a Reject);

impl fmt::Display for RejectLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reject { line, column, reason, .. } = self.0;
        match column {
            Some(column) => write!(f, "line {line}, column {column}: {reason}"),
            None => write!(f, "line {line}: {reason}"),
        }
    }
}
