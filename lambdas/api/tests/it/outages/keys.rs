//! Keys that are rotated, withdrawn or unknown, and a provider that fails later.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use serde_json::json;

use super::{assert_keys_unavailable, assert_within_time, get_with, start_stage};
use crate::stage::{PATIENCE, Stage, assert_problem};

/// Returns a good token, signed with a key that the provider does not publish.
fn token_of_unknown_key(stage: &Stage, kid: &str) -> String {
    SigningKey::generate_ec(kid).token(&stage.provider.claims())
}

#[tokio::test]
async fn warm_requests_fetch_nothing() {
    let stage = start_stage(JwksAnswer::Keys).await;
    let key = stage.provider.signing_key();
    let mut expired = stage.provider.claims();
    expired["exp"] = json!(1);
    for _ in 0..3 {
        assert_eq!(stage.get("/v1/items/42").await.status, 200);
        // No other key could make these tokens good, so the provider is not asked.
        for token in [
            "a.b.c".to_owned(),
            key.token(&expired),
            key.token_with_header(&json!({"alg": "none", "kid": "unknown"}), &stage.provider.claims()),
        ] {
            assert_problem(&get_with(&stage, &token).await, 401, "token-refused");
        }
    }
    assert_eq!(stage.provider.count_fetches(), 1);
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_id_is_found_at_once() {
    let stage = start_stage(JwksAnswer::Keys).await;
    let old = stage.provider.token();
    assert_eq!(get_with(&stage, &old).await.status, 200);
    stage.provider.rotate_key("key-1");
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_problem(&get_with(&stage, &old).await, 401, "token-refused");
    assert_eq!(stage.provider.count_fetches(), 2);
}

/// Anyone who reads the key set could sign with it.
#[tokio::test]
async fn a_published_private_key_is_not_used_and_is_reported_once() {
    let exposed = SigningKey::generate_ec("exposed");
    let mut jwk = exposed.jwk();
    jwk["d"] = json!("c2VjcmV0LW9mLXRoZS1pc3N1ZXI");
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Body(json!({"keys": [jwk, provider.signing_key().jwk()]}).to_string()));
    let stage = Stage::start_with_provider(provider, "S").await;
    stage.put_item("42", json!({}));
    for _ in 0..3 {
        assert_eq!(stage.get("/v1/items/42").await.status, 200);
        let signed = exposed.token(&stage.provider.claims());
        assert_problem(&get_with(&stage, &signed).await, 401, "token-refused");
    }
    assert_eq!(stage.provider.count_fetches(), 2);
    let output = stage.wait_for_output(|output| output.matches(r#""status":401"#).count() == 3).await;
    assert_eq!(output.matches("the issuer publishes a private key").count(), 1, "{output}");
    assert!(output.contains("exposed: ") && !output.contains("c2VjcmV0"), "{output}");
}

#[tokio::test]
async fn a_flood_of_bad_signatures_costs_one_fetch() {
    let stage = start_stage(JwksAnswer::Keys).await;
    for _ in 0..50 {
        let forged = token_of_unknown_key(&stage, "key-1");
        let answer = get_with(&stage, &forged).await;
        assert_eq!(assert_problem(&answer, 401, "token-refused")["detail"], "the token's signature is wrong");
    }
    assert_eq!(stage.provider.count_fetches(), 2);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let stage = start_stage(JwksAnswer::Keys).await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    let old = stage.provider.token();
    assert_eq!(get_with(&stage, &old).await.status, 200);
    stage.provider.rotate_key("key-2");
    // The old key stays in use until a token shows that there is a new one.
    assert_eq!(get_with(&stage, &old).await.status, 200);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.count_fetches(), 2);
    // A withdrawn key no longer counts, although it has verified the token before.
    assert_problem(&get_with(&stage, &old).await, 401, "token-refused");
    // Another new key within the same minute is not looked for.
    stage.provider.rotate_key("key-3");
    assert_problem(&stage.get("/v1/items/42").await, 401, "token-refused");
    assert_eq!(stage.provider.count_fetches(), 2);
}

#[tokio::test]
async fn two_keys_are_good_at_the_same_time() {
    let stage = start_stage(JwksAnswer::Keys).await;
    let old = stage.provider.token();
    assert_eq!(get_with(&stage, &old).await.status, 200);
    stage.provider.add_key("key-2");
    for _ in 0..2 {
        assert_eq!(stage.get("/v1/items/42").await.status, 200);
        assert_eq!(get_with(&stage, &old).await.status, 200);
    }
    assert_eq!(stage.provider.count_fetches(), 2);
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_minute() {
    let stage = start_stage(JwksAnswer::Keys).await;
    for number in 0..50 {
        let token = token_of_unknown_key(&stage, &format!("guess-{number}"));
        assert_problem(&get_with(&stage, &token).await, 401, "token-refused");
    }
    assert_eq!(stage.provider.count_fetches(), 2);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
}

#[tokio::test]
async fn keys_stay_in_use_while_the_provider_fails() {
    let elsewhere = IdentityProvider::start().await;
    for answer in [
        JwksAnswer::Status(500),
        JwksAnswer::Status(200),
        JwksAnswer::Never,
        JwksAnswer::RedirectTo(elsewhere.jwks_uri()),
        JwksAnswer::Body("<html>".to_owned()),
        JwksAnswer::Body(json!({"keys": []}).to_string()),
        JwksAnswer::Body(format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(1_000_000))),
    ] {
        let shown: String = format!("{answer:?}").chars().take(80).collect();
        let stage = start_stage(JwksAnswer::Keys).await;
        let verified = stage.provider.token();
        assert_eq!(get_with(&stage, &verified).await.status, 200, "{shown}");
        stage.provider.answer_with(answer);
        for number in 0..3 {
            let unknown = token_of_unknown_key(&stage, &format!("unknown-{number}"));
            assert_keys_unavailable(&get_with(&stage, &unknown).await, 1..=60);
            assert_eq!(get_with(&stage, &verified).await.status, 200, "{shown}");
            assert_eq!(stage.get("/v1/items/42").await.status, 200, "{shown}");
            assert_problem(&get_with(&stage, "a.b.c").await, 401, "token-refused");
        }
        assert_within_time(&stage, &shown);
        // A failed attempt counts as well.
        assert_eq!(stage.provider.count_fetches(), 2, "{shown}");
    }
    assert_eq!(elsewhere.count_fetches(), 0);
}

/// A verified token expires like any other.
#[tokio::test]
async fn a_verified_token_expires_in_its_second() {
    let stage = start_stage(JwksAnswer::Keys).await;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    let expiry = async {
        // On a slow machine, the token may expire before the function has verified it once.
        let (token, exp) = loop {
            let exp = now() + 2;
            let token = stage.provider.token_with_claim("exp", json!(exp));
            if get_with(&stage, &token).await.status == 200 {
                break (token, exp);
            }
        };
        loop {
            let before = now();
            let answer = get_with(&stage, &token).await;
            if answer.status == 401 {
                assert!(now() >= exp, "refused too early");
                break answer;
            }
            assert_eq!(answer.status, 200);
            assert!(before < exp, "passed too late");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, expiry).await.expect("the token expires");
    assert_eq!(assert_problem(&answer, 401, "token-refused")["detail"], "the token has expired");
}
