//! Several trusted issuers: which one a token is verified with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_testkit::signing_key::{SigningKey, unsigned_token};
use restctl_verifier::{KeySet, MAX_TOKEN_BYTES, Refusal, find_issuer, select_issuer};
use serde_json::{Value, json};

use crate::fixture::{NOW, claims, issuer_of, key_set, provider_claims, verify, with, without};

fn issuer_at(url: &str, provider: Provider) -> TrustedIssuer {
    TrustedIssuer { issuer: url.to_owned(), ..issuer_of(provider) }
}

fn three_issuers() -> Vec<TrustedIssuer> {
    vec![
        issuer_at("https://a.example.test/", Provider::Auth0),
        issuer_at("https://b.example.test", Provider::Keycloak),
        issuer_at("https://c.example.test", Provider::OpenId),
    ]
}

fn unsigned(claims: &Value) -> String {
    format!("{}.AAAA", unsigned_token(&json!({"alg": "ES256"}), claims))
}

#[test]
fn the_issuer_that_a_token_names_is_selected() {
    let issuers = three_issuers();
    for (name, index) in [
        (json!("https://a.example.test/"), 0),
        (json!("https://b.example.test"), 1),
        (json!("https://c.example.test"), 2),
        // Exact, as the check of the issuer is.
        (json!("https://c.example.test/"), 0),
        (json!("https://C.example.test"), 0),
        (json!("https://attacker.example.test"), 0),
        (json!(""), 0),
        (json!(null), 0),
        (json!(1), 0),
        (json!(["https://c.example.test"]), 0),
        (json!({"iss": "https://c.example.test"}), 0),
    ] {
        assert_eq!(select_issuer(&unsigned(&json!({"iss": name})), &issuers), index, "{name}");
    }
    assert_eq!(select_issuer(&unsigned(&json!({"sub": "https://c.example.test"})), &issuers), 0);
    assert_eq!(select_issuer(&unsigned(&json!({"iss": "https://c.example.test"})), &issuers[2..]), 0);
    assert_eq!(select_issuer(&unsigned(&json!({"iss": "https://c.example.test"})), &[]), 0);
}

#[test]
fn a_token_of_none_of_several_issuers_is_told_apart() {
    let issuers = three_issuers();
    let names = || issuers.iter().map(|issuer| issuer.issuer.as_str());
    let (known, foreign) = (
        unsigned(&json!({"iss": "https://b.example.test"})),
        unsigned(&json!({"iss": "https://attacker.example.test"})),
    );
    assert_eq!((find_issuer(&known, names()), find_issuer(&foreign, names())), (Some(1), None));
    // There is nothing to choose.
    assert_eq!(find_issuer(&foreign, names().take(1)), Some(0));
    assert_eq!(find_issuer(&known, names().take(0)), None);
}

/// None of these names an issuer, and none of them costs much.
#[test]
fn malformed_tokens_select_the_first_issuer() {
    let issuers = three_issuers();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let named = r#"{"iss":"https://c.example.test"}"#;
    assert_eq!(select_issuer(&format!("x.{}.x", encode(named)), &issuers), 2);
    let malformed = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        named.to_owned(),
        format!("{}.x.x", encode(named)),
        format!("x.{}=.x", encode(named)),
        format!("x.{}.x", encode("https://c.example.test")),
        format!("x.{}.x", encode(r#"["https://c.example.test"]"#)),
        // Which of two would count depends on the reader, so that neither does.
        format!("x.{}.x", encode(r#"{"iss":"https://b.example.test","iss":"https://c.example.test"}"#)),
        format!("x.{}.x", encode(r#"{"iss":"https://c.example.test","iss":null}"#)),
        format!("x.{}.x", encode(&format!(r#"{{"iss":"https://c.example.test","a":{}"#, "[".repeat(5000)))),
        format!("x.{}.x", encode(&format!("{named} trailing"))),
        format!("x.{}.{}", encode(named), "x".repeat(MAX_TOKEN_BYTES)),
    ];
    for token in malformed {
        assert_eq!(select_issuer(&token, &issuers), 0, "{token}");
    }
}

#[test]
fn a_token_of_one_issuer_does_not_pass_with_the_keys_of_another() {
    let issuers = three_issuers();
    let signing: Vec<SigningKey> = issuers.iter().map(|_| SigningKey::generate_ec("key-1")).collect();
    let keys: Vec<KeySet> = signing.iter().map(|key| key_set(&[key.jwk()])).collect();
    for (signer, key) in signing.iter().enumerate() {
        for (named, issuer) in issuers.iter().enumerate() {
            let claims = with(provider_claims(issuer.provider), "iss", json!(issuer.issuer));
            let token = key.token(&claims);
            let selected = select_issuer(&token, &issuers);
            assert_eq!(selected, named);
            let outcome = verify(&token, &keys[selected], &issuers[selected], NOW).map(|_| ());
            let expected = if signer == named { Ok(()) } else { Err(Refusal::WrongSignature) };
            assert_eq!(outcome, expected, "{signer} signs as {named}");
        }
        // A token that names no issuer is not even good with the keys of its signer.
        for claims in [without(claims(), "iss"), with(claims(), "iss", json!("https://d.example.test"))] {
            let token = key.token(&claims);
            let selected = select_issuer(&token, &issuers);
            assert!(verify(&token, &keys[selected], &issuers[selected], NOW).is_err(), "{claims}");
        }
    }
}

/// Each issuer has its own rules: what one requires and grants says nothing about another.
#[test]
fn the_selected_issuer_is_as_strict_as_a_single_one() {
    let issuers = three_issuers();
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    for issuer in &issuers {
        for claims in Provider::ALL.map(provider_claims) {
            let claims = with(claims, "iss", json!(issuer.issuer));
            for claims in [
                claims.clone(),
                with(claims.clone(), "aud", json!("https://other.example.test")),
                with(claims.clone(), "exp", json!(NOW)),
                with(claims.clone(), "scope", json!("write:items")),
                with(claims.clone(), "permissions", json!("read:items")),
                with(claims, "typ", json!("ID")),
            ] {
                let token = key.token(&claims);
                let selected = &issuers[select_issuer(&token, &issuers)];
                assert_eq!(selected, issuer);
                let alone = std::slice::from_ref(issuer);
                let single = &alone[select_issuer(&token, alone)];
                assert_eq!(
                    verify(&token, &keys, selected, NOW),
                    verify(&token, &keys, single, NOW),
                    "{claims}"
                );
            }
        }
    }
}
