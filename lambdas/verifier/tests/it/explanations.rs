//! What an explanation says of each check. `fixture::verify` asserts which check fails first.

use restctl_contract::issuer::Provider;
use restctl_testkit::signing_key::{SigningKey, unsigned_token};
use restctl_verifier::{Check, CheckOutcome, CheckReport, Explanation, MAX_SHOWN_CHARS, Refusal, explain};
use serde_json::json;

use crate::fixture::{NOW, auth0_issuer, claims, key_set, with, without};

fn find_report(explanation: &Explanation, check: Check) -> &CheckReport {
    explanation.checks.iter().find(|report| report.check == check).expect("the check applies")
}

#[test]
fn an_explanation_shows_found_and_expected_values() {
    let key = SigningKey::generate_rsa("key-1");
    let claims = with(without(claims(), "sub"), "aud", json!(["https://items.example.test"]));
    let claims = with(with(claims, "iat", json!(NOW - 60)), "scope", json!("read:items"));
    let explanation = explain(&key.token(&claims), &key_set(&[key.jwk()]), &auth0_issuer(), NOW);
    assert_eq!(explanation.first_failure(), None);
    let values = |check| {
        let report = find_report(&explanation, check);
        (report.found.as_str(), report.expected.as_str())
    };
    assert_eq!(values(Check::Key), ("key-1 (RS256)", "key-1 (RS256)"));
    assert_eq!(values(Check::Expiry), ("1700000600, in 600 s", "later than now"));
    assert_eq!(values(Check::IssuedAt), ("1699999940, 60 s ago", "not later than 60 s from now, or none"));
    assert_eq!(values(Check::Subject), ("none", "a string, or none"));
    assert_eq!(values(Check::Audience), (r#"["https://items.example.test"]"#, "https://items.example.test"));
    assert_eq!(
        values(Check::Scope),
        ("scope read:items; permissions none", "read:items in scope or permissions")
    );
}

#[test]
fn claims_are_checked_despite_a_wrong_signature() {
    let (key, foreign) = (SigningKey::generate_ec("key-1"), SigningKey::generate_ec("key-1"));
    let wrong = with(claims(), "aud", json!("https://other.example.test"));
    let explanation = explain(&foreign.token(&wrong), &key_set(&[key.jwk()]), &auth0_issuer(), NOW);
    assert_eq!(explanation.first_failure().unwrap().0.check, Check::Signature);
    assert_eq!(find_report(&explanation, Check::Issuer).outcome, CheckOutcome::Passed);
    assert_eq!(
        find_report(&explanation, Check::Audience).outcome,
        CheckOutcome::Failed(Refusal::WrongAudience)
    );
    assert_eq!(find_report(&explanation, Check::Scope).outcome, CheckOutcome::Passed);
}

#[test]
fn unreadable_parts_are_not_checked() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let not_reached = |token: &str| -> Vec<Check> {
        let checks = explain(token, &keys, &auth0_issuer(), NOW).checks.into_iter();
        checks
            .filter(|report| report.outcome == CheckOutcome::NotReached)
            .map(|report| report.check)
            .collect()
    };
    let all: Vec<Check> = Check::for_provider(Provider::Auth0).collect();
    assert_eq!(not_reached(&"x".repeat(20_000)), all[1..]);
    assert_eq!(not_reached("no token"), all[2..]);
    let mut header = key.header();
    header["alg"] = json!("none");
    let unsigned = format!("{}.", unsigned_token(&header, &claims()));
    assert_eq!(not_reached(&unsigned), [Check::Key, Check::Signature]);
    header["alg"] = json!("ES256");
    header["kid"] = json!("key-2");
    assert_eq!(not_reached(&key.token_with_header(&header, &claims())), [Check::Signature]);
    assert_eq!(not_reached(&key.token(&json!("text"))), all[9..]);
}

#[test]
fn shown_texts_are_short_and_safe_to_print() {
    let key = SigningKey::generate_ec("key-1");
    let mut hostile = claims();
    hostile["iss"] = json!("\u{1b}]0;title\u{7}\u{202e}\u{9b}31m\n");
    hostile["scope"] = json!("é".repeat(1000));
    let explanation = explain(&key.token(&hostile), &key_set(&[key.jwk()]), &auth0_issuer(), NOW);
    let issuer = &find_report(&explanation, Check::Issuer).found;
    assert_eq!(issuer, r"\u{1b}]0;title\u{7}\u{202e}\u{9b}31m\n");
    let scope = &find_report(&explanation, Check::Scope).found;
    assert!(scope.chars().count() <= MAX_SHOWN_CHARS && scope.ends_with("é…"), "{scope}");
}
