//! Texts that are not a JWT in compact form, and JWTs whose parts are not what they must be.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{MAX_TOKEN_BYTES, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, key_set, verify, with};

fn encode_base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn malformed_tokens_are_refused() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let good = key.token(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let twice = r#"{"alg":"none","alg":"ES256","kid":"ec"}"#;
    let malformed = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}!.{signature}"),
        format!("{}.{payload}.{signature}", encode_base64url("not JSON")),
        format!("{}.{payload}.{signature}", encode_base64url("[]")),
        format!("{}.{payload}.{signature}", encode_base64url("{}")),
        format!("{}.{payload}.{signature}", encode_base64url(twice)),
        format!("{}.{payload}.{signature}", encode_base64url([0xff, 0xfe])),
        format!("{}.{payload}.{signature}", encode_base64url("[".repeat(3000))),
        "é.é.é".to_owned(),
    ];
    for token in malformed {
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW), Err(Refusal::Malformed), "{token}");
    }
    // Arrays with the members' values, in the order in which the verifier declares them.
    let header_as_list = json!(["ES256", "JWT", "ec", null]);
    let listed = key.token_with_header(&header_as_list, &claims());
    assert_eq!(verify(&listed, &keys, &auth0_issuer(), NOW), Err(Refusal::Malformed));
    let claims_as_list = {
        let claims = claims();
        let names =
            ["iss", "sub", "aud", "exp", "nbf", "iat", "client_id", "token_use", "scope", "permissions"];
        Value::from_iter(names.map(|name| claims.get(name).cloned()))
    };
    for payload in [claims_as_list, json!([]), json!("text"), json!(null)] {
        assert_eq!(
            verify(&key.token(&payload), &keys, &auth0_issuer(), NOW),
            Err(Refusal::Malformed),
            "{payload}"
        );
    }
}

#[test]
fn invalid_utf8_is_refused_in_every_member() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let token = |header: &[u8], payload: &[u8]| {
        key.sign(&format!("{}.{}", encode_base64url(header), encode_base64url(payload)))
    };
    // In a member that the verifier ignores.
    let broken = |json: &str| [&b"{\"x\":\"\xff\","[..], &json.as_bytes()[1..]].concat();
    let (header, payload) = (key.header().to_string(), claims().to_string());
    assert!(verify(&token(header.as_bytes(), payload.as_bytes()), &keys, &auth0_issuer(), NOW).is_ok());
    for token in [token(&broken(&header), payload.as_bytes()), token(header.as_bytes(), &broken(&payload))] {
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW), Err(Refusal::Malformed), "{token}");
    }
}

#[test]
fn a_duplicate_claim_is_refused() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let token = |payload: &str| {
        key.sign(&format!("{}.{}", encode_base64url(key.header().to_string()), encode_base64url(payload)))
    };
    let once = claims().to_string();
    assert!(verify(&token(&once), &keys, &auth0_issuer(), NOW).is_ok());
    // It makes no difference whether a check reads the claim, or whether it is null: which one counts must not be a question.
    let unread = once.replacen('{', r#"{"unread":1,"#, 1);
    assert!(verify(&token(&unread), &keys, &auth0_issuer(), NOW).is_ok());
    for twice in [
        once.replacen('{', r#"{"scope":"none","#, 1),
        once.replacen('{', r#"{"scope":null,"#, 1),
        once.replacen('{', r#"{"sc\u006fpe":"none","#, 1),
        unread.replacen('{', r#"{"unread":2,"#, 1),
        unread.replacen('{', r#"{"roles":[],"roles":[],"#, 1),
    ] {
        assert_eq!(verify(&token(&twice), &keys, &auth0_issuer(), NOW), Err(Refusal::Malformed), "{twice}");
    }
}

/// Names that serde_json uses as its own: an object with one of them could pretend to be another value.
const MARKERS: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

#[test]
fn the_markers_of_a_json_library_are_ordinary_names() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let outcome = |claims: &Value| verify(&key.token(claims), &keys, &auth0_issuer(), NOW).map(|_| ());
    for marker in MARKERS {
        for value in [json!("1"), json!("[[[["), json!("\"x\""), json!({marker: "]"}), json!(7)] {
            assert_eq!(outcome(&with(claims(), marker, value.clone())), Ok(()), "{value}");
            let ignored = with(claims(), "ignored", json!({marker: value}));
            assert_eq!(outcome(&ignored), Ok(()), "{ignored}");
            let header = with(key.header(), "ignored", json!({marker: value}));
            let token = key.token_with_header(&header, &claims());
            assert!(verify(&token, &keys, &auth0_issuer(), NOW).is_ok(), "{header}");
        }
        for (name, value) in [("exp", (NOW + 60).to_string()), ("scope", claims()["scope"].to_string())] {
            let faked = with(claims(), name, json!({marker: value}));
            assert_eq!(outcome(&faked), Err(Refusal::MalformedClaim(name)), "{faked}");
        }
        let critical = with(key.header(), "crit", json!({marker: "null"}));
        let token = key.token_with_header(&critical, &claims());
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW), Err(Refusal::CriticalHeader));
    }
}

#[test]
fn nesting_is_bounded_in_every_member() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
    let token = |header: &Value, claims: &Value, nested: &str| {
        let part = |json: &Value| {
            encode_base64url(json.to_string().replacen('{', &format!("{{\"ignored\":{nested},"), 1))
        };
        let header =
            if header.is_null() { part(&key.header()) } else { encode_base64url(header.to_string()) };
        let claims =
            if claims.is_null() { part(&self::claims()) } else { encode_base64url(claims.to_string()) };
        key.sign(&format!("{header}.{claims}"))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"$serde_json::private::Number\":", "}")] {
        // The object itself is the first level.
        for (header, payload, most) in [(Value::Null, claims(), 7), (key.header(), Value::Null, 31)] {
            let outcome = |levels: usize| {
                let token = token(&header, &payload, &nested(open, close, levels));
                verify(&token, &keys, &auth0_issuer(), NOW).map(|_| ())
            };
            assert_eq!(outcome(most), Ok(()), "{most} of {open}");
            assert_eq!(outcome(most + 1), Err(Refusal::Malformed), "{} of {open}", most + 1);
        }
    }
}

#[test]
fn a_token_that_is_too_large_is_not_parsed() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let long = key.token(&with(claims(), "pad", json!("x".repeat(MAX_TOKEN_BYTES))));
    assert_eq!(verify(&long, &keys, &auth0_issuer(), NOW), Err(Refusal::TooLarge));
    assert_eq!(verify(&"x".repeat(MAX_TOKEN_BYTES + 1), &keys, &auth0_issuer(), NOW), Err(Refusal::TooLarge));
    assert_eq!(verify(&"x".repeat(MAX_TOKEN_BYTES), &keys, &auth0_issuer(), NOW), Err(Refusal::Malformed));
}

#[test]
fn refusals_fit_an_error_description() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let marked = with(key.header(), "kid", json!("marked\"\\é"));
    let refusal =
        verify(&key.token_with_header(&marked, &claims()), &keys, &auth0_issuer(), NOW).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownKey { kid: "marked\"\\é".to_owned() });
    let texts = [
        refusal,
        Refusal::TooLarge,
        Refusal::Malformed,
        Refusal::UnsupportedType,
        Refusal::UnsupportedAlgorithm,
        Refusal::CriticalHeader,
        Refusal::MissingKeyId,
        Refusal::WrongAlgorithm,
        Refusal::WrongSignature,
        Refusal::MissingClaim("permissions"),
        Refusal::MalformedClaim("realm_access.roles"),
        Refusal::MalformedGrantClaim,
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::IssuedInFuture,
        Refusal::WrongIssuer,
        Refusal::WrongAudience,
        Refusal::WrongClient,
        Refusal::WrongUse,
        Refusal::MissingScope,
    ]
    .map(|refusal| refusal.to_string());
    for text in texts {
        let allowed = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
        assert!(text.len() <= 80 && text.bytes().all(allowed) && !text.contains("marked"), "{text}");
    }
}
