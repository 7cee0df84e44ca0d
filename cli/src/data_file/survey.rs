//! Reads a file as its load will, before anything is sent.

use std::fmt;
use std::io;

use restctl_contract::key::Key;
use restctl_rows::{Dialect, Findings, Reject, Survey, Unreadable};
use sha2::{Digest, Sha256};

use crate::data_file::duplicates::Duplicates;
use crate::data_file::source::Source;
use crate::digest::to_hex;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

const CHUNK_BYTES: usize = 256 * 1024;

pub(crate) struct Surveyed {
    pub(crate) findings: Findings,
    /// Rows that a later row of the same key supersedes.
    pub(crate) duplicates: u64,
    /// SHA-256 of the file's bytes.
    pub(crate) digest: String,
}

impl Surveyed {
    pub(crate) fn read(&self) -> u64 {
        self.findings.rows + self.findings.rejected
    }
}

/// Reads all of `source`. Between chunks it gives way, so that Ctrl-C is heard.
pub(crate) async fn survey(source: &Source, dialect: &Dialect, key: &Key) -> Result<Surveyed> {
    let progress = output::bytes_bar("reading", source.size);
    let mut reading = Reading::new(dialect, key);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let length = source.read_at(at, &mut chunk)?;
        if length == 0 {
            break;
        }
        at += length as u64;
        reading.feed(&chunk[..length], source)?;
        progress.set_position(at);
        tokio::task::yield_now().await;
    }
    progress.finish_and_clear();
    reading.finish(source)
}

struct Reading {
    survey: Survey,
    keys: Keys,
    digest: Sha256,
}

impl Reading {
    fn new(dialect: &Dialect, key: &Key) -> Self {
        let keys = Keys { duplicates: Duplicates::default(), kept: Ok(()) };
        Self { survey: Survey::new(dialect, key), keys, digest: Sha256::new() }
    }

    fn feed(&mut self, chunk: &[u8], source: &Source) -> Result<()> {
        self.digest.update(chunk);
        let read = self.survey.feed(chunk, |key| self.keys.push(key));
        read.map_err(|reason| cannot_load(&source.shown, &reason))?;
        std::mem::replace(&mut self.keys.kept, Ok(())).context(KEYS_ON_DISK)
    }

    fn finish(mut self, source: &Source) -> Result<Surveyed> {
        let findings = self.survey.finish(|key| self.keys.push(key));
        let findings = findings.map_err(|reason| cannot_load(&source.shown, &reason))?;
        self.keys.kept.context(KEYS_ON_DISK)?;
        if findings.rows == 0 {
            return Err(nothing_to_load(source, &findings.rejects));
        }
        let duplicates = self.keys.duplicates.count().context(KEYS_ON_DISK)?;
        Ok(Surveyed { findings, duplicates, digest: to_hex(&self.digest.finalize()) })
    }
}

const KEYS_ON_DISK: &str = "the keys cannot be kept in a temporary file";

/// The keys seen, and whether they could all be kept.
struct Keys {
    duplicates: Duplicates,
    kept: io::Result<()>,
}

impl Keys {
    fn push(&mut self, key: &str) {
        if self.kept.is_ok() {
            self.kept = self.duplicates.push(key);
        }
    }
}

/// Says that the file `shown` cannot be loaded, and what to do about it.
pub(crate) fn cannot_load(shown: &str, reason: &Unreadable) -> Failure {
    let failure = Failure::new(format!("{shown} cannot be loaded")).why(reason.to_string());
    failure.next(reason.advice().unwrap_or_else(|| "fix the file and run the command again".into()))
}

/// Says that not one row of the file can be loaded; `rejects` are the first of those that cannot.
pub(crate) fn nothing_to_load(source: &Source, rejects: &[Reject]) -> Failure {
    let failure = Failure::new(format!("{} has no row that can be loaded", source.shown));
    match rejects.first() {
        Some(reject) => failure.why(Line(reject).to_string()),
        None => failure.why("there is nothing after the header"),
    }
}

/// A reject as a line for people.
pub(crate) struct Line<'a>(pub(crate) &'a Reject);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reject { line, column, reason, .. } = self.0;
        match column {
            Some(column) => write!(f, "line {line}, column {column}: {reason}"),
            None => write!(f, "line {line}: {reason}"),
        }
    }
}
