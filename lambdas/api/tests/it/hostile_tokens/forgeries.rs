//! Forgeries made from one good token.

use restctl_contract::issuer::Provider;
use restctl_forgery::forge_attempts;
use restctl_testkit::alb::AlbRequest;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider};
use restctl_testkit::signing_key::SigningKey;
use serde_json::Value;

use super::case::{assert_not_logged, challenge_for, start_stage};
use crate::stage::assert_problem;

#[tokio::test]
async fn forgeries_of_an_ecdsa_token_are_refused() {
    assert_forgeries_refused(SigningKey::generate_ec("key-1")).await;
}

#[tokio::test]
async fn forgeries_of_an_rsa_token_are_refused() {
    assert_forgeries_refused(SigningKey::generate_rsa("key-1")).await;
}

async fn assert_forgeries_refused(key: SigningKey) {
    let stage = start_stage(Provider::Auth0, &[AUDIENCE], IdentityProvider::start_with(key).await).await;
    let token = stage.provider.token();
    let attempts = forge_attempts(&token, &stage.provider.jwks(), "/v1/items/42");
    let attempts = attempts.expect("the token is one of the provider's");
    assert!(attempts.len() >= 100, "{}", attempts.len());
    let mut tokens = vec![token.clone()];
    for attempt in &attempts {
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
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    // One at the start, and one for all the unknown keys.
    assert_eq!(stage.provider.count_fetches(), 2);
    assert_not_logged(&stage, &tokens).await;
}
