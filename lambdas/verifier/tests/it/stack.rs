//! Tokens and key sets that would overflow the stack of a parser without limits. Anyone can send such a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::Algorithm;
use restctl_testkit::signing_key::SigningKey;
use restctl_testkit::small_stack::run_on_small_stack;
use restctl_verifier::{KeySet, MAX_KEY_SET_BYTES, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, key_set, verify};

/// Returns an object whose member is the deepest value of `open` brackets that fits into `bytes`.
fn with_deep_member(object: &Value, name: &str, open: &str, bytes: usize) -> String {
    let text = object.to_string();
    let close: String = open.chars().rev().filter_map(closing_bracket).collect();
    let room = bytes.saturating_sub(text.len() + name.len() + 8);
    let levels = room / (open.len() + close.len());
    let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
    text.replacen('{', &format!("{{\"{name}\":{deep},"), 1)
}

fn closing_bracket(open: char) -> Option<char> {
    match open {
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

#[test]
fn deep_tokens_are_refused_on_little_stack() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let mut tokens = Vec::new();
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        for name in ["ignored", "crit", "kid", "alg", "typ", "jwk"] {
            let header = with_deep_member(&key.header(), name, open, 5000);
            let message = format!("{}.{}", encode(&header), encode(&claims().to_string()));
            tokens.push((key.sign(&message), "header", name));
            tokens.push((format!("{message}.AAAA"), "unsigned header", name));
        }
        for name in ["ignored", "scope", "aud", "exp", "permissions"] {
            let claims = with_deep_member(&claims(), name, open, 5000);
            let message = format!("{}.{}", encode(&key.header().to_string()), encode(&claims));
            tokens.push((key.sign(&message), "claims", name));
        }
    }
    run_on_small_stack(move || {
        for (token, part, name) in tokens {
            let outcome = verify(&token, &keys, &auth0_issuer(), NOW);
            assert_eq!(outcome, Err(Refusal::Malformed), "{name} in the {part}");
        }
    });
}

#[test]
fn deep_key_sets_are_refused_on_little_stack() {
    let jwk = SigningKey::generate_ec("ec").jwk();
    run_on_small_stack(move || {
        for open in ["[", "{\"a\":", "[{\"a\":"] {
            let set = json!({"keys": [jwk]});
            for name in ["ignored", "keys"] {
                let document = with_deep_member(&set, name, open, MAX_KEY_SET_BYTES);
                assert!(
                    KeySet::parse(document.as_bytes(), &Algorithm::defaults()).is_err(),
                    "{name}: {open}"
                );
            }
            for name in ["ignored", "kty", "key_ops", "x"] {
                let key = with_deep_member(&jwk, name, open, MAX_KEY_SET_BYTES - 100);
                let document = format!("{{\"keys\":[{key}]}}");
                assert!(
                    KeySet::parse(document.as_bytes(), &Algorithm::defaults()).is_err(),
                    "{name}: {open}"
                );
            }
        }
    });
}
