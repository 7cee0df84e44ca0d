//! The function's settings, which the template passes as environment variables.

use http::Uri;
use restctl_aws::optional_variable;
use restctl_contract::key::Key;
use restctl_contract::template::variable;
use restctl_verifier::{Policy, Provider};

pub(crate) struct Settings {
    pub(crate) items_table: String,
    pub(crate) key: Key,
    pub(crate) policy: Policy,
    pub(crate) jwks_uri: Uri,
    /// The name of the secret that signs cursors, if the stack is deployed with the list.
    pub(crate) cursor_key: Option<String>,
    /// Whether the OpenAPI document is served without a token.
    pub(crate) openapi_is_open: bool,
    pub(crate) stack: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable} {problem}; deploy the stack again to set it")]
pub(crate) struct SettingsError {
    variable: &'static str,
    problem: String,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, SettingsError> {
        let kind = required_variable(variable::KEY_TYPE)?;
        let kind = kind.parse().map_err(|problem| SettingsError { variable: variable::KEY_TYPE, problem })?;
        let provider = required_variable(variable::PROVIDER)?;
        let provider: Provider =
            provider.parse().map_err(|problem| SettingsError { variable: variable::PROVIDER, problem })?;
        Ok(Self {
            items_table: required_variable(variable::ITEMS_TABLE)?,
            key: Key { name: required_variable(variable::KEY_NAME)?, kind },
            policy: Policy {
                provider,
                issuer: required_variable(variable::ISSUER)?,
                audience: required_variable(variable::AUDIENCE)?,
                scope: parse_scope(required_variable(variable::SCOPE)?)?,
            },
            jwks_uri: parse_jwks_uri(&required_variable(variable::JWKS_URI)?)?,
            cursor_key: optional_variable(variable::CURSOR_KEY),
            openapi_is_open: parse_openapi_access(&required_variable(variable::OPENAPI)?)?,
            stack: required_variable(variable::STACK)?,
        })
    }
}

fn required_variable(variable: &'static str) -> Result<String, SettingsError> {
    optional_variable(variable)
        .ok_or_else(|| SettingsError { variable, problem: "is missing or empty".to_owned() })
}

/// Checks that the setting is a scope-token (RFC 6749, section 3.3), which a challenge can quote.
fn parse_scope(scope: String) -> Result<String, SettingsError> {
    if scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        return Ok(scope);
    }
    Err(SettingsError { variable: variable::SCOPE, problem: "is not a scope (RFC 6749)".to_owned() })
}

fn parse_openapi_access(setting: &str) -> Result<bool, SettingsError> {
    match setting {
        "token" => Ok(false),
        "open" => Ok(true),
        other => {
            let problem = format!("is {other:?}, not token or open");
            Err(SettingsError { variable: variable::OPENAPI, problem })
        }
    }
}

/// Requires TLS for the keys, because anyone who can change them on the way can mint tokens.
fn parse_jwks_uri(text: &str) -> Result<Uri, SettingsError> {
    let refuse = |problem: String| SettingsError { variable: variable::JWKS_URI, problem };
    let uri: Uri = text.parse().map_err(|error| refuse(format!("is not a URL ({error})")))?;
    match uri.scheme_str() {
        Some("https") if uri.host().is_some() => Ok(uri),
        Some("http") if uri.host().is_some_and(is_loopback) => Ok(uri),
        _ => Err(refuse("is not an https URL (http only for a loopback address)".to_owned())),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_must_travel_over_tls() {
        for good in [
            "https://tenant.example.test/.well-known/jwks.json",
            "http://127.0.0.1:8080/jwks",
            "http://127.9.9.9/jwks",
            "http://[::1]:8080/jwks",
            "http://localhost:8080/jwks",
        ] {
            assert!(parse_jwks_uri(good).is_ok(), "{good}");
        }
        for bad in [
            "http://tenant.example.test/jwks",
            "http://127.0.0.1.example.test/jwks",
            "http://localhost.example.test/jwks",
            "http://localhost@example.test/jwks",
            "http://10.0.0.1/jwks",
            "http://0.0.0.0/jwks",
            "file:///etc/jwks",
            "ftp://127.0.0.1/jwks",
            "tenant.example.test",
            "",
            "https://",
            "https:///jwks",
        ] {
            assert!(parse_jwks_uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_must_fit_a_challenge() {
        for good in ["read:items", "https://api.example.com/items.read", "a"] {
            assert!(parse_scope(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["read items", "read\"items", "read\\items", "é", "a\n"] {
            assert!(parse_scope(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
