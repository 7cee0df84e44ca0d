//! The issuers whose tokens the function accepts.

use std::collections::HashSet;

use http::Uri;
use restctl_aws::{RootCertificates, optional_variable};
use restctl_contract::issuer::{self, TrustedIssuer, is_loopback_host, is_scope_token};
use restctl_contract::template::variable;

use super::SettingsError;

/// An issuer, with what its texts mean.
#[derive(Debug)]
pub(crate) struct IssuerSettings {
    pub(crate) trusted: TrustedIssuer,
    pub(crate) jwks_uri: Uri,
    /// What the connection to its keys trusts instead of the system's root certificates.
    pub(crate) roots: Option<RootCertificates>,
}

impl IssuerSettings {
    /// Returns the issuers that the deployment names, and the stack's user pool if it has one. Each has another name.
    ///
    /// # Errors
    /// If there is none, or if one of them cannot be trusted as it is described.
    pub(super) fn from_environment() -> Result<Vec<Self>, SettingsError> {
        let listed = optional_variable(variable::ISSUERS);
        let listed = listed.map(|json| issuer::from_json(&json)).transpose();
        let listed = listed.map_err(|problem| refuse(variable::ISSUERS, problem))?.unwrap_or_default();
        let user_pool = optional_variable(variable::USER_POOL);
        let user_pool = user_pool.map(|json| serde_json::from_str::<TrustedIssuer>(&json)).transpose();
        let user_pool =
            user_pool.map_err(|error| refuse(variable::USER_POOL, format!("is not an issuer ({error})")))?;
        let named = listed.into_iter().map(|trusted| (variable::ISSUERS, trusted));
        let named = named.chain(user_pool.map(|trusted| (variable::USER_POOL, trusted)));
        Self::parse_all(named)
    }

    fn parse_all(
        named: impl Iterator<Item = (&'static str, TrustedIssuer)>,
    ) -> Result<Vec<Self>, SettingsError> {
        let mut names = HashSet::new();
        let mut issuers = Vec::new();
        for (variable, trusted) in named {
            let name = trusted.issuer.clone();
            let describe = |problem| refuse(variable, format!("describes the issuer {name:?}, {problem}"));
            if !names.insert(name.clone()) {
                return Err(describe("which another entry describes, too".to_owned()));
            }
            issuers.push(Self::parse(trusted).map_err(describe)?);
        }
        if issuers.is_empty() {
            return Err(refuse(variable::ISSUERS, "names no issuer".to_owned()));
        }
        Ok(issuers)
    }

    fn parse(trusted: TrustedIssuer) -> Result<Self, String> {
        if trusted.issuer.is_empty() {
            return Err("which has no name".to_owned());
        }
        if !is_scope_token(&trusted.scope) {
            return Err(format!("whose scope {:?} is not a scope (RFC 6749)", trusted.scope));
        }
        let jwks_uri = parse_jwks_uri(&trusted.jwks_uri, &trusted.issuer)
            .map_err(|problem| format!("whose jwks_uri {:?} {problem}", trusted.jwks_uri))?;
        let roots = match trusted.authorities.as_slice() {
            [] => None,
            authorities => Some(
                RootCertificates::from_base64(authorities)
                    .map_err(|error| format!("whose authorities are not certificates in base64 ({error})"))?,
            ),
        };
        Ok(Self { trusted, jwks_uri, roots })
    }
}

fn refuse(variable: &'static str, problem: String) -> SettingsError {
    SettingsError { variable, problem, advice: "run restctl setup again, and then restctl deploy" }
}

/// Requires TLS for the keys, because anyone who can change them on the way can mint tokens. Only an issuer on this
/// machine can have its keys there without TLS: no other may make the function ask what else listens there.
fn parse_jwks_uri(text: &str, issuer: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("is not a URL ({error})"))?;
    let is_on_this_machine = || issuer.parse().is_ok_and(|issuer| is_plain_loopback(&issuer));
    match uri.scheme_str() {
        Some("https") if uri.host().is_some() => Ok(uri),
        Some("http") if is_plain_loopback(&uri) && is_on_this_machine() => Ok(uri),
        _ => {
            Err("is not an https URL (http only for a loopback address, if the issuer has one, too)"
                .to_owned())
        }
    }
}

fn is_plain_loopback(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && uri.host().is_some_and(is_loopback_host)
}

#[cfg(test)]
mod tests {
    use restctl_contract::issuer::{Algorithm, Provider};

    use super::*;

    fn issuer_named(name: &str) -> TrustedIssuer {
        TrustedIssuer {
            issuer: name.to_owned(),
            provider: Provider::OpenId,
            audiences: vec!["https://items.example.test".to_owned()],
            scope: "read:items".to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: "https://tenant.example.test/jwks".to_owned(),
            authorities: Vec::new(),
        }
    }

    fn parse_all(issuers: &[TrustedIssuer]) -> Result<Vec<IssuerSettings>, SettingsError> {
        IssuerSettings::parse_all(issuers.iter().map(|trusted| (variable::ISSUERS, trusted.clone())))
    }

    #[test]
    fn issuers_keep_their_order_and_have_different_names() {
        let (first, second) =
            (issuer_named("https://a.example.test/"), issuer_named("https://a.example.test"));
        let both = parse_all(&[first.clone(), second.clone()]).unwrap();
        assert!(both.iter().map(|issuer| &issuer.trusted).eq([&first, &second]));
        assert!(both.iter().all(|issuer| issuer.roots.is_none()));
        assert!(parse_all(&[first.clone(), second, first]).is_err());
        assert!(parse_all(&[]).is_err());
    }

    #[test]
    fn an_error_names_the_variable_the_issuer_and_what_to_do() {
        let name = "https://a.example.test/";
        let good = issuer_named(name);
        let with_http = TrustedIssuer { jwks_uri: "http://a.example.test/jwks".to_owned(), ..good.clone() };
        let with_words = TrustedIssuer { scope: "read items".to_owned(), ..good.clone() };
        let with_text = TrustedIssuer { authorities: vec!["AAAA".to_owned()], ..good.clone() };
        let without_name = issuer_named("");
        for (issuers, problem) in [
            (vec![with_http], r#"whose jwks_uri "http://a.example.test/jwks" is not an https URL"#),
            (vec![with_words], r#"whose scope "read items" is not a scope"#),
            (vec![with_text], "whose authorities are not certificates in base64"),
            (vec![without_name], r#"the issuer "", which has no name"#),
            (vec![good.clone(), good], "which another entry describes, too"),
        ] {
            let error = parse_all(&issuers).unwrap_err().to_string();
            assert!(error.starts_with("the environment variable ISSUERS describes the issuer \""), "{error}");
            assert!(error.contains(&issuers[0].issuer) && error.contains(problem), "{error}");
            assert!(error.ends_with("; run restctl setup again, and then restctl deploy"), "{error}");
        }
    }

    #[test]
    fn keys_must_travel_over_tls() {
        for good in [
            "https://tenant.example.test/.well-known/jwks.json",
            "http://127.0.0.1:8080/jwks",
            "http://127.9.9.9/jwks",
            "http://[::1]:8080/jwks",
            "http://localhost:8080/jwks",
            "http://LOCALHOST:8080/jwks",
        ] {
            assert!(parse_jwks_uri(good, "http://localhost:8080/").is_ok(), "{good}");
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
            assert!(parse_jwks_uri(bad, "http://localhost:8080/").is_err(), "{bad}");
        }
    }

    #[test]
    fn only_an_issuer_on_this_machine_has_its_keys_there_without_tls() {
        let keys = "http://127.0.0.1:8080/jwks";
        for near in ["http://127.0.0.1:8080/", "http://localhost/realms/items", "http://[::1]:8080"] {
            assert!(parse_jwks_uri(keys, near).is_ok(), "{near}");
            assert!(parse_jwks_uri("https://tenant.example.test/jwks", near).is_ok(), "{near}");
        }
        for far in [
            "https://tenant.example.test/",
            "https://localhost/",
            "https://127.0.0.1:8080/",
            "http://tenant.example.test/",
            "http://localhost.example.test/",
            "localhost",
            "accounts.example.test",
            "",
        ] {
            let problem = parse_jwks_uri(keys, far).unwrap_err();
            assert!(problem.ends_with("if the issuer has one, too)"), "{problem}");
            assert!(parse_jwks_uri("https://127.0.0.1:8080/jwks", far).is_ok(), "{far}");
        }
    }
}
