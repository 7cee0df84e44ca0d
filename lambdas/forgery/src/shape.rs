//! Texts that are not a signed JWT in compact form (RFC 7515, section 7.1), though some parser may read one.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::token::{Forged, Token, encode};

pub(crate) fn tokens(good: &Token) -> Vec<Forged> {
    let mut forged = cut_and_joined(good);
    forged.extend(recoded(good));
    forged.extend(other_serializations(good));
    forged
}

fn cut_and_joined(good: &Token) -> Vec<Forged> {
    let [header, payload, signature] = &good.parts;
    let whole = good.parts.join(".");
    vec![
        Forged::new("header alone", header.as_str()),
        Forged::new("header and payload without a last dot", format!("{header}.{payload}")),
        Forged::new("dots alone", ".."),
        Forged::new("no header", format!(".{payload}.{signature}")),
        Forged::new("no payload", format!("{header}..{signature}")),
        Forged::new("last character cut off", &whole[..whole.len() - 1]),
        Forged::new("dot before", format!(".{whole}")),
        Forged::new("dot after", format!("{whole}.")),
        Forged::new("dot doubled", format!("{header}..{payload}.{signature}")),
        Forged::new("signature doubled", format!("{whole}.{signature}")),
        Forged::new("space within", format!("{header}. {payload}.{signature}")),
        Forged::new("space before the signature", format!("{header}.{payload}. {signature}")),
        Forged::new("tab within", format!("{header}.{payload}\t.{signature}")),
        Forged::new("more than 8 KiB", good.around(good.claims_with("pad", "x".repeat(8192)).to_string())),
    ]
}

/// The same bytes, written in another way.
fn recoded(good: &Token) -> Vec<Forged> {
    let [header, payload, signature] = &good.parts;
    let whole = good.parts.join(".");
    let parts = |encode: fn(Vec<u8>) -> String| {
        let parts = good.parts.each_ref().map(|part| URL_SAFE_NO_PAD.decode(part).map(encode));
        parts.map(Result::unwrap_or_default).join(".")
    };
    vec![
        Forged::new("padded base64url", parts(|bytes| URL_SAFE.encode(bytes))),
        Forged::new("standard base64", parts(|bytes| STANDARD.encode(bytes))),
        Forged::new("a padding sign after", format!("{whole}=")),
        Forged::new("a padding sign after the payload", format!("{header}.{payload}=.{signature}")),
        Forged::new("stray bits in the last character", format!("{header}.{payload}.{}", stray(signature))),
        Forged::new("dots percent-encoded", whole.replace('.', "%2E")),
        Forged::new("base64 of the whole", encode(&whole)),
        Forged::new("lower case", whole.to_ascii_lowercase()),
        Forged::new("upper case", whole.to_ascii_uppercase()),
        Forged::new("no ASCII", "é.é.é"),
        Forged::new("hexadecimal parts", good.parts.each_ref().map(|part| hexadecimal(part)).join(".")),
    ]
}

fn other_serializations(good: &Token) -> Vec<Forged> {
    let [header, payload, signature] = &good.parts;
    let whole = good.parts.join(".");
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    let encrypted = json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}).to_string();
    let mut nested = good.header_with("cty", "JWT");
    nested["typ"] = json!("JWT");
    vec![
        Forged::new("flattened JSON serialization", flattened.to_string()),
        Forged::new("general JSON serialization", general.to_string()),
        Forged::new("claims as JSON", good.claims.to_string()),
        Forged::new(
            "JWE of five parts",
            format!("{}..{}.{payload}.{}", encode(encrypted), encode([0; 12]), encode([0; 16])),
        ),
        Forged::new("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        Forged::new("nested token", format!("{}.{}.{signature}", encode(nested.to_string()), encode(&whole))),
    ]
}

/// Where the last character of base64 has bits to spare, they must be zero (RFC 4648, section 3.5).
fn stray(signature: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let spare = !signature.len().is_multiple_of(4);
    let (rest, last) = signature.split_at(signature.len().saturating_sub(1));
    match ALPHABET.find(last).filter(|_| spare).and_then(|value| ALPHABET.get(value + 1..value + 2)) {
        Some(next) => format!("{rest}{next}"),
        None => signature.to_owned(),
    }
}

fn hexadecimal(part: &str) -> String {
    URL_SAFE_NO_PAD.decode(part).unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
}
