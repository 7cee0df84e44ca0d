//! An issuer, the claims that it requires, and a verifier that is checked against its explanation.

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use restctl_verifier::{Check, CheckOutcome, Claims, KeySet, MAX_SHOWN_CHARS, Refusal, explain};
use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) fn auth0_issuer() -> TrustedIssuer {
    TrustedIssuer {
        issuer: "https://tenant.example.test/".to_owned(),
        provider: Provider::Auth0,
        audiences: vec!["https://items.example.test".to_owned()],
        scope: "read:items".to_owned(),
        grant_claims: Vec::new(),
        algorithms: Algorithm::defaults(),
        jwks_uri: "https://tenant.example.test/jwks".to_owned(),
        authorities: Vec::new(),
    }
}

/// Verifies a token, and asserts that its explanation agrees with the outcome.
#[track_caller]
pub(crate) fn verify(
    token: &str,
    keys: &KeySet,
    issuer: &TrustedIssuer,
    now: u64,
) -> Result<Claims, Refusal> {
    let outcome = restctl_verifier::verify(token, keys, issuer, now);
    let explanation = explain(token, keys, issuer, now);
    let first = explanation.first_failure();
    assert_eq!(first.map(|(_, refusal)| refusal), outcome.as_ref().err());
    let checks = explanation.checks.iter().map(|report| report.check);
    assert!(checks.eq(Check::for_provider(issuer.provider)));
    let mut before_failure =
        explanation.checks.iter().take_while(|report| !matches!(report.outcome, CheckOutcome::Failed(_)));
    assert!(before_failure.all(|report| report.outcome == CheckOutcome::Passed), "{explanation:?}");
    // Only a token that is refused needs advice.
    assert!(explanation.advice.is_none() || outcome.is_err());
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

pub(crate) fn issuer_of(provider: Provider) -> TrustedIssuer {
    let audiences: &[&str] = match provider {
        Provider::Cognito => &["client-1", "client-2"],
        _ => &["https://items.example.test"],
    };
    let audiences = audiences.iter().map(ToString::to_string).collect();
    TrustedIssuer { provider, audiences, ..auth0_issuer() }
}

pub(crate) fn cognito_claims() -> Value {
    let claims = with(without(claims(), "aud"), "client_id", json!("client-1"));
    with(claims, "token_use", json!("access"))
}

/// Returns claims as the provider writes them for a client, which [`issuer_of`] accepts.
pub(crate) fn provider_claims(provider: Provider) -> Value {
    match provider {
        Provider::Auth0 => with(with(claims(), "azp", json!("client")), "gty", json!("client-credentials")),
        Provider::Entra => {
            let claims = with(without(claims(), "scope"), "roles", json!(["read:items"]));
            with(with(with(claims, "azp", json!("client")), "azpacr", json!("1")), "ver", json!("2.0"))
        }
        Provider::Okta => {
            let claims = with(without(claims(), "scope"), "scp", json!(["read:items"]));
            with(with(with(claims, "cid", json!("client")), "jti", json!("AT.1")), "ver", json!(1))
        }
        Provider::Keycloak => {
            let claims = with(claims(), "scope", json!("email profile read:items"));
            let claims = with(claims, "realm_access", json!({"roles": ["offline_access"]}));
            with(with(claims, "azp", json!("client")), "typ", json!("Bearer"))
        }
        Provider::Cognito => with(cognito_claims(), "version", json!(2)),
        Provider::OpenId => with(with(claims(), "client_id", json!("client")), "jti", json!("1")),
    }
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

/// Sets the member to which the names lead, and makes the objects on the way.
pub(crate) fn with_at(mut object: Value, names: &[&str], value: Value) -> Value {
    let mut member = &mut object;
    for name in names {
        member = &mut member[*name];
    }
    *member = value;
    object
}

pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().and_then(|object| object.remove(name)).expect("the member exists");
    object
}

pub(crate) fn key_set(jwks: &[Value]) -> KeySet {
    let document = json!({"keys": jwks}).to_string();
    KeySet::parse(document.as_bytes(), &Algorithm::defaults()).expect("the key set is usable")
}
