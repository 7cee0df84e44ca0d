//! Each fault that the standards of JSON Web Signatures and Keys name. Nothing invalid is accepted, and what is valid and
//! refused is refused by a rule of the verifier that has a name.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use restctl_contract::issuer::{Algorithm, TrustedIssuer};
use restctl_testkit::signing_key::{SigningKey, hmac_token, unsigned_token};
use restctl_verifier::{KeySet, KeySetError, MAX_TOKEN_BYTES, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, key_set, verify, with, without};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs a header that `serde_json` would not write.
fn sign_header(key: &SigningKey, header: &str) -> String {
    key.sign(&format!("{}.{}", encode(header), encode(claims().to_string())))
}

/// Cuts a token into its parts, decodes one of them, and puts it back in another encoding.
fn reencode(token: &str, part: usize, encoding: impl Fn(&[u8]) -> String) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[part] = encoding(&URL_SAFE_NO_PAD.decode(&parts[part]).expect("the part is base64url"));
    parts.join(".")
}

#[test]
fn faults_of_a_signature_are_refused() {
    use Refusal::{
        CriticalHeader, Malformed, UnknownKey, UnsupportedAlgorithm, WrongAlgorithm, WrongSignature,
    };
    let (ec, rsa) = (SigningKey::generate_ec("ec"), SigningKey::generate_rsa("rsa"));
    let attacker = SigningKey::generate_ec("ec");
    let keys = key_set(&[ec.jwk(), rsa.jwk()]);
    let good = ec.token(&claims());
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let header_with =
        |name: &str, value: Value| ec.token_with_header(&with(ec.header(), name, value), &claims());
    let signed_by_attacker =
        |name: &str, value: Value| attacker.token_with_header(&with(ec.header(), name, value), &claims());
    let changed_signature =
        |change: &dyn Fn(&[u8]) -> Vec<u8>| reencode(&good, 2, |bytes| encode(change(bytes)));
    let nested = hmac_token(&json!({"alg": "HS256", "kid": "ec"}), &claims(), ec.public_key_pem().as_bytes());
    let cases = [
        ("RFC 7515, 2: padding", reencode(&good, 2, |bytes| URL_SAFE.encode(bytes)), Malformed),
        (
            "RFC 7515, 2: the standard alphabet",
            reencode(&good, 2, |_| STANDARD.encode([0xfb; 63])),
            Malformed,
        ),
        ("RFC 7515, 2: a line break", format!("{header}\n.{payload}.{signature}"), Malformed),
        ("RFC 4648, 3.5: stray bits", format!("{header}.{payload}.{}B", "A".repeat(85)), Malformed),
        ("RFC 7515, 3.3: one part is missing", format!("{header}.{payload}"), Malformed),
        ("RFC 7515, 3.3: a part too many", format!("{good}.{signature}"), Malformed),
        ("RFC 7515, 4: the header is no object", sign_header(&ec, "[]"), Malformed),
        ("RFC 7515, 4: the header is empty", format!(".{payload}.{signature}"), Malformed),
        (
            "RFC 7515, 4: alg twice",
            sign_header(&ec, r#"{"alg":"ES256","alg":"ES256","kid":"ec"}"#),
            Malformed,
        ),
        ("RFC 7515, 4: kid twice", sign_header(&ec, r#"{"alg":"ES256","kid":"no","kid":"ec"}"#), Malformed),
        ("RFC 7515, 4: x5t twice", sign_header(&ec, r#"{"alg":"ES256","x5t":"a","x5t":"b"}"#), Malformed),
        ("RFC 7515, 4: a byte order mark", sign_header(&ec, "\u{feff}{\"alg\":\"ES256\"}"), Malformed),
        ("RFC 7515, 4: trailing text", sign_header(&ec, r#"{"alg":"ES256","kid":"ec"} x"#), Malformed),
        ("RFC 7515, 4.1.1: no alg", sign_header(&ec, r#"{"kid":"ec"}"#), Malformed),
        ("RFC 7515, 4.1.1: alg is no string", header_with("alg", json!(256)), Malformed),
        ("RFC 7515, 4.1.1: alg in another case", header_with("alg", json!("Es256")), UnsupportedAlgorithm),
        ("RFC 7515, 4.1.1: an unknown alg", header_with("alg", json!("ES255")), UnsupportedAlgorithm),
        ("RFC 7515, 4.1.1: alg of encryption", header_with("alg", json!("RSA-OAEP")), UnsupportedAlgorithm),
        (
            "RFC 7515, 4.1.2: jku of the attacker",
            signed_by_attacker("jku", json!("https://a.test")),
            WrongSignature,
        ),
        ("RFC 7515, 4.1.3: jwk of the attacker", signed_by_attacker("jwk", attacker.jwk()), WrongSignature),
        ("RFC 7515, 4.1.4: kid is no string", header_with("kid", json!(["ec"])), Malformed),
        (
            "RFC 7515, 4.1.4: kid in another case",
            header_with("kid", json!("EC")),
            UnknownKey { kid: "EC".into() },
        ),
        ("RFC 7515, 4.1.4: kid of another type", header_with("kid", json!("rsa")), WrongAlgorithm),
        (
            "RFC 7515, 4.1.5: x5u of the attacker",
            signed_by_attacker("x5u", json!("https://a.test")),
            WrongSignature,
        ),
        ("RFC 7515, 4.1.6: x5c of the attacker", signed_by_attacker("x5c", json!(["MIIB"])), WrongSignature),
        ("RFC 7515, 4.1.7: x5t is no string", header_with("x5t", json!([])), Malformed),
        ("RFC 7515, 4.1.8: x5t#S256 is no string", header_with("x5t#S256", json!(1)), Malformed),
        ("RFC 7515, 4.1.11: crit is empty", header_with("crit", json!([])), CriticalHeader),
        ("RFC 7515, 4.1.11: crit is no list", header_with("crit", json!("b64")), CriticalHeader),
        ("RFC 7515, 4.1.11: crit names no parameter", header_with("crit", json!(["absent"])), CriticalHeader),
        ("RFC 7515, 4.1.11: crit names what is known", header_with("crit", json!(["alg"])), CriticalHeader),
        ("RFC 7515, 4.1.11: crit repeats a name", header_with("crit", json!(["a", "a"])), CriticalHeader),
        (
            "RFC 7515, 5.2: the payload was changed",
            format!("{header}.{}.{signature}", encode("{}")),
            WrongSignature,
        ),
        (
            "RFC 7515, 5.2: the header was written anew",
            reencode(&good, 0, |bytes| encode([&b" "[..], bytes].concat())),
            WrongSignature,
        ),
        ("RFC 7515, 5.2: no signature", format!("{header}.{payload}."), WrongSignature),
        (
            "RFC 7515, 7.2: JSON serialization",
            json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
            Malformed,
        ),
        (
            "RFC 7518, 3.4: a signature cut short",
            changed_signature(&|bytes| bytes[..63].to_vec()),
            WrongSignature,
        ),
        (
            "RFC 7518, 3.4: a longer signature",
            changed_signature(&|bytes| [bytes, &[0]].concat()),
            WrongSignature,
        ),
        (
            "RFC 7518, 3.4: both integers with a zero first",
            changed_signature(&|bytes| [&[0], &bytes[..32], &[0], &bytes[32..]].concat()),
            WrongSignature,
        ),
        ("RFC 7518, 3.4: zeros (CVE-2022-21449)", changed_signature(&|_| vec![0; 64]), WrongSignature),
        ("RFC 7518, 3.4: in DER", changed_signature(&|bytes| der_signature(bytes)), WrongSignature),
        ("RFC 8725, 3.1: RS256 with an EC key", header_with("alg", json!("RS256")), WrongAlgorithm),
        ("RFC 8725, 3.1: the public key as a secret", nested, UnsupportedAlgorithm),
        (
            "RFC 8725, 3.1: PS256 declared, PKCS #1 made",
            sign_header(&rsa, r#"{"alg":"PS256","kid":"rsa"}"#),
            WrongAlgorithm,
        ),
        (
            "RFC 8725, 3.2: none",
            format!("{}.", unsigned_token(&json!({"alg": "none"}), &claims())),
            UnsupportedAlgorithm,
        ),
        (
            "RFC 8725, 3.10: kid is a path",
            header_with("kid", json!("../ec")),
            UnknownKey { kid: "../ec".into() },
        ),
        ("RFC 8725, 3.11: another type", header_with("typ", json!("secevent+jwt")), Refusal::UnsupportedType),
    ];
    for (fault, token, refusal) in cases {
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW), Err(refusal), "{fault}");
    }
    assert!(verify(&good, &keys, &auth0_issuer(), NOW).is_ok());
}

/// Turns the form of RFC 7518, section 3.4, into a DER sequence of two integers.
fn der_signature(fixed: &[u8]) -> Vec<u8> {
    let integer = |digits: &[u8]| [&[2, 33, 0][..], digits].concat();
    let integers = [integer(&fixed[..32]), integer(&fixed[32..])].concat();
    [&[0x30, 70][..], &integers].concat()
}

/// A key may verify PKCS #1 and PSS, but a signature only the one that its header names.
#[test]
fn a_signature_of_another_padding_is_refused() {
    let rsa = SigningKey::generate_rsa("rsa");
    let keys = key_set(&[without(rsa.jwk(), "alg")]);
    let declared_pss = sign_header(&rsa, r#"{"alg":"PS256","kid":"rsa"}"#);
    assert_eq!(verify(&declared_pss, &keys, &auth0_issuer(), NOW), Err(Refusal::WrongSignature));
    let declared_pkcs1 = sign_header(&rsa, r#"{"alg":"RS256","kid":"rsa"}"#);
    assert!(verify(&declared_pkcs1, &keys, &auth0_issuer(), NOW).is_ok());
}

/// `key_sets` has the same faults with every message, and more.
#[test]
fn faults_of_a_key_are_refused() {
    let (ec, rsa) = (SigningKey::generate_ec("ec").jwk(), SigningKey::generate_rsa("rsa").jwk());
    let off_curve = with(ec.clone(), "y", ec["x"].clone());
    let twice = |name: &str| ec.to_string().replacen('{', &format!("{{\"{name}\":null,"), 1);
    let cases = [
        ("RFC 7517, 4: kty twice", twice("kty")),
        ("RFC 7517, 4: x twice", twice("x")),
        ("RFC 7517, 4: kid twice", twice("kid")),
        ("RFC 7517, 4.1: no kty", without(ec.clone(), "kty").to_string()),
        ("RFC 7517, 4.1: kty in another case", with(rsa.clone(), "kty", json!("rsa")).to_string()),
        ("RFC 7517, 4.2: use in another case", with(ec.clone(), "use", json!("SIG")).to_string()),
        ("RFC 7517, 4.2: use is no string", with(ec.clone(), "use", json!(["sig"])).to_string()),
        ("RFC 7517, 4.3: key_ops is no list", with(ec.clone(), "key_ops", json!("verify")).to_string()),
        (
            "RFC 7517, 4.3: key_ops repeat",
            with(ec.clone(), "key_ops", json!(["verify", "verify"])).to_string(),
        ),
        ("RFC 7517, 4.4: alg of another type", with(ec.clone(), "alg", json!("RS256")).to_string()),
        ("RFC 7517, 4.5: kid is no string", with(ec.clone(), "kid", json!(1)).to_string()),
        ("RFC 7517, 9.2: a private key", with(ec.clone(), "d", json!("AQAB")).to_string()),
        ("RFC 7518, 3.3: too small", with(rsa.clone(), "n", json!(encode([0xff; 255]))).to_string()),
        ("RFC 7518, 3.4: alg of another curve", with(ec.clone(), "alg", json!("ES512")).to_string()),
        ("RFC 7518, 6.2.1: no crv", without(ec.clone(), "crv").to_string()),
        ("RFC 7518, 6.2.1: crv in another case", with(ec.clone(), "crv", json!("p-256")).to_string()),
        ("RFC 7518, 6.2.1: no y", without(ec.clone(), "y").to_string()),
        ("RFC 7518, 6.3.1: no exponent", without(rsa.clone(), "e").to_string()),
        ("RFC 8725, 3.4: a point on no curve", off_curve.to_string()),
        ("RFC 8725, 3.4: a point on another curve", with(ec, "crv", json!("P-521")).to_string()),
        ("RFC 8725, 3.5: exponent 1", with(rsa, "e", json!("AQ")).to_string()),
    ];
    for (fault, jwk) in cases {
        let document = format!("{{\"keys\":[{jwk}]}}");
        let error = KeySet::parse(document.as_bytes(), &Algorithm::ALL).expect_err(fault);
        let KeySetError::NoUsableKey { reports } = error else { panic!("{fault}: {error}") };
        assert!(reports[0].problem.is_some(), "{fault}");
    }
}

/// What a strict reading of the standards would take, but the verifier does not, with the rule that refuses it.
#[test]
fn what_is_valid_and_refused_is_policy() {
    let (ec, rsa) = (SigningKey::generate_ec("ec"), SigningKey::generate_rsa("rsa"));
    let keys = key_set(&[ec.jwk(), without(rsa.jwk(), "alg")]);
    let ec_header =
        |name: &str, value: Value| ec.token_with_header(&with(ec.header(), name, value), &claims());
    let rsa_header = |alg: &str| rsa.token_with_header(&with(rsa.header(), "alg", json!(alg)), &claims());
    let deep = json!({"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}});
    let long = "x".repeat(MAX_TOKEN_BYTES);
    let tokens = [
        ("a longer hash, unless --algorithms names it", rsa_header("RS512"), Refusal::UnsupportedAlgorithm),
        ("a longer hash with PSS", rsa_header("PS384"), Refusal::UnsupportedAlgorithm),
        ("an extension, even a known one", ec_header("crit", json!(["b64"])), Refusal::CriticalHeader),
        ("a token for another purpose", ec_header("typ", json!("dpop+jwt")), Refusal::UnsupportedType),
        ("a header of many levels", ec_header("ignored", deep), Refusal::Malformed),
        ("a long token", ec.token(&with(claims(), "pad", json!(long))), Refusal::TooLarge),
        ("a payload that is not claims", ec.token(&json!("text")), Refusal::Malformed),
    ];
    for (policy, token, refusal) in tokens {
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW), Err(refusal), "{policy}");
    }
    let every = TrustedIssuer { algorithms: Algorithm::ALL.to_vec(), ..auth0_issuer() };
    let document = json!({"keys": [without(rsa.jwk(), "alg")]}).to_string();
    let keys = KeySet::parse(document.as_bytes(), &every.algorithms).unwrap();
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        assert!(verify(&rsa_header(alg), &keys, &every, NOW).is_ok(), "{alg}");
    }

    let large_exponent = with(rsa.jwk(), "e", json!("AgAAAAE"));
    let large_modulus = with(rsa.jwk(), "n", json!(encode([0xff; 1025])));
    let cases = [
        ("an exponent of more than 33 bits", large_exponent, "its exponent has more than 33 bits"),
        ("a modulus of more than 8,192 bits", large_modulus, "its modulus has 8200 bits, not 2048 to 8192"),
        (
            "secp256k1",
            json!({"kty": "EC", "crv": "secp256k1"}),
            "its curve secp256k1 is not P-256, P-384 or P-521",
        ),
        ("Ed448", json!({"kty": "OKP", "crv": "Ed448"}), "its curve Ed448 is not Ed25519"),
        ("a shared secret", json!({"kty": "oct"}), "it is a shared secret, not a public key"),
        (
            "a published private key",
            with(ec.jwk(), "d", json!("AQAB")),
            "it is published with its private key: replace it at the provider",
        ),
    ];
    for (policy, jwk, problem) in cases {
        let document = json!({"keys": [jwk]}).to_string();
        let error = KeySet::parse(document.as_bytes(), &Algorithm::ALL).expect_err(policy);
        let KeySetError::NoUsableKey { reports } = error else { panic!("{policy}: {error}") };
        assert_eq!(reports[0].problem.as_deref(), Some(problem), "{policy}");
    }
}
