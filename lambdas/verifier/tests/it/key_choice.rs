//! Which of the issuer's keys are tried for a token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{KeySet, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, key_set, verify, with, without};

fn generate_ec_keys(count: usize) -> Vec<SigningKey> {
    (0..count).map(|_| SigningKey::generate_ec("key")).collect()
}

fn jwks(keys: &[SigningKey], change: impl Fn(Value) -> Value) -> Vec<Value> {
    keys.iter().map(|key| change(key.jwk())).collect()
}

/// Verifies a token of `key` whose header is changed.
fn outcome(key: &SigningKey, keys: &KeySet, change: impl FnOnce(Value) -> Value) -> Result<(), Refusal> {
    let token = key.token_with_header(&change(key.header()), &claims());
    verify(&token, keys, &auth0_issuer(), NOW).map(|_| ())
}

fn without_kid(object: Value) -> Value {
    without(object, "kid")
}

#[test]
fn keys_may_share_an_id() {
    let (ec, rsa, other) =
        (SigningKey::generate_ec("key"), SigningKey::generate_rsa("key"), SigningKey::generate_ec("key"));
    let keys = key_set(&[ec.jwk(), rsa.jwk(), other.jwk()]);
    for key in [ec, rsa, other] {
        assert_eq!(outcome(&key, &keys, |header| header), Ok(()));
    }
}

/// An unverified token chooses its header, and each key that it may mean costs a check of the signature.
#[test]
fn at_most_four_keys_are_tried() {
    let (ec, rsa) = (generate_ec_keys(5), SigningKey::generate_rsa("key"));
    let one_id = key_set(&[jwks(&ec, |jwk| jwk), vec![rsa.jwk()]].concat());
    let no_id = key_set(&[jwks(&ec, without_kid), vec![without_kid(rsa.jwk())]].concat());
    for keys in [&one_id, &no_id] {
        for key in &ec[..4] {
            assert_eq!(outcome(key, keys, |header| header), Ok(()));
        }
        assert_eq!(outcome(&ec[4], keys, |header| header), Err(Refusal::WrongSignature));
        assert_eq!(outcome(&ec[0], keys, without_kid), Err(Refusal::MissingKeyId));
        // Keys of another algorithm cost nothing, so they do not count.
        assert_eq!(outcome(&rsa, keys, |header| header), Ok(()));
        assert_eq!(outcome(&rsa, keys, without_kid), Ok(()));
    }
}

#[test]
fn a_token_without_an_id_is_tried_with_the_keys_of_its_algorithm() {
    let (ec, rsa) = (generate_ec_keys(4), SigningKey::generate_rsa("rsa"));
    let keys = key_set(&[jwks(&ec, |jwk| jwk), vec![rsa.jwk()]].concat());
    for key in ec.iter().chain([&rsa]) {
        assert_eq!(outcome(key, &keys, without_kid), Ok(()));
    }
    let foreign = SigningKey::generate_ec("foreign");
    assert_eq!(outcome(&foreign, &keys, without_kid), Err(Refusal::WrongSignature));
    let only_rsa = key_set(&[rsa.jwk()]);
    assert_eq!(outcome(&foreign, &only_rsa, without_kid), Err(Refusal::WrongAlgorithm));
    // The claims say that the token named no key.
    let token = rsa.token_with_header(&without_kid(rsa.header()), &claims());
    assert_eq!(verify(&token, &only_rsa, &auth0_issuer(), NOW).unwrap().key_id, None);
}

#[test]
fn an_unknown_id_may_mean_a_key_without_one() {
    let (named, unnamed) = (SigningKey::generate_ec("named"), SigningKey::generate_ec("unnamed"));
    let keys = key_set(&[named.jwk(), without_kid(unnamed.jwk())]);
    assert_eq!(outcome(&named, &keys, |header| header), Ok(()));
    assert_eq!(outcome(&unnamed, &keys, |header| header), Ok(()));
    // A known id means no other key.
    let named_wrongly = |header| with(header, "kid", json!("named"));
    assert_eq!(outcome(&unnamed, &keys, named_wrongly), Err(Refusal::WrongSignature));
    // A named key is not tried for another id.
    let named_otherwise = |header| with(header, "kid", json!("other"));
    assert_eq!(outcome(&named, &keys, named_otherwise), Err(Refusal::WrongSignature));
    let rsa = SigningKey::generate_rsa("rsa");
    assert_eq!(outcome(&rsa, &keys, |header| header), Err(Refusal::UnknownKey { kid: "rsa".to_owned() }));
}

#[test]
fn a_thumbprint_chooses_a_key_if_there_is_no_id() {
    // Five keys, so that nothing but the thumbprint can choose.
    let keys = generate_ec_keys(5);
    let thumbprint = |index: usize| URL_SAFE_NO_PAD.encode([0xfb - u8::try_from(index).unwrap(); 20]);
    let numbered = |member: &'static str| {
        let jwk = |(index, key): (usize, &SigningKey)| with(key.jwk(), member, json!(thumbprint(index)));
        key_set(&keys.iter().enumerate().map(jwk).collect::<Vec<_>>())
    };
    let sets = [(numbered("x5t"), "x5t"), (numbered("x5t#S256"), "x5t#S256"), (numbered("kid"), "x5t")];
    for (set, parameter) in &sets {
        let naming = |index: usize| {
            move |header: Value| with(without_kid(header), parameter, json!(thumbprint(index)))
        };
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(outcome(key, set, naming(index)), Ok(()), "{parameter}");
        }
        assert_eq!(outcome(&keys[0], set, naming(1)), Err(Refusal::WrongSignature));
        // As if the parameter were absent.
        assert_eq!(outcome(&keys[0], set, naming(17)), Err(Refusal::MissingKeyId));
        let padded =
            |header: Value| with(without_kid(header), parameter, json!("+/v7+/v7+/v7+/v7+/v7+/v7+/s="));
        assert_eq!(outcome(&keys[0], set, padded), Ok(()));
        let number = |header: Value| with(without_kid(header), parameter, json!(1));
        assert_eq!(outcome(&keys[0], set, number), Err(Refusal::Malformed));
    }
}

#[test]
fn a_certificate_has_its_thumbprint_whether_or_not_it_is_stated() {
    let keys = generate_ec_keys(5);
    // The thumbprint is that of any bytes, and the key's own members say which key it is.
    let certified = |(index, key): (usize, &SigningKey)| {
        with(key.jwk(), "x5c", json!([STANDARD.encode(format!("certificate {index}"))]))
    };
    let set = key_set(&keys.iter().enumerate().map(certified).collect::<Vec<_>>());
    // SHA-1 and SHA-256 of "certificate 3".
    for (parameter, thumbprint) in
        [("x5t", "POxpD3dO8jaX2Gcx4i5WZgQwy_g"), ("x5t#S256", "epC0Kfg-P4xgW2ht-x1-6ZQkUwjmyMqEFTAOtYRlFFs")]
    {
        let naming = |header: Value| with(without_kid(header), parameter, json!(thumbprint));
        assert_eq!(outcome(&keys[3], &set, naming), Ok(()));
        assert_eq!(outcome(&keys[2], &set, naming), Err(Refusal::WrongSignature));
    }
}

/// After these, the API fetches the key set again, within a limit.
#[test]
fn a_replaced_key_is_told_from_a_bad_token() {
    let (old, new) = (SigningKey::generate_ec("key"), SigningKey::generate_ec("key"));
    let retyped = SigningKey::generate_rsa("key");
    let (old_set, new_set) = (key_set(&[old.jwk()]), key_set(&[new.jwk(), retyped.jwk()]));
    for (key, change) in [
        (&new, (|header| header) as fn(Value) -> Value),
        (&new, without_kid),
        (&new, |header| with(header, "kid", json!("other"))),
        (&retyped, |header| header),
        (&retyped, without_kid),
    ] {
        let refusal = outcome(key, &old_set, change).unwrap_err();
        assert!(refusal.may_be_outdated_keys(), "{refusal:?}");
        let is_named_otherwise = change(key.header())["kid"] == "other";
        assert_eq!(outcome(key, &new_set, change).is_ok(), !is_named_otherwise);
    }
    let expired = verify(&old.token(&claims()), &old_set, &auth0_issuer(), NOW + 600).unwrap_err();
    let unsupported = outcome(&old, &old_set, |header| with(header, "alg", json!("none"))).unwrap_err();
    for refusal in [expired, unsupported, Refusal::Malformed, Refusal::MissingScope, Refusal::WrongIssuer] {
        assert!(!refusal.may_be_outdated_keys(), "{refusal:?}");
    }
}
