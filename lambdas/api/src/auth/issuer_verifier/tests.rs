//! Keys that the issuer replaces, and what forgeries cost.

use std::time::Duration;

use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use serde_json::{Value, json};

use super::*;
use crate::auth::test_clock::{advance_clock, test_time};

const MINUTE: Duration = Duration::from_secs(60);

async fn prefetched_verifier(provider: &IdentityProvider) -> IssuerVerifier {
    let trusted = provider.trusted_issuer();
    let jwks_uri = trusted.jwks_uri.parse().unwrap();
    let settings = IssuerSettings { trusted, jwks_uri, roots: None };
    let https = restctl_aws::https_client().unwrap();
    let verifier = IssuerVerifier::new(settings, &https, true, test_time).unwrap();
    verifier.keys.prefetch_keys().await;
    verifier
}

/// Publishes exactly these keys.
fn publish(provider: &IdentityProvider, keys: &[Value]) {
    provider.answer_with(JwksAnswer::Body(json!({ "keys": keys }).to_string()));
}

fn without_kid(mut object: Value) -> Value {
    object.as_object_mut().unwrap().remove("kid").unwrap();
    object
}

/// Returns a good token whose header names no key.
fn token_without_kid(provider: &IdentityProvider, key: &SigningKey) -> String {
    key.token_with_header(&without_kid(key.header()), &provider.claims())
}

/// Asserts that the token is refused for the same reason.
async fn assert_refused(verifier: &IssuerVerifier, token: &str, reason: Refusal) {
    match verifier.authorize(token).await {
        Err(Failure::RefusedToken(refusal)) => assert_eq!(refusal, reason),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_key_replaced_under_its_id_is_found_within_a_minute() {
    let provider = IdentityProvider::start().await;
    let verifier = prefetched_verifier(&provider).await;
    let old = provider.token();
    assert!(verifier.authorize(&old).await.is_ok());
    provider.rotate_key("key-1");
    // The old key stays in use until a token shows that there is another one.
    assert!(verifier.authorize(&old).await.is_ok());
    assert!(verifier.authorize(&provider.token()).await.is_ok());
    assert_eq!(provider.count_fetches(), 2);
    assert_refused(&verifier, &old, Refusal::WrongSignature).await;

    provider.rotate_key("key-1");
    advance_clock(MINUTE - Duration::from_secs(1));
    assert_refused(&verifier, &provider.token(), Refusal::WrongSignature).await;
    assert_eq!(provider.count_fetches(), 2);
    advance_clock(Duration::from_secs(1));
    assert!(verifier.authorize(&provider.token()).await.is_ok());
    assert_eq!(provider.count_fetches(), 3);
}

#[tokio::test]
async fn a_key_without_an_id_can_be_replaced() {
    let provider = IdentityProvider::start().await;
    let (first, second) = (SigningKey::generate_ec("unused"), SigningKey::generate_ec("unused"));
    publish(&provider, &[without_kid(first.jwk())]);
    let verifier = prefetched_verifier(&provider).await;
    let old = token_without_kid(&provider, &first);
    assert!(verifier.authorize(&old).await.is_ok());
    publish(&provider, &[without_kid(second.jwk())]);
    assert!(verifier.authorize(&token_without_kid(&provider, &second)).await.is_ok());
    assert_refused(&verifier, &old, Refusal::WrongSignature).await;
    assert_eq!(provider.count_fetches(), 2);
}

#[tokio::test]
async fn a_token_without_an_id_passes_once_few_enough_keys_are_left() {
    let provider = IdentityProvider::start().await;
    let keys = ["1", "2", "3", "4", "5"].map(SigningKey::generate_ec);
    publish(&provider, &keys.each_ref().map(SigningKey::jwk));
    let verifier = prefetched_verifier(&provider).await;
    let token = token_without_kid(&provider, &keys[4]);
    assert_refused(&verifier, &token, Refusal::MissingKeyId).await;
    publish(&provider, &[keys[4].jwk()]);
    advance_clock(MINUTE);
    assert!(verifier.authorize(&token).await.is_ok());
}

#[tokio::test]
async fn a_key_may_change_its_type_under_its_id() {
    let provider = IdentityProvider::start().await;
    let verifier = prefetched_verifier(&provider).await;
    let rsa = SigningKey::generate_rsa("key-1");
    publish(&provider, &[rsa.jwk()]);
    assert!(verifier.authorize(&rsa.token(&provider.claims())).await.is_ok());
    assert_refused(&verifier, &provider.token(), Refusal::WrongAlgorithm).await;
    assert_eq!(provider.count_fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_forgeries_costs_one_fetch_a_minute() {
    let provider = IdentityProvider::start().await;
    let verifier = prefetched_verifier(&provider).await;
    let good = provider.token();
    let foreign = SigningKey::generate_ec("key-1");
    let mut other_algorithm = foreign.header();
    other_algorithm["alg"] = json!("RS256");
    for minute in 0..3 {
        for number in 0..20 {
            let unknown = SigningKey::generate_ec(&format!("key-{minute}-{number}"));
            for forged in [
                foreign.token(&provider.claims()),
                foreign.token_with_header(&other_algorithm, &provider.claims()),
                unknown.token(&provider.claims()),
            ] {
                assert!(matches!(verifier.authorize(&forged).await, Err(Failure::RefusedToken(_))));
            }
        }
        assert!(verifier.authorize(&good).await.is_ok());
        assert_eq!(provider.count_fetches(), 2 + minute);
        advance_clock(MINUTE);
    }
}

/// While nobody can tell whether the key has been replaced, 401 would send the client for another token in vain.
#[tokio::test]
async fn a_bad_signature_is_not_judged_while_the_keys_are_unavailable() {
    let provider = IdentityProvider::start().await;
    let verifier = prefetched_verifier(&provider).await;
    let old = provider.token();
    provider.rotate_key("key-1");
    provider.answer_with(JwksAnswer::Status(500));
    for _ in 0..3 {
        let outcome = verifier.authorize(&provider.token()).await;
        assert!(matches!(outcome, Err(Failure::KeysUnavailable { .. })), "{outcome:?}");
        assert!(verifier.authorize(&old).await.is_ok());
    }
    assert_eq!(provider.count_fetches(), 2);
}

#[tokio::test]
async fn nothing_is_fetched_for_a_foreign_token() {
    let provider = IdentityProvider::start().await;
    let verifier = prefetched_verifier(&provider).await;
    let foreign = provider.token_with_claim("iss", json!("https://attacker.invalid/"));
    let unknown = SigningKey::generate_ec("unknown").token(&provider.claims());
    for (token, reason) in [
        (foreign.as_str(), Refusal::WrongIssuer),
        (unknown.as_str(), Refusal::UnknownKey { kid: "unknown".to_owned() }),
        ("a.b.c", Refusal::Malformed),
    ] {
        let outcome = verifier.refuse_foreign(token).await;
        assert!(matches!(&outcome, Err(Failure::RefusedToken(refusal)) if *refusal == reason), "{outcome:?}");
    }
    assert_eq!(provider.count_fetches(), 1);

    provider.answer_with(JwksAnswer::Status(500));
    let without_keys = prefetched_verifier(&provider).await;
    let outcome = without_keys.refuse_foreign(&foreign).await;
    assert!(matches!(outcome, Err(Failure::RefusedToken(Refusal::WrongIssuer))), "{outcome:?}");
    assert_eq!(provider.count_fetches(), 2);
}
