//! What is said of each check, beyond which one fails first: `refusals.rs` holds that against `verify`.

use restctl_testkit::signing_key::{SigningKey, unsigned};
use restctl_verifier::{
    Check, Explanation, Finding, KeySet, MAX_SHOWN_CHARS, Policy, Provider, Refusal, Verdict, explain,
};
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;

fn policy() -> Policy {
    Policy {
        provider: Provider::Auth0,
        issuer: "https://tenant.example.test/".to_owned(),
        audience: "https://items.example.test".to_owned(),
        scope: "read:items".to_owned(),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://tenant.example.test/",
        "aud": ["https://items.example.test"],
        "iat": NOW - 60,
        "exp": NOW + 600,
        "scope": "read:items",
    })
}

fn key_set(key: &SigningKey) -> KeySet {
    KeySet::from_json(json!({"keys": [key.jwk()]}).to_string().as_bytes()).expect("a key set")
}

fn of(explanation: &Explanation, check: Check) -> &Finding {
    explanation.findings.iter().find(|finding| finding.check == check).expect("it was asked")
}

#[test]
fn a_good_token_is_shown_beside_what_is_asked() {
    let key = SigningKey::rsa("key-1");
    let explanation = explain(&key.token(&claims()), &key_set(&key), &policy(), NOW);
    assert_eq!(explanation.first_failure(), None);
    let said = |check| {
        let finding = of(&explanation, check);
        (finding.found.as_str(), finding.expected.as_str())
    };
    assert_eq!(said(Check::Key), ("key-1 (RS256)", "key-1 (RS256)"));
    assert_eq!(said(Check::Expiry), ("1700000600, in 600 s", "later than now"));
    assert_eq!(said(Check::IssuedAt), ("1699999940, 60 s ago", "not later than 60 s from now, or none"));
    assert_eq!(said(Check::Subject), ("none", "a text, or none"));
    assert_eq!(said(Check::Audience), (r#"["https://items.example.test"]"#, "https://items.example.test"));
    assert_eq!(said(Check::Scope), ("read:items", "read:items"));
}

#[test]
fn claims_are_judged_behind_a_wrong_signature() {
    let (key, foreign) = (SigningKey::ec("key-1"), SigningKey::ec("key-1"));
    let mut wrong = claims();
    wrong["aud"] = json!("https://other.example.test");
    let explanation = explain(&foreign.token(&wrong), &key_set(&key), &policy(), NOW);
    assert_eq!(explanation.first_failure().unwrap().0.check, Check::Signature);
    assert_eq!(of(&explanation, Check::Issuer).verdict, Verdict::Passed);
    assert_eq!(of(&explanation, Check::Audience).verdict, Verdict::Failed(Refusal::WrongAudience));
    assert_eq!(of(&explanation, Check::Scope).verdict, Verdict::Passed);
}

#[test]
fn what_cannot_be_read_is_not_judged() {
    let key = SigningKey::ec("key-1");
    let keys = key_set(&key);
    let not_reached = |token: &str| -> Vec<Check> {
        let findings = explain(token, &keys, &policy(), NOW).findings.into_iter();
        findings
            .filter(|finding| finding.verdict == Verdict::NotReached)
            .map(|finding| finding.check)
            .collect()
    };
    let asked: Vec<Check> = Check::asked_of(Provider::Auth0).collect();
    assert_eq!(not_reached(&"x".repeat(10_000)), asked[1..]);
    assert_eq!(not_reached("no token"), asked[2..]);
    let mut header = key.header();
    header["alg"] = json!("none");
    let unsigned = format!("{}.", unsigned(&header, &claims()));
    assert_eq!(not_reached(&unsigned), [Check::Key, Check::Signature]);
    header["alg"] = json!("ES256");
    header["kid"] = json!("key-2");
    assert_eq!(not_reached(&key.token_with_header(&header, &claims())), [Check::Signature]);
    assert_eq!(not_reached(&key.token(&json!("text"))), asked[9..]);
}

#[test]
fn what_is_shown_is_bounded_and_harmless() {
    let key = SigningKey::ec("key-1");
    let mut hostile = claims();
    hostile["iss"] = json!("\u{1b}]0;title\u{7}\u{202e}\u{9b}31m\n");
    hostile["scope"] = json!("é".repeat(1000));
    let explanation = explain(&key.token(&hostile), &key_set(&key), &policy(), NOW);
    let issuer = &of(&explanation, Check::Issuer).found;
    assert_eq!(issuer, r"\u{1b}]0;title\u{7}\u{202e}\u{9b}31m\u{a}");
    let scope = &of(&explanation, Check::Scope).found;
    assert!(scope.chars().count() <= MAX_SHOWN_CHARS && scope.ends_with("é…"), "{scope}");
}
