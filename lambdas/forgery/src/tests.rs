//! A good verifier refuses every forgery, and each forgery would pass the flawed verifier that it is made for.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use restctl_contract::issuer::{Algorithm as SignatureAlgorithm, Provider, TrustedIssuer};
use restctl_verifier::{KeySet, verify};
use serde_json::{Value, json};

use super::*;

const PATH: &str = "/v1/items/42";

struct Issuer {
    key: SigningKey,
    jwks: Value,
    token: String,
}

fn new_issuer(key: SigningKey, alg: &str) -> Issuer {
    let mut jwk = key.jwk().unwrap();
    jwk["kid"] = json!("key-1");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": "https://tenant.example.test/", "sub": "client-1", "aud": "https://items.example.test",
        "iat": now, "exp": now + 3600, "scope": "read:items",
    });
    let token = key.sign_token(&json!({"typ": "JWT", "alg": alg, "kid": "key-1"}), &claims).unwrap();
    Issuer { key, jwks: json!({"keys": [jwk]}), token }
}

fn new_issuers() -> [Issuer; 2] {
    [
        new_issuer(SigningKey::generate_p256().unwrap(), "ES256"),
        new_issuer(SigningKey::generate_rsa().unwrap(), "RS256"),
    ]
}

/// Returns the token of an attempt whose only header is a good one.
fn bearer_token(attempt: &Attempt) -> Option<&str> {
    let [(name, value)] = &attempt.headers[..] else { return None };
    value.strip_prefix("Bearer ").filter(|token| name == "authorization" && !token.is_empty())
}

fn find_token<'a>(attempts: &'a [Attempt], name: &str) -> &'a str {
    let attempt = attempts.iter().find(|attempt| attempt.name == name);
    bearer_token(attempt.unwrap_or_else(|| panic!("no attempt {name:?}"))).unwrap()
}

fn is_signed_by(token: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap()
}

#[test]
fn a_good_verifier_refuses_every_forgery() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let trusted = TrustedIssuer {
        issuer: "https://tenant.example.test/".to_owned(),
        provider: Provider::OpenId,
        audiences: vec!["https://items.example.test".to_owned()],
        scope: "read:items".to_owned(),
        grant_claims: Vec::new(),
        algorithms: SignatureAlgorithm::defaults(),
        jwks_uri: "https://tenant.example.test/jwks".to_owned(),
        authorities: Vec::new(),
    };
    for issuer in new_issuers() {
        let keys = KeySet::parse(issuer.jwks.to_string().as_bytes(), &trusted.algorithms).unwrap();
        verify(&issuer.token, &keys, &trusted, now).unwrap();
        let attempts = forge_attempts(&issuer.token, &issuer.jwks, PATH).unwrap();
        let tokens: Vec<&str> =
            attempts.iter().filter(|attempt| attempt.name != "no token").filter_map(bearer_token).collect();
        assert!(tokens.len() >= 60, "{}", tokens.len());
        for attempt in &attempts {
            let Some(token) = bearer_token(attempt) else { continue };
            let outcome = verify(token, &keys, &trusted, now);
            assert!(outcome.is_err(), "{} was accepted", attempt.name);
            assert_eq!(attempt.expected.problem, Some("token-refused"), "{}", attempt.name);
        }
    }
}

#[test]
fn names_and_requests_are_unique() {
    for issuer in new_issuers() {
        let attempts = forge_attempts(&issuer.token, &issuer.jwks, PATH).unwrap();
        let (mut names, mut requests) = (HashSet::new(), HashSet::new());
        for Attempt { name, method, path, headers, body, expected } in &attempts {
            assert!(names.insert(name), "{name} is a duplicate name");
            let is_new = requests.insert((method, path, headers, body));
            // The two alphabets differ in - and _, which a token need not have.
            assert!(is_new || name == "standard base64", "{name} is a duplicate request");
            assert!(matches!(expected.status, 400 | 401), "{name}");
        }
    }
}

#[test]
fn the_hmac_secrets_are_common_encodings_of_the_public_key() {
    for issuer in new_issuers() {
        let attempts = forge_attempts(&issuer.token, &issuer.jwks, PATH).unwrap();
        let hmac = |name: &str, secret: &str, algorithm| {
            is_signed_by(find_token(&attempts, name), &DecodingKey::from_secret(secret.as_bytes()), algorithm)
        };
        let pem = issuer.key.public_key_pem();
        assert!(hmac("HS256, secret: the public key's PEM", &pem, Algorithm::HS256), "{pem}");
        assert!(hmac("HS384, secret: the public key's PEM", &pem, Algorithm::HS384));
        assert!(hmac("HS512, secret: the public key's PEM", &pem, Algorithm::HS512));
        let trimmed = pem.trim_end();
        assert!(hmac(
            "HS256, secret: the public key's PEM without its last newline",
            trimmed,
            Algorithm::HS256
        ));
    }
}

#[test]
fn a_key_in_the_header_has_signed_the_token() {
    for issuer in new_issuers() {
        let attempts = forge_attempts(&issuer.token, &issuer.jwks, PATH).unwrap();
        for name in ["the attacker's key in jwk, known key id", "the attacker's key in jwk, no key id"] {
            let text = find_token(&attempts, name);
            let token = Token::parse(text).unwrap();
            let jwk: Jwk = serde_json::from_value(token.header["jwk"].clone()).unwrap();
            let key = DecodingKey::from_jwk(&jwk).unwrap();
            assert!(is_signed_by(text, &key, issuer.key.algorithm), "{name}");
        }
    }
}

#[test]
fn a_token_of_another_key_cannot_be_forged() {
    let [issuer, other] = new_issuers();
    let refused = |token: &str, jwks: &Value| forge_attempts(token, jwks, PATH).unwrap_err();
    assert!(matches!(refused("a.b", &issuer.jwks), ForgeryError::Malformed));
    assert!(matches!(refused(&issuer.token, &json!({"keys": []})), ForgeryError::NoSuchKey));
    let mut jwks = other.jwks;
    jwks["keys"][0]["kid"] = json!("key-2");
    assert!(matches!(refused(&issuer.token, &jwks), ForgeryError::NoSuchKey));
    jwks["keys"] = json!([{"kty": "OKP", "crv": "Ed25519", "kid": "key-1"}]);
    assert!(matches!(refused(&issuer.token, &jwks), ForgeryError::UnsupportedKey));
}
