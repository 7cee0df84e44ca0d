//! Reads the client secret from a file, standard input, the environment or a prompt. It is never the value of a flag, which
//! other users of the machine could read.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::prompt;

/// A client secret has some dozen characters, and a private key of 8,192 bits some 6,500.
const MAX_BYTES: u64 = 16 * 1024;

const VARIABLE: &str = "RESTCTL_CLIENT_SECRET";

/// Reads the secret from `file` (`-` is standard input), or else from the environment. `None` if neither is given.
pub(crate) fn read_given_secret(file: Option<&Path>) -> Result<Option<String>> {
    match (file, std::env::var(VARIABLE)) {
        (Some(file), _) => read_secret_file(file).map(Some),
        (None, Ok(secret)) => validate_secret(secret, VARIABLE).map(Some),
        (None, Err(_)) => Ok(None),
    }
}

/// Reads a client's private key from `file` (`-` is standard input).
pub(crate) fn read_private_key(file: &Path) -> Result<String> {
    read_secret_file(file)
}

/// Asks for the secret at the terminal.
pub(crate) fn prompt_for_secret() -> Result<String> {
    let flag = format!("--client-secret-file FILE (- for standard input) or {VARIABLE}");
    validate_secret(prompt::ask_secret("Client secret", &flag)?, "the answer")
}

fn read_secret_file(file: &Path) -> Result<String> {
    let mut text = String::new();
    let (name, read) = if file == Path::new("-") {
        ("standard input".to_owned(), stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text))
    } else {
        let read = File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
        (file.display().to_string(), read)
    };
    read.context(format!("cannot read the client secret from {name}"))?;
    validate_secret(text, &name)
}

fn validate_secret(text: String, source: &str) -> Result<String> {
    let secret = text.trim_end_matches(['\r', '\n']);
    let problem = if secret.is_empty() {
        "is empty"
    } else if secret.len() as u64 > MAX_BYTES {
        "is too long"
    } else {
        return Ok(secret.to_owned());
    };
    Err(Failure::new(format!("the client secret from {source} {problem}")).exit(Exit::Usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_of_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\r\n").unwrap();
        assert_eq!(read_secret_file(file.path()).unwrap(), "s3cret");
        std::fs::write(file.path(), "x".repeat(MAX_BYTES as usize + 1)).unwrap();
        let refusal = read_secret_file(file.path()).unwrap_err().to_string();
        assert!(refusal.contains("too long") && !refusal.contains("xxx"), "{refusal}");
    }
}
