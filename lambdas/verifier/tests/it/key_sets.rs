//! Which keys of a JWK set may verify a token, and what a report says of the others.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use restctl_contract::issuer::{Algorithm, TrustedIssuer};
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{KeyReport, KeySet, KeySetError, MAX_KEY_SET_BYTES, MAX_SHOWN_CHARS, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, verify, with, without};

/// A modulus of 2,048 bits that is the product of two primes made as the paper on ROCA describes.
const ROCA_MODULUS: &str = concat!(
    "vq7STG9bYd5lJz4W-JA_LOe8hKOTMk8weJE1VFCqVHy5XYWBMh-ecP6Dl16HuJQSgSJ_umDAK_PT1o8md3yKS2j1_j3QWsRvsLi4afX9xWQ-H6dsX3",
    "BmoXqTEO8YPyfJv_1kIaWaH2Cahp55JRbCvK3mJwkwdrR3FLhowTyghTrol4Zy_kRQaBTACwT6iSEbkwyazD4jpQlmnUCSdoXYRYENMewYK_Kd0HmA",
    "xyak5f4YrggU9wBeUc0U6T0bSDW77SwWEcFH189DpnGKhmfWrp2RwScbZi3LhiVcdH89hYb1g7yohkJ7Tvwm1ly3Hj2TRXYbp55pt8Y7VerwdQduGw",
);

fn parse_key_set(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(document.to_string().as_bytes(), &Algorithm::defaults())
}

fn report_key(jwk: &Value, algorithms: &[Algorithm]) -> KeyReport {
    let document = json!({"keys": [jwk]}).to_string();
    let mut reports = match KeySet::parse(document.as_bytes(), algorithms) {
        Ok(keys) => keys.reports().to_vec(),
        Err(KeySetError::NoUsableKey { reports }) => reports,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(reports.len(), 1);
    let report = reports.remove(0);
    assert_eq!(report.algorithms.is_empty(), report.problem.is_some(), "{report:?}");
    for text in [&report.kid, &report.kty, &report.problem].into_iter().flatten() {
        assert!(text.chars().count() <= MAX_SHOWN_CHARS && !text.contains(char::is_control), "{text}");
    }
    report
}

fn find_problem(jwk: &Value) -> String {
    report_key(jwk, &Algorithm::ALL).problem.unwrap_or_default()
}

fn decode(member: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(member.as_str().unwrap_or_default()).expect("the member is base64url")
}

fn encode(bytes: impl AsRef<[u8]>) -> Value {
    json!(URL_SAFE_NO_PAD.encode(bytes))
}

/// Verifies a token of `key` whose issuer publishes only `jwk`.
fn verify_with_jwk(key: &SigningKey, jwk: &Value) -> Result<(), String> {
    let algorithms = Algorithm::ALL.to_vec();
    let keys = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes(), &algorithms)
        .map_err(|error| error.to_string())?;
    let issuer = TrustedIssuer { algorithms, ..auth0_issuer() };
    verify(&key.token(&claims()), &keys, &issuer, NOW).map(|_| ()).map_err(|refusal| refusal.to_string())
}

#[test]
fn keys_are_taken_as_real_servers_publish_them() {
    let (ec, rsa) = (SigningKey::generate_ec("key"), SigningKey::generate_rsa("key"));
    let (n, e) = (decode(&rsa.jwk()["n"]), decode(&rsa.jwk()["e"]));
    let signed = |integer: &[u8]| encode([&[0], integer].concat());
    let rsa_keys = [
        with(rsa.jwk(), "n", json!(URL_SAFE.encode(&n))),
        with(rsa.jwk(), "n", json!(STANDARD.encode(&n))),
        with(rsa.jwk(), "n", signed(&n)),
        with(rsa.jwk(), "e", signed(&e)),
        with(rsa.jwk(), "e", json!("AAEAAQ==")),
        with(rsa.jwk(), "alg", Value::Null),
        without(rsa.jwk(), "kid"),
    ];
    for jwk in rsa_keys {
        assert_eq!(verify_with_jwk(&rsa, &jwk), Ok(()), "{jwk}");
    }
    let ec_keys = [
        with(ec.jwk(), "use", Value::Null),
        with(ec.jwk(), "key_ops", json!([])),
        with(ec.jwk(), "key_ops", json!(["verify"])),
        with(ec.jwk(), "key_ops", json!(["sign", "verify"])),
        with(ec.jwk(), "x5c", json!(["MIIB"])),
        with(ec.jwk(), "x5u", json!("https://elsewhere.example.test/certificate.pem")),
        with(ec.jwk(), "issuer", json!("https://login.example.test/{tenantid}/v2.0")),
        with(ec.jwk(), "x", json!(URL_SAFE.encode(decode(&ec.jwk()["x"])))),
        with(ec.jwk(), "x", signed(&decode(&ec.jwk()["x"]))),
    ];
    for jwk in ec_keys {
        assert_eq!(verify_with_jwk(&ec, &jwk), Ok(()), "{jwk}");
    }
}

/// Some issuers write an integer and leave out the zeros that RFC 7518, section 6.2.1.2, asks for.
#[test]
fn a_coordinate_may_lack_its_leading_zeros() {
    let has_zero = |key: &SigningKey| decode(&key.jwk()["y"])[0] == 0;
    for algorithm in [Algorithm::Es256, Algorithm::Es384] {
        let key = std::iter::repeat_with(|| SigningKey::generate(algorithm, "key")).find(has_zero).unwrap();
        let short = with(key.jwk(), "y", encode(&decode(&key.jwk()["y"])[1..]));
        assert_eq!(verify_with_jwk(&key, &short), Ok(()), "{short}");
    }
    // Half of the keys on P-521 have a y that fits 65 bytes.
    let key =
        std::iter::repeat_with(|| SigningKey::generate(Algorithm::Es512, "key")).find(has_zero).unwrap();
    let short = with(key.jwk(), "y", encode(&decode(&key.jwk()["y"])[1..]));
    assert_eq!(verify_with_jwk(&key, &short), Ok(()), "{short}");
}

#[test]
fn every_algorithm_verifies_where_the_setting_names_it() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm, "key");
        assert_eq!(verify_with_jwk(&key, &key.jwk()), Ok(()), "{algorithm}");
        assert_eq!(report_key(&key.jwk(), &[algorithm]).algorithms, [algorithm]);
        let others: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|other| *other != algorithm).collect();
        let problem = report_key(&key.jwk(), &others).problem.unwrap();
        assert_eq!(problem, format!("it is for {algorithm}, which --algorithms does not name"));
    }
    let any_rsa = without(SigningKey::generate_rsa("key").jwk(), "alg");
    assert_eq!(report_key(&any_rsa, &Algorithm::defaults()).algorithms, [Algorithm::Rs256, Algorithm::Ps256]);
    assert_eq!(report_key(&any_rsa, &Algorithm::ALL).algorithms.len(), 6);
    assert_eq!(
        report_key(&any_rsa, &[Algorithm::Es256]).problem.unwrap(),
        "it is for RS256, PS256, RS384, PS384, RS512, PS512, which --algorithms does not name"
    );
}

#[test]
fn ed25519_is_another_name_for_eddsa() {
    let key = SigningKey::generate(Algorithm::EdDsa, "key");
    let jwk = with(key.jwk(), "alg", json!("Ed25519"));
    assert_eq!(verify_with_jwk(&key, &jwk), Ok(()));
    let keys = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes(), &[Algorithm::EdDsa]).unwrap();
    let issuer = TrustedIssuer { algorithms: vec![Algorithm::EdDsa], ..auth0_issuer() };
    let outcome = |alg: &str| {
        let token = key.token_with_header(&with(key.header(), "alg", json!(alg)), &claims());
        verify(&token, &keys, &issuer, NOW).map(|_| ())
    };
    assert_eq!(outcome("Ed25519"), Ok(()));
    assert_eq!(outcome("Ed448"), Err(Refusal::UnsupportedAlgorithm));
    assert_eq!(outcome("ed25519"), Err(Refusal::UnsupportedAlgorithm));
}

#[test]
fn a_certificate_may_be_the_only_place_of_a_key() {
    let certify = |pair: &KeyPair| {
        let parameters = CertificateParams::new(["provider.example.test".to_owned()]).unwrap();
        STANDARD.encode(parameters.self_signed(pair).unwrap().der())
    };
    let rsa = certify(&KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap());
    let p384 = certify(&KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    let ed25519 = certify(&KeyPair::generate_for(&PKCS_ED25519).unwrap());
    let algorithms = |jwk: &Value| report_key(jwk, &Algorithm::ALL).algorithms;
    assert_eq!(algorithms(&json!({"kty": "RSA", "x5c": [rsa], "alg": "RS256"})), [Algorithm::Rs256]);
    assert_eq!(algorithms(&json!({"kty": "EC", "x5c": [p384, rsa]})), [Algorithm::Es384]);
    assert_eq!(algorithms(&json!({"kty": "EC", "crv": "P-384", "x5c": [p384]})), [Algorithm::Es384]);
    assert_eq!(algorithms(&json!({"kty": "OKP", "x5c": [ed25519]})), [Algorithm::EdDsa]);
    for (jwk, problem) in [
        (json!({"kty": "RSA", "x5c": [p384]}), "its certificate has no RSA key"),
        (json!({"kty": "EC", "x5c": [rsa]}), "its certificate has no key on P-256, P-384 or P-521"),
        (
            json!({"kty": "EC", "crv": "P-256", "x5c": [p384]}),
            "its certificate has a key on P-384, not on its crv",
        ),
        (json!({"kty": "OKP", "x5c": [rsa]}), "its certificate has no Ed25519 key"),
        (json!({"kty": "RSA", "x5c": ["MIIB"]}), "its certificate cannot be read (TrailingData(SignedData))"),
        (json!({"kty": "RSA", "x5c": []}), "it has no n"),
        (json!({"kty": "RSA", "x5c": ["not base64!"]}), "it has no n"),
        (json!({"kty": "RSA", "x5c": rsa}), "it has no n"),
        (json!({"kty": "RSA", "x5c": [rsa], "e": "AQAB"}), "it has no n"),
    ] {
        assert_eq!(find_problem(&jwk), problem, "{jwk}");
    }
}

/// The key is that of the certificate, not just one of the same type.
#[test]
fn the_certified_key_verifies() {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let parameters = CertificateParams::new(["provider.example.test".to_owned()]).unwrap();
    let certificate = STANDARD.encode(parameters.self_signed(&pair).unwrap().der());
    let point = pair.public_key_raw();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])});
    let (stated, certified) = (jwk, json!({"kty": "EC", "x5c": [certificate]}));
    let token = {
        use rcgen::SigningKey as _;
        let header = json!({"alg": "ES256"});
        let message = restctl_testkit::signing_key::unsigned_token(&header, &claims());
        let der = pair.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(fixed_signature(&der)))
    };
    for jwk in [stated, certified] {
        let keys = parse_key_set(&json!({"keys": [jwk]})).unwrap();
        assert_eq!(verify(&token, &keys, &auth0_issuer(), NOW).map(|_| ()), Ok(()), "{jwk}");
    }
}

/// Turns a DER sequence of two integers into the form of RFC 7518, section 3.4.
fn fixed_signature(der: &[u8]) -> Vec<u8> {
    let first_length = usize::from(der[3]);
    let (first, second) = (&der[4..4 + first_length], &der[6 + first_length..]);
    let pad = |integer: &[u8]| {
        let digits = &integer[integer.len().saturating_sub(32)..];
        [vec![0; 32 - digits.len()], digits.to_vec()].concat()
    };
    [pad(first), pad(second)].concat()
}

#[test]
fn a_report_says_why_a_key_cannot_verify() {
    let (ec, rsa) = (SigningKey::generate_ec("ec").jwk(), SigningKey::generate_rsa("rsa").jwk());
    let okp = SigningKey::generate(Algorithm::EdDsa, "okp").jwk();
    let modulus = |bits: usize| {
        let first = 0xff >> (7 - (bits - 1) % 8);
        encode([vec![first], vec![0xab; (bits - 1) / 8]].concat())
    };
    let even = |member: &Value| {
        let mut bytes = decode(member);
        *bytes.last_mut().unwrap() &= 0xfe;
        encode(bytes)
    };
    let short = encode(&decode(&ec["x"])[..31]);
    let long = encode([vec![1], decode(&ec["x"])].concat());
    let cases = [
        (json!(null), "it is not a JWK: it is null, not an object"),
        (json!("key"), "it is not a JWK: it is a string, not an object"),
        (json!([["EC", "ec"]]), "it is not a JWK: it is an array, not an object"),
        (json!({}), "it has no kty"),
        (json!({"kty": "oct", "kid": "ec", "alg": "HS256"}), "it is a shared secret, not a public key"),
        (json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}), "its type AKP is not RSA, EC or OKP"),
        (json!({"$serde_json::private::RawValue": ec.to_string()}), "it has no kty"),
        (with(ec.clone(), "kty", json!("ec")), "its type ec is not RSA, EC or OKP"),
        (with(ec.clone(), "kty", json!(1)), "its kty is a number, not a string"),
        (with(ec.clone(), "kid", json!(7)), "its kid is a number, not a string"),
        (with(ec.clone(), "use", json!("enc")), "it is for encryption (use: enc)"),
        (with(ec.clone(), "use", json!("")), r#"its use is "", not sig"#),
        (with(ec.clone(), "key_ops", json!(["sign"])), "its key_ops do not include verify"),
        (with(ec.clone(), "key_ops", json!("verify")), "its key_ops is a string, not an array"),
        (with(ec.clone(), "key_ops", json!([1])), "its key_ops is not a list of strings"),
        (with(ec.clone(), "key_ops", json!(["verify", "verify"])), "its key_ops name an operation twice"),
        (with(ec.clone(), "alg", json!("ES384")), "its alg ES384 is not a signature algorithm of P-256 keys"),
        (with(ec.clone(), "alg", json!("HS256")), "its alg HS256 is not a signature algorithm of P-256 keys"),
        (with(ec.clone(), "alg", json!("RS256")), "its alg RS256 is not a signature algorithm of P-256 keys"),
        (with(ec.clone(), "alg", json!("")), "its alg  is not a signature algorithm of P-256 keys"),
        (
            with(rsa.clone(), "alg", json!("RSA-OAEP")),
            "its alg RSA-OAEP is not a signature algorithm of RSA keys",
        ),
        (without(ec.clone(), "crv"), "it has no crv"),
        (
            with(ec.clone(), "crv", json!("P-384")),
            "its x and y, with 32 and 32 bytes, are not a point on P-384",
        ),
        (with(ec.clone(), "crv", json!("secp256k1")), "its curve secp256k1 is not P-256, P-384 or P-521"),
        (with(ec.clone(), "x", json!("AAAA")), "its x and y, with 3 and 32 bytes, are not a point on P-256"),
        (with(ec.clone(), "x", short), "its x and y, with 31 and 32 bytes, are not a point on P-256"),
        (with(ec.clone(), "x", long), "its x has 33 bytes, and P-256 has 32"),
        (with(ec.clone(), "x", json!("")), "its x is empty"),
        (
            with(with(ec.clone(), "x", json!("AA")), "y", json!("AA")),
            "its x and y, with 1 and 1 bytes, are not a point on P-256",
        ),
        (with(ec.clone(), "y", json!("not base64url!")), "its y is not base64url"),
        (without(ec.clone(), "y"), "it has no y"),
        (without(ec.clone(), "x"), "it has no x"),
        (with(okp.clone(), "crv", json!("Ed448")), "its curve Ed448 is not Ed25519"),
        (with(okp.clone(), "crv", json!("X25519")), "its curve X25519 is not Ed25519"),
        (without(okp.clone(), "crv"), "it has no crv"),
        (without(okp.clone(), "x"), "it has no x"),
        (with(okp.clone(), "x", json!("AAAA")), "its x has 3 bytes, and an Ed25519 key has 32"),
        (with(okp, "alg", json!("ES256")), "its alg ES256 is not a signature algorithm of Ed25519 keys"),
        (with(rsa.clone(), "n", modulus(1024)), "its modulus has 1024 bits, not 2048 to 8192"),
        (with(rsa.clone(), "n", modulus(2047)), "its modulus has 2047 bits, not 2048 to 8192"),
        (with(rsa.clone(), "n", modulus(8193)), "its modulus has 8193 bits, not 2048 to 8192"),
        (with(rsa.clone(), "n", json!("")), "its modulus has 0 bits, not 2048 to 8192"),
        (with(rsa.clone(), "n", even(&rsa["n"])), "its modulus is even"),
        (with(rsa.clone(), "n", encode([0xff; 256])), "its modulus is divisible by 3"),
        (
            with(rsa.clone(), "n", json!(ROCA_MODULUS)),
            "its private key can be computed, because a faulty chip made it (ROCA)",
        ),
        (with(rsa.clone(), "e", json!("AA")), "its exponent is 0"),
        (with(rsa.clone(), "e", json!("")), "its exponent is 0"),
        (with(rsa.clone(), "e", json!("AQ")), "its exponent is 1, so that anyone can sign"),
        (with(rsa.clone(), "e", json!("AQAA")), "its exponent is even"),
        (with(rsa.clone(), "e", json!("AgAAAAE")), "its exponent has more than 33 bits"),
        (with(rsa.clone(), "e", encode([1; 9])), "its exponent has more than 33 bits"),
        (with(rsa.clone(), "e", json!(65537)), "its e is a number, not a string"),
        (without(rsa.clone(), "n"), "it has no n"),
        (without(rsa, "e"), "it has no e"),
        (with(ec, "\u{1b}", json!(1)), ""),
    ];
    for (jwk, problem) in cases {
        assert_eq!(find_problem(&jwk), problem, "{jwk}");
        if !problem.is_empty() {
            let error = parse_key_set(&json!({"keys": [jwk]})).unwrap_err().to_string();
            assert!(error.starts_with("none of the key set's 1 keys can verify a token: "), "{error}");
            assert!(error.ends_with(problem), "{error}");
        }
    }
    let twice = r#"{"keys":[{"kty":"oct","kty":"EC"}]}"#;
    let error = KeySet::parse(twice.as_bytes(), &Algorithm::defaults()).unwrap_err().to_string();
    assert!(error.contains("no id: it is not a JWK: duplicate field `kty`"), "{error}");
}

/// A key set has room for this many operations.
#[test]
fn any_number_of_operations_may_be_named_once() {
    let ec = SigningKey::generate_ec("ec").jwk();
    let mut operations: Vec<String> = (0..16_000).map(|number| format!("{number:x}")).collect();
    operations.push("verify".to_owned());
    let with_operations = |operations: &[String]| {
        let jwk = with(ec.clone(), "key_ops", json!(operations));
        assert!(json!({"keys": [jwk]}).to_string().len() <= MAX_KEY_SET_BYTES);
        find_problem(&jwk)
    };
    assert_eq!(with_operations(&operations), "");
    assert_eq!(with_operations(&operations[..16_000]), "its key_ops do not include verify");
    operations.push("0".to_owned());
    assert_eq!(with_operations(&operations), "its key_ops name an operation twice");
}

#[test]
fn the_smallest_and_largest_exponents_are_accepted() {
    let rsa = SigningKey::generate_rsa("rsa").jwk();
    for exponent in ["Aw", "Af____8"] {
        assert_eq!(find_problem(&with(rsa.clone(), "e", json!(exponent))), "", "{exponent}");
    }
}

/// Whoever reads the key set can sign with such a key, so a warning must reach the issuer's owner.
#[test]
fn a_published_private_key_is_refused_and_marked() {
    let (ec, rsa) = (SigningKey::generate_ec("ec").jwk(), SigningKey::generate_rsa("rsa").jwk());
    let mut exposed: Vec<Value> =
        ["d", "p", "q", "dp", "dq", "qi", "oth"].map(|name| with(rsa.clone(), name, json!("AQAB"))).to_vec();
    exposed.push(with(ec.clone(), "d", json!("not even a number")));
    exposed.push(with(ec.clone(), "use", json!("enc")));
    exposed.last_mut().unwrap()["d"] = json!("AQ");
    for jwk in exposed {
        let report = report_key(&jwk, &Algorithm::ALL);
        assert!(report.is_exposed, "{jwk}");
        assert_eq!(
            report.problem.as_deref(),
            Some("it is published with its private key: replace it at the provider"),
            "{jwk}"
        );
    }
    let secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "ec", "alg": "HS256"});
    let report = report_key(&secret, &Algorithm::ALL);
    assert!(report.is_exposed);
    assert_eq!(report.problem.as_deref(), Some("it is a published secret: replace it at the provider"));
    assert!(!report_key(&ec, &Algorithm::ALL).is_exposed);
    assert!(!report_key(&with(rsa, "d", Value::Null), &Algorithm::ALL).is_exposed);
}

#[test]
fn a_set_reports_all_its_keys_in_order() {
    let (good, encryption) = (SigningKey::generate_ec("good"), SigningKey::generate_rsa("enc\u{1b}[31m"));
    let set = json!({"keys": [with(encryption.jwk(), "use", json!("enc")), good.jwk(), {"kty": "oct"}]});
    let keys = parse_key_set(&set).unwrap();
    let reports: Vec<String> = keys.reports().iter().map(ToString::to_string).collect();
    assert_eq!(
        reports,
        [
            r"enc\u{1b}[31m: it is for encryption (use: enc)",
            "good (ES256)",
            "no id: it is a shared secret, not a public key",
        ]
    );
    assert_eq!(keys.summary(), "good (ES256)");
    assert_eq!(
        serde_json::to_value(&keys.reports()[1..]).unwrap(),
        json!([
            {"kid": "good", "kty": "EC", "algorithms": ["ES256"], "problem": null, "is_exposed": false},
            {"kid": null, "kty": "oct", "algorithms": [],
             "problem": "it is a shared secret, not a public key", "is_exposed": false},
        ])
    );
}

#[test]
fn an_unusable_key_neither_spoils_the_set_nor_verifies() {
    let (good, encryption, pinned) =
        (SigningKey::generate_ec("good"), SigningKey::generate_ec("enc"), SigningKey::generate_rsa("pinned"));
    let keys = parse_key_set(&json!({"keys": [
        {"kty": "unknown"},
        with(encryption.jwk(), "use", json!("enc")),
        with(pinned.jwk(), "alg", json!("PS256")),
        good.jwk(),
    ]}))
    .unwrap();
    assert!(verify(&good.token(&claims()), &keys, &auth0_issuer(), NOW).is_ok());
    let unknown = Refusal::UnknownKey { kid: "enc".to_owned() };
    assert_eq!(verify(&encryption.token(&claims()), &keys, &auth0_issuer(), NOW), Err(unknown));
    assert_eq!(verify(&pinned.token(&claims()), &keys, &auth0_issuer(), NOW), Err(Refusal::WrongAlgorithm));
}

#[test]
fn a_set_of_more_than_100_keys_is_refused() {
    let good = SigningKey::generate_ec("good");
    let set = |others: usize| {
        let others = (0..others).map(|number| json!({"kty": "oct", "kid": number.to_string()}));
        parse_key_set(&json!({ "keys": others.chain([good.jwk()]).collect::<Vec<_>>() }))
    };
    assert!(verify(&good.token(&claims()), &set(99).unwrap(), &auth0_issuer(), NOW).is_ok());
    assert_eq!(set(100).unwrap_err(), KeySetError::TooManyKeys(101));
}

#[test]
fn an_error_describes_a_few_keys() {
    let keys: Vec<Value> =
        (0..7).map(|number| json!({"kty": "oct", "kid": format!("{number:0>200}")})).collect();
    let error = parse_key_set(&json!({ "keys": keys })).unwrap_err().to_string();
    assert!(error.ends_with("it is a shared secret, not a public key; 2 more"), "{error}");
    assert!(error.chars().count() < 1000, "{error}");
}

#[test]
fn other_documents_are_not_key_sets() {
    let parse = |document: &[u8]| KeySet::parse(document, &Algorithm::defaults()).unwrap_err();
    for document in [
        "",
        "null",
        "[]",
        "[[]]",
        "{}",
        r#"{"keys":{}}"#,
        "<html>",
        r#"{"keys":[]} trailing"#,
        r#"{"keys":[],"keys":[]}"#,
    ] {
        let refused = parse(document.as_bytes());
        assert!(matches!(refused, KeySetError::Malformed(_)), "{refused:?} for {document}");
    }
    let deep = format!(r#"{{"keys":[],"ignored":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let refused = parse(deep.as_bytes()).to_string();
    assert!(refused.contains("nest too deeply at 1:"), "{refused}");
    let empty = parse(br#"{"keys":[]}"#);
    assert_eq!(empty, KeySetError::NoUsableKey { reports: Vec::new() });
    assert_eq!(empty.to_string(), "the key set has no keys");
    let good = json!({"keys": [SigningKey::generate_ec("ec").jwk()], "pad": "x".repeat(MAX_KEY_SET_BYTES)});
    assert_eq!(parse_key_set(&good).unwrap_err(), KeySetError::TooLarge);
}
