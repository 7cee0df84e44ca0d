//! A token request (RFC 6749, section 4.4.2), and how the client authenticates in it (section 2.3; RFC 7523, section 2.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use restctl_contract::issuer::TrustedIssuer;

use super::assertion::{ASSERTION_TYPE, sign_assertion};
use crate::failure::{Exit, Failure, Result};
use crate::identity::client_key::{self, ClientKey};
use crate::identity::token_client::{ClientAuthentication, TokenClient};
use crate::terminal::sent_secrets::SentSecret;

/// What the client proves its identity with.
pub(super) enum Credential {
    Secret(String),
    Key(Box<ClientKey>),
}

impl Credential {
    /// Reads what Secrets Manager has. Fails if the client authenticates with something else: a private key must not be sent as if
    /// it were a secret.
    pub(super) fn parse(stored: &str, client: &TokenClient) -> Result<Self> {
        if client.authentication.uses_key() {
            let key = ClientKey::parse(stored).map_err(|problem| {
                Failure::new(format!("the stored private key of the client {}", problem.description()))
                    .exit(Exit::Authentication)
                    .next("restctl setup --client-key-file FILE")
            })?;
            return Ok(Self::Key(Box::new(key)));
        }
        if client_key::looks_like_key_file(stored) {
            return Err(Failure::new("the stored client secret is a private key")
                .exit(Exit::Authentication)
                .why(format!("it was not sent: with {} it would leave this machine", client.authentication))
                .next(
                    "restctl setup --client-authentication private_key_jwt; or \
                     restctl setup --client-secret-file FILE",
                ));
        }
        Ok(Self::Secret(stored.to_owned()))
    }
}

pub(super) struct TokenRequest {
    /// The value of the `Authorization` header.
    pub(super) authorization: Option<String>,
    pub(super) form: Vec<(&'static str, String)>,
    /// What proves the client's identity in it.
    pub(super) sent: SentSecret,
}

impl TokenRequest {
    /// Builds a request at `now`, in seconds since 1970. An assertion in it is for `assertion_audience`.
    pub(super) fn new(
        client: &TokenClient,
        issuer: &TrustedIssuer,
        credential: &Credential,
        assertion_audience: &str,
        now: u64,
    ) -> Result<Self> {
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        form.extend(client.scope_to_request(issuer).map(|scope| ("scope", scope)));
        form.extend(client.audience_to_request(issuer).map(|audience| ("audience", audience)));
        form.extend(client.resource_to_request(issuer).map(|resource| ("resource", resource)));
        let id = client.client_id.as_str();
        let (authorization, sent) = match credential {
            Credential::Key(key) => {
                let assertion = sign_assertion(key, client, issuer.provider, assertion_audience, now)?;
                let sent = SentSecret::of_assertion(&assertion);
                // Entra ID requires the id; elsewhere it may repeat the assertion's subject (RFC 7521, section 4.2).
                form.extend([
                    ("client_id", id.to_owned()),
                    ("client_assertion_type", ASSERTION_TYPE.to_owned()),
                    ("client_assertion", assertion),
                ]);
                (None, sent)
            }
            Credential::Secret(secret) => {
                let sent = SentSecret::of_client(id, secret);
                if client.authentication == ClientAuthentication::ClientSecretBasic {
                    (Some(basic_authorization(id, secret)), sent)
                } else {
                    form.extend([("client_id", id.to_owned()), ("client_secret", secret.clone())]);
                    (None, sent)
                }
            }
        };
        Ok(Self { authorization, form, sent })
    }
}

/// Encodes id and secret first as a form does, and only then as HTTP's basic authentication (RFC 6749, section 2.3.1 and
/// appendix B).
fn basic_authorization(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use restctl_contract::issuer::Provider;
    use serde_json::Value;

    use super::super::test_client::{client, issuer};
    use super::*;

    fn form_of(request: &TokenRequest) -> Vec<(&str, &str)> {
        request.form.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn build(client: &TokenClient, issuer: &TrustedIssuer, stored: &str) -> TokenRequest {
        let credential = Credential::parse(stored, client).unwrap();
        TokenRequest::new(client, issuer, &credential, "https://idp.example.test", 1_000).unwrap()
    }

    #[test]
    fn a_secret_in_the_header_is_percent_encoded_first() {
        let mut client = client(ClientAuthentication::ClientSecretBasic);
        client.client_id = "my client:1".to_owned();
        let request = build(&client, &issuer(Provider::Keycloak), "s:e c+r/t%é");
        let authorization = request.authorization.as_deref().unwrap();
        let pair = STANDARD.decode(authorization.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(pair).unwrap(), "my+client%3A1:s%3Ae+c%2Br%2Ft%25%C3%A9");
        // Some servers refuse a request that authenticates twice.
        assert_eq!(form_of(&request), [("grant_type", "client_credentials")]);
        assert!(request.sent.is_in(authorization));
    }

    #[test]
    fn a_secret_in_the_body_is_as_it_is() {
        let client = client(ClientAuthentication::ClientSecretPost);
        let request = build(&client, &issuer(Provider::Keycloak), "s:e c+r/t");
        let expected =
            [("grant_type", "client_credentials"), ("client_id", "client"), ("client_secret", "s:e c+r/t")];
        assert_eq!(form_of(&request), expected);
        assert_eq!(request.authorization, None);
    }

    #[test]
    fn a_key_signs_an_assertion_and_is_not_sent() {
        let client = client(ClientAuthentication::PrivateKeyJwt);
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let request = build(&client, &issuer(Provider::OpenId), &key);
        let form = form_of(&request);
        assert_eq!(request.authorization, None);
        let value = |name| form.iter().find(|(found, _)| *found == name).unwrap().1;
        assert_eq!(value("client_id"), "client");
        assert_eq!(value("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let claims = value("client_assertion").split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["aud"], "https://idp.example.test");
        assert!(form.iter().all(|(name, value)| *name != "client_secret" && !value.contains("PRIVATE")));
        assert!(request.sent.is_in(value("client_assertion")));
    }

    #[test]
    fn a_key_is_not_sent_as_a_secret() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let jwk = r#"{"kty":"EC","crv":"P-256","d":"AA"}"#;
        for method in [ClientAuthentication::ClientSecretPost, ClientAuthentication::ClientSecretBasic] {
            let with_mark = format!("\u{feff}{jwk}");
            let set_with_mark = "\u{feff}{\"keys\":[]}";
            let damaged = &jwk[..jwk.len() - 1];
            for key in [key.as_str(), jwk, &with_mark, set_with_mark, damaged] {
                let refusal = Credential::parse(key, &client(method)).err().unwrap().to_string();
                assert!(
                    refusal.contains("is a private key") && refusal.contains("was not sent"),
                    "{refusal}"
                );
            }
        }
        let refusal =
            Credential::parse("s3cret", &client(ClientAuthentication::PrivateKeyJwt)).err().unwrap();
        let refusal = refusal.to_string();
        assert!(refusal.contains("neither PEM nor a JWK") && !refusal.contains("s3cret"), "{refusal}");
    }

    #[test]
    fn each_provider_is_asked_for_what_it_needs() {
        let asked = |provider, change: fn(&mut TokenClient)| {
            let mut client = client(ClientAuthentication::ClientSecretBasic);
            change(&mut client);
            let form = build(&client, &issuer(provider), "secret").form;
            form.iter().skip(1).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        let usual = |_: &mut TokenClient| {};
        assert_eq!(asked(Provider::Auth0, usual), "scope=read:items audience=api://items");
        assert_eq!(asked(Provider::OpenId, usual), "scope=read:items audience=api://items");
        assert_eq!(asked(Provider::Okta, usual), "scope=read:items");
        assert_eq!(asked(Provider::Cognito, usual), "scope=read:items");
        assert_eq!(asked(Provider::Keycloak, usual), "");
        assert_eq!(asked(Provider::Entra, usual), "scope=api://items/.default");
        // The former endpoint of Entra ID knows resources only.
        assert_eq!(
            asked(Provider::Entra, |client| {
                client.token_endpoint = "https://login.microsoftonline.com/4a1e/oauth2/token".to_owned();
            }),
            "resource=api://items"
        );
        // An empty scope is not sent: Keycloak refuses it.
        assert_eq!(asked(Provider::Okta, |client| client.request_scope = Some(String::new())), "");
        assert_eq!(
            asked(Provider::Keycloak, |client| client.request_scope = Some("a b".to_owned())),
            "scope=a b"
        );
        assert_eq!(
            asked(Provider::OpenId, |client| client.resource = Some("urn:items".to_owned())),
            "scope=read:items audience=api://items resource=urn:items"
        );
    }
}
