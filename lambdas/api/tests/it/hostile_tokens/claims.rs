//! Claims for each kind of provider.

use std::time::{SystemTime, UNIX_EPOCH};

use restctl_contract::issuer::Provider;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider};
use serde_json::{Value, json};

use super::case::Outcome::{Forbidden, Passes, Refused};
use super::case::*;
use crate::stage::Stage;

#[tokio::test]
async fn the_claims_of_auth0_are_checked() {
    let stage = start_stage(Provider::Auth0, &[AUDIENCE], IdentityProvider::start().await).await;
    let claims = stage.provider.claims();
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_subjects_and_scopes(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    let without_scope = with_member(&claims, "scope", Value::Null);
    cases.extend(cases_of_claim(
        &stage,
        &without_scope,
        "permissions",
        vec![
            (json!(["read:items"]), Passes),
            (json!(["write:items", "read:items"]), Passes),
            (json!([]), Forbidden),
            (json!(["read"]), Forbidden),
            (json!(["write:items read:items"]), Forbidden),
            (json!("read:items"), wrong_type!("permissions")),
            (json!([1, "read:items"]), wrong_type!("permissions")),
            (json!({"read:items": true}), wrong_type!("permissions")),
        ],
    ));
    assert_cases(&stage, cases).await;
}

#[tokio::test]
async fn the_claims_of_any_openid_issuer_are_checked() {
    let stage = start_stage(Provider::OpenId, &[AUDIENCE], IdentityProvider::start().await).await;
    let claims = stage.provider.claims();
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_subjects_and_scopes(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    // Permissions count only in Auth0's tokens.
    cases.extend(cases_of_claim(&stage, &claims, "permissions", vec![(json!("whatever"), Passes)]));
    let without_scope = with_member(&claims, "scope", Value::Null);
    cases.extend(cases_of_claim(
        &stage,
        &without_scope,
        "permissions",
        vec![(json!(["read:items"]), Forbidden)],
    ));
    assert_cases(&stage, cases).await;
}

#[tokio::test]
async fn the_claims_of_cognito_are_checked() {
    let stage =
        start_stage(Provider::Cognito, &["client-1", "client-2"], IdentityProvider::start().await).await;
    let mut claims = with_member(&stage.provider.claims(), "aud", Value::Null);
    claims["client_id"] = json!("client-1");
    claims["token_use"] = json!("access");
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_subjects_and_scopes(&stage, &claims));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "aud",
        vec![(json!("another"), Passes), (json!(7), Passes)],
    ));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "client_id",
        vec![
            (json!("client-2"), Passes),
            (Value::Null, Refused("the token has no claim client_id")),
            (json!(""), CLIENT),
            (json!("client-3"), CLIENT),
            (json!("client"), CLIENT),
            (json!("client-1,client-2"), CLIENT),
            (json!("CLIENT-1"), CLIENT),
            (json!(["client-1"]), wrong_type!("client_id")),
            (json!(1), wrong_type!("client_id")),
        ],
    ));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "token_use",
        vec![
            (Value::Null, Refused("the token has no claim token_use")),
            (json!("id"), USE),
            (json!("ACCESS"), USE),
            (json!(""), USE),
            (json!(["access"]), wrong_type!("token_use")),
            (json!(true), wrong_type!("token_use")),
        ],
    ));
    cases.extend(cases_of_claim(&stage, &claims, "permissions", vec![(json!({}), Passes)]));
    assert_cases(&stage, cases).await;
}

/// The verifier's own tests check the exact seconds, because there the clock is an argument. Here time passes while the
/// table is sent, and no row depends on it: expired tokens stay expired, and an hour is more than the table takes.
fn cases_of_times(stage: &Stage, claims: &Value) -> Vec<Case> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    let mut cases = cases_of_claim(
        stage,
        claims,
        "exp",
        vec![
            (json!(now + 3600), Passes),
            (json!(now as f64 + 3600.5), Passes),
            (json!(u64::MAX), Passes),
            (Value::Null, Refused("the token has no claim exp")),
            (json!(now), EXPIRED),
            (json!(now - 1), EXPIRED),
            (json!(now as f64 - 0.5), EXPIRED),
            (json!(0), EXPIRED),
            (json!(-1), wrong_type!("exp")),
            (json!(-1e300), wrong_type!("exp")),
            (json!(1e300), wrong_type!("exp")),
            (json!((now + 3600).to_string()), wrong_type!("exp")),
            (json!("never"), wrong_type!("exp")),
            (json!(true), wrong_type!("exp")),
            (json!([now + 3600]), wrong_type!("exp")),
            (json!({}), wrong_type!("exp")),
        ],
    );
    for (claim, ahead, wrong) in
        [("nbf", NOT_YET_VALID, wrong_type!("nbf")), ("iat", ISSUED_IN_FUTURE, wrong_type!("iat"))]
    {
        cases.extend(cases_of_claim(
            stage,
            claims,
            claim,
            vec![
                (Value::Null, Passes),
                (json!(0), Passes),
                (json!(now), Passes),
                (json!(now + 60), Passes),
                (json!(now + 61 + 3600), ahead),
                (json!(u64::MAX), ahead),
                (json!(-1), wrong),
                (json!("0"), wrong),
                (json!(false), wrong),
                (json!([0]), wrong),
            ],
        ));
    }
    cases
}

fn cases_of_issuers_subjects_and_scopes(stage: &Stage, claims: &Value) -> Vec<Case> {
    let issuer = stage.provider.issuer();
    let mut cases = cases_of_claim(
        stage,
        claims,
        "iss",
        vec![
            (Value::Null, Refused("the token has no claim iss")),
            (json!(""), ISSUER),
            (json!(issuer.trim_end_matches('/')), ISSUER),
            (json!(format!("{issuer}/")), ISSUER),
            (json!(format!("{issuer} ")), ISSUER),
            (json!(issuer.to_uppercase()), ISSUER),
            (json!("https://attacker.invalid/"), ISSUER),
            (json!([issuer]), wrong_type!("iss")),
            (json!(1), wrong_type!("iss")),
        ],
    );
    cases.extend(cases_of_claim(
        stage,
        claims,
        "sub",
        vec![
            (Value::Null, Passes),
            (json!(""), Passes),
            (json!("é\n\u{0}"), Passes),
            (json!(7), wrong_type!("sub")),
            (json!(["client-1"]), wrong_type!("sub")),
            (json!({}), wrong_type!("sub")),
        ],
    ));
    cases.extend(cases_of_claim(
        stage,
        claims,
        "scope",
        vec![
            (json!("read:items"), Passes),
            (json!("openid read:items profile"), Passes),
            (json!(" read:items "), Passes),
            (Value::Null, Forbidden),
            (json!(""), Forbidden),
            (json!("write:items"), Forbidden),
            (json!("read:items2 xread:items read: items"), Forbidden),
            (json!("READ:ITEMS"), Forbidden),
            (json!("read:* *"), Forbidden),
            (json!("openid,read:items"), Forbidden),
            (json!("openid\tread:items"), Forbidden),
            (json!(["read:items"]), wrong_type!("scope")),
            (json!({"read:items": true}), wrong_type!("scope")),
            (json!(true), wrong_type!("scope")),
        ],
    ));
    cases
}

fn cases_of_audiences(stage: &Stage, claims: &Value) -> Vec<Case> {
    cases_of_claim(
        stage,
        claims,
        "aud",
        vec![
            (json!([AUDIENCE]), Passes),
            (json!(["https://other.example.test", AUDIENCE]), Passes),
            (Value::Null, Refused("the token has no claim aud")),
            (json!(""), OTHER_AUDIENCE),
            (json!([]), OTHER_AUDIENCE),
            (json!("https://other.example.test"), OTHER_AUDIENCE),
            (json!(["https://other.example.test"]), OTHER_AUDIENCE),
            (json!(format!("{AUDIENCE}/")), OTHER_AUDIENCE),
            (json!(format!("https://other.example.test {AUDIENCE}")), OTHER_AUDIENCE),
            (json!(AUDIENCE.to_uppercase()), OTHER_AUDIENCE),
            (json!([AUDIENCE, 1]), wrong_type!("aud")),
            (json!([[AUDIENCE]]), wrong_type!("aud")),
            (json!({AUDIENCE: true}), wrong_type!("aud")),
            (json!(1), wrong_type!("aud")),
            (json!(true), wrong_type!("aud")),
        ],
    )
}
