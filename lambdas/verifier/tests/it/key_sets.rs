//! Which keys of a JWK set may verify a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{KeySet, KeySetError, MAX_KEY_SET_BYTES, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, verify, with};

fn parse_key_set(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::from_json(document.to_string().as_bytes())
}

#[test]
fn usable_keys_are_read() {
    let (ec, rsa) = (SigningKey::generate_ec("ec").jwk(), SigningKey::generate_rsa("rsa").jwk());
    // Some issuers send the modulus as a signed integer, with a zero before it.
    let modulus = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    let padded = URL_SAFE_NO_PAD.encode([vec![0], modulus].concat());
    let usable = [
        ec.clone(),
        rsa.clone(),
        with(ec.clone(), "use", Value::Null),
        with(ec.clone(), "alg", Value::Null),
        with(ec.clone(), "key_ops", json!(["verify"])),
        with(ec.clone(), "key_ops", json!(["sign", "verify"])),
        with(ec, "x5c", json!(["MIIB"])),
        with(rsa.clone(), "alg", json!("PS256")),
        with(rsa, "n", json!(padded)),
    ];
    for jwk in usable {
        assert!(parse_key_set(&json!({"keys": [jwk]})).is_ok(), "{jwk}");
    }
}

#[test]
fn unusable_keys_are_ignored() {
    let (ec, rsa) = (SigningKey::generate_ec("ec").jwk(), SigningKey::generate_rsa("rsa").jwk());
    let modulus = |bits: usize| {
        let first = 0xff >> (7 - (bits - 1) % 8);
        URL_SAFE_NO_PAD.encode([vec![first], vec![0xab; (bits - 1) / 8]].concat())
    };
    let unusable = [
        json!(null),
        json!("key"),
        json!({}),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "ec", "alg": "HS256"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "alg": "EdDSA"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}),
        with(ec.clone(), "kty", json!("ec")),
        with(ec.clone(), "use", json!("enc")),
        with(ec.clone(), "use", json!("")),
        with(ec.clone(), "key_ops", json!([])),
        with(ec.clone(), "key_ops", json!(["sign"])),
        with(ec.clone(), "key_ops", json!("verify")),
        with(ec.clone(), "alg", json!("ES384")),
        with(ec.clone(), "alg", json!("HS256")),
        with(ec.clone(), "alg", json!("RS256")),
        with(ec.clone(), "crv", json!("P-384")),
        with(ec.clone(), "crv", json!("secp256k1")),
        with(ec.clone(), "x", json!("AAAA")),
        with(ec.clone(), "y", json!("not base64url!")),
        with(ec, "y", Value::Null),
        with(rsa.clone(), "alg", json!("RSA-OAEP")),
        with(rsa.clone(), "alg", json!("RS512")),
        with(rsa.clone(), "use", json!("enc")),
        with(rsa.clone(), "n", json!(modulus(1024))),
        with(rsa.clone(), "n", json!(modulus(2047))),
        with(rsa.clone(), "n", json!(modulus(8193))),
        with(rsa.clone(), "n", json!("")),
        with(rsa.clone(), "e", json!("AA")),
        with(rsa, "e", Value::Null),
        json!({"$serde_json::private::RawValue": SigningKey::generate_ec("ec").jwk().to_string()}),
        json!([["EC", "ec"]]),
    ];
    for jwk in unusable {
        assert_eq!(parse_key_set(&json!({"keys": [jwk]})).unwrap_err(), KeySetError::NoUsableKey(1), "{jwk}");
    }
}

#[test]
fn an_unusable_key_neither_spoils_the_set_nor_verifies() {
    let (good, encryption, pinned) =
        (SigningKey::generate_ec("good"), SigningKey::generate_ec("enc"), SigningKey::generate_rsa("pinned"));
    let keys = parse_key_set(&json!({"keys": [
        {"kty": "unknown"},
        with(encryption.jwk(), "use", json!("enc")),
        with(pinned.jwk(), "alg", json!("PS256")),
        good.jwk(),
    ]}))
    .unwrap();
    assert!(verify(&good.token(&claims()), &keys, &auth0_issuer(), NOW).is_ok());
    let unknown = Refusal::UnknownKey { kid: "enc".to_owned() };
    assert_eq!(verify(&encryption.token(&claims()), &keys, &auth0_issuer(), NOW), Err(unknown));
    assert_eq!(verify(&pinned.token(&claims()), &keys, &auth0_issuer(), NOW), Err(Refusal::WrongAlgorithm));
}

#[test]
fn two_keys_may_share_an_id() {
    let (ec, rsa, other) =
        (SigningKey::generate_ec("key"), SigningKey::generate_rsa("key"), SigningKey::generate_ec("key"));
    let keys = parse_key_set(&json!({"keys": [ec.jwk(), rsa.jwk(), other.jwk()]})).unwrap();
    for key in [ec, rsa, other] {
        assert!(verify(&key.token(&claims()), &keys, &auth0_issuer(), NOW).is_ok());
    }
}

/// An unverified token chooses its key id, and each key with that id would cost a check of its signature.
#[test]
fn at_most_four_keys_with_one_id_are_tried() {
    let keys: Vec<SigningKey> = (0..5).map(|_| SigningKey::generate_ec("key")).collect();
    let rsa = SigningKey::generate_rsa("key");
    let jwks: Vec<Value> = keys.iter().chain([&rsa]).map(SigningKey::jwk).collect();
    let set = parse_key_set(&json!({ "keys": jwks })).unwrap();
    let outcome = |key: &SigningKey| verify(&key.token(&claims()), &set, &auth0_issuer(), NOW).map(|_| ());
    for key in &keys[..4] {
        assert_eq!(outcome(key), Ok(()));
    }
    assert_eq!(outcome(&keys[4]), Err(Refusal::WrongSignature));
    // Keys of another algorithm cost nothing, so they do not count.
    assert_eq!(outcome(&rsa), Ok(()));
    // Without a key id, none of several keys is tried.
    let mut header = keys[0].header();
    header.as_object_mut().unwrap().remove("kid");
    let unnamed = keys[0].token_with_header(&header, &claims());
    assert_eq!(verify(&unnamed, &set, &auth0_issuer(), NOW), Err(Refusal::MissingKeyId));
}

#[test]
fn a_set_of_more_than_100_keys_is_refused() {
    let good = SigningKey::generate_ec("good");
    let set = |others: usize| {
        let others = (0..others).map(|number| json!({"kty": "oct", "kid": number.to_string()}));
        parse_key_set(&json!({ "keys": others.chain([good.jwk()]).collect::<Vec<_>>() }))
    };
    assert!(verify(&good.token(&claims()), &set(99).unwrap(), &auth0_issuer(), NOW).is_ok());
    assert_eq!(set(100).unwrap_err(), KeySetError::TooManyKeys(101));
}

#[test]
fn other_documents_are_not_key_sets() {
    for document in ["", "null", "[]", "[[]]", "{}", r#"{"keys":{}}"#, "<html>", r#"{"keys":[]} trailing"#] {
        let refused = KeySet::from_json(document.as_bytes()).unwrap_err();
        assert!(matches!(refused, KeySetError::Malformed(_)), "{refused:?} for {document}");
    }
    let deep = format!(r#"{{"keys":[],"ignored":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let refused = KeySet::from_json(deep.as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("nest too deeply at 1:"), "{refused}");
    assert_eq!(KeySet::from_json(br#"{"keys":[]}"#).unwrap_err(), KeySetError::NoUsableKey(0));
    let good = json!({"keys": [SigningKey::generate_ec("ec").jwk()], "pad": "x".repeat(MAX_KEY_SET_BYTES)});
    assert_eq!(parse_key_set(&good).unwrap_err(), KeySetError::TooLarge);
}
