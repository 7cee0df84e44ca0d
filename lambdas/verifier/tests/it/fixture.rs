//! A policy, the claims that satisfy it, and a verifier that is checked against its explanation.

use restctl_verifier::{
    Check, CheckOutcome, Claims, KeySet, MAX_SHOWN_CHARS, Policy, Provider, Refusal, explain,
};
use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) fn auth0_policy() -> Policy {
    Policy {
        provider: Provider::Auth0,
        issuer: "https://tenant.example.test/".to_owned(),
        audience: "https://items.example.test".to_owned(),
        scope: "read:items".to_owned(),
    }
}

/// Verifies a token, and asserts that its explanation agrees with the outcome.
#[track_caller]
pub(crate) fn verify(token: &str, keys: &KeySet, policy: &Policy, now: u64) -> Result<Claims, Refusal> {
    let outcome = restctl_verifier::verify(token, keys, policy, now);
    let explanation = explain(token, keys, policy, now);
    let first = explanation.first_failure();
    assert_eq!(first.map(|(_, refusal)| refusal), outcome.as_ref().err());
    let checks = explanation.checks.iter().map(|report| report.check);
    assert!(checks.eq(Check::for_provider(policy.provider)));
    let mut before_failure =
        explanation.checks.iter().take_while(|report| !matches!(report.outcome, CheckOutcome::Failed(_)));
    assert!(before_failure.all(|report| report.outcome == CheckOutcome::Passed), "{explanation:?}");
    for report in &explanation.checks {
        for text in [&report.found, &report.expected] {
            assert!(text.chars().count() <= MAX_SHOWN_CHARS && !text.contains(char::is_control), "{text}");
            assert!(
                !text.contains('\u{202e}') && (text.len() < 40 || !token.contains(text.as_str())),
                "{text}"
            );
        }
    }
    outcome
}

pub(crate) fn policy_for(provider: Provider) -> Policy {
    let audience = match provider {
        Provider::Cognito => "client-1, client-2,",
        _ => "https://items.example.test",
    };
    Policy { provider, audience: audience.to_owned(), ..auth0_policy() }
}

pub(crate) fn cognito_claims() -> Value {
    let claims = with(without(claims(), "aud"), "client_id", json!("client-1"));
    with(claims, "token_use", json!("access"))
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://tenant.example.test/",
        "sub": "client@clients",
        "aud": "https://items.example.test",
        "iat": NOW,
        "exp": NOW + 600,
        "scope": "write:items read:items",
    })
}

pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().and_then(|object| object.remove(name)).expect("the member exists");
    object
}

pub(crate) fn key_set(jwks: &[Value]) -> KeySet {
    KeySet::from_json(json!({"keys": jwks}).to_string().as_bytes()).expect("the key set is usable")
}
