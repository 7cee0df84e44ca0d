//! A text that an argument names by its file, or by `-` for standard input.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::interrupt;

/// Reads at most `limit` bytes of the text. Returns them with the name of their source for messages. `what` says in a failure
/// what the text should be.
pub(crate) fn read_file_argument(file: &Path, limit: u64, what: &str) -> Result<(String, String)> {
    // The text may be typed, or come from a slow program.
    let _ending = interrupt::end_process_with(Failure::interrupted(), || ());
    let mut text = String::new();
    let (name, read) = if file == Path::new("-") {
        ("standard input".to_owned(), stdin().lock().take(limit).read_to_string(&mut text))
    } else {
        let read = File::open(file).and_then(|file| file.take(limit).read_to_string(&mut text));
        (file.display().to_string(), read)
    };
    read.context_of_argument(format!("cannot read {what} from {name}"))?;
    Ok((text, name))
}
