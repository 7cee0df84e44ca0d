use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey};
use rcgen::{
    KeyPair as GeneratedKey, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    RsaKeySize,
};
use serde_json::json;

use super::*;

fn rsa_key() -> GeneratedKey {
    GeneratedKey::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Returns the DER of a PKCS#8 RSA key's own structure (RFC 8017, appendix A.1.2), which follows a fixed header.
fn pkcs1(pair: &GeneratedKey) -> Vec<u8> {
    pair.serialize_der()[26..].to_vec()
}

/// Returns the integers of a PKCS#1 key: version, n, e, d, p, q, dp, dq and qi.
fn rsa_integers(pkcs1: &[u8]) -> Vec<&[u8]> {
    let mut integers = Vec::new();
    let mut rest = &pkcs1[4..];
    while let [2, length, after @ ..] = rest {
        let (length, after) = match length {
            0x81 => (usize::from(after[0]), &after[1..]),
            0x82 => (usize::from(after[0]) << 8 | usize::from(after[1]), &after[2..]),
            short => (usize::from(*short), after),
        };
        let (integer, next) = after.split_at(length);
        integers.push(integer);
        rest = next;
    }
    integers
}

fn rsa_jwk(pair: &GeneratedKey) -> Value {
    let der = pkcs1(pair);
    let integers = rsa_integers(&der);
    let mut jwk = json!({ "kty": "RSA", "kid": "rsa" });
    for (name, integer) in ["n", "e", "d", "p", "q", "dp", "dq", "qi"].iter().zip(&integers[1..]) {
        jwk[name] = json!(URL_SAFE_NO_PAD.encode(integer));
    }
    jwk
}

fn ec_jwk(curve: &str, pair: &EcdsaKeyPair) -> Value {
    use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
    let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at((pair.public_key().as_ref().len() - 1) / 2);
    json!({
        "kty": "EC", "crv": curve, "d": URL_SAFE_NO_PAD.encode(private.as_ref()),
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    })
}

#[track_caller]
fn problem(text: &str) -> KeyProblem {
    ClientKey::parse(text).err().expect("the key is refused")
}

#[test]
fn each_kind_of_key_signs() {
    let message = b"message";
    let rsa = rsa_key();
    for text in [rsa.serialize_pem(), pem("RSA PRIVATE KEY", &pkcs1(&rsa)), rsa_jwk(&rsa).to_string()] {
        let key = ClientKey::parse(&text).unwrap();
        assert_eq!(key.algorithm(Provider::Okta), Algorithm::Rs256);
        assert_eq!(key.algorithm(Provider::Entra), Algorithm::Ps256);
        for (algorithm, parameters) in [
            (Algorithm::Rs256, &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::Rs512, &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA512),
            (Algorithm::Ps256, &aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256),
            (Algorithm::Ps384, &aws_lc_rs::signature::RSA_PSS_2048_8192_SHA384),
        ] {
            let signature = key.sign(algorithm, message).unwrap();
            UnparsedPublicKey::new(parameters, key.pair.public_key()).verify(message, &signature).unwrap();
        }
        assert!(key.sign(Algorithm::Es256, message).is_err());
    }

    for (curve, kind, signing, verification, algorithm) in [
        (
            "P-256",
            &PKCS_ECDSA_P256_SHA256,
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &ECDSA_P256_SHA256_FIXED,
            Algorithm::Es256,
        ),
        (
            "P-384",
            &PKCS_ECDSA_P384_SHA384,
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &ECDSA_P384_SHA384_FIXED,
            Algorithm::Es384,
        ),
    ] {
        let generated = GeneratedKey::generate_for(kind).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(signing, &generated.serialize_der()).unwrap();
        let sec1: aws_lc_rs::encoding::EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        let sec1 = pem("EC PRIVATE KEY", sec1.as_ref());
        for text in [generated.serialize_pem(), sec1, ec_jwk(curve, &pair).to_string()] {
            let key = ClientKey::parse(&text).unwrap();
            assert_eq!(key.algorithm(Provider::OpenId), algorithm);
            let signature = key.sign(algorithm, message).unwrap();
            UnparsedPublicKey::new(verification, key.pair.public_key()).verify(message, &signature).unwrap();
        }
    }

    let generated = GeneratedKey::generate_for(&PKCS_ED25519).unwrap();
    // The example of RFC 8037, appendix A.1.
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    for text in [generated.serialize_pem().as_str(), jwk] {
        let key = ClientKey::parse(text).unwrap();
        let signature = key.sign(key.algorithm(Provider::OpenId), message).unwrap();
        UnparsedPublicKey::new(&ED25519, key.pair.public_key()).verify(message, &signature).unwrap();
    }
}

#[test]
fn a_jwk_names_its_id_and_its_algorithm() {
    let mut jwk = rsa_jwk(&rsa_key());
    jwk["alg"] = json!("PS384");
    // Some tools write padding, and a set of one key.
    jwk["e"] = json!("AQAB==");
    for text in [jwk.to_string(), json!({ "keys": [jwk] }).to_string()] {
        let key = ClientKey::parse(&text).unwrap();
        assert_eq!((key.key_id.as_deref(), key.algorithm(Provider::Okta)), (Some("rsa"), Algorithm::Ps384));
    }
    for (member, value, expected) in [
        ("alg", json!("ES256"), KeyProblem::OtherAlgorithm),
        ("alg", json!("HS256"), KeyProblem::OtherAlgorithm),
        ("use", json!("enc"), KeyProblem::ForEncryption),
        ("q", Value::Null, KeyProblem::Incomplete),
        ("d", json!("AQAB"), KeyProblem::Incomplete),
        ("d", Value::Null, KeyProblem::PublicKey),
        ("kty", json!("oct"), KeyProblem::SharedSecret),
        ("kty", json!("new"), KeyProblem::OtherKind),
        ("kty", json!(1), KeyProblem::NotAKey),
    ] {
        let mut changed = jwk.clone();
        changed[member] = value;
        assert_eq!(problem(&changed.to_string()), expected, "{member}");
    }
    assert_eq!(problem(&json!({ "keys": [jwk, jwk] }).to_string()), KeyProblem::SeveralKeys);
    assert_eq!(problem(r#"{"keys":[]}"#), KeyProblem::NotAKey);
    assert_eq!(problem(r#""text""#), KeyProblem::NotAKey);
}

#[test]
fn what_is_not_an_unencrypted_private_key_is_named() {
    let key = GeneratedKey::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem();
    let other = GeneratedKey::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap().serialize_pem();
    let traditional =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    for (text, expected) in [
        (pem("ENCRYPTED PRIVATE KEY", b"x"), KeyProblem::Encrypted),
        (traditional.to_owned(), KeyProblem::Encrypted),
        (key.public_key_pem(), KeyProblem::PublicKey),
        (certificate, KeyProblem::Certificate),
        (key.serialize_pem().repeat(2), KeyProblem::SeveralKeys),
        (other, KeyProblem::OtherKind),
        (pem("PRIVATE KEY", b"damaged"), KeyProblem::OtherKind),
        (pem("RSA PRIVATE KEY", b"damaged"), KeyProblem::Incomplete),
        ("s3cret".to_owned(), KeyProblem::NotAKey),
        (String::new(), KeyProblem::NotAKey),
    ] {
        assert_eq!(problem(&text), expected, "{text}");
    }
}

#[test]
fn the_certificate_beside_a_key_is_its_own() {
    let (key, other) = (rsa_key(), GeneratedKey::generate().unwrap());
    let certify =
        |key: &GeneratedKey| rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(key).unwrap();
    let (own, foreign) = (certify(&key), certify(&other));
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(own.der()));
    let alone = ClientKey::parse(&key.serialize_pem()).unwrap();
    assert_eq!(alone.certificate_digest, None);
    assert!(alone.check_fits_provider(Provider::Okta).is_ok());
    let refusal = alone.check_fits_provider(Provider::Entra).unwrap_err().to_string();
    assert!(refusal.contains("has no certificate beside it"), "{refusal}");
    // The others may be its chain.
    for text in [
        format!("{}{}", key.serialize_pem(), own.pem()),
        format!("{}{}{}", foreign.pem(), own.pem(), key.serialize_pem()),
    ] {
        let found = ClientKey::parse(&text).unwrap();
        assert_eq!(found.certificate_digest.as_ref(), Some(&digest));
        assert!(found.check_fits_provider(Provider::Entra).is_ok());
    }
    assert_eq!(problem(&format!("{}{}", key.serialize_pem(), foreign.pem())), KeyProblem::OtherCertificate);

    let mut jwk = rsa_jwk(&key);
    jwk["x5c"] = json!([STANDARD.encode(own.der())]);
    assert_eq!(ClientKey::parse(&jwk.to_string()).unwrap().certificate_digest, Some(digest));
    jwk["x5c"] = json!([STANDARD.encode(foreign.der())]);
    assert_eq!(problem(&jwk.to_string()), KeyProblem::OtherCertificate);
}
