//! Forgeries that pass a verifier which does not check a signature's numbers, or which takes the key from the token.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, UnparsedPublicKey,
    VerificationAlgorithm,
};
use restctl_contract::issuer::Algorithm;
use serde_json::json;

use super::fixture::*;
use crate::base64url::encode_base64url;
use crate::elliptic_curve::Curve;
use crate::key_material::{KeyMaterial, uncompressed_point};
use crate::token::Token;

/// The orders as `openssl ecparam -param_enc explicit -text` prints them.
const ORDERS: [(Curve, &str); 3] = [
    (Curve::P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    (
        Curve::P384,
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        Curve::P521,
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
];

/// 2^252 + 27742317777372353535851937790883648493, big-endian.
const ED25519_ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn message_of(token: &str) -> &[u8] {
    token.rsplit_once('.').unwrap().0.as_bytes()
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[test]
fn the_hmac_secrets_are_common_encodings_of_the_public_key() {
    for issuer in Issuer::of_each_kind() {
        let attempts = issuer.forge();
        let hmac = |name: &str, secret: &[u8], algorithm| {
            let token = find_token(&attempts, name);
            let signature = Token::parse(token).unwrap().signature;
            hmac::verify(&hmac::Key::new(algorithm, secret), message_of(token), &signature).is_ok()
        };
        let with = |encoding: &str| format!("HS256, secret: the public key's {encoding}");
        let pem = issuer.key.public_key_pem();
        assert!(hmac(&with("PEM"), pem.as_bytes(), HMAC_SHA256), "{pem}");
        assert!(hmac("HS384, secret: the public key's PEM", pem.as_bytes(), HMAC_SHA384));
        assert!(hmac("HS512, secret: the public key's PEM", pem.as_bytes(), HMAC_SHA512));
        assert!(hmac(&with("PEM without its last newline"), pem.trim_end().as_bytes(), HMAC_SHA256));
        assert!(hmac(&with("DER"), pem::parse(&pem).unwrap().contents(), HMAC_SHA256));
        assert!(hmac(&with("JWK"), issuer.jwks["keys"][0].to_string().as_bytes(), HMAC_SHA256));
        let declared = format!("HMAC with the public key's PEM, declared as {}", issuer.key.algorithm);
        assert!(hmac(&declared, pem.as_bytes(), HMAC_SHA256));
        let raw = issuer.key.raw_public_key();
        let (own, text): (&[(&str, &[u8])], _) = match &issuer.key.material {
            KeyMaterial::Rsa { modulus, .. } => {
                (&[("PKCS#1 DER", raw), ("modulus", modulus)], ("modulus in base64", "n"))
            }
            KeyMaterial::EllipticCurve { x, .. } => (&[("point", raw), ("x", x)], ("x in base64", "x")),
            KeyMaterial::Ed25519 { .. } => (&[("x", raw)], ("x in base64", "x")),
        };
        for (encoding, secret) in own {
            assert!(hmac(&with(encoding), secret, HMAC_SHA256), "{encoding}");
        }
        let published = issuer.jwks["keys"][0][text.1].as_str().unwrap();
        assert!(hmac(&with(text.0), published.as_bytes(), HMAC_SHA256), "{}", text.0);
    }
}

#[test]
fn the_attackers_key_in_the_header_has_signed_the_token() {
    for issuer in Issuer::of_each_kind() {
        let attempts = issuer.forge();
        for (known, kid) in [("known key id", json!("key-of-tenant")), ("no key id", json!(null))] {
            let token =
                |name: &str| parse_token(&attempts, &format!("the attacker's key in {name}, {known}"));
            for name in ["jwk", "x5c"] {
                let token = token(name);
                assert_eq!(token.header["kid"], kid);
                let jwk = match name {
                    "jwk" => token.header["jwk"].clone(),
                    _ => json!({"x5c": token.header["x5c"]}),
                };
                let key = KeyMaterial::from_jwk(&jwk).unwrap();
                assert!(token.is_signed_by(&key, issuer.key.algorithm), "{name}, {known}");
            }
            // The thumbprints are those of one certificate: a verifier that finds it at the attacker's address accepts it.
            let lengths = ["x5t", "x5t#S256"].map(|name| token(name).header[name].as_str().unwrap().len());
            assert_eq!(lengths, [27, 43]);
        }
    }
}

#[test]
fn thumbprints_are_those_of_the_attackers_certificate() {
    let issuer = Issuer::new("tenant", Algorithm::Es256);
    let attempts = issuer.forge();
    let header =
        |name: &str| parse_token(&attempts, &format!("the attacker's key in {name}, no key id")).header;
    let text = header("x5c")["x5c"][0].as_str().unwrap().to_owned();
    let certificate = crate::key_material::decode_any_base64(&text).unwrap();
    for (name, hash) in [("x5t", &SHA1_FOR_LEGACY_USE_ONLY), ("x5t#S256", &SHA256)] {
        assert_eq!(header(name)[name], encode_base64url(digest(hash, &certificate)));
    }
}

#[test]
fn ecdsa_signatures_out_of_range_are_zero_to_a_verifier_that_does_not_check_it() {
    for (curve, order) in ORDERS {
        let issuer = Issuer::new("tenant", curve.algorithm());
        let attempts = issuer.forge();
        let halves = |name: &str| {
            let signature = parse_token(&attempts, name).signature;
            assert_eq!(signature.len(), 2 * curve.coordinate_bytes(), "{name}");
            let (r, s) = signature.split_at(curve.coordinate_bytes());
            [r.to_vec(), s.to_vec()]
        };
        assert!(halves("ECDSA signature of zeros").iter().all(|half| is_zero(half)));
        assert!(halves("ECDSA signature of the curve's order").iter().all(|half| hexadecimal(half) == order));
        let [r, s] = halves("ECDSA signature of ones");
        assert!(r == s && is_zero(&r[..r.len() - 1]) && r.ends_with(&[1]));
        let [s, r] = halves("ECDSA signature, halves swapped");
        assert_eq!([r, s].concat(), Token::parse(&issuer.token).unwrap().signature);

        // A verifier of the other format accepts the good signature.
        let asn1: &dyn VerificationAlgorithm = match curve {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1,
            Curve::P521 => &ECDSA_P521_SHA512_ASN1,
        };
        let KeyMaterial::EllipticCurve { x, y, .. } = &issuer.key.material else { panic!("an EC key") };
        let key = UnparsedPublicKey::new(asn1, uncompressed_point(x, y));
        let der = parse_token(&attempts, "ECDSA signature in DER").signature;
        assert!(key.verify(message_of(&issuer.token), &der).is_ok(), "{curve:?}");
        let zeros = parse_token(&attempts, "ECDSA signature of zeros in DER").signature;
        assert_eq!(zeros, [0x30, 6, 2, 1, 0, 2, 1, 0]);
    }
}

#[test]
fn zeros_are_tried_for_each_curve_whatever_the_key_is() {
    for issuer in Issuer::of_each_kind() {
        let attempts = issuer.forge();
        for curve in Curve::ALL.into_iter().filter(|curve| curve.algorithm() != issuer.key.algorithm) {
            let token =
                parse_token(&attempts, &format!("algorithm {}, signature of zeros", curve.algorithm()));
            assert_eq!(token.algorithm(), curve.algorithm().name());
            assert!(is_zero(&token.signature) && token.signature.len() == 2 * curve.coordinate_bytes());
        }
    }
}

#[test]
fn ed25519_signatures_out_of_range_pass_a_verifier_that_reduces_them() {
    let issuer = Issuer::new("tenant", Algorithm::EdDsa);
    let attempts = issuer.forge();
    let halves = |name: &str| {
        let signature = parse_token(&attempts, name).signature;
        let (r, s) = signature.split_at(32);
        (r.to_vec(), s.to_vec())
    };
    let big_endian = |s: &[u8]| hexadecimal(&s.iter().rev().copied().collect::<Vec<u8>>());
    let identity = [[1].as_slice(), &[0; 31]].concat();
    let (r, s) = halves("Ed25519 signature of the identity and the order");
    assert_eq!((r, big_endian(&s)), (identity.clone(), ED25519_ORDER.to_owned()));
    let (r, s) = halves("Ed25519 signature of the identity and zero");
    assert!(r == identity && is_zero(&s));
    let (r, s) = halves("Ed25519 signature of zeros");
    assert!(is_zero(&r) && is_zero(&s));

    let (r, s) = halves("Ed25519 signature, S increased by the order");
    let good = Token::parse(&issuer.token).unwrap().signature;
    assert_eq!(r, good[..32]);
    assert_eq!(
        subtract_little_endian(&s, &halves("Ed25519 signature of the identity and the order").1),
        good[32..]
    );
}

fn subtract_little_endian(from: &[u8], number: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let subtract = |(digit, other): (&u8, &u8)| {
        let difference = i16::from(*digit) - i16::from(*other) - borrow;
        borrow = i16::from(difference < 0);
        difference.rem_euclid(256) as u8
    };
    from.iter().zip(number).map(subtract).collect()
}

#[test]
fn a_small_order_key_in_the_header_verifies_the_token() {
    for issuer in Issuer::of_each_kind() {
        let token = parse_token(&issuer.forge(), "an Ed25519 key of small order in jwk");
        let key = KeyMaterial::from_jwk(&token.header["jwk"]).unwrap();
        assert!(token.is_signed_by(&key, Algorithm::EdDsa));
        assert_eq!(token.algorithm(), "EdDSA");
    }
}
