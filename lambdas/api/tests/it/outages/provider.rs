//! An identity provider that is down, slow or hostile when the function starts.

use std::time::{Duration, Instant};

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use restctl_testkit::tls::Authority;
use serde_json::{Value, json};

use super::raw::{Behavior, RawServer};
use super::{
    assert_keys_unavailable, assert_recovery, assert_within_time, get_with, start_stage,
    start_stage_with_jwks_uri,
};
use crate::stage::{Stage, TABLE, assert_problem};

/// An upper bound of what the system buffers for a connection that nobody reads. It is far less than what a connection
/// carries in a second.
const SOCKET_BYTES: usize = 32 << 20;

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_is_asked_once_a_second() {
    let stage = start_stage(JwksAnswer::Status(500)).await;
    let begun = Instant::now();
    for _ in 0..20 {
        assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
        assert_keys_unavailable(&get_with(&stage, "a.b.c").await, 1..=1);
        // Requests that need no keys get their usual answers.
        assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
        assert_problem(&stage.send(&AlbRequest::get("/v1/items/42")).await, 401, "token-missing");
        let twice = AlbRequest::get("/v1/items/42").bearer("a.b.c").bearer("a.b.c");
        assert_problem(&stage.send(&twice).await, 400, "authorization-repeated");
    }
    // Once at the start, and then once a second for as long as this took.
    let most = 2 + usize::try_from(begun.elapsed().as_secs()).expect("a few seconds");
    assert!(
        (1..=most).contains(&stage.provider.count_fetches()),
        "{} fetches",
        stage.provider.count_fetches()
    );
    assert_eq!(stage.dynamo.count_calls("GetItem"), 0);
    stage.provider.answer_with(JwksAnswer::Keys);
    assert_recovery(&stage).await;
}

#[tokio::test]
async fn an_unreachable_provider_makes_keys_unavailable() {
    let stage = start_stage_with_jwks_uri("http://127.0.0.1:1/jwks.json").await;
    assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_never_answers_does_not_block_the_function() {
    let stage = start_stage(JwksAnswer::Never).await;
    assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
    assert_within_time(&stage, "never");
    stage.provider.answer_with(JwksAnswer::Keys);
    assert_recovery(&stage).await;
}

#[tokio::test]
async fn a_slow_provider_is_waited_for() {
    let stage = start_stage(JwksAnswer::Late(Duration::from_millis(200))).await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.count_fetches(), 1);
    stage.provider.add_key("key-2");
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.count_fetches(), 2);
}

#[tokio::test]
async fn a_bad_key_set_is_refused() {
    let (ec, rsa) = (SigningKey::generate_ec("key-1").jwk(), SigningKey::generate_rsa("key-1").jwk());
    let with = |key: &Value, name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        json!({"keys": [key]})
    };
    let body = |body: Value| JwksAnswer::Body(body.to_string());
    for answer in [
        JwksAnswer::Status(204),
        JwksAnswer::Status(304),
        JwksAnswer::Status(404),
        JwksAnswer::Status(429),
        JwksAnswer::Body(String::new()),
        JwksAnswer::Body("<html>".to_owned()),
        JwksAnswer::Body(format!("{}{}", "[".repeat(50_000), "]".repeat(50_000))),
        body(json!(null)),
        body(json!([])),
        body(json!({})),
        body(json!({"keys": null})),
        body(json!({"keys": []})),
        body(json!({"keys": [null, 1, "x", {}]})),
        body(json!({"keys": [ec], "pad": "x".repeat(1_000_000)})),
        body(json!({"keys": [{"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"}]})),
        body(with(&ec, "use", json!("enc"))),
        body(with(&ec, "crv", json!("P-521"))),
        body(with(&ec, "x", json!("AAAA"))),
        body(with(&ec, "alg", json!("none"))),
        // 1,016 bits.
        body(with(&rsa, "n", json!(rsa["n"].as_str().map(|modulus| &modulus[..170])))),
    ] {
        let shown: String = format!("{answer:?}").chars().take(80).collect();
        let stage = start_stage(answer).await;
        let refused = stage.get("/v1/items/42").await;
        assert_eq!(refused.status, 503, "{shown}");
        assert_keys_unavailable(&refused, 1..=1);
    }
}

/// Whatever a server does below HTTP, the function answers, and does not read the server's output to the end.
#[tokio::test]
async fn the_function_survives_a_server_that_is_not_a_web_server() {
    let behaviors = [
        Behavior::SendAndClose(String::new()),
        Behavior::SendAndClose("SSH-2.0-OpenSSH_9.9\r\n".to_owned()),
        Behavior::SendAndClose("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":".to_owned()),
        Behavior::SendAndClose("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned()),
        Behavior::SendForever("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n".to_owned()),
        Behavior::SendForever("HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n".to_owned()),
        Behavior::SendForever("HTTP/1.1 200 OK\r\n\r\n".to_owned()),
        Behavior::SendForever("HTTP/1.1 200 OK\r\nx: ".to_owned()),
        Behavior::SendForever("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n".to_owned()),
        Behavior::Send("HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        Behavior::Send("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n{".to_owned()),
    ];
    for behavior in behaviors {
        let server = RawServer::start(behavior.clone()).await;
        let stage = start_stage_with_jwks_uri(&format!("{}/jwks.json", server.url())).await;
        assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
        assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200, "{behavior:?}");
        assert_within_time(&stage, &format!("{behavior:?}"));
        assert!(server.request_count() >= 1, "{behavior:?}");
        let (sent, limit) = (server.sent_byte_count(), server.request_count() * SOCKET_BYTES);
        assert!(sent <= limit, "{behavior:?} could send {sent} bytes");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = IdentityProvider::start().await;
    let stage = start_stage(JwksAnswer::RedirectTo(elsewhere.jwks_uri())).await;
    assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(elsewhere.count_fetches(), 0);
}

#[tokio::test]
async fn keys_come_only_from_a_server_with_a_trusted_certificate() {
    let authority = Authority::generate();
    let roots = format!("{}/roots-of-outages.pem", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&roots, authority.root_pem()).expect("the target directory is writable");
    for (variables, status) in [(&[("SSL_CERT_FILE", roots.as_str())][..], 200), (&[], 503)] {
        let dynamo = Dynamo::start().await;
        dynamo.create_table(TABLE, "id");
        let provider = IdentityProvider::start_with_tls(&authority).await;
        let stage = Stage::start_with_variables(provider, dynamo, "S", variables).await;
        stage.put_item("42", json!({}));
        assert_eq!(stage.get("/v1/items/42").await.status, status, "{}", stage.runtime.output());
        assert_eq!(stage.provider.count_fetches(), usize::from(status == 200));
    }
}
