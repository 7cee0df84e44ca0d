//! Reads ids in batches, because a file of ids may be larger than memory.

use std::collections::HashSet;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::path::{Path, PathBuf};

use restctl_contract::api::MAX_IDS_PER_CALL;
use restctl_contract::json::Json;
use restctl_contract::key::MAX_KEY_BYTES;
use tokio::sync::mpsc;

use crate::failure::{Exit, Failure, Result};
use crate::terminal::sanitize::sanitize_line;

/// The most bytes of a line that are read: an id, and the end of the line.
const MAX_LINE_BYTES: usize = MAX_KEY_BYTES + 2;

/// Where ids come from in addition to the command line: one on each line.
pub(super) enum IdSource {
    StandardInput,
    File(File, PathBuf),
}

/// An id as the user gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenId {
    pub(super) text: String,
    /// Its line in the file or in standard input; `None` if it was given with --id.
    pub(super) line: Option<u64>,
}

/// At most as many ids as one call may have, each once.
pub(super) type Batch = Vec<GivenId>;

/// The ids that a thread reads: standard input may be slow, and must not hold up the calls in flight.
pub(super) struct Ids {
    first: Option<Batch>,
    rest: mpsc::Receiver<Result<Batch>>,
}

impl IdSource {
    /// Opens the file; `-` is standard input.
    pub(super) fn open(file: &Path) -> Result<Self> {
        if file == Path::new("-") {
            return Ok(Self::StandardInput);
        }
        let opened = File::open(file).map_err(|error| cannot_read_failure(&file.display(), &error))?;
        Ok(Self::File(opened, file.to_owned()))
    }

    fn into_lines(self) -> IdLines<Box<dyn BufRead>> {
        match self {
            Self::StandardInput => IdLines::new(Box::new(stdin().lock()), "standard input".to_owned()),
            Self::File(file, path) => {
                IdLines::new(Box::new(BufReader::new(file)), path.display().to_string())
            }
        }
    }
}

impl GivenId {
    /// Whether the id begins with a mark that an editor may have put at the beginning of the file.
    pub(super) fn has_byte_order_mark(&self) -> bool {
        self.line == Some(1) && self.text.starts_with('\u{feff}')
    }

    /// Returns the beginning of the id in quotes.
    pub(super) fn quote(&self, max_characters: usize) -> String {
        sanitize_line(&Json::from(self.text.as_str()).to_string(), max_characters)
    }

    pub(super) fn place(&self) -> String {
        self.line.map_or("--id".to_owned(), |line| format!("line {line}"))
    }
}

impl Ids {
    /// Reads the ids; those `given` on the command line come first.
    ///
    /// # Errors
    /// If there are no ids. The caller learns that before it connects to anything.
    pub(super) async fn read(given: Vec<String>, source: Option<IdSource>) -> Result<Self> {
        // One batch waits while the ids of the previous one are requested.
        let (sender, mut rest) = mpsc::channel(1);
        // The thread ends with the process, even while it waits for standard input.
        std::thread::spawn(move || {
            let given = given.into_iter().map(|text| Ok(GivenId { text, line: None }));
            let sent = match source {
                Some(source) => send_batches(given.chain(source.into_lines()), &sender),
                None => send_batches(given, &sender),
            };
            // If the receiver is gone, no one needs more ids.
            drop(sent);
        });
        match rest.recv().await {
            Some(first) => Ok(Self { first: Some(first?), rest }),
            None => Err(no_ids_failure()),
        }
    }

    /// Returns the next batch; `None` after the last one.
    pub(super) async fn next_batch(&mut self) -> Option<Result<Batch>> {
        match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.rest.recv().await,
        }
    }
}

fn cannot_read_failure(name: &dyn Display, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {name}"))
        .because(error)
        .next("give a file that you may read, with an id on each line: --ids-file FILE")
}

pub(super) fn no_ids_failure() -> Failure {
    Failure::new("there are no ids")
        .exit(Exit::Usage)
        .next("restctl get --id ID; or --ids-file FILE, or ids on standard input, one on each line")
}

type SendResult = Result<(), mpsc::error::SendError<Result<Batch>>>;

fn send_batches(
    ids: impl Iterator<Item = Result<GivenId>>,
    sender: &mpsc::Sender<Result<Batch>>,
) -> SendResult {
    // The ids of the previous batch count too: a repeated id may be in the next batch.
    let (mut before, mut batch) = (HashSet::new(), HashSet::new());
    let mut in_order = Vec::new();
    for id in ids {
        let id = match id {
            Ok(id) => id,
            Err(failure) => return sender.blocking_send(Err(failure)),
        };
        if !before.contains(&id.text) && batch.insert(id.text.clone()) {
            in_order.push(id);
        }
        if in_order.len() == MAX_IDS_PER_CALL {
            before = std::mem::take(&mut batch);
            sender.blocking_send(Ok(std::mem::take(&mut in_order)))?;
        }
    }
    if in_order.is_empty() { Ok(()) } else { sender.blocking_send(Ok(in_order)) }
}

/// The lines of a source, which end at LF or CRLF. Empty lines are left out.
struct IdLines<R> {
    input: R,
    name: String,
    number: u64,
}

impl<R: BufRead> Iterator for IdLines<R> {
    type Item = Result<GivenId>;

    fn next(&mut self) -> Option<Result<GivenId>> {
        loop {
            match self.read_line().transpose()? {
                Ok(id) if id.text.is_empty() => {}
                read => return Some(read),
            }
        }
    }
}

impl<R: BufRead> IdLines<R> {
    fn new(input: R, name: String) -> Self {
        Self { input, name, number: 0 }
    }

    fn read_line(&mut self) -> Result<Option<GivenId>> {
        let Self { input, name, number } = self;
        let mut bytes = Vec::new();
        let read = input.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut bytes);
        if read.map_err(|error| cannot_read_failure(name, &error))? == 0 {
            return Ok(None);
        }
        *number += 1;
        let refused = |why: &str| {
            Err(Failure::new(format!("line {number} of {name} is not an id"))
                .exit(Exit::Usage)
                .why(why)
                .next("give one id on each line, and nothing else"))
        };
        if bytes.pop_if(|last| *last == b'\n').is_some() {
            bytes.pop_if(|last| *last == b'\r');
        }
        if bytes.len() > MAX_KEY_BYTES {
            return refused(&format!("it has more than {MAX_KEY_BYTES} bytes"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(GivenId { text, line: Some(*number) })),
            Err(_) => refused("it is not UTF-8"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_ids(bytes: &[u8]) -> Vec<Result<GivenId>> {
        IdLines::new(bytes, "ids".to_owned()).collect()
    }

    #[test]
    fn a_line_is_an_id() {
        let text = "\u{feff}1\r\n\n  a b \n\"x\"\r\r\n\r\n\t\n\u{feff}\né\r";
        let ids: Vec<GivenId> = read_ids(text.as_bytes()).into_iter().map(Result::unwrap).collect();
        let ids: Vec<_> = ids.iter().map(|id| (id.line.unwrap(), id.text.as_str())).collect();
        let expected =
            [(1, "\u{feff}1"), (3, "  a b "), (4, "\"x\"\r"), (6, "\t"), (7, "\u{feff}"), (8, "é\r")];
        assert_eq!(ids, expected);
        for end in ["\n", "\r\n", ""] {
            let longest = read_ids(format!("{}{end}", "x".repeat(MAX_KEY_BYTES)).as_bytes());
            assert_eq!(
                longest.into_iter().map(|id| id.unwrap().text.len()).collect::<Vec<_>>(),
                [MAX_KEY_BYTES]
            );
            let longer = read_ids(format!("{}{end}", "x".repeat(MAX_KEY_BYTES + 1)).as_bytes()).remove(0);
            assert!(longer.unwrap_err().to_string().contains("more than 2048 bytes"));
        }
        for (bytes, why) in [
            ([b"1\n".as_slice(), "x".repeat(10_000).as_bytes()].concat(), "more than 2048 bytes"),
            (b"1\n\xff\n".to_vec(), "not UTF-8"),
        ] {
            let failure = read_ids(&bytes).remove(1).unwrap_err();
            assert!(failure.exit == Exit::Usage && failure.to_string().contains("line 2"), "{failure}");
            assert!(failure.to_string().contains(why), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_batch_has_each_id_once_and_fits_one_call() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ids");
        let lines: Vec<String> = (1..=2_500).flat_map(|id| [id.to_string(), id.to_string()]).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        let given = vec!["1".to_owned(), "0".to_owned()];
        let mut ids = Ids::read(given, Some(IdSource::open(&file).unwrap())).await.unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = ids.next_batch().await {
            batches.push(batch.unwrap());
        }
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, 501]);
        let given = |text: &str, line| GivenId { text: text.to_owned(), line };
        let first = [given("1", None), given("0", None), given("2", Some(3)), given("3", Some(5))];
        assert_eq!(batches[0][..4], first);
        assert_eq!(batches[1][0], given("1000", Some(1999)));
    }
}
