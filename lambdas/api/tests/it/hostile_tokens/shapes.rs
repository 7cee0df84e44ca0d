//! Headers, and malformed tokens with a good signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::Provider;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider};
use restctl_testkit::signing_key::{SigningKey, unsigned_token};
use serde_json::{Value, json};

use super::case::Outcome::{Passes, Refused};
use super::case::*;

#[tokio::test]
async fn bad_headers_and_shapes_are_refused() {
    let stage = start_stage(Provider::Auth0, &[AUDIENCE], IdentityProvider::start().await).await;
    let (key, claims) = (stage.provider.signing_key(), stage.provider.claims());
    let mut cases = Vec::new();
    for (name, value, outcome) in [
        ("typ", Value::Null, Passes),
        ("typ", json!("jwt"), Passes),
        ("typ", json!("at+jwt"), Passes),
        ("typ", json!("AT+JWT"), Passes),
        ("typ", json!("application/at+jwt"), Passes),
        ("typ", json!(""), TYPE),
        ("typ", json!("id+jwt"), TYPE),
        ("typ", json!("logout+jwt"), TYPE),
        ("typ", json!("dpop+jwt"), TYPE),
        ("typ", json!("JWE"), TYPE),
        ("typ", json!("JWT, at+jwt"), TYPE),
        ("typ", json!(7), MALFORMED),
        ("typ", json!(["JWT"]), MALFORMED),
        ("alg", Value::Null, MALFORMED),
        ("alg", json!("none"), ALGORITHM),
        ("alg", json!("es256"), ALGORITHM),
        ("alg", json!("ES256 "), ALGORITHM),
        ("alg", json!("ES512"), ALGORITHM),
        ("alg", json!("HS256"), ALGORITHM),
        ("alg", json!(256), MALFORMED),
        ("alg", json!("RS256"), Refused("the token's algorithm is not that of its key")),
        ("alg", json!("PS256"), Refused("the token's algorithm is not that of its key")),
        // The set has a single key.
        ("kid", Value::Null, Passes),
        ("kid", json!("KEY-1"), UNKNOWN_KEY),
        ("kid", json!("key-1 "), UNKNOWN_KEY),
        ("kid", json!("é"), UNKNOWN_KEY),
        ("kid", json!(1), MALFORMED),
        ("crit", json!(["exp"]), CRITICAL),
        ("crit", json!([]), CRITICAL),
        ("crit", json!("exp"), CRITICAL),
        ("crit", json!(false), CRITICAL),
        // The header's keys are ignored, and the signature is the provider's.
        ("jku", json!("https://attacker.invalid/"), Passes),
        ("jwk", SigningKey::generate_ec("key-1").jwk(), Passes),
        ("zip", json!("DEF"), Passes),
    ] {
        let token = key.token_with_header(&with_member(&key.header(), name, value.clone()), &claims);
        cases.push(Case { name: format!("header {name} = {value}"), token, outcome });
    }
    cases.extend(cases_of_shapes(&key, &claims));
    assert_cases(&stage, cases).await;
}

/// Returns tokens with the provider's signature over malformed headers and payloads.
fn cases_of_shapes(key: &SigningKey, claims: &Value) -> Vec<Case> {
    let text = |text: &str| json!(text).to_string();
    let (header, payload) = (key.header().to_string(), claims.to_string());
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let listed =
        json!([claims["iss"], "sub", AUDIENCE, claims["exp"], null, null, null, null, "read:items", []]);
    let raw = |header: &str, payload: &str| key.sign(&raw_message(header.as_bytes(), payload.as_bytes()));
    [
        ("as it should be", raw(&header, &payload), Passes),
        ("alg twice", raw(&twice(&header, r#""alg":"none""#), &payload), MALFORMED),
        ("kid twice", raw(&twice(&header, r#""kid":"other""#), &payload), MALFORMED),
        ("scope twice", raw(&header, &twice(&payload, r#""scope":"admin""#)), MALFORMED),
        ("exp twice", raw(&header, &twice(&payload, r#""exp":1"#)), MALFORMED),
        (
            "aud twice, the same",
            raw(&header, &twice(&payload, &format!("\"aud\":{}", claims["aud"]))),
            MALFORMED,
        ),
        (
            "exp too large for any number",
            raw(&header, &payload.replacen("\"exp\":", "\"exp\":1e999,\"x\":", 1)),
            wrong_type!("exp"),
        ),
        ("a space around the payload", raw(&header, &format!(" {payload}\n")), Passes),
        ("a byte order mark before the payload", raw(&header, &format!("\u{feff}{payload}")), MALFORMED),
        ("more after the payload", raw(&header, &format!("{payload}{{}}")), MALFORMED),
        ("payload cut short", raw(&header, &payload[..payload.len() - 1]), MALFORMED),
        ("payload empty", raw(&header, ""), MALFORMED),
        ("payload {}", raw(&header, "{}"), Refused("the token has no claim exp")),
        ("payload []", raw(&header, "[]"), MALFORMED),
        ("payload a list of the claims", raw(&header, &listed.to_string()), MALFORMED),
        ("payload null", raw(&header, "null"), MALFORMED),
        ("payload a text", raw(&header, &text(&payload)), MALFORMED),
        // Nothing that anyone may have written is parsed without a limit, even if it would be ignored.
        ("unknown claim, deep", raw(&header, &twice(&payload, &format!("\"x\":{deep}"))), MALFORMED),
        ("unknown parameter, deep", raw(&twice(&header, &format!("\"x\":{deep}")), &payload), MALFORMED),
        (
            "sub deep",
            raw(&header, &payload.replacen("\"sub\":", &format!("\"sub\":{deep},\"x\":"), 1)),
            MALFORMED,
        ),
        ("payload UTF-16", key.sign(&raw_message(header.as_bytes(), &to_utf16(&payload))), MALFORMED),
        ("a claim not UTF-8", key.sign(&raw_message(header.as_bytes(), &not_utf8(&payload))), MALFORMED),
        ("header {}", raw("{}", &payload), MALFORMED),
        ("header a list of the parameters", raw(r#"["ES256","JWT","key-1"]"#, &payload), MALFORMED),
        ("a parameter not UTF-8", key.sign(&raw_message(&not_utf8(&header), payload.as_bytes())), MALFORMED),
        ("key of another with this id", SigningKey::generate_ec("key-1").token(claims), SIGNATURE),
        ("key of another", SigningKey::generate_ec("key-2").token(claims), UNKNOWN_KEY),
        ("no signature", format!("{}.", unsigned_token(&key.header(), claims)), SIGNATURE),
        ("16,360 bytes", token_of_size(key, claims, 16_360), Passes),
        ("16,361 bytes", token_of_size(key, claims, 16_361), Refused("the token has more than 16360 bytes")),
        ("no token at all", "a.b.c".to_owned(), MALFORMED),
        ("percent signs", "%00.%00.%00".to_owned(), MALFORMED),
    ]
    .map(|(name, token, outcome)| Case { name: name.to_owned(), token, outcome })
    .into()
}

/// Returns a good token of exactly this size.
fn token_of_size(key: &SigningKey, claims: &Value, bytes: usize) -> String {
    let token = |header_pad: usize, claims_pad: usize| {
        let header = with_member(&key.header(), "pad", json!("x".repeat(header_pad)));
        key.token_with_header(&header, &with_member(claims, "pad", json!("x".repeat(claims_pad))))
    };
    // Base64 has four characters for three bytes. No part has one more than a multiple of four, so the header takes some.
    let most = (bytes - token(0, 0).len()) * 3 / 4;
    let pads = (0..3).flat_map(|header_pad| (most - 8..=most).map(move |pad| (header_pad, pad)));
    let mut tokens = pads.map(|(header_pad, claims_pad)| token(header_pad, claims_pad));
    tokens.find(|token| token.len() == bytes).expect("some padding gives this size")
}

/// Returns the text to sign for any header and payload.
fn raw_message(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn to_utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Returns the object with another member that is not UTF-8.
fn not_utf8(json: &str) -> Vec<u8> {
    [&b"{\"x\":\"\xff\","[..], &json.as_bytes()[1..]].concat()
}
