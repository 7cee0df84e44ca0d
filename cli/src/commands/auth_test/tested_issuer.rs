//! The issuers that the API trusts, each with what an attacker knows of it.

use std::path::{Path, PathBuf};

use restctl_contract::issuer::TrustedIssuer;
use restctl_contract::json::{self, Limits};
use restctl_forgery::KnownIssuer;
use restctl_verifier::{MAX_TOKEN_BYTES, find_issuer};
use serde_json::Value;

use crate::cli::file_argument::read_file_argument;
use crate::failure::{Failure, FailureContext, Result};
use crate::identity::discovery;
use crate::identity::policy::TokenPolicy;

pub(super) struct TestedIssuer<'a> {
    pub(super) trusted: &'a TrustedIssuer,
    /// A good token, if there is one at hand.
    pub(super) token: Option<String>,
    /// The published keys. Null if they are unavailable.
    jwks: Value,
    keys_failure: Option<Failure>,
}

impl<'a> TestedIssuer<'a> {
    /// Returns all issuers, first the one that grants restctl its tokens. The others have the tokens of the files.
    pub(super) async fn read_all(policy: &'a TokenPolicy, token_files: &[PathBuf]) -> Result<Vec<Self>> {
        let client_issuer = policy.client_issuer()?;
        let mut trusted: Vec<&TrustedIssuer> = policy.issuers.iter().collect();
        trusted.sort_by_key(|issuer| issuer.issuer != client_issuer.issuer);
        let mut tokens = vec![None; trusted.len()];
        for file in token_files {
            let token = read_token(file)?;
            let index = issuer_of_token(&token, &trusted, file)?;
            if tokens[index].replace(token).is_some() {
                let issuer = &trusted[index].issuer;
                return Err(Failure::usage(format!("--token-file is given twice for {issuer}")));
            }
        }
        let mut issuers = Vec::new();
        for (trusted, token) in trusted.into_iter().zip(tokens) {
            let (jwks, keys_failure) = match fetch_keys(trusted).await {
                Ok(jwks) => (jwks, None),
                Err(failure) => (Value::Null, Some(failure)),
            };
            issuers.push(Self { trusted, token, jwks, keys_failure });
        }
        Ok(issuers)
    }

    pub(super) fn known(&self) -> KnownIssuer<'_> {
        KnownIssuer { trusted: self.trusted, jwks: &self.jwks, token: self.token.as_deref() }
    }

    /// Says why the forgeries that need a key of the issuer are missing. `reason` is what was wrong with its keys.
    pub(super) fn missing_forgeries(&self, reason: &str) -> String {
        let reason = self.keys_failure.as_ref().map_or_else(|| reason.to_owned(), Failure::to_single_line);
        format!("{}: {reason}", self.trusted.issuer)
    }
}

async fn fetch_keys(issuer: &TrustedIssuer) -> Result<Value> {
    let document = discovery::fetch_keys(issuer).await?;
    let limits = Limits { depth: 16, values: document.len() };
    let doing = format!("cannot parse the keys at {}", issuer.jwks_uri);
    serde_json::to_value(json::parse(&document, limits).context(&*doing)?).context(doing)
}

/// Returns the index of the issuer that the token names. The first one's token does not come from a file.
fn issuer_of_token(token: &str, trusted: &[&TrustedIssuer], file: &Path) -> Result<usize> {
    let refused = |what: &str| {
        Failure::usage(format!("the token from {} {what}", file.display())).next(
            "restctl idp show, for the issuers that are trusted; and give a token of each but restctl's own",
        )
    };
    let names = trusted.iter().map(|issuer| issuer.issuer.as_str());
    match find_issuer(token, names) {
        None => Err(refused("is of no issuer that the API trusts")),
        Some(0) => {
            Err(refused("is of the issuer that grants restctl its tokens, or the API trusts no other"))
        }
        Some(index) => Ok(index),
    }
}

/// Reads a token from `file` (`-` is standard input).
fn read_token(file: &Path) -> Result<String> {
    let (text, name) = read_file_argument(file, 2 * MAX_TOKEN_BYTES as u64, "the token")?;
    match text.trim() {
        "" => Err(Failure::usage(format!("there is no token in {name}"))),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use restctl_contract::issuer::{Algorithm, Provider};
    use serde_json::json;

    use super::*;
    use crate::failure::Exit;

    fn trusted_issuer(name: &str) -> TrustedIssuer {
        TrustedIssuer {
            issuer: name.to_owned(),
            provider: Provider::OpenId,
            audiences: vec!["items".to_owned()],
            scope: "read:items".to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: format!("{name}jwks"),
            authorities: Vec::new(),
        }
    }

    #[test]
    fn a_token_belongs_to_the_issuer_that_it_names() {
        let [one, two, three] = ["https://one/", "https://two/", "https://three/"].map(trusted_issuer);
        let token = |iss: &str| {
            let claims = URL_SAFE_NO_PAD.encode(json!({ "iss": iss }).to_string());
            format!("e30.{claims}.AAAA")
        };
        let find = |token: &str, trusted: &[&TrustedIssuer]| {
            issuer_of_token(token, trusted, Path::new("t"))
                .map_err(|failure| (failure.exit, failure.to_string()))
        };
        let all = [&one, &two, &three];
        assert_eq!(find(&token("https://three/"), &all), Ok(2));
        for (token, trusted, what) in [
            (token("https://one/"), &all[..], "grants restctl its tokens"),
            (token("https://four/"), &all, "is of no issuer"),
            ("opaque".to_owned(), &all, "is of no issuer"),
            (token("https://four/"), &all[..1], "the API trusts no other"),
        ] {
            let (exit, text) = find(&token, trusted).unwrap_err();
            assert!(exit == Exit::Usage && text.contains(what), "{text}");
        }
    }

    #[test]
    fn a_file_has_one_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a.b.c\r\n").unwrap();
        assert_eq!(read_token(file.path()).unwrap(), "a.b.c");
        std::fs::write(file.path(), " \n").unwrap();
        assert_eq!(read_token(file.path()).unwrap_err().exit, Exit::Usage);
        assert!(
            read_token(Path::new("/does/not/exist")).unwrap_err().to_string().contains("/does/not/exist")
        );
    }
}
