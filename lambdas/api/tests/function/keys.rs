//! The identity provider's keys: fetched at start, refetched sparingly, kept while it is down.

use std::time::Duration;

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::runtime::Runtime;
use restctl_testkit::signing_key::SigningKey;
use serde_json::json;

use crate::stage::{BINARY, Stage, problem};

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_is_waited_out() {
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Status(500));
    let stage = Stage::with(provider, "S").await;
    stage.put("42", json!({}));

    let answer = stage.get("/v1/items/42").await;
    problem(&answer, 503, "keys-unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);

    stage.provider.answer_with(JwksAnswer::Keys);
    let recovered = async {
        while stage.get("/v1/items/42").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recovered).await.expect("the function recovers");
}

#[tokio::test]
async fn what_is_no_key_set_is_not_taken_for_one() {
    for answer in [
        JwksAnswer::Status(404),
        JwksAnswer::Body("<html>".to_owned()),
        JwksAnswer::Body(json!({"keys": []}).to_string()),
        JwksAnswer::Body(format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(1_000_000))),
    ] {
        let provider = IdentityProvider::start().await;
        provider.answer_with(answer.clone());
        let stage = Stage::with(provider, "S").await;
        problem(&stage.get("/v1/items/42").await, 503, "keys-unavailable");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (provider, elsewhere) = (IdentityProvider::start().await, IdentityProvider::start().await);
    provider.answer_with(JwksAnswer::RedirectTo(elsewhere.jwks_uri()));
    let stage = Stage::with(provider, "S").await;
    problem(&stage.get("/v1/items/42").await, 503, "keys-unavailable");
    assert_eq!(elsewhere.fetches(), 0);
}

#[tokio::test]
async fn warm_requests_fetch_nothing() {
    let stage = Stage::set().await;
    for _ in 0..3 {
        assert_eq!(stage.get("/v1/items/42").await.status, 404);
    }
    assert_eq!(stage.provider.fetches(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let stage = Stage::set().await;
    stage.put("42", json!({}));
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    let old = stage.provider.token();
    stage.provider.rotate("key-2");
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 2);
    // What the provider has withdrawn counts no more.
    let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(&old)).await;
    problem(&answer, 401, "token-refused");
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_minute() {
    let stage = Stage::set().await;
    stage.put("42", json!({}));
    for kid in ["guess-1", "guess-2", "guess-3"] {
        let token = SigningKey::ec(kid).token(&stage.provider.claims());
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(&token)).await;
        problem(&answer, 401, "token-refused");
    }
    assert_eq!(stage.provider.fetches(), 2);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
}

#[tokio::test]
async fn keys_are_kept_while_the_provider_is_down() {
    let stage = Stage::set().await;
    stage.put("42", json!({}));
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    stage.provider.answer_with(JwksAnswer::Status(500));
    let unknown = SigningKey::ec("unknown").token(&stage.provider.claims());
    for _ in 0..3 {
        // Whether this token is good cannot be told: 401 would be a lie.
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(&unknown)).await;
        problem(&answer, 503, "keys-unavailable");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(stage.get("/v1/items/42").await.status, 200);
    }
    // A failed attempt counts, too.
    assert_eq!(stage.provider.fetches(), 2);
}

#[tokio::test]
async fn the_function_refuses_to_start_without_its_settings() {
    let good = [
        ("ITEMS_TABLE", "items"),
        ("KEY_NAME", "id"),
        ("KEY_TYPE", "S"),
        ("ISSUER", "https://tenant.example.test/"),
        ("AUDIENCE", "https://items.example.test"),
        ("JWKS_URI", "https://127.0.0.1:1/jwks.json"),
        ("SCOPE", "read:items"),
        ("PROVIDER", "auth0"),
    ];
    for (variable, value) in [
        ("ISSUER", ""),
        ("SCOPE", ""),
        ("KEY_TYPE", "B"),
        ("JWKS_URI", "http://tenant.example.test/jwks.json"),
    ] {
        let variables = [&good[..], &[(variable, value)]].concat();
        let runtime = Runtime::start(BINARY, &variables).await;
        runtime.wait_for_end().await.unwrap_or_else(|error| panic!("{variable}={value}: {error}"));
        assert!(runtime.output().contains(variable), "{}", runtime.output());
    }
}
