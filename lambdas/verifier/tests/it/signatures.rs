//! Headers, keys and signatures, good and bad.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_testkit::signing_key::{SigningKey, hmac_token, unsigned_token};
use restctl_verifier::{Claims, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, key_set, verify, with, without};

#[test]
fn good_tokens_pass() {
    let (ec, rsa) = (SigningKey::generate_ec("ec"), SigningKey::generate_rsa("rsa"));
    let any_algorithm = without(rsa.jwk(), "alg");
    let keys = key_set(&[ec.jwk(), any_algorithm]);
    let expected = |key_id: &str| {
        Ok(Claims {
            subject: Some("client@clients".to_owned()),
            expires: NOW + 600,
            key_id: Some(key_id.to_owned()),
        })
    };
    assert_eq!(verify(&ec.token(&claims()), &keys, &auth0_issuer(), NOW), expected("ec"));
    assert_eq!(verify(&rsa.token(&claims()), &keys, &auth0_issuer(), NOW), expected("rsa"));
    let pss = rsa.token_with_header(&with(rsa.header(), "alg", json!("PS256")), &claims());
    assert_eq!(verify(&pss, &keys, &auth0_issuer(), NOW), expected("rsa"));
}

#[test]
fn bad_headers_are_refused() {
    use Refusal::{
        CriticalHeader, Malformed, UnknownKey, UnsupportedAlgorithm, UnsupportedType, WrongAlgorithm,
    };
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let unknown = |kid: &str| UnknownKey { kid: kid.to_owned() };
    let cases = [
        (with(key.header(), "alg", json!("none")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("None")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("NONE")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("nOnE")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("es256")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("ES384")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("RS512")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("EdDSA")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("RS256")), WrongAlgorithm),
        (with(key.header(), "alg", json!("PS256")), WrongAlgorithm),
        (without(key.header(), "alg"), Malformed),
        (with(key.header(), "alg", json!(["ES256"])), Malformed),
        (with(key.header(), "kid", json!("other")), unknown("other")),
        (with(key.header(), "kid", json!("")), unknown("")),
        (with(key.header(), "kid", json!(1)), Malformed),
        (with(key.header(), "crit", json!(["exp"])), CriticalHeader),
        (with(key.header(), "crit", json!([])), CriticalHeader),
        (with(key.header(), "crit", Value::Null), CriticalHeader),
        (with(key.header(), "typ", json!("logout+jwt")), UnsupportedType),
        (with(key.header(), "typ", json!("dpop+jwt")), UnsupportedType),
        (with(key.header(), "typ", json!("")), UnsupportedType),
    ];
    for (header, refusal) in cases {
        let token = key.token_with_header(&header, &claims());
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW), Err(refusal), "{header}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = key.token_with_header(&with(key.header(), "typ", json!(typ)), &claims());
        assert!(verify(&token, &keys, &auth0_issuer(), NOW).is_ok(), "{typ}");
    }
}

#[test]
fn a_public_key_is_not_an_hmac_secret() {
    for key in [SigningKey::generate_ec("key"), SigningKey::generate_rsa("key")] {
        let keys = key_set(&[key.jwk()]);
        let raw = key.jwk()["x"].as_str().or(key.jwk()["n"].as_str()).unwrap().to_owned();
        for secret in [key.public_key_pem(), key.public_key_pem().trim_end(), &raw] {
            for alg in ["HS256", "RS256", "ES256"] {
                let header = with(key.header(), "alg", json!(alg));
                let token = hmac_token(&header, &claims(), secret.as_bytes());
                let refusal = verify(&token, &keys, &auth0_issuer(), NOW).unwrap_err();
                let expected =
                    [Refusal::UnsupportedAlgorithm, Refusal::WrongAlgorithm, Refusal::WrongSignature];
                assert!(expected.contains(&refusal), "{refusal:?} for {alg}");
                assert!(alg != "HS256" || refusal == Refusal::UnsupportedAlgorithm);
            }
        }
    }
}

#[test]
fn bad_signatures_are_refused() {
    let (key, foreign) = (SigningKey::generate_ec("ec"), SigningKey::generate_ec("ec"));
    let keys = key_set(&[key.jwk()]);
    let refused = |token: &str| verify(token, &keys, &auth0_issuer(), NOW).unwrap_err();

    assert_eq!(refused(&foreign.token(&claims())), Refusal::WrongSignature, "a foreign key under a known id");
    assert_eq!(
        refused(&format!("{}.", unsigned_token(&key.header(), &claims()))),
        Refusal::WrongSignature,
        "no signature"
    );
    let zeros = format!("{}.{}", unsigned_token(&key.header(), &claims()), URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(refused(&zeros), Refusal::WrongSignature, "an all-zero ECDSA signature (CVE-2022-21449)");

    let good = key.token(&claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let more_scopes = with(claims(), "scope", json!("read:items admin"));
    let transplanted = format!("{}.{signature}", unsigned_token(&key.header(), &more_scopes));
    assert_eq!(refused(&transplanted), Refusal::WrongSignature, "another token's signature");
}

#[test]
fn keys_that_the_header_names_are_not_used() {
    let (key, attacker) = (SigningKey::generate_ec("ec"), SigningKey::generate_ec("ec"));
    let keys = key_set(&[key.jwk()]);
    for (name, value) in [
        ("jwk", attacker.jwk()),
        ("jku", json!("https://attacker.example.test/jwks.json")),
        ("x5u", json!("https://attacker.example.test/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = with(key.header(), name, value);
        let forged = attacker.token_with_header(&header, &claims());
        assert_eq!(verify(&forged, &keys, &auth0_issuer(), NOW), Err(Refusal::WrongSignature), "{name}");
        assert!(
            verify(&key.token_with_header(&header, &claims()), &keys, &auth0_issuer(), NOW).is_ok(),
            "{name}"
        );
    }
}
