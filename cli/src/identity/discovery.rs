//! What an identity provider publishes about itself (OpenID Connect Discovery 1.0).

use reqwest::Url;
use restctl_verifier::{MAX_KEY_SET_BYTES, Provider};
use serde::Deserialize;

use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};
use crate::identity::http::{build_client, is_loopback, read_bounded_body};

/// A discovery document has a few kilobytes. No more than this is read.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct DiscoveryDocument {
    pub(crate) issuer: String,
    pub(crate) jwks_uri: String,
    pub(crate) token_endpoint: String,
    /// Absent means `client_secret_basic` alone (section 3).
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl DiscoveryDocument {
    /// Whether a client may send its secret in the body of the token request.
    pub(crate) fn takes_secret_in_body(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.iter().flatten();
        methods.into_iter().any(|method| method == "client_secret_post")
    }
}

/// Returns the kind of provider, judged by the host of its issuer.
pub(crate) fn provider_of_issuer(issuer: &str) -> Provider {
    let url = Url::parse(issuer).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let is_of_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    if host.ends_with(".auth0.com") {
        Provider::Auth0
    } else if host.starts_with("cognito-idp.") && is_of_aws {
        Provider::Cognito
    } else {
        Provider::OpenId
    }
}

/// Fetches the discovery document of `issuer`, and checks that it names exactly that issuer.
pub(crate) async fn fetch_document(issuer: &str) -> Result<DiscoveryDocument> {
    check_secure(issuer, "the issuer")?;
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let unreachable = |failure: Failure| {
        failure.next("restctl setup --issuer URL, such as https://YOUR-TENANT.eu.auth0.com/")
    };
    let answer = build_client(&address)?.get(&address).send().await;
    let answer = answer.context(format!("the issuer does not answer at {address}")).map_err(unreachable)?;
    if !answer.status().is_success() {
        let failure = Failure::new(format!("{address} answered {}", answer.status()));
        return Err(unreachable(failure.why("an issuer publishes its OpenID configuration there")));
    }
    let body = read_bounded_body(answer, MAX_DOCUMENT_BYTES).await?;
    let document: DiscoveryDocument = serde_json::from_slice(&body)
        .context(format!("{address} is not an OpenID configuration"))
        .map_err(unreachable)?;
    if document.issuer != issuer {
        return Err(Failure::new(format!("the issuer's name is {:?}, not {issuer:?}", document.issuer))
            .exit(Exit::Usage)
            .why("tokens have its own spelling as iss, and the API compares that exactly")
            .next(format!("restctl setup --issuer {}", shell_argument(&document.issuer, "URL"))));
    }
    check_secure(&document.jwks_uri, "the issuer's jwks_uri")?;
    check_secure(&document.token_endpoint, "the issuer's token_endpoint")?;
    Ok(document)
}

/// Fetches the issuer's published keys, without parsing them.
pub(crate) async fn fetch_keys(jwks_uri: &str) -> Result<Vec<u8>> {
    check_secure(jwks_uri, "the issuer's jwks_uri")?;
    let answer = build_client(jwks_uri)?.get(jwks_uri).send().await;
    let answer = answer.context(format!("cannot fetch the issuer's keys from {jwks_uri}"))?;
    if !answer.status().is_success() {
        return Err(Failure::new(format!("{jwks_uri} answered {}", answer.status()))
            .why("according to the settings, the issuer publishes its keys there")
            .next("restctl setup, which reads the address of the keys from the issuer"));
    }
    read_bounded_body(answer, MAX_KEY_SET_BYTES).await
}

/// Accepts HTTPS, and plain HTTP to this machine.
fn check_secure(address: &str, what: &str) -> Result<()> {
    let insecure = |why: &str| {
        Failure::new(format!("{what} is {address:?}"))
            .exit(Exit::Usage)
            .why(why)
            .next("restctl setup --issuer https://ISSUER")
    };
    let url = Url::parse(address).map_err(|_| insecure("that is not a URL"))?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => Err(insecure("keys and secrets are sent over HTTPS only")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_issuer_identifies_the_provider() {
        for (issuer, provider) in [
            ("https://tenant.eu.auth0.com/", Provider::Auth0),
            ("https://auth0.com.example.com/", Provider::OpenId),
            ("https://notauth0.com/", Provider::OpenId),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", Provider::Cognito),
            ("https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC", Provider::Cognito),
            ("https://cognito-idp.example.com/eu-west-1_AbC", Provider::OpenId),
            ("https://cognito-identity.amazonaws.com", Provider::OpenId),
            ("http://127.0.0.1:8080/", Provider::OpenId),
        ] {
            assert_eq!(provider_of_issuer(issuer), provider, "{issuer}");
        }
    }

    #[test]
    fn an_issuer_declares_how_it_takes_a_secret() {
        let takes_secret_in_body = |methods: serde_json::Value| {
            let mut document = serde_json::json!({ "issuer": "i", "jwks_uri": "j", "token_endpoint": "t" });
            document["token_endpoint_auth_methods_supported"] = methods;
            serde_json::from_value::<DiscoveryDocument>(document).unwrap().takes_secret_in_body()
        };
        assert!(takes_secret_in_body(serde_json::json!(["client_secret_basic", "client_secret_post"])));
        assert!(!takes_secret_in_body(serde_json::json!(["client_secret_basic"])));
        assert!(!takes_secret_in_body(serde_json::Value::Null));
    }

    #[test]
    fn plain_http_is_accepted_for_this_machine_only() {
        for good in ["https://tenant.eu.auth0.com/", "http://127.0.0.1:8080/", "http://[::1]:80/"] {
            assert!(check_secure(good, "the issuer").is_ok(), "{good}");
        }
        for bad in
            ["http://tenant.eu.auth0.com/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "tenant"]
        {
            assert!(check_secure(bad, "the issuer").is_err(), "{bad}");
        }
    }
}
