//! What an identity provider publishes about itself (OpenID Connect Discovery 1.0).

use reqwest::Url;
use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_verifier::MAX_KEY_SET_BYTES;
use serde::Deserialize;

use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};
use crate::identity::http::{build_client, is_loopback, read_bounded_body};
use crate::identity::token_client::ClientAuthentication;

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
    /// Returns the methods by which a client may authenticate that restctl knows, the simplest first.
    pub(crate) fn client_authentications(&self) -> Vec<ClientAuthentication> {
        let Some(supported) = &self.token_endpoint_auth_methods_supported else {
            return vec![ClientAuthentication::ClientSecretBasic];
        };
        let known = ClientAuthentication::ALL.into_iter();
        known.filter(|method| supported.iter().any(|name| name == method.name())).collect()
    }
}

/// Returns the kind of provider if the host of its issuer leaves no doubt.
pub(crate) fn provider_of_issuer(issuer: &str) -> Option<Provider> {
    const ENTRA: [&str; 4] = [
        "login.microsoftonline.com",
        "sts.windows.net",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
    ];
    let url = Url::parse(issuer).ok()?;
    let host = url.host_str()?;
    let is_within = |domains: &[&str]| domains.iter().any(|domain| host.ends_with(domain));
    if host.starts_with("cognito-idp.") && is_within(&[".amazonaws.com", ".amazonaws.com.cn"]) {
        Some(Provider::Cognito)
    } else if ENTRA.contains(&host) {
        Some(Provider::Entra)
    } else if is_within(&[".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com"]) {
        Some(Provider::Okta)
    } else if is_within(&[".auth0.com"]) {
        Some(Provider::Auth0)
    } else {
        None
    }
}

/// Fetches the discovery document of `issuer`, and checks that it names exactly that issuer. `authorities` are those of
/// [`TrustedIssuer`].
pub(crate) async fn fetch_document(issuer: &str, authorities: &[String]) -> Result<DiscoveryDocument> {
    check_secure(issuer, "the issuer")?;
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let unreachable = |failure: Failure| {
        failure.next("restctl setup --issuer URL, such as https://YOUR-TENANT.eu.auth0.com/")
    };
    let answer = build_client(&address, authorities)?.get(&address).send().await;
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
pub(crate) async fn fetch_keys(issuer: &TrustedIssuer) -> Result<Vec<u8>> {
    let jwks_uri = &issuer.jwks_uri;
    check_secure(jwks_uri, "the issuer's jwks_uri")?;
    let answer = build_client(jwks_uri, &issuer.authorities)?.get(jwks_uri).send().await;
    let answer = answer.context(format!("cannot fetch the issuer's keys from {jwks_uri}"))?;
    if !answer.status().is_success() {
        return Err(Failure::new(format!("{jwks_uri} answered {}", answer.status()))
            .why("according to the settings, the issuer publishes its keys there")
            .next("restctl setup, which reads the address of the keys from the issuer"));
    }
    read_bounded_body(answer, MAX_KEY_SET_BYTES).await
}

/// Accepts HTTPS, and plain HTTP to this machine.
pub(super) fn check_secure(address: &str, what: &str) -> Result<()> {
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
            ("https://tenant.eu.auth0.com/", Some(Provider::Auth0)),
            ("https://login.microsoftonline.com/4a1e/v2.0", Some(Provider::Entra)),
            ("https://sts.windows.net/4a1e/", Some(Provider::Entra)),
            ("https://login.microsoftonline.us/4a1e/v2.0", Some(Provider::Entra)),
            ("https://company.okta.com/oauth2/default", Some(Provider::Okta)),
            ("https://dev-1.oktapreview.com", Some(Provider::Okta)),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", Some(Provider::Cognito)),
            ("https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC", Some(Provider::Cognito)),
            ("https://auth0.com.example.com/", None),
            ("https://notauth0.com/", None),
            ("https://okta.com.example.com/", None),
            ("https://login.microsoftonline.com.example.com/", None),
            ("https://login.microsoftonline.com@example.com/", None),
            ("https://cognito-idp.example.com/eu-west-1_AbC", None),
            ("https://cognito-identity.amazonaws.com", None),
            ("https://keycloak.example.com/realms/items", None),
            ("http://127.0.0.1:8080/", None),
        ] {
            assert_eq!(provider_of_issuer(issuer), provider, "{issuer}");
        }
    }

    #[test]
    fn an_issuer_declares_how_clients_authenticate() {
        let authentications = |methods: serde_json::Value| {
            let mut document = serde_json::json!({ "issuer": "i", "jwks_uri": "j", "token_endpoint": "t" });
            document["token_endpoint_auth_methods_supported"] = methods;
            serde_json::from_value::<DiscoveryDocument>(document).unwrap().client_authentications()
        };
        let (basic, post, key) = (
            ClientAuthentication::ClientSecretBasic,
            ClientAuthentication::ClientSecretPost,
            ClientAuthentication::PrivateKeyJwt,
        );
        assert_eq!(
            authentications(serde_json::json!(["client_secret_basic", "client_secret_post"])),
            [post, basic]
        );
        assert_eq!(authentications(serde_json::json!(["private_key_jwt", "tls_client_auth"])), [key]);
        assert_eq!(authentications(serde_json::json!(["none"])), []);
        assert_eq!(authentications(serde_json::Value::Null), [basic]);
    }

    #[test]
    fn plain_http_is_accepted_for_this_machine_only() {
        for good in [
            "https://tenant.eu.auth0.com/",
            "http://127.0.0.1:8080/",
            "http://[::1]:80/",
            "http://localhost/",
        ] {
            assert!(check_secure(good, "the issuer").is_ok(), "{good}");
        }
        for bad in
            ["http://tenant.eu.auth0.com/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "tenant"]
        {
            assert!(check_secure(bad, "the issuer").is_err(), "{bad}");
        }
    }
}
