//! Claims for each kind of provider.

use std::time::{SystemTime, UNIX_EPOCH};

use restctl_contract::issuer::Provider;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider};
use serde_json::{Value, json};

use super::case::Outcome::{self, Forbidden, Passes, Refused};
use super::case::*;
use crate::stage::Stage;

#[tokio::test]
async fn the_claims_of_auth0_are_checked() {
    let stage = start_stage(Provider::Auth0, &[AUDIENCE], IdentityProvider::start().await).await;
    let claims = stage.provider.claims();
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_and_subjects(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    cases.extend(cases_of_texts(&stage, &claims, "scope"));
    cases.extend(cases_of_lists(&stage, &claims, "scope"));
    cases.extend(cases_of_malformed_grants(&stage, &claims, "scope", wrong_type!("scope")));
    cases.extend(cases_of_foreign_grants(&stage, &claims, &["scope", "permissions"]));
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
    cases.extend(cases_of_issuers_and_subjects(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    for claim in ["scope", "scp"] {
        let claims = with_member(&claims, "scope", Value::Null);
        cases.extend(cases_of_texts(&stage, &claims, claim));
        cases.extend(cases_of_lists(&stage, &claims, claim));
    }
    cases.extend(cases_of_malformed_grants(&stage, &claims, "scope", wrong_type!("scope")));
    cases.extend(cases_of_malformed_grants(&stage, &claims, "scp", wrong_type!("scp")));
    cases.extend(cases_of_foreign_grants(&stage, &claims, &["scope", "scp"]));
    assert_cases(&stage, cases).await;
}

#[tokio::test]
async fn the_claims_of_entra_are_checked() {
    let stage = start_stage(Provider::Entra, &[AUDIENCE], IdentityProvider::start().await).await;
    let mut claims = with_member(&stage.provider.claims(), "scope", Value::Null);
    claims["roles"] = json!(["read:items"]);
    claims["azp"] = json!("client-1");
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_and_subjects(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    cases.extend(cases_of_lists(&stage, &claims, "roles"));
    cases.extend(cases_of_malformed_grants(&stage, &claims, "roles", wrong_type!("roles")));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "roles",
        vec![(Value::Null, Forbidden), (json!("read:items"), wrong_type!("roles"))],
    ));
    let without_roles = with_member(&claims, "roles", Value::Null);
    cases.extend(cases_of_texts(&stage, &without_roles, "scp"));
    cases.extend(cases_of_claim(&stage, &claims, "scp", vec![(json!(["read:items"]), wrong_type!("scp"))]));
    cases.extend(cases_of_foreign_grants(&stage, &claims, &["roles", "scp"]));
    // An ID token names no client. The API's own application is its audience, and it has the user's roles.
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "azp",
        vec![
            (Value::Null, Refused("the token has no claim azp")),
            (json!(""), USE),
            (json!(7), wrong_type!("azp")),
            (json!(["client-1"]), wrong_type!("azp")),
        ],
    ));
    let id_token = with_member(&claims, "azp", Value::Null);
    cases.extend(cases_of_claim(
        &stage,
        &id_token,
        "appid",
        vec![(json!("client-1"), Passes), (json!(""), USE), (json!(true), wrong_type!("appid"))],
    ));
    assert_cases(&stage, cases).await;
}

#[tokio::test]
async fn the_claims_of_okta_are_checked() {
    let stage = start_stage(Provider::Okta, &[AUDIENCE], IdentityProvider::start().await).await;
    let mut claims = with_member(&stage.provider.claims(), "scope", Value::Null);
    claims["scp"] = json!(["read:items"]);
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_and_subjects(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    cases.extend(cases_of_texts(&stage, &claims, "scp"));
    cases.extend(cases_of_lists(&stage, &claims, "scp"));
    cases.extend(cases_of_malformed_grants(&stage, &claims, "scp", wrong_type!("scp")));
    cases.extend(cases_of_foreign_grants(&stage, &claims, &["scp"]));
    assert_cases(&stage, cases).await;
}

#[tokio::test]
async fn the_claims_of_keycloak_are_checked() {
    let stage = start_stage(Provider::Keycloak, &[AUDIENCE], IdentityProvider::start().await).await;
    let mut claims = stage.provider.claims();
    claims["typ"] = json!("Bearer");
    let mut cases = cases_of_times(&stage, &claims);
    cases.extend(cases_of_issuers_and_subjects(&stage, &claims));
    cases.extend(cases_of_audiences(&stage, &claims));
    cases.extend(cases_of_texts(&stage, &claims, "scope"));
    cases.extend(cases_of_malformed_grants(&stage, &claims, "scope", wrong_type!("scope")));
    cases.extend(cases_of_claim(&stage, &claims, "aud", vec![(json!("account"), OTHER_AUDIENCE)]));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "scope",
        vec![(json!(["read:items"]), wrong_type!("scope"))],
    ));
    cases.extend(cases_of_foreign_grants(&stage, &claims, &["scope", "realm_access", "resource_access"]));
    let without_scope = with_member(&claims, "scope", Value::Null);
    let realm = wrong_type!("realm_access.roles");
    cases.extend(cases_of_claim(
        &stage,
        &without_scope,
        "realm_access",
        vec![
            (json!({"roles": ["offline_access", "read:items"]}), Passes),
            (json!({"roles": []}), Forbidden),
            (json!({"roles": null}), Forbidden),
            (json!({"roles": ["write:items read:items"]}), Forbidden),
            (json!({"scope": ["read:items"], "read:items": true}), Forbidden),
            (json!({"roles": "read:items"}), realm),
            (json!({"roles": {"read:items": true}}), realm),
            (json!(["read:items"]), realm),
            (json!("read:items"), realm),
        ],
    ));
    let client = wrong_type!("resource_access");
    cases.extend(cases_of_claim(
        &stage,
        &without_scope,
        "resource_access",
        vec![
            (json!({AUDIENCE: {"roles": ["read:items"]}}), Passes),
            (json!({AUDIENCE: {"roles": ["write:items"]}}), Forbidden),
            (json!({"account": {"roles": ["read:items"]}}), Forbidden),
            (json!({"client-1": {"roles": ["read:items"]}, AUDIENCE: {}}), Forbidden),
            (json!({"roles": ["read:items"]}), Forbidden),
            (json!({AUDIENCE.to_uppercase(): {"roles": ["read:items"]}}), Forbidden),
            (json!({AUDIENCE: ["read:items"]}), client),
            (json!({AUDIENCE: {"roles": "read:items"}}), client),
            (json!(["read:items"]), client),
        ],
    ));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "typ",
        vec![
            (Value::Null, Refused("the token has no claim typ")),
            (json!("ID"), USE),
            (json!("Refresh"), USE),
            (json!("Offline"), USE),
            (json!("Logout"), USE),
            (json!("DPoP"), USE),
            (json!("bearer"), USE),
            (json!(""), USE),
            (json!(["Bearer"]), wrong_type!("typ")),
        ],
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
    cases.extend(cases_of_issuers_and_subjects(&stage, &claims));
    cases.extend(cases_of_texts(&stage, &claims, "scope"));
    cases.extend(cases_of_malformed_grants(&stage, &claims, "scope", wrong_type!("scope")));
    cases.extend(cases_of_claim(
        &stage,
        &claims,
        "scope",
        vec![(json!(["read:items"]), wrong_type!("scope"))],
    ));
    cases.extend(cases_of_foreign_grants(&stage, &claims, &["scope"]));
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

fn cases_of_issuers_and_subjects(stage: &Stage, claims: &Value) -> Vec<Case> {
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
    cases
}

/// A claim that grants as a text with spaces between its values.
fn cases_of_texts(stage: &Stage, claims: &Value, claim: &str) -> Vec<Case> {
    cases_of_claim(
        stage,
        claims,
        claim,
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
        ],
    )
}

/// A claim that grants as a list, each of whose elements is one value.
fn cases_of_lists(stage: &Stage, claims: &Value, claim: &str) -> Vec<Case> {
    cases_of_claim(
        stage,
        claims,
        claim,
        vec![
            (json!(["read:items"]), Passes),
            (json!(["write:items", "read:items"]), Passes),
            (json!([]), Forbidden),
            (json!([""]), Forbidden),
            (json!(["read", "READ:ITEMS", "*"]), Forbidden),
            (json!(["write:items read:items"]), Forbidden),
        ],
    )
}

/// Neither a text nor a list of texts.
fn cases_of_malformed_grants(stage: &Stage, claims: &Value, claim: &str, outcome: Outcome) -> Vec<Case> {
    cases_of_claim(
        stage,
        claims,
        claim,
        vec![
            (json!([1, "read:items"]), outcome),
            (json!([["read:items"]]), outcome),
            (json!({"read:items": true}), outcome),
            (json!(true), outcome),
            (json!(1), outcome),
        ],
    )
}

#[rustfmt::skip]
const FOREIGN_CLAIMS: [&str; 10] = [
    "scope", "scp", "permissions", "roles", "groups", "wids", "authorities", "entitlements", "cognito:groups",
    "realm_access.roles",
];

/// Claims that grant with other providers, or look as if they could. Those that start with one of the provider's `own` names
/// are left out.
fn cases_of_foreign_grants(stage: &Stage, claims: &Value, own: &[&str]) -> Vec<Case> {
    let without_grants =
        own.iter().fold(claims.clone(), |claims, name| with_member(&claims, name, Value::Null));
    let grants = [json!("read:items"), json!(["read:items"])];
    let mut cases = Vec::new();
    for name in FOREIGN_CLAIMS.into_iter().filter(|name| !own.contains(name)) {
        let rows = grants.clone().map(|value| (value, Forbidden));
        cases.extend(cases_of_claim(stage, &without_grants, name, rows.into()));
    }
    for name in ["realm_access", "resource_access"].into_iter().filter(|name| !own.contains(name)) {
        let roles = [json!({"roles": ["read:items"]}), json!({AUDIENCE: {"roles": ["read:items"]}})];
        let rows = roles.map(|value| (value, Forbidden));
        cases.extend(cases_of_claim(stage, &without_grants, name, rows.into()));
        // A claim that does not count cannot refuse a token, either.
        cases.extend(cases_of_claim(stage, claims, name, vec![(json!(7), Passes)]));
    }
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
