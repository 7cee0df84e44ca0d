//! A row of a table: a token, and what is to become of a request with it.

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use Outcome::{Forbidden, Passes, Refused};

use crate::stage::{Stage, TABLE, problem};

/// What becomes of a request with the token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Passes,
    /// 401, for this reason.
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
pub(super) const ALGORITHM: Outcome = Refused("the token's algorithm is none of RS256, PS256 and ES256");
pub(super) const TYPE: Outcome = Refused("the token's type is not that of an access token");
pub(super) const CRITICAL: Outcome = Refused("the token has critical header parameters");
pub(super) const UNKNOWN_KEY: Outcome = Refused("the token is signed with an unknown key");
pub(super) const SIGNATURE: Outcome = Refused("the token's signature is wrong");
pub(super) const EXPIRED: Outcome = Refused("the token has expired");
pub(super) const NOT_YET_VALID: Outcome = Refused("the token is not valid yet");
pub(super) const ISSUED_IN_FUTURE: Outcome = Refused("the token is issued in the future");
pub(super) const ISSUER: Outcome = Refused("the token is from another issuer");
pub(super) const AUDIENCE_OF_OTHERS: Outcome = Refused("the token is for another audience");
pub(super) const CLIENT: Outcome = Refused("the token was issued to another client");
pub(super) const USE: Outcome = Refused("the token is not meant for access");

/// A claim of the wrong type.
macro_rules! wrong_type {
    ($claim:literal) => {
        Refused(concat!("the token's claim ", $claim, " is of the wrong type"))
    };
}
pub(super) use wrong_type;

/// With an item 42.
pub(super) async fn stage(provider: &str, audience: &str, identity: IdentityProvider) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let variables = [("PROVIDER", provider), ("AUDIENCE", audience)];
    let stage = Stage::told(identity, dynamo, "S", &variables).await;
    stage.put("42", json!({}));
    stage
}

pub(super) async fn judge(stage: &Stage, cases: Vec<Case>) {
    let mut passed = 0;
    for Case { name, token, outcome } in &cases {
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await;
        let seen = (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        let challenge = answer.header("www-authenticate");
        match *outcome {
            Passes => {
                assert_eq!(seen, (200, r#"{"id":"42"}"#.to_owned()), "{name}");
                assert_eq!(challenge, None, "{name}");
                passed += 1;
            }
            Refused(reason) => {
                assert_eq!(seen.0, 401, "{name}: {}", seen.1);
                assert_eq!(problem(&answer, 401, "token-refused")["detail"], reason, "{name}");
                assert_eq!(challenge, Some(refused(reason).as_str()), "{name}");
            }
            Forbidden => forbidden(name, &answer),
        }
    }
    assert!(passed > 0 && passed < cases.len());
    assert_eq!(stage.dynamo.calls("GetItem"), passed, "whoever is refused costs the table nothing");
    let tokens: Vec<String> = cases.into_iter().map(|case| case.token).collect();
    refuse_to_log(stage, &tokens).await;
}

fn forbidden(name: &str, answer: &AlbAnswer) {
    assert_eq!(answer.status, 403, "{name}: {}", String::from_utf8_lossy(&answer.body));
    let detail = problem(answer, 403, "scope-missing")["detail"].clone();
    assert_eq!(detail, "this needs the scope read:items; ask for a token that has it", "{name}");
    let challenge = r#"Bearer realm="restctl", error="insufficient_scope", scope="read:items""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{name}");
}

/// Neither a token nor a part of it that is long enough to be one's own.
pub(super) async fn refuse_to_log(stage: &Stage, tokens: &[String]) {
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
    let output = stage.output(|output| output.contains(r#""route":"health""#)).await;
    let parts = tokens.iter().flat_map(|token| token.split(['.', ' ', ','])).filter(|part| part.len() >= 16);
    for part in parts.chain(["attacker.invalid"]) {
        assert!(!output.contains(part), "{part} is in the log: {output}");
    }
}

/// A token for each value of a claim; null leaves it out.
pub(super) fn changed(
    stage: &Stage,
    claims: &Value,
    claim: &str,
    values: Vec<(Value, Outcome)>,
) -> Vec<Case> {
    let key = stage.provider.signing_key();
    let case = |(value, outcome): (Value, Outcome)| Case {
        name: format!("{claim} = {value}"),
        token: key.token(&with(claims, claim, value)),
        outcome,
    };
    let mut cases: Vec<Case> = values.into_iter().map(case).collect();
    // JSON's null is no value either.
    if let Some(absent) = cases.iter().find(|case| case.name.ends_with("= null")) {
        let mut null = claims.clone();
        null[claim] = Value::Null;
        let name = format!("{claim} = null, not left out");
        cases.push(Case { name, token: key.token(&null), outcome: absent.outcome });
    }
    cases
}

pub(super) fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    if value.is_null() {
        object.as_object_mut().expect("claims are an object").shift_remove(name);
    } else {
        object[name] = value;
    }
    object
}

pub(super) fn refused(reason: &str) -> String {
    format!(r#"Bearer realm="restctl", error="invalid_token", error_description="{reason}""#)
}
