//! The issuer that a token names.

use restctl_contract::issuer::TrustedIssuer;
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{find_issuer, select_issuer};
use serde_json::{Value, json};

use crate::fixture::{auth0_issuer, claims, with, without};

const OTHER: &str = "https://other.example.test/";

#[test]
fn a_token_is_verified_by_the_issuer_that_it_names() {
    let other = TrustedIssuer { issuer: OTHER.to_owned(), ..auth0_issuer() };
    let both = [auth0_issuer(), other];
    let key = SigningKey::generate_ec("key-1");
    let token_of = |iss: Value| key.token(&with(claims(), "iss", iss));
    let repeated =
        key.sign(&format!("{}.{}", part("{}"), part(&format!(r#"{{"iss":"x","iss":"{OTHER}"}}"#))));
    for (token, found) in [
        (key.token(&claims()), Some(0)),
        (token_of(json!(OTHER)), Some(1)),
        (token_of(json!(OTHER.trim_end_matches('/'))), None),
        (token_of(json!([OTHER])), None),
        (token_of(json!("")), None),
        (key.token(&without(claims(), "iss")), None),
        (repeated, None),
        (format!("{}{}", token_of(json!(OTHER)), "A".repeat(9000)), None),
        ("a.b.c".to_owned(), None),
        (String::new(), None),
    ] {
        let names = || both.iter().map(|issuer| issuer.issuer.as_str());
        assert_eq!(find_issuer(&token, names()), found, "{token}");
        assert_eq!(select_issuer(&token, &both), found.unwrap_or(0), "{token}");
        // There is nothing to choose.
        assert_eq!(find_issuer(&token, names().take(1)), Some(0), "{token}");
        assert_eq!(find_issuer(&token, names().take(0)), None, "{token}");
    }
}

fn part(json: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, json)
}
