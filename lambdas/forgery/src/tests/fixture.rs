//! Issuers, and the forgeries of their tokens.

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use serde_json::{Value, json};

use crate::signing_key::SigningKey;
use crate::token::Token;
use crate::{Attempt, KnownIssuer, forge_attempts, forge_presentations};

pub(super) const PATH: &str = "/v1/items/42";

pub(super) const NOW: u64 = 1_700_000_000;

pub(super) const SCOPE: &str = "read:items";

/// An algorithm of each kind of key.
pub(super) const KINDS: [Algorithm; 5] =
    [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa];

pub(super) struct Issuer {
    pub(super) trusted: TrustedIssuer,
    pub(super) key: SigningKey,
    pub(super) jwks: Value,
    pub(super) token: String,
}

impl Issuer {
    pub(super) fn new(name: &str, algorithm: Algorithm) -> Self {
        let trusted = trusted_issuer(name, Provider::OpenId);
        let key = SigningKey::generate(algorithm).unwrap();
        let kid = format!("key-of-{name}");
        let mut jwk = key.jwk();
        jwk["kid"] = json!(kid);
        let claims = json!({
            "iss": trusted.issuer, "sub": "client-1", "aud": trusted.audiences[0], "iat": NOW, "exp": NOW + 3600,
            "scope": SCOPE,
        });
        let header = json!({"typ": "JWT", "alg": algorithm.name(), "kid": kid});
        let token = key.sign_token(&header, &claims).unwrap();
        Self { trusted, key, jwks: json!({ "keys": [jwk] }), token }
    }

    pub(super) fn of_each_kind() -> [Self; 5] {
        KINDS.map(|algorithm| Self::new("tenant", algorithm))
    }

    pub(super) fn known(&self) -> KnownIssuer<'_> {
        KnownIssuer { trusted: &self.trusted, jwks: &self.jwks, token: Some(&self.token) }
    }

    /// The issuer without a good token.
    pub(super) fn known_without_token(&self) -> KnownIssuer<'_> {
        KnownIssuer { token: None, ..self.known() }
    }

    pub(super) fn forge(&self) -> Vec<Attempt> {
        forge_all(&self.known(), &[])
    }
}

/// Its algorithms are all that there are.
pub(super) fn trusted_issuer(name: &str, provider: Provider) -> TrustedIssuer {
    TrustedIssuer {
        issuer: format!("https://{name}.example.test/"),
        provider,
        audiences: vec!["https://items.example.test".to_owned()],
        scope: SCOPE.to_owned(),
        grant_claims: Vec::new(),
        algorithms: Algorithm::ALL.to_vec(),
        jwks_uri: format!("https://{name}.example.test/jwks"),
        authorities: Vec::new(),
    }
}

/// Returns all attempts of an issuer whose key is usable.
#[track_caller]
pub(super) fn forge_all(issuer: &KnownIssuer<'_>, others: &[KnownIssuer<'_>]) -> Vec<Attempt> {
    let forgeries = forge_attempts(issuer, others, PATH, NOW).unwrap();
    assert!(forgeries.missing_key.is_none(), "{:?}", forgeries.missing_key);
    let mut attempts = forge_presentations(issuer.token.unwrap_or("e30.e30.e30"), PATH);
    attempts.extend(forgeries.attempts);
    attempts
}

/// Returns the token of an attempt whose only header is a good one.
pub(super) fn bearer_token(attempt: &Attempt) -> Option<&str> {
    let [(name, value)] = &attempt.headers[..] else { return None };
    value.strip_prefix("Bearer ").filter(|token| name == "authorization" && !token.is_empty())
}

#[track_caller]
pub(super) fn find_token<'a>(attempts: &'a [Attempt], name: &str) -> &'a str {
    let attempt = attempts.iter().find(|attempt| attempt.name == name);
    bearer_token(attempt.unwrap_or_else(|| panic!("no attempt {name:?}"))).unwrap()
}

#[track_caller]
pub(super) fn parse_token(attempts: &[Attempt], name: &str) -> Token {
    Token::parse(find_token(attempts, name)).unwrap()
}
