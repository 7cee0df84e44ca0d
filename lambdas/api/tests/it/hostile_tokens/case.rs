//! A row of a table: a token, and the expected answer to a request with it.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use Outcome::{Forbidden, Passes, Refused};

use crate::stage::{Stage, TABLE, assert_problem};

/// The expected answer to a request with the token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Passes,
    /// 401 for this reason.
    Refused(&'static str),
    /// 403.
    Forbidden,
}

pub(super) struct Case {
    pub(super) name: String,
    pub(super) token: String,
    pub(super) outcome: Outcome,
}

pub(super) const MALFORMED: Outcome = Refused("the token is not a signed JWT in compact form");
pub(super) const ALGORITHM: Outcome = Refused("the token's algorithm is not accepted");
pub(super) const TYPE: Outcome = Refused("the token's type is not that of an access token");
pub(super) const CRITICAL: Outcome = Refused("the token has critical header parameters");
pub(super) const UNKNOWN_KEY: Outcome = Refused("the token is signed with an unknown key");
pub(super) const SIGNATURE: Outcome = Refused("the token's signature is wrong");
pub(super) const EXPIRED: Outcome = Refused("the token has expired");
pub(super) const NOT_YET_VALID: Outcome = Refused("the token is not valid yet");
pub(super) const ISSUED_IN_FUTURE: Outcome = Refused("the token was issued in the future");
pub(super) const ISSUER: Outcome = Refused("the token is from another issuer");
pub(super) const OTHER_AUDIENCE: Outcome = Refused("the token is for another audience");
pub(super) const CLIENT: Outcome = Refused("the token was issued to another client");
pub(super) const USE: Outcome = Refused("the token is not meant for access");

/// Refused because of a claim of the wrong type.
macro_rules! wrong_type {
    ($claim:literal) => {
        Refused(concat!("the token's claim ", $claim, " is of the wrong type"))
    };
}
pub(super) use wrong_type;

/// Starts the function with an item 42.
pub(super) async fn start_stage(provider: Provider, audiences: &[&str], identity: IdentityProvider) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let audiences = audiences.iter().map(ToString::to_string).collect();
    let issuer = TrustedIssuer { provider, audiences, ..identity.trusted_issuer() };
    let stage = Stage::start_with_issuers(identity, dynamo, &[issuer]).await;
    stage.put_item("42", json!({}));
    stage
}

/// Sends each token and asserts the answers, and that the log has none of the tokens.
pub(super) async fn assert_cases(stage: &Stage, cases: Vec<Case>) {
    let mut passed = 0;
    for Case { name, token, outcome } in &cases {
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await;
        let actual = (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        let challenge = answer.header("www-authenticate");
        match *outcome {
            Passes => {
                assert_eq!(actual, (200, r#"{"id":"42"}"#.to_owned()), "{name}");
                assert_eq!(challenge, None, "{name}");
                passed += 1;
            }
            Refused(reason) => {
                assert_eq!(actual.0, 401, "{name}: {}", actual.1);
                assert_eq!(assert_problem(&answer, 401, "token-refused")["detail"], reason, "{name}");
                assert_eq!(challenge, Some(challenge_for(reason).as_str()), "{name}");
            }
            Forbidden => assert_forbidden(name, &answer),
        }
    }
    assert!(passed > 0 && passed < cases.len());
    assert_eq!(stage.dynamo.count_calls("GetItem"), passed, "a refused request must not read the table");
    let tokens: Vec<String> = cases.into_iter().map(|case| case.token).collect();
    assert_not_logged(stage, &tokens).await;
}

fn assert_forbidden(name: &str, answer: &AlbAnswer) {
    assert_eq!(answer.status, 403, "{name}: {}", String::from_utf8_lossy(&answer.body));
    let detail = assert_problem(answer, 403, "scope-missing")["detail"].clone();
    assert_eq!(detail, "the token lacks the scope read:items; request a token that has it", "{name}");
    let challenge = r#"Bearer realm="restctl", error="insufficient_scope", scope="read:items""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{name}");
}

/// Asserts that the log has no token, nor a part of one that is long enough to be unique.
pub(super) async fn assert_not_logged(stage: &Stage, tokens: &[String]) {
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
    let output = stage.wait_for_output(|output| output.contains(r#""route":"health""#)).await;
    let parts = tokens.iter().flat_map(|token| token.split(['.', ' ', ','])).filter(|part| part.len() >= 16);
    for part in parts.chain(["attacker.invalid"]) {
        assert!(!output.contains(part), "{part} is in the log: {output}");
    }
}

/// Returns a token for each value of a claim. Null removes the claim.
pub(super) fn cases_of_claim(
    stage: &Stage,
    claims: &Value,
    claim: &str,
    values: Vec<(Value, Outcome)>,
) -> Vec<Case> {
    let key = stage.provider.signing_key();
    let case = |(value, outcome): (Value, Outcome)| Case {
        name: format!("{claim} = {value}"),
        token: key.token(&with_member(claims, claim, value)),
        outcome,
    };
    let mut cases: Vec<Case> = values.into_iter().map(case).collect();
    // An explicit null counts as absent, too.
    if let Some(absent) = cases.iter().find(|case| case.name.ends_with("= null")) {
        let mut null = claims.clone();
        null[claim] = Value::Null;
        let name = format!("{claim} = explicit null");
        cases.push(Case { name, token: key.token(&null), outcome: absent.outcome });
    }
    cases
}

/// Returns the object with a member replaced, or removed if the value is null.
pub(super) fn with_member(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    if value.is_null() {
        object.as_object_mut().expect("claims are an object").shift_remove(name);
    } else {
        object[name] = value;
    }
    object
}

/// Returns the challenge that reports a refused token.
pub(super) fn challenge_for(reason: &str) -> String {
    format!(r#"Bearer realm="restctl", error="invalid_token", error_description="{reason}""#)
}
