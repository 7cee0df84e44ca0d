//! Texts that are not a signed JWT in compact form (RFC 7515, section 7.1), but that a lax parser may accept.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::base64url::encode_base64url;
use crate::token::{ForgedToken, Token};

pub(crate) fn forge_tokens(good: &Token) -> Vec<ForgedToken> {
    let mut forged = cut_or_joined(good);
    forged.extend(other_encodings(good));
    forged.extend(other_serializations(good));
    forged.extend(nested_parts(good));
    forged.extend(library_markers(good));
    forged
}

fn cut_or_joined(good: &Token) -> Vec<ForgedToken> {
    let [header, payload, signature] = &good.parts;
    let whole = good.parts.join(".");
    vec![
        ForgedToken::new("header only", header.as_str()),
        ForgedToken::new("header and payload only", format!("{header}.{payload}")),
        ForgedToken::new("dots only", ".."),
        ForgedToken::new("no header", format!(".{payload}.{signature}")),
        ForgedToken::new("no payload", format!("{header}..{signature}")),
        ForgedToken::new("last character removed", &whole[..whole.len() - 1]),
        ForgedToken::new("leading dot", format!(".{whole}")),
        ForgedToken::new("trailing dot", format!("{whole}.")),
        ForgedToken::new("double dot", format!("{header}..{payload}.{signature}")),
        ForgedToken::new("signature repeated", format!("{whole}.{signature}")),
        ForgedToken::new("space after a dot", format!("{header}. {payload}.{signature}")),
        ForgedToken::new("space before the signature", format!("{header}.{payload}. {signature}")),
        ForgedToken::new("tab before a dot", format!("{header}.{payload}\t.{signature}")),
        ForgedToken::new(
            "a claim of 8 KiB, old signature",
            good.with_payload(good.claims_with("pad", "x".repeat(8192)).to_string()),
        ),
    ]
}

/// Returns the same bytes in other encodings.
fn other_encodings(good: &Token) -> Vec<ForgedToken> {
    let [header, payload, signature] = &good.parts;
    let whole = good.parts.join(".");
    let reencode = |encode: fn(Vec<u8>) -> String| {
        let parts = good.parts.each_ref().map(|part| URL_SAFE_NO_PAD.decode(part).map(encode));
        parts.map(Result::unwrap_or_default).join(".")
    };
    vec![
        ForgedToken::new("padded base64url", reencode(|bytes| URL_SAFE.encode(bytes))),
        ForgedToken::new("standard base64", reencode(|bytes| STANDARD.encode(bytes))),
        ForgedToken::new("trailing padding", format!("{whole}=")),
        ForgedToken::new("padding after the payload", format!("{header}.{payload}=.{signature}")),
        ForgedToken::new(
            "stray bits in the last character",
            format!("{header}.{payload}.{}", with_stray_bits(signature)),
        ),
        ForgedToken::new("dots percent-encoded", whole.replace('.', "%2E")),
        ForgedToken::new("the whole token in base64url", encode_base64url(&whole)),
        ForgedToken::new("lower case", whole.to_ascii_lowercase()),
        ForgedToken::new("upper case", whole.to_ascii_uppercase()),
        ForgedToken::new("non-ASCII characters", "é.é.é"),
        ForgedToken::new(
            "parts in hexadecimal",
            good.parts.each_ref().map(|part| to_hexadecimal(part)).join("."),
        ),
    ]
}

fn other_serializations(good: &Token) -> Vec<ForgedToken> {
    let [header, payload, signature] = &good.parts;
    let whole = good.parts.join(".");
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    let encrypted = json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}).to_string();
    let mut nested = good.header_with("cty", "JWT");
    nested["typ"] = json!("JWT");
    vec![
        ForgedToken::new("flattened JSON serialization", flattened.to_string()),
        ForgedToken::new("general JSON serialization", general.to_string()),
        ForgedToken::new("claims as JSON", good.claims.to_string()),
        ForgedToken::new(
            "JWE of five parts",
            format!(
                "{}..{}.{payload}.{}",
                encode_base64url(encrypted),
                encode_base64url([0; 12]),
                encode_base64url([0; 16])
            ),
        ),
        ForgedToken::new("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ForgedToken::new(
            "nested token",
            format!("{}.{}.{signature}", encode_base64url(nested.to_string()), encode_base64url(&whole)),
        ),
    ]
}

/// Returns tokens that overflow the stack of a parser that descends without a limit.
fn nested_parts(good: &Token) -> Vec<ForgedToken> {
    let nested = "[".repeat(1200) + &"]".repeat(1200);
    let with_nested =
        |object: &Value, name: &str| object.to_string().replacen('{', &format!("{{\"{name}\":{nested},"), 1);
    let [_, payload, signature] = &good.parts;
    let with_nested_header =
        |name: &str| format!("{}.{payload}.{signature}", encode_base64url(with_nested(&good.header, name)));
    vec![
        ForgedToken::new("a header of 1,200 levels", with_nested_header("x")),
        // Unlike a parameter that nobody knows, this one is read.
        ForgedToken::new("a critical header parameter of 1,200 levels", with_nested_header("crit")),
        ForgedToken::new("claims of 1,200 levels", good.with_payload(with_nested(&good.claims, "x"))),
    ]
}

/// Returns tokens that use the member names by which serde_json, a JSON library for Rust, marks numbers and texts of its
/// own: an object with such a name could pass as a number, or as JSON that nothing has checked.
fn library_markers(good: &Token) -> Vec<ForgedToken> {
    let mut forged = Vec::new();
    for (name, value) in [
        ("$serde_json::private::Number", "9999999999".to_owned()),
        ("$serde_json::private::RawValue", "[".repeat(4000)),
    ] {
        let marked = json!({ name: value });
        let header = good.with_header(&good.header_with("x", marked.clone()));
        forged.push(ForgedToken::new(format!("{name} in the header"), header));
        let claims = good.with_payload(good.claims_with("exp", marked).to_string());
        forged.push(ForgedToken::new(format!("{name} as exp"), claims));
    }
    forged
}

/// Sets unused bits in the last character of base64, which must be zero (RFC 4648, section 3.5).
fn with_stray_bits(signature: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let has_unused_bits = !signature.len().is_multiple_of(4);
    let (rest, last) = signature.split_at(signature.len().saturating_sub(1));
    match ALPHABET.find(last).filter(|_| has_unused_bits).and_then(|value| ALPHABET.get(value + 1..value + 2))
    {
        Some(next) => format!("{rest}{next}"),
        None => signature.to_owned(),
    }
}

fn to_hexadecimal(part: &str) -> String {
    URL_SAFE_NO_PAD.decode(part).unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
}
