//! Forgeries made from one good token, and without any.

use std::time::Instant;

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_forgery::{Attempt, KnownIssuer, forge_attempts, forge_presentations};
use restctl_testkit::alb::AlbRequest;
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider};
use restctl_testkit::signing_key::SigningKey;
use serde_json::{Value, json};

use super::case::{assert_not_logged, challenge_for, start_stage};
use crate::stage::{Stage, TABLE, assert_problem};

const PATH: &str = "/v1/items/42";

/// Seconds since the Unix epoch. The API refuses the signatures before it reads the times.
const NOW: u64 = 1_700_000_000;

#[tokio::test]
async fn forgeries_of_an_ecdsa_token_are_refused() {
    assert_forgeries_refused(SigningKey::generate_ec("key-1")).await;
}

#[tokio::test]
async fn forgeries_of_an_rsa_token_are_refused() {
    assert_forgeries_refused(SigningKey::generate_rsa("key-1")).await;
}

#[tokio::test]
async fn forgeries_of_two_issuers_are_refused() {
    let (first, second) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let trusted =
        [first.trusted_issuer(), TrustedIssuer { provider: Provider::Cognito, ..second.trusted_issuer() }];
    let jwks = [first.jwks(), second.jwks()];
    let token = first.token();
    let known = [
        KnownIssuer { trusted: &trusted[0], jwks: &jwks[0], token: Some(&token) },
        KnownIssuer { trusted: &trusted[1], jwks: &jwks[1], token: None },
    ];
    let mut attempts = forge(&known[0], &known[1..]);
    attempts.extend(forge(&known[1], &known[..1]));

    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let began = Instant::now();
    let stage = Stage::start_with_issuers(first, dynamo, &trusted).await;
    stage.put_item("42", json!({}));
    assert_refused(&stage, &attempts).await;
    assert_eq!(stage.get(PATH).await.status, 200);
    // As often as the first issuer's: its unknown keys are fetched for, too.
    assert_fetched_for_unknown_keys(&second, began);
}

async fn assert_forgeries_refused(key: SigningKey) {
    let began = Instant::now();
    let stage = start_stage(Provider::Auth0, &[AUDIENCE], IdentityProvider::start_with(key).await).await;
    let (trusted, jwks, token) =
        (stage.provider.trusted_issuer(), stage.provider.jwks(), stage.provider.token());
    let known = KnownIssuer { trusted: &trusted, jwks: &jwks, token: Some(&token) };
    let mut attempts = forge_presentations(&token, PATH);
    attempts.extend(forge(&known, &[]));
    assert_refused(&stage, &attempts).await;
    assert_eq!(stage.get(PATH).await.status, 200);
    assert_fetched_for_unknown_keys(&stage.provider, began);
}

/// Fetches happen once at the start, and at most once a minute for unknown keys.
#[track_caller]
fn assert_fetched_for_unknown_keys(provider: &IdentityProvider, began: Instant) {
    let minutes = usize::try_from(began.elapsed().as_secs() / 60).unwrap();
    let fetches = provider.count_fetches();
    assert!((2..=2 + minutes).contains(&fetches), "{fetches} fetches in {minutes} minutes");
}

fn forge(issuer: &KnownIssuer<'_>, others: &[KnownIssuer<'_>]) -> Vec<Attempt> {
    let forgeries = forge_attempts(issuer, others, PATH, NOW).expect("the token is one of the provider's");
    assert!(
        forgeries.missing_key.is_none() && forgeries.attempts.len() >= 100,
        "{}",
        forgeries.attempts.len()
    );
    forgeries.attempts
}

/// Sends each request and asserts that it gets the expected answer, costs nothing and leaves no token in the log.
async fn assert_refused(stage: &Stage, attempts: &[Attempt]) {
    let mut tokens = vec![stage.provider.token()];
    for attempt in attempts {
        let (path, query) = attempt.path.split_once('?').unwrap_or((&attempt.path, ""));
        let mut request = AlbRequest::new(attempt.method, path).body(attempt.body.as_str());
        for (name, value) in &attempt.headers {
            request = request.header(name, value);
            tokens.extend(value.strip_prefix("Bearer ").map(str::to_owned));
        }
        for (name, value) in query.split('&').filter_map(|parameter| parameter.split_once('=')) {
            request = request.query(name, value);
        }
        let answer = stage.send(&request).await;
        let challenge = answer.header("www-authenticate").unwrap_or_else(|| panic!("{}", attempt.name));
        assert_eq!(answer.status, attempt.expected.status, "{}", attempt.name);
        let description = match attempt.expected.problem {
            Some(kind) => assert_problem(&answer, attempt.expected.status, kind)["detail"].clone(),
            None => Value::Null,
        };
        let expected = match attempt.expected.challenge {
            Some("") => r#"Bearer realm="restctl""#.to_owned(),
            Some("invalid_token") => challenge_for(description.as_str().unwrap_or_default()),
            Some(code) => format!(r#"Bearer realm="restctl", error="{code}""#),
            None => panic!("{} expects no challenge", attempt.name),
        };
        assert_eq!(challenge, expected, "{}", attempt.name);
    }
    assert_eq!(stage.dynamo.count_calls("GetItem"), 0);
    assert_not_logged(stage, &tokens).await;
}
