//! Reads the client secret from a file, standard input, the environment or a prompt, and a private key from a file or standard
//! input. Neither is ever the value of a flag, which other users of the machine could read.

use std::path::Path;

use restctl_contract::issuer::Provider;

use crate::cli::file_argument::read_file_argument;
use crate::failure::{Failure, Result};
use crate::identity::client_key::{self, ClientKey};
use crate::terminal::prompt;

/// A client secret has some dozen characters. A private key of 8,192 bits has some 6,500, and chains of certificates may be
/// beside it. Secrets Manager stores 65,536 bytes ("Quotas for AWS Secrets Manager").
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

/// A secret, or a usable private key.
pub(crate) struct GivenCredential {
    /// As Secrets Manager stores it: of a key, the whole file.
    pub(crate) text: String,
    /// The `kid` that a key has itself.
    pub(crate) key_id: Option<String>,
}

impl GivenCredential {
    pub(crate) fn from_secret(text: String) -> Self {
        Self { text, key_id: None }
    }
}

/// Reads a client's private key from `file` (`-` is standard input), and checks that it can sign for the provider.
pub(crate) fn read_private_key(file: &Path, provider: Provider) -> Result<GivenCredential> {
    let (text, name) = read_file(file, "private key")?;
    let key = ClientKey::parse(&text).map_err(|problem| {
        Failure::usage(format!("the client's private key from {name} {}", problem.description()))
            .next(problem.remedy())
    })?;
    key.check_fits_provider(provider)?;
    Ok(GivenCredential { text, key_id: key.key_id })
}

/// Asks for the secret at the terminal.
pub(crate) fn prompt_for_secret() -> Result<String> {
    let flag = format!("--client-secret-file FILE (- for standard input) or {VARIABLE}");
    validate_secret(prompt::ask_secret("Client secret", &flag)?, "the answer")
}

fn read_secret_file(file: &Path) -> Result<String> {
    let (text, name) = read_file(file, "secret")?;
    validate_secret(text, &name)
}

/// Returns the text of the file, and its name for messages. `what` is what it should be.
fn read_file(file: &Path, what: &str) -> Result<(String, String)> {
    let (text, name) = read_file_argument(file, MAX_BYTES + 1, &format!("the client's {what}"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!("the client's {what} from {name} is too long")));
    }
    Ok((text, name))
}

fn validate_secret(text: String, source: &str) -> Result<String> {
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::usage(format!("the client secret from {source} is empty")));
    }
    // A secret is sent to the provider, which a private key must never be.
    if client_key::looks_like_key_file(secret) {
        return Err(Failure::usage(format!("the client secret from {source} is a key"))
            .next("give a private key with --client-key-file FILE"));
    }
    Ok(secret.to_owned())
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

    #[test]
    fn a_key_is_not_a_secret_and_a_secret_is_not_a_key() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(file.path(), key.serialize_pem()).unwrap();
        let refusal = read_secret_file(file.path()).unwrap_err().to_string();
        assert!(refusal.contains("is a key") && refusal.contains("--client-key-file"), "{refusal}");
        let given = read_private_key(file.path(), Provider::Okta).unwrap();
        assert_eq!((given.text, given.key_id), (key.serialize_pem(), None));
        let refusal = read_private_key(file.path(), Provider::Entra).err().unwrap().to_string();
        assert!(refusal.contains("has no certificate beside it"), "{refusal}");

        std::fs::write(file.path(), key.public_key_pem()).unwrap();
        let refusal = read_private_key(file.path(), Provider::Okta).err().unwrap().to_string();
        assert!(refusal.contains("is a public key") && refusal.contains("give the private key"), "{refusal}");
        std::fs::write(file.path(), "s3cret").unwrap();
        let refusal = read_private_key(file.path(), Provider::Okta).err().unwrap().to_string();
        assert!(refusal.contains("neither PEM nor a JWK") && !refusal.contains("s3cret"), "{refusal}");
    }
}
