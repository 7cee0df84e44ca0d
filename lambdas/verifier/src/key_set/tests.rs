//! Wycheproof's vectors for the signatures of RFC 7518 and RFC 8037.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::Algorithm;
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::*;

/// One signature, with the key as an issuer would publish it.
struct Vector {
    name: String,
    jwk: Value,
    algorithm: Algorithm,
    message: Vec<u8>,
    signature: Vec<u8>,
    result: TestResult,
}

impl Vector {
    fn verifies(&self) -> bool {
        let document = json!({"keys": [self.jwk]}).to_string();
        let keys = KeySet::parse(document.as_bytes(), &[self.algorithm]).unwrap();
        keys.keys[0].verifies_signature(&self.message, &self.signature, self.algorithm)
    }
}

/// Reads the vectors of a set. The crate has a module of the same form for each kind of signature.
macro_rules! read_vectors {
    ($module:ident, $name:expr, $algorithm:expr, $to_jwk:expr) => {{
        let mut vectors = Vec::new();
        for group in $module::TestSet::load($name).unwrap().test_groups {
            let jwk: Value = $to_jwk(&group);
            vectors.extend(group.tests.into_iter().map(|test| Vector {
                name: format!("{:?} {}: {}", $name, test.tc_id, test.comment),
                jwk: jwk.clone(),
                algorithm: $algorithm,
                message: test.msg.to_vec(),
                signature: test.sig.to_vec(),
                result: test.result,
            }));
        }
        vectors
    }};
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pkcs1_vectors(name: rsa_pkcs1_verify::TestName, algorithm: Algorithm) -> Vec<Vector> {
    let to_jwk = |group: &rsa_pkcs1_verify::TestGroup| json!({"kty": "RSA", "n": encode(&group.key.n), "e": encode(&group.key.e)});
    read_vectors!(rsa_pkcs1_verify, name, algorithm, to_jwk)
}

fn pss_vectors(name: rsa_pss_verify::TestName, algorithm: Algorithm) -> Vec<Vector> {
    let to_jwk = |group: &rsa_pss_verify::TestGroup| json!({"kty": "RSA", "n": encode(&group.key.n), "e": encode(&group.key.e)});
    read_vectors!(rsa_pss_verify, name, algorithm, to_jwk)
}

fn ecdsa_vectors(name: ecdsa::TestName, crv: &str, algorithm: Algorithm) -> Vec<Vector> {
    let to_jwk = |group: &ecdsa::TestGroup| {
        let (x, y) = (encode(&group.key.affine_x), encode(&group.key.affine_y));
        json!({"kty": "EC", "crv": crv, "x": x, "y": y})
    };
    read_vectors!(ecdsa, name, algorithm, to_jwk)
}

/// Asserts that the valid signatures verify and the others do not, not even those that a verifier may accept, such as
/// PKCS #1 without the NULL in its DigestInfo.
#[track_caller]
fn assert_outcomes(vectors: Vec<Vector>) {
    let mut counts = [0, 0];
    for vector in vectors {
        let is_valid = vector.result == TestResult::Valid;
        assert_eq!(vector.verifies(), is_valid, "{}", vector.name);
        counts[usize::from(is_valid)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn rsa_pkcs1_signatures() {
    use Algorithm::{Rs256, Rs384, Rs512};
    use rsa_pkcs1_verify::TestName::{
        Rsa2048Sha256, Rsa2048Sha384, Rsa2048Sha512, Rsa3072Sha256, Rsa3072Sha384, Rsa3072Sha512,
        Rsa4096Sha256, Rsa4096Sha384, Rsa4096Sha512, Rsa8192Sha256, Rsa8192Sha384, Rsa8192Sha512,
    };
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        assert_outcomes(pkcs1_vectors(name, Rs256));
    }
    for name in [Rsa2048Sha384, Rsa3072Sha384, Rsa4096Sha384, Rsa8192Sha384] {
        assert_outcomes(pkcs1_vectors(name, Rs384));
    }
    for name in [Rsa2048Sha512, Rsa3072Sha512, Rsa4096Sha512, Rsa8192Sha512] {
        assert_outcomes(pkcs1_vectors(name, Rs512));
    }
}

#[test]
fn rsa_pss_signatures() {
    use Algorithm::{Ps256, Ps384, Ps512};
    use rsa_pss_verify::TestName;
    for (name, algorithm) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, Ps256),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, Ps256),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, Ps256),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, Ps384),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, Ps384),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, Ps512),
    ] {
        assert_outcomes(pss_vectors(name, algorithm));
    }
    // These are valid signatures, but not of JWS: the salt must be as long as the hash, and the mask must come from the
    // same hash (RFC 7518, section 3.5).
    for (name, algorithm) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, Ps256),
        (TestName::RsaPss2048Sha256Mgf1Sha1_20, Ps256),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, Ps512),
    ] {
        let valid = |vector: &Vector| vector.result == TestResult::Valid;
        for vector in pss_vectors(name, algorithm).into_iter().filter(valid) {
            assert!(!vector.verifies(), "{}", vector.name);
        }
    }
}

#[test]
fn ecdsa_signatures() {
    for (name, crv, algorithm) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, "P-256", Algorithm::Es256),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, "P-384", Algorithm::Es384),
        (ecdsa::TestName::EcdsaSecp521r1Sha512P1363, "P-521", Algorithm::Es512),
    ] {
        assert_outcomes(ecdsa_vectors(name, crv, algorithm));
    }
}

#[test]
fn ed25519_signatures() {
    let to_jwk =
        |group: &eddsa::TestGroup| json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&group.jwk.x)});
    assert_outcomes(read_vectors!(eddsa, eddsa::TestName::Ed25519, Algorithm::EdDsa, to_jwk));
}
