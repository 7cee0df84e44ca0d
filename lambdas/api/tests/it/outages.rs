//! Outages: the identity provider is down, slow, hostile or rotating its keys, or the table is unavailable. The tests
//! assert the answers and how often the provider is asked.

mod raw;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use restctl_testkit::tls::Authority;
use serde_json::{Value, json};

use self::raw::{Behavior, RawServer};
use crate::stage::{PATIENCE, Stage, TABLE, assert_problem};

/// An upper bound of what the system buffers for a connection that nobody reads. It is far less than what a connection
/// carries in a second.
const SOCKET_BYTES: usize = 32 << 20;

/// Starts the function with an item 42 and a provider that answers like this.
async fn start_stage(answer: JwksAnswer) -> Stage {
    let provider = IdentityProvider::start().await;
    provider.answer_with(answer);
    let stage = Stage::start_with_provider(provider, "S").await;
    stage.put_item("42", json!({}));
    stage
}

/// Starts the function with an item 42 and these variables.
async fn start_stage_with_variables(variables: &[(&str, &str)]) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let stage = Stage::start_with_variables(IdentityProvider::start().await, dynamo, "S", variables).await;
    stage.put_item("42", json!({}));
    stage
}

async fn get_with(stage: &Stage, token: &str) -> AlbAnswer {
    stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await
}

/// Returns a good token, signed with a key that the provider does not publish.
fn token_of_unknown_key(stage: &Stage, kid: &str) -> String {
    SigningKey::ec(kid).token(&stage.provider.claims())
}

/// Asserts a 503. Nobody can tell whether the token is good, so a 401 would be wrong.
fn assert_keys_unavailable(answer: &AlbAnswer, seconds: std::ops::RangeInclusive<u64>) {
    assert_problem(answer, 503, "keys-unavailable");
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    assert!(retry_after.is_some_and(|after| seconds.contains(&after)), "{retry_after:?}");
    assert_eq!(answer.header("www-authenticate"), None);
}

/// Asserts that no request waited for the provider until the function's own time ran out.
fn assert_within_time(stage: &Stage, provider: &str) {
    let output = stage.runtime.output();
    assert!(!output.contains("time is running out"), "{provider}: {output}");
}

/// Waits until the function answers with the item again.
async fn assert_recovery(stage: &Stage) {
    let recovery = async {
        while stage.get("/v1/items/42").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, recovery).await.expect("the function recovers");
}

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
    assert!((1..=most).contains(&stage.provider.fetches()), "{} fetches", stage.provider.fetches());
    assert_eq!(stage.dynamo.calls("GetItem"), 0);
    stage.provider.answer_with(JwksAnswer::Keys);
    assert_recovery(&stage).await;
}

#[tokio::test]
async fn an_unreachable_provider_makes_keys_unavailable() {
    let stage = start_stage_with_variables(&[("JWKS_URI", "http://127.0.0.1:1/jwks.json")]).await;
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
    let stage = start_stage(JwksAnswer::Late(Duration::from_secs(1))).await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 1);
    stage.provider.add_key("key-2");
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 2);
}

#[tokio::test]
async fn a_bad_key_set_is_refused() {
    let (ec, rsa) = (SigningKey::ec("key-1").jwk(), SigningKey::rsa("key-1").jwk());
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
        let stage = start_stage_with_variables(&[("JWKS_URI", &format!("{}/jwks.json", server.url()))]).await;
        assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
        assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200, "{behavior:?}");
        assert_within_time(&stage, &format!("{behavior:?}"));
        assert!(server.requests() >= 1, "{behavior:?}");
        let (sent, limit) = (server.sent_bytes(), server.requests() * SOCKET_BYTES);
        assert!(sent <= limit, "{behavior:?} could send {sent} bytes");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = IdentityProvider::start().await;
    let stage = start_stage(JwksAnswer::RedirectTo(elsewhere.jwks_uri())).await;
    assert_keys_unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(elsewhere.fetches(), 0);
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
        assert_eq!(stage.provider.fetches(), usize::from(status == 200));
    }
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
            SigningKey::ec(key.kid()).token(&stage.provider.claims()),
            key.token_with_header(&json!({"alg": "none", "kid": "unknown"}), &stage.provider.claims()),
        ] {
            assert_problem(&get_with(&stage, &token).await, 401, "token-refused");
        }
    }
    assert_eq!(stage.provider.fetches(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let stage = start_stage(JwksAnswer::Keys).await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    let old = stage.provider.token();
    assert_eq!(get_with(&stage, &old).await.status, 200);
    stage.provider.rotate("key-2");
    // The old key stays in use until a token shows that there is a new one.
    assert_eq!(get_with(&stage, &old).await.status, 200);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 2);
    // A withdrawn key no longer counts, although it has verified the token before.
    assert_problem(&get_with(&stage, &old).await, 401, "token-refused");
    // Another new key within the same minute is not looked for.
    stage.provider.rotate("key-3");
    assert_problem(&stage.get("/v1/items/42").await, 401, "token-refused");
    assert_eq!(stage.provider.fetches(), 2);
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
    assert_eq!(stage.provider.fetches(), 2);
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_minute() {
    let stage = start_stage(JwksAnswer::Keys).await;
    for number in 0..50 {
        let token = token_of_unknown_key(&stage, &format!("guess-{number}"));
        assert_problem(&get_with(&stage, &token).await, 401, "token-refused");
    }
    assert_eq!(stage.provider.fetches(), 2);
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
        assert_eq!(stage.provider.fetches(), 2, "{shown}");
    }
    assert_eq!(elsewhere.fetches(), 0);
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

#[tokio::test]
async fn an_unreachable_table_is_reported_as_busy() {
    let silent = RawServer::start(Behavior::Send(String::new())).await;
    for endpoint in ["http://127.0.0.1:1", silent.url()] {
        let stage = start_stage_with_variables(&[("AWS_ENDPOINT_URL", endpoint)]).await;
        let event = AlbRequest::get("/v1/items/42").bearer(&stage.provider.token()).event();
        let bulk = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["42"]}));
        for event in [event, bulk.bearer(&stage.provider.token()).event()] {
            // The function answers before Lambda would end it.
            let answer = stage.runtime.invoke_within(&event, Duration::from_secs(4)).await;
            let answer = AlbAnswer::read(&answer.unwrap_or_else(|error| panic!("{endpoint}: {error}")));
            assert_problem(&answer, 503, "table-busy");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
}
