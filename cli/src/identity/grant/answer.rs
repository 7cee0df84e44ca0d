//! What a token endpoint answers (RFC 6749, section 5). Providers differ in more than it allows: some write lifetimes as text or
//! forms instead of JSON.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderName, LOCATION};
use restctl_contract::issuer::TrustedIssuer;
use serde_json::{Map, Value};

use super::kind_of_token::{KindOfToken, kind_of_token, unverified_expiry};
use super::refusal_advice::{self, EndpointRefusal};
use super::{AccessToken, GrantFailure};
use crate::failure::{Exit, Failure, Result};
use crate::identity::http::{ALLOW_ADDRESS, read_bounded_body};
use crate::identity::token_client::TokenClient;
use crate::network::page_text::{first_line, is_page};
use crate::terminal::sanitize::sanitize_line;
use crate::terminal::sent_secrets::SentSecret;

/// Providers send tokens of a few kilobytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The longest descriptions that providers write have some 400 characters.
const MAX_SHOWN_CHARACTERS: usize = 800;

/// An answer that could be anything is shown by its beginning only.
const MAX_EXCERPT_CHARACTERS: usize = 120;

pub(super) struct TokenAnswer {
    endpoint: String,
    status: StatusCode,
    content_type: String,
    location: String,
    body: Vec<u8>,
    /// `None` if the body is neither JSON nor a form.
    members: Option<Map<String, Value>>,
    /// What was sent, which the answer may repeat.
    sent: SentSecret,
}

impl TokenAnswer {
    pub(super) async fn read(answer: reqwest::Response, sent: SentSecret) -> Result<Self> {
        let header = |name: HeaderName| {
            let value = answer.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
        };
        let (endpoint, status) = (answer.url().to_string(), answer.status());
        let (content_type, location) = (header(CONTENT_TYPE), header(LOCATION));
        let body = read_bounded_body(answer, MAX_ANSWER_BYTES).await?;
        Ok(Self::new(endpoint, status, content_type, location, body, sent))
    }

    fn new(
        endpoint: String,
        status: StatusCode,
        content_type: String,
        location: String,
        body: Vec<u8>,
        sent: SentSecret,
    ) -> Self {
        let members = parse_members(&body);
        Self { endpoint, status, content_type, location, body, members, sent }
    }

    /// Whether the provider refuses how the client authenticates, and not what it asks for.
    pub(super) fn refuses_client(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.is_about_client())
    }

    /// Returns the token, or why there is none, at `now`, in seconds since 1970.
    pub(super) fn into_token(
        self,
        client: &TokenClient,
        issuer: &TrustedIssuer,
        now: u64,
    ) -> Result<AccessToken, GrantFailure> {
        if self.status.is_redirection() {
            return Err(self.redirect_failure().into());
        }
        if self.is_page() && !self.status.is_server_error() {
            return Err(self.page_failure().into());
        }
        if let Some(refusal) = self.refusal() {
            return Err(self.refusal_failure(&refusal, client, issuer));
        }
        let Some(token) = self.text_member("access_token") else {
            return Err(self.no_token_failure().into());
        };
        if holds_secret(token, &self.sent) {
            return Err(leaked_secret_failure(&self.endpoint).into());
        }
        self.check_token_type()?;
        check_kind_of_token(token, client, issuer)?;
        let lifetime = self.member("expires_in").and_then(parse_lifetime);
        let expires_at = match lifetime {
            Some(lifetime) => Some(now.saturating_add(lifetime.as_secs())),
            None => unverified_expiry(token),
        };
        Ok(AccessToken { access_token: token.to_owned(), expires_at })
    }

    fn member(&self, name: &str) -> Option<&Value> {
        self.members.as_ref()?.get(name).filter(|value| !value.is_null())
    }

    fn text_member(&self, name: &str) -> Option<&str> {
        self.member(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns the refusal (RFC 6749, section 5.2). Some providers send one with the status 200.
    fn refusal(&self) -> Option<EndpointRefusal> {
        // Okta has names of its own for most of its errors.
        let text = |names: [&str; 2]| {
            let member = names.into_iter().find_map(|name| self.member(name))?;
            let text = member.as_str().map_or_else(|| member.to_string(), str::to_owned);
            Some(text).filter(|text| !text.is_empty())
        };
        let error = text(["error", "errorCode"]);
        if error.is_none() && self.status.is_success() {
            return None;
        }
        let description = text(["error_description", "errorSummary"]);
        Some(EndpointRefusal { status: self.status, error, description: description.unwrap_or_default() })
    }

    fn refusal_failure(
        &self,
        refusal: &EndpointRefusal,
        client: &TokenClient,
        issuer: &TrustedIssuer,
    ) -> GrantFailure {
        let said = match &refusal.error {
            Some(error) => {
                let mut said = error.clone();
                if !refusal.description.is_empty() {
                    said.push_str(&format!(": {}", refusal.description));
                }
                if let Some(page) = self.text_member("error_uri") {
                    said.push_str(&format!(" (error_uri: {page})"));
                }
                self.show(&said, MAX_SHOWN_CHARACTERS)
            }
            None => self.describe_body(),
        };
        let (what, exit) = if refusal.is_temporary() {
            ("the identity provider cannot grant a token now", Exit::Failure)
        } else if refusal.is_about_client() {
            ("the identity provider refuses the client", Exit::Authentication)
        } else {
            ("the identity provider refuses the token request", Exit::Authentication)
        };
        let failure = Failure::new(what)
            .exit(exit)
            .why(format!("{}: {said}", self.status))
            .next(refusal_advice::for_refusal(refusal, client, issuer));
        GrantFailure { failure, refuses_credential: refusal.is_about_client() }
    }

    fn redirect_failure(&self) -> Failure {
        let target = match self.location.as_str() {
            "" => "an address that it does not name".to_owned(),
            location => self.show(location, MAX_SHOWN_CHARACTERS),
        };
        Failure::new("the identity provider redirects the token request")
            .exit(Exit::Authentication)
            .why(format!(
                "{} answers {}, to {target}; what proves the client's identity is sent to no other address",
                self.endpoint, self.status
            ))
            .next("have the provider publish the final address as its token_endpoint\nthen: restctl setup, which reads it")
    }

    /// Whether this is a page for people. A token endpoint answers with JSON (RFC 6749, section 5.2), some with other texts.
    fn is_page(&self) -> bool {
        is_page(&self.content_type) && self.body.trim_ascii_start().starts_with(b"<")
    }

    fn page_failure(&self) -> Failure {
        Failure::new(format!("something else than a token endpoint has answered at {}", self.endpoint))
            .why(format!("{}: {}", self.status, self.describe_body()))
            .next(format!(
                "{ALLOW_ADDRESS};\notherwise: restctl setup, which reads the address of the endpoint from the issuer"
            ))
    }

    fn no_token_failure(&self) -> Failure {
        let why = match &self.members {
            Some(_) => "it has no access_token".to_owned(),
            None => self.describe_body(),
        };
        Failure::new(format!("the answer of {} has no token", self.endpoint))
            .exit(Exit::Authentication)
            .why(format!("{}: {why}", self.status))
            .next("check that this is the provider's token endpoint, and that no proxy answers in its place\nthen: restctl setup, which reads the address of the endpoint from the issuer")
    }

    /// Fails if the token is not a bearer token, which anyone who has it can use (RFC 6750). The type's case does not matter
    /// (RFC 6749, section 5.1). A missing type is accepted: it is required, but some providers leave it out, and the API
    /// verifies the token in any case.
    fn check_token_type(&self) -> Result<()> {
        let Some(token_type) = self.member("token_type") else { return Ok(()) };
        if token_type.as_str().is_some_and(|name| name.trim().eq_ignore_ascii_case("Bearer")) {
            return Ok(());
        }
        let name = token_type.as_str().map_or_else(|| token_type.to_string(), str::to_owned);
        let next = match name.to_ascii_lowercase().as_str() {
            "dpop" => "have the provider grant this client Bearer tokens: do not require DPoP of it",
            _ => "have the provider grant this client access tokens of the type Bearer",
        };
        Err(Failure::new("the identity provider granted a token that is not a Bearer token")
            .exit(Exit::Authentication)
            .why(format!(
                "its token_type is {}; the API takes Bearer tokens only",
                self.show(&name, MAX_EXCERPT_CHARACTERS)
            ))
            .next(next))
    }

    /// Describes a body that is not what it should be.
    fn describe_body(&self) -> String {
        if self.body.is_empty() {
            return "the answer is empty".to_owned();
        }
        if self.is_page()
            && let Some(words) = first_line(&self.content_type, &self.body)
        {
            return format!(
                "the answer is a page with the text \"{}\"",
                self.show(&words, MAX_EXCERPT_CHARACTERS)
            );
        }
        let beginning = self.show(&String::from_utf8_lossy(&self.body), MAX_EXCERPT_CHARACTERS);
        let content_type = match self.content_type.as_str() {
            "" => "no content type".to_owned(),
            name => self.show(name, MAX_EXCERPT_CHARACTERS),
        };
        format!("the answer has {content_type} and begins with {beginning}")
    }

    /// Returns text of the provider as one line that is harmless, without what was sent, however short that is.
    fn show(&self, text: &str, max_characters: usize) -> String {
        sanitize_line(&self.sent.redact(text), max_characters)
    }
}

/// Reads JSON or a form. The body shows which it is; the content type of some providers does not.
fn parse_members(body: &[u8]) -> Option<Map<String, Value>> {
    if let Ok(members) = serde_json::from_slice(body) {
        return Some(members);
    }
    let pairs = form_urlencoded::parse(body.trim_ascii());
    let members: Map<String, Value> =
        pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
    let is_form = members.contains_key("access_token") || members.contains_key("error");
    is_form.then_some(members)
}

/// Returns a lifetime in seconds. Some providers write it as text, or with decimals. Anything else counts as missing.
fn parse_lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

fn check_kind_of_token(token: &str, client: &TokenClient, issuer: &TrustedIssuer) -> Result<()> {
    let (what, why, next) = match kind_of_token(token) {
        KindOfToken::SignedJwt => return Ok(()),
        KindOfToken::EncryptedJwt => (
            "the identity provider granted an encrypted token",
            "it has the five parts of a JWE, and the API reads signed JWTs",
            refusal_advice::for_encrypted_token(issuer),
        ),
        KindOfToken::Opaque => (
            "the identity provider granted an opaque token",
            "it is not a JWT, so only the provider can say what it grants, and the API verifies signed JWTs",
            refusal_advice::for_opaque_token(client, issuer),
        ),
    };
    Err(Failure::new(what).exit(Exit::Authentication).why(why).next(next))
}

/// Whether the token has the secret in it: as it is, or in a part of a JWT.
fn holds_secret(token: &str, sent: &SentSecret) -> bool {
    let parts = token.split('.').filter_map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    sent.is_in(token) || parts.into_iter().any(|part| sent.is_in(&String::from_utf8_lossy(&part)))
}

fn leaked_secret_failure(endpoint: &str) -> Failure {
    Failure::new(format!("the answer of {endpoint} has the client secret in its token"))
        .exit(Exit::Authentication)
        .why("anyone who gets the token would get the secret, so it was not used")
        .next("have the provider leave the secret out of its tokens, and give the client a new secret")
}

#[cfg(test)]
mod tests;
