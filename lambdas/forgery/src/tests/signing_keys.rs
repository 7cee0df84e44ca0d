//! Which key signed a token, however the issuer publishes it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use restctl_contract::issuer::Algorithm;
use serde_json::{Value, json};

use super::fixture::*;
use crate::error::ForgeryError;
use crate::key_material::{KeyMaterial, decode_any_base64};
use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;
use crate::token::{Token, without_member};
use crate::{KnownIssuer, forge_attempts, forge_presentations};

fn find_signer(token: &str, jwks: &Value) -> Result<KeyMaterial, ForgeryError> {
    PublicKey::find_signer(&Token::parse(token).unwrap(), jwks).map(|key| key.material)
}

/// Returns the key with each of its numbers as `write` writes its bytes.
fn rewrite_numbers(jwk: &Value, write: impl Fn(&[u8]) -> String) -> Value {
    let mut jwk = jwk.clone();
    for name in ["n", "e", "x", "y"] {
        if let Some(bytes) = jwk[name].as_str().and_then(decode_any_base64) {
            jwk[name] = json!(write(&bytes));
        }
    }
    jwk
}

#[test]
fn numbers_are_read_as_issuers_write_them() {
    for issuer in Issuer::of_each_kind() {
        let jwk = &issuer.jwks["keys"][0];
        let mut published: Vec<Value> = vec![
            rewrite_numbers(jwk, |bytes| URL_SAFE.encode(bytes)),
            rewrite_numbers(jwk, |bytes| STANDARD.encode(bytes)),
            rewrite_numbers(jwk, |bytes| STANDARD_NO_PAD.encode(bytes)),
            without_member(jwk.clone(), "kid"),
            without_member(jwk.clone(), "alg"),
        ];
        if issuer.key.algorithm != Algorithm::EdDsa {
            // With a zero as a sign, and a coordinate without its leading zeros.
            published.push(rewrite_numbers(jwk, |bytes| URL_SAFE.encode([&[0], bytes].concat())));
            let stripped = |bytes: &[u8]| {
                let first = bytes.iter().position(|byte| *byte != 0).unwrap();
                URL_SAFE.encode(&bytes[first..])
            };
            published.push(rewrite_numbers(jwk, stripped));
        }
        let certificate = STANDARD.encode(issuer.key.self_signed_certificate().unwrap());
        published.push(json!({"kty": jwk["kty"], "kid": "key-of-tenant", "x5c": [certificate]}));
        for jwk in published {
            let found = find_signer(&issuer.token, &json!({ "keys": [jwk] }));
            assert_eq!(found.unwrap(), issuer.key.material, "{jwk}");
        }
    }
}

#[test]
fn a_coordinate_may_lack_its_leading_zeros() {
    // The first byte of a coordinate of P-521 is 0 or 1.
    let issuer = std::iter::repeat_with(|| Issuer::new("tenant", Algorithm::Es512))
        .find(|issuer| matches!(&issuer.key.material, KeyMaterial::EllipticCurve { x, .. } if x[0] == 0))
        .unwrap();
    let mut jwks = issuer.jwks.clone();
    let x = decode_any_base64(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
    jwks["keys"][0]["x"] = json!(URL_SAFE.encode(&x[1..]));
    assert_eq!(find_signer(&issuer.token, &jwks).unwrap(), issuer.key.material);
}

#[test]
fn the_signer_is_found_among_keys_with_the_same_id_or_none() {
    for issuer in Issuer::of_each_kind() {
        let own = issuer.jwks["keys"][0].clone();
        let decoys = [Algorithm::Es256, Algorithm::EdDsa, issuer.key.algorithm].map(|algorithm| {
            let mut jwk = SigningKey::generate(algorithm).unwrap().jwk();
            jwk["kid"] = own["kid"].clone();
            jwk
        });
        let unknown = json!({"kty": "AKP", "kid": own["kid"], "alg": "ML-DSA-44", "pub": "AAAA"});
        let mut keys = vec![unknown];
        keys.extend(decoys);
        keys.push(own);
        assert_eq!(find_signer(&issuer.token, &json!({ "keys": keys })).unwrap(), issuer.key.material);
        let unnamed: Vec<Value> = keys.iter().map(|key| without_member(key.clone(), "kid")).collect();
        let unnamed = json!({ "keys": unnamed });
        assert_eq!(find_signer(&issuer.token, &unnamed).unwrap(), issuer.key.material);

        // Neither the token nor the keys have an id, as with a token that names its key by x5t.
        let header = json!({"alg": issuer.key.algorithm.name(), "x5t": "AAAA"});
        let good = Token::parse(&issuer.token).unwrap();
        let token = issuer.key.sign_token(&header, &good.claims).unwrap();
        assert_eq!(find_signer(&token, &unnamed).unwrap(), issuer.key.material);
        let known = KnownIssuer { jwks: &unnamed, token: Some(&token), ..issuer.known() };
        let attempts = forge_all(&known, &[]);
        assert!(!attempts.iter().any(|attempt| attempt.name.ends_with(", known key id")));
    }
}

#[test]
fn ed25519_may_be_called_by_its_curve() {
    let mut issuer = Issuer::new("tenant", Algorithm::EdDsa);
    let good = Token::parse(&issuer.token).unwrap();
    let token = issuer.key.sign_token(&good.header_with("alg", "Ed25519"), &good.claims).unwrap();
    assert_eq!(find_signer(&token, &issuer.jwks).unwrap(), issuer.key.material);
    issuer.jwks["keys"][0]["alg"] = json!("Ed25519");
    let (key, algorithm) = PublicKey::find_for_signatures(&issuer.jwks, &[Algorithm::EdDsa]).unwrap();
    assert_eq!((key.material, algorithm), (issuer.key.material, Algorithm::EdDsa));
}

#[test]
fn a_token_of_an_unknown_key_is_forged_without_it() {
    let (issuer, other) = (Issuer::new("tenant", Algorithm::Es256), Issuer::new("tenant", Algorithm::Rs256));
    let keyless = |jwks: &Value, token: Option<&str>| {
        let known = KnownIssuer { jwks, token, ..issuer.known() };
        let forgeries = forge_attempts(&known, &[other.known()], PATH, NOW).unwrap();
        assert!(forgeries.attempts.len() >= 100, "{}", forgeries.attempts.len());
        assert!(
            !forgeries.attempts.iter().any(|attempt| attempt.name.starts_with("HS256, secret: the public"))
        );
        forgeries.missing_key.unwrap()
    };
    let no_keys = json!({"keys": []});
    assert!(matches!(keyless(&no_keys, Some(&issuer.token)), ForgeryError::NoSuchKey));
    assert!(matches!(keyless(&no_keys, None), ForgeryError::NoKey));
    assert!(matches!(keyless(&other.jwks, Some(&issuer.token)), ForgeryError::NoSuchKey));
    let encryption = json!({"keys": [{"kty": "RSA", "use": "enc", "n": "AAAA", "e": "AQAB"}]});
    assert!(matches!(keyless(&encryption, None), ForgeryError::NoKey));
    let unknown = json!({"keys": [{"kty": "OKP", "crv": "Ed448", "kid": "key-of-tenant", "x": "AAAA"}]});
    for token in [Some(issuer.token.as_str()), None] {
        let error = keyless(&unknown, token);
        assert!(matches!(&error, ForgeryError::UnsupportedKey(kind) if kind.contains("Ed448")), "{error}");
    }
    let good = Token::parse(&issuer.token).unwrap();
    let token = good.with_header(&good.header_with("alg", "ES256K"));
    let error = keyless(&issuer.jwks, Some(&token));
    assert!(matches!(&error, ForgeryError::UnknownAlgorithm(name) if name == "ES256K"), "{error}");
}

#[test]
fn a_stand_in_names_a_key_for_signatures() {
    let (rsa, ec) = (Issuer::new("tenant", Algorithm::Rs256), Issuer::new("other", Algorithm::Es384));
    let mut encryption = rsa.jwks["keys"][0].clone();
    encryption["use"] = json!("enc");
    let jwks = json!({"keys": [{"kty": "AKP"}, encryption, ec.jwks["keys"][0], rsa.jwks["keys"][0]]});
    for (algorithms, kid, alg) in [
        (&Algorithm::ALL[..], "key-of-other", "ES384"),
        (&[Algorithm::Rs256, Algorithm::Es256], "key-of-tenant", "RS256"),
    ] {
        let mut trusted = rsa.trusted.clone();
        trusted.algorithms = algorithms.to_vec();
        let known = KnownIssuer { trusted: &trusted, jwks: &jwks, token: None };
        let token = parse_token(&forge_all(&known, &[]), "old signature, another subject");
        assert_eq!([&token.header["kid"], &token.header["alg"]], [kid, alg]);
        assert_eq!(token.claims["iss"], trusted.issuer);
        assert!(find_signer(&token.parts.join("."), &jwks).is_err());
    }
}

#[test]
fn a_text_that_is_no_token_is_an_error() {
    let issuer = Issuer::new("tenant", Algorithm::Es256);
    for token in ["", "..", "a.b", "a.b.c", "e30.e30", "e30.e30.é", "e30.e30.a", "W10.e30.", "e30.MQ."] {
        let known = KnownIssuer { token: Some(token), ..issuer.known() };
        let outcome = forge_attempts(&known, &[], PATH, NOW);
        assert!(matches!(outcome, Err(ForgeryError::Malformed)), "{token}");
        forge_presentations(token, PATH);
    }
}

#[test]
fn hostile_documents_do_no_harm() {
    let issuer = Issuer::new("tenant", Algorithm::Es256);
    let long = "A".repeat(10_000);
    let values = [
        json!(null),
        json!(1),
        json!([]),
        json!({}),
        json!(""),
        json!("="),
        json!("é"),
        json!("AA"),
        json!(long),
        json!([[]]),
        json!(["AAAA"]),
        json!({"keys": []}),
    ];
    let mut documents: Vec<Value> = values.to_vec();
    documents.extend(values.iter().map(|value| json!({ "keys": value })));
    documents.extend(values.iter().map(|value| json!({ "keys": [value] })));
    let keys = Issuer::of_each_kind().map(|issuer| issuer.jwks["keys"][0].clone());
    for (key, name) in keys
        .iter()
        .flat_map(|key| ["kty", "crv", "n", "e", "x", "y", "kid", "alg", "x5c"].map(|name| (key, name)))
    {
        for value in &values {
            let mut key = key.clone();
            key[name] = value.clone();
            documents.push(json!({ "keys": [key] }));
        }
    }
    let token = Token::parse(&issuer.token).unwrap();
    for jwks in &documents {
        let _ = PublicKey::find_signer(&token, jwks).map(|key| key.named_encodings());
        let _ = PublicKey::find_for_signatures(jwks, &Algorithm::ALL).map(|(key, _)| key.named_encodings());
    }
    // Tokens of an issuer that puts anything into them.
    for value in [json!(null), json!([]), json!("é"), json!(long)] {
        let mut header = token.header.clone();
        let mut claims = token.claims.clone();
        for name in ["alg", "kid", "typ", "x5t"] {
            header[name] = value.clone();
        }
        for name in ["iss", "exp", "scope"] {
            claims[name] = value.clone();
        }
        let token = issuer.key.sign_token(&header, &claims).unwrap();
        let known = KnownIssuer { token: Some(&token), ..issuer.known() };
        forge_attempts(&known, &[issuer.known()], PATH, NOW).unwrap();
    }
    for header in [json!({}), json!({"alg": "EdDSA"}), json!({"alg": "ES512", "jwk": {}})] {
        let known_token = token.with_header_and_signature(&header, []);
        let known = KnownIssuer { token: Some(&known_token), ..issuer.known() };
        forge_attempts(&known, &[], PATH, NOW).unwrap();
    }
}
