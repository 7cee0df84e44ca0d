//! Tokens whose signature does not fit their content: another token's, an older one's, or another key's.

use restctl_contract::issuer::Algorithm;
use serde_json::json;

use crate::error::ForgeryError;
use crate::signing_key::SigningKey;
use crate::token::{ForgedToken, Token};

pub(crate) fn forge_tokens(good: &Token, attacker: &SigningKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = changed_contents(good);
    forged.extend(foreign_keys(good, attacker)?);
    forged.extend(changed_lengths(good));
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
    let rsa = SigningKey::generate(Algorithm::Rs256)?;
    let mut forged = Vec::new();
    for algorithm in Algorithm::ALL {
        let key = match rsa.material.algorithms().contains(&algorithm) {
            true => &rsa,
            false => &SigningKey::generate(algorithm)?,
        };
        let header = good.header_with("alg", algorithm.name());
        let token = key.sign_token_with(algorithm, &header, &good.claims)?;
        forged.push(ForgedToken::new(format!("foreign key, {algorithm}"), token));
    }
    let ed25519 = SigningKey::generate(Algorithm::EdDsa)?;
    let token = ed25519.sign_token(&good.header_with("alg", "Ed25519"), &good.claims)?;
    forged.push(ForgedToken::new("foreign key, Ed25519", token));
    let another_subject = attacker.sign_token(&good.header, good.claims_with("sub", "admin"))?;
    forged.push(ForgedToken::new("foreign key, another subject", another_subject));
    Ok(forged)
}

fn changed_lengths(good: &Token) -> [ForgedToken; 2] {
    let signature = &good.signature;
    [
        ForgedToken::new("half of the signature", good.with_signature(&signature[..signature.len() / 2])),
        ForgedToken::new(
            "signature with an extra byte",
            good.with_signature([signature.as_slice(), &[0]].concat()),
        ),
    ]
}
