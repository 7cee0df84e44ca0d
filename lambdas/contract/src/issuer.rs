//! The issuers whose tokens the API accepts: `setup` stores them, and the template passes them to the API's function.

mod algorithm;
mod provider;

use serde::{Deserialize, Serialize};

use crate::json::MemberPath;

pub use self::algorithm::Algorithm;
pub use self::provider::Provider;

/// The most bytes of [`to_json`]'s text. A parameter of Systems Manager has at most 4,096 characters ("Systems Manager
/// quotas"), and the environment of a function 4,096 bytes ("Lambda quotas"), of which the other variables need some 900.
pub const MAX_ISSUERS_BYTES: usize = 3072;

/// An issuer whose tokens the API accepts, and what it requires of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedIssuer {
    /// The exact `iss` of its tokens. Auth0's ends with `/`.
    pub issuer: String,
    /// Decides which claims of its tokens count.
    pub provider: Provider,
    /// A token must have one of these as its `aud`, or among several. Cognito's tokens have none: for them these are the
    /// allowed values of `client_id`.
    pub audiences: Vec<String>,
    /// The scope, permission or role that a token must have to read items.
    pub scope: String,
    /// The claims that grant, instead of those of the provider's profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_claims: Vec<MemberPath>,
    /// The signature algorithms that its tokens may have.
    #[serde(default = "Algorithm::defaults", skip_serializing_if = "is_default")]
    pub algorithms: Vec<Algorithm>,
    /// The URL of its signing keys (RFC 7517).
    pub jwks_uri: String,
    /// The certificates that connections to it trust, as the base64 of their DER. If there is none, they trust the
    /// system's root certificates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorities: Vec<String>,
}

fn is_default(algorithms: &[Algorithm]) -> bool {
    algorithms == Algorithm::defaults()
}

/// Writes issuers as the settings and the API's environment have them.
pub fn to_json(issuers: &[TrustedIssuer]) -> String {
    serde_json::json!(issuers).to_string()
}

/// Reads what [`to_json`] writes.
///
/// # Errors
/// Says what is wrong with the text.
pub fn from_json(text: &str) -> Result<Vec<TrustedIssuer>, String> {
    serde_json::from_str(text).map_err(|error| format!("is not a list of issuers ({error})"))
}

/// Whether plain HTTP to `host`, as a URL writes it, stays on this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether `text` is a scope-token (RFC 6749, section 3.3), so that a challenge can quote it. Roles and permissions are
/// required in the same way.
pub fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_written_without_what_is_usual() {
        let mut issuer = TrustedIssuer {
            issuer: "https://tenant.example.test/".to_owned(),
            provider: Provider::Keycloak,
            audiences: vec!["https://items.example.test".to_owned()],
            scope: "read:items".to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: "https://tenant.example.test/jwks".to_owned(),
            authorities: Vec::new(),
        };
        assert_eq!(
            to_json(std::slice::from_ref(&issuer)),
            r#"[{"issuer":"https://tenant.example.test/","provider":"keycloak","audiences":["https://items.example.test"],"scope":"read:items","jwks_uri":"https://tenant.example.test/jwks"}]"#
        );
        issuer.algorithms = vec![Algorithm::EdDsa];
        issuer.grant_claims = vec!["/https:~1~1example.com~1roles".parse().unwrap()];
        issuer.authorities = vec!["AAAA".to_owned()];
        let issuers = vec![issuer];
        assert_eq!(from_json(&to_json(&issuers)), Ok(issuers));
        assert!(from_json("made-by-the-deployment").unwrap_err().contains("not a list of issuers"));
    }

    #[test]
    fn only_loopback_hosts_are_on_this_machine() {
        for host in ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "LOCALHOST"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["127.0.0.1.example.test", "localhost.example.test", "10.0.0.1", "0.0.0.0", "[::2]", ""] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn a_scope_must_fit_a_challenge() {
        for good in ["read:items", "https://api.example.com/items.read", "Items.Read", "a", "!", "#[]~"] {
            assert!(is_scope_token(good), "{good}");
        }
        for bad in ["", " ", "read items", "read\"items", "read\\items", "é", "a\n", "a\u{7f}"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }
}
