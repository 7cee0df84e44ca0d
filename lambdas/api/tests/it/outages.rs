//! The identity provider is down, slow, hostile or busy with its keys: what each request gets, and how often the
//! provider is asked. Then the table.

mod raw;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use restctl_testkit::tls::Authority;
use serde_json::{Value, json};

use self::raw::{Habit, RawServer};
use crate::stage::{Stage, TABLE, problem};

/// More than any answer may take, whatever is out of order: the function waits 3 s for the provider, twice at most.
const PATIENCE: Duration = Duration::from_secs(12);

/// What the system keeps of a connection that nobody reads any more: far more than it does, far less than what goes
/// through one in a second.
const SOCKET_BYTES: usize = 32 << 20;

/// A stage with an item 42, whose provider answers so from the start.
async fn stage(answer: JwksAnswer) -> Stage {
    let provider = IdentityProvider::start().await;
    provider.answer_with(answer);
    let stage = Stage::with(provider, "S").await;
    stage.put("42", json!({}));
    stage
}

/// A stage with an item 42, told where things are.
async fn stage_told(variables: &[(&str, &str)]) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let stage = Stage::told(IdentityProvider::start().await, dynamo, "S", variables).await;
    stage.put("42", json!({}));
    stage
}

async fn get_with(stage: &Stage, token: &str) -> AlbAnswer {
    stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await
}

/// A good token by a key of which the provider knows nothing.
fn by_unknown_key(stage: &Stage, kid: &str) -> String {
    SigningKey::ec(kid).token(&stage.provider.claims())
}

/// 503, as nobody can tell whether the token is good: 401 would be a lie.
fn unavailable(answer: &AlbAnswer, seconds: std::ops::RangeInclusive<u64>) {
    problem(answer, 503, "keys-unavailable");
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    assert!(retry_after.is_some_and(|after| seconds.contains(&after)), "{retry_after:?}");
    assert_eq!(answer.header("www-authenticate"), None);
}

async fn recovers(stage: &Stage) {
    let recovered = async {
        while stage.get("/v1/items/42").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, recovered).await.expect("the function recovers");
}

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_is_waited_out() {
    let stage = stage(JwksAnswer::Status(500)).await;
    let begun = Instant::now();
    for _ in 0..20 {
        unavailable(&stage.get("/v1/items/42").await, 1..=1);
        unavailable(&get_with(&stage, "a.b.c").await, 1..=1);
        // What needs no key is answered as ever.
        assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
        problem(&stage.send(&AlbRequest::get("/v1/items/42")).await, 401, "token-missing");
        let twice = AlbRequest::get("/v1/items/42").bearer("a.b.c").bearer("a.b.c");
        problem(&stage.send(&twice).await, 400, "authorization-repeated");
    }
    // Once at the start, and then once a second.
    let most = 2 + usize::try_from(begun.elapsed().as_secs()).expect("a few seconds");
    assert!((1..=most).contains(&stage.provider.fetches()), "{} fetches", stage.provider.fetches());
    assert_eq!(stage.dynamo.calls("GetItem"), 0);
    stage.provider.answer_with(JwksAnswer::Keys);
    recovers(&stage).await;
}

#[tokio::test]
async fn nobody_listens_where_the_provider_should_be() {
    let stage = stage_told(&[("JWKS_URI", "http://127.0.0.1:1/jwks.json")]).await;
    unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_never_answers_holds_nobody_up_for_long() {
    let stage = stage(JwksAnswer::Never).await;
    let begun = Instant::now();
    unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    stage.provider.answer_with(JwksAnswer::Keys);
    recovers(&stage).await;
}

#[tokio::test]
async fn a_slow_provider_is_waited_for() {
    let stage = stage(JwksAnswer::Late(Duration::from_secs(1))).await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 1);
    stage.provider.add_key("key-2");
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 2);
}

#[tokio::test]
async fn what_is_no_key_set_is_not_taken_for_one() {
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
        let stage = stage(answer).await;
        let refused = stage.get("/v1/items/42").await;
        assert_eq!(refused.status, 503, "{shown}");
        unavailable(&refused, 1..=1);
    }
}

/// Whatever a server does below HTTP, an answer comes in time, and it is not heard to its end.
#[tokio::test]
async fn a_server_that_is_no_web_server_is_survived() {
    let habits = [
        Habit::SayAndClose(String::new()),
        Habit::SayAndClose("SSH-2.0-OpenSSH_9.9\r\n".to_owned()),
        Habit::SayAndClose("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":".to_owned()),
        Habit::SayAndClose("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned()),
        Habit::SayOnAndOn("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n".to_owned()),
        Habit::SayOnAndOn("HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n".to_owned()),
        Habit::SayOnAndOn("HTTP/1.1 200 OK\r\n\r\n".to_owned()),
        Habit::SayOnAndOn("HTTP/1.1 200 OK\r\nx: ".to_owned()),
        Habit::SayOnAndOn("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n".to_owned()),
        Habit::Say("HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        Habit::Say("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n{".to_owned()),
    ];
    for habit in habits {
        let server = RawServer::start(habit.clone()).await;
        let stage = stage_told(&[("JWKS_URI", &format!("{}/jwks.json", server.url()))]).await;
        let begun = Instant::now();
        unavailable(&stage.get("/v1/items/42").await, 1..=1);
        assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200, "{habit:?}");
        assert!(begun.elapsed() < PATIENCE, "{habit:?} takes {:?}", begun.elapsed());
        assert!(server.asked() >= 1, "{habit:?}");
        assert!(
            server.sent() <= server.asked() * SOCKET_BYTES,
            "{habit:?} is heard for {} bytes",
            server.sent()
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = IdentityProvider::start().await;
    let stage = stage(JwksAnswer::RedirectTo(elsewhere.jwks_uri())).await;
    unavailable(&stage.get("/v1/items/42").await, 1..=1);
    assert_eq!(elsewhere.fetches(), 0);
}

#[tokio::test]
async fn keys_come_from_a_server_that_the_roots_vouch_for() {
    let authority = Authority::generate();
    let roots = format!("{}/roots-of-outages.pem", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&roots, authority.root_pem()).expect("the target directory is writable");
    for (variables, status) in [(&[("SSL_CERT_FILE", roots.as_str())][..], 200), (&[], 503)] {
        let dynamo = Dynamo::start().await;
        dynamo.create_table(TABLE, "id");
        let provider = IdentityProvider::start_with_tls(&authority).await;
        let stage = Stage::told(provider, dynamo, "S", variables).await;
        stage.put("42", json!({}));
        assert_eq!(stage.get("/v1/items/42").await.status, status, "{}", stage.runtime.output());
        assert_eq!(stage.provider.fetches(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn warm_requests_fetch_nothing() {
    let stage = stage(JwksAnswer::Keys).await;
    let key = stage.provider.signing_key();
    let mut expired = stage.provider.claims();
    expired["exp"] = json!(1);
    for _ in 0..3 {
        assert_eq!(stage.get("/v1/items/42").await.status, 200);
        // Refusals that no other key could turn cost the provider nothing.
        for token in [
            "a.b.c".to_owned(),
            key.token(&expired),
            SigningKey::ec(key.kid()).token(&stage.provider.claims()),
            key.token_with_header(&json!({"alg": "none", "kid": "unknown"}), &stage.provider.claims()),
        ] {
            problem(&get_with(&stage, &token).await, 401, "token-refused");
        }
    }
    assert_eq!(stage.provider.fetches(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let stage = stage(JwksAnswer::Keys).await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    let old = stage.provider.token();
    assert_eq!(get_with(&stage, &old).await.status, 200);
    stage.provider.rotate("key-2");
    // As long as nobody shows that there is a new one.
    assert_eq!(get_with(&stage, &old).await.status, 200);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(stage.provider.fetches(), 2);
    // What the provider has withdrawn counts no more, though it has been verified before.
    problem(&get_with(&stage, &old).await, 401, "token-refused");
    // The next one within the minute is not looked for.
    stage.provider.rotate("key-3");
    problem(&stage.get("/v1/items/42").await, 401, "token-refused");
    assert_eq!(stage.provider.fetches(), 2);
}

#[tokio::test]
async fn two_keys_hold_at_the_same_time() {
    let stage = stage(JwksAnswer::Keys).await;
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
    let stage = stage(JwksAnswer::Keys).await;
    for number in 0..50 {
        let token = by_unknown_key(&stage, &format!("guess-{number}"));
        problem(&get_with(&stage, &token).await, 401, "token-refused");
    }
    assert_eq!(stage.provider.fetches(), 2);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
}

#[tokio::test]
async fn keys_are_kept_while_the_provider_is_out_of_order() {
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
        let stage = stage(JwksAnswer::Keys).await;
        let remembered = stage.provider.token();
        assert_eq!(get_with(&stage, &remembered).await.status, 200, "{shown}");
        stage.provider.answer_with(answer);
        let begun = Instant::now();
        for number in 0..3 {
            let unknown = by_unknown_key(&stage, &format!("unknown-{number}"));
            unavailable(&get_with(&stage, &unknown).await, 1..=60);
            assert_eq!(get_with(&stage, &remembered).await.status, 200, "{shown}");
            assert_eq!(stage.get("/v1/items/42").await.status, 200, "{shown}");
            problem(&get_with(&stage, "a.b.c").await, 401, "token-refused");
        }
        assert!(begun.elapsed() < PATIENCE, "{shown} takes {:?}", begun.elapsed());
        // A failed attempt counts, too.
        assert_eq!(stage.provider.fetches(), 2, "{shown}");
    }
    assert_eq!(elsewhere.fetches(), 0);
}

/// Whether or not its signature is verified anew.
#[tokio::test]
async fn a_remembered_token_dies_in_its_second() {
    let stage = stage(JwksAnswer::Keys).await;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    let dies = async {
        // Where the machine stalls for two seconds, the token is dead before it could be remembered.
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
                assert!(now() >= exp, "refused before its time");
                break answer;
            }
            assert_eq!(answer.status, 200);
            assert!(before < exp, "passed after its time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), dies).await.expect("the token dies");
    assert_eq!(problem(&answer, 401, "token-refused")["detail"], "the token has expired");
}

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_busy() {
    let silent = RawServer::start(Habit::Say(String::new())).await;
    for endpoint in ["http://127.0.0.1:1", silent.url()] {
        let stage = stage_told(&[("AWS_ENDPOINT_URL", endpoint)]).await;
        let event = AlbRequest::get("/v1/items/42").bearer(&stage.provider.token()).event();
        let bulk = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["42"]}));
        for event in [event, bulk.bearer(&stage.provider.token()).event()] {
            // Before the function is ended for taking too long.
            let answer = stage.runtime.invoke_within(&event, Duration::from_secs(4)).await;
            let answer = AlbAnswer::read(&answer.unwrap_or_else(|error| panic!("{endpoint}: {error}")));
            problem(&answer, 503, "table-busy");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
}
