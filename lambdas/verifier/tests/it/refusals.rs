//! Every way in which a token can be wrong, each with the check that catches it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_testkit::signing_key::{SigningKey, hmac_token, unsigned};
use restctl_verifier::{
    Check, Claims, KeySet, LEEWAY_SECONDS, MAX_SHOWN_CHARS, MAX_TOKEN_BYTES, Policy, Provider, Refusal,
    Verdict, explain,
};
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;

fn policy() -> Policy {
    Policy {
        provider: Provider::Auth0,
        issuer: "https://tenant.example.test/".to_owned(),
        audience: "https://items.example.test".to_owned(),
        scope: "read:items".to_owned(),
    }
}

/// Verifies, and holds the explanation against the outcome: whatever a test here looks at, they agree.
#[track_caller]
fn verify(token: &str, keys: &KeySet, policy: &Policy, now: u64) -> Result<Claims, Refusal> {
    let outcome = restctl_verifier::verify(token, keys, policy, now);
    let explanation = explain(token, keys, policy, now);
    let first = explanation.first_failure();
    assert_eq!(first.map(|(_, refusal)| refusal), outcome.as_ref().err());
    let checks = explanation.findings.iter().map(|finding| finding.check);
    assert!(checks.eq(Check::asked_of(policy.provider)));
    let mut before =
        explanation.findings.iter().take_while(|finding| !matches!(finding.verdict, Verdict::Failed(_)));
    assert!(before.all(|finding| finding.verdict == Verdict::Passed), "{explanation:?}");
    for finding in &explanation.findings {
        for text in [&finding.found, &finding.expected] {
            assert!(text.chars().count() <= MAX_SHOWN_CHARS && !text.contains(char::is_control), "{text}");
            assert!(
                !text.contains('\u{202e}') && (text.len() < 40 || !token.contains(text.as_str())),
                "{text}"
            );
        }
    }
    outcome
}

fn policy_of(provider: Provider) -> Policy {
    let audience = match provider {
        Provider::Cognito => "client-1, client-2,",
        _ => "https://items.example.test",
    };
    Policy { provider, audience: audience.to_owned(), ..policy() }
}

fn cognito_claims() -> Value {
    let claims = with(without(claims(), "aud"), "client_id", json!("client-1"));
    with(claims, "token_use", json!("access"))
}

fn claims() -> Value {
    json!({
        "iss": "https://tenant.example.test/",
        "sub": "client@clients",
        "aud": "https://items.example.test",
        "iat": NOW,
        "exp": NOW + 600,
        "scope": "write:items read:items",
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().and_then(|object| object.remove(name)).expect("it was there");
    object
}

fn key_set(jwks: &[Value]) -> KeySet {
    KeySet::from_json(json!({"keys": jwks}).to_string().as_bytes()).expect("a key set")
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn good_tokens_pass() {
    let (ec, rsa) = (SigningKey::ec("ec"), SigningKey::rsa("rsa"));
    let any_algorithm = without(rsa.jwk(), "alg");
    let keys = key_set(&[ec.jwk(), any_algorithm]);
    let expected = |key_id: &str| {
        Ok(Claims {
            subject: Some("client@clients".to_owned()),
            expires: NOW + 600,
            key_id: Some(key_id.to_owned()),
        })
    };
    assert_eq!(verify(&ec.token(&claims()), &keys, &policy(), NOW), expected("ec"));
    assert_eq!(verify(&rsa.token(&claims()), &keys, &policy(), NOW), expected("rsa"));
    let pss = rsa.token_with_header(&with(rsa.header(), "alg", json!("PS256")), &claims());
    assert_eq!(verify(&pss, &keys, &policy(), NOW), expected("rsa"));
}

#[test]
fn claims_that_pass() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let good = [
        with(claims(), "exp", json!(NOW + 1)),
        with(claims(), "exp", json!(NOW as f64 + 1.5)),
        with(claims(), "nbf", json!(NOW + LEEWAY_SECONDS)),
        with(claims(), "iat", json!(NOW + LEEWAY_SECONDS)),
        without(claims(), "iat"),
        without(claims(), "sub"),
        with(claims(), "aud", json!(["https://other.example.test", "https://items.example.test"])),
        with(without(claims(), "scope"), "permissions", json!(["write:items", "read:items"])),
        with(with(claims(), "scope", json!("openid")), "permissions", json!(["read:items"])),
        with(claims(), "https://tenant.example.test/extra", json!({"deep": [1, 2, 3]})),
    ];
    for claims in good {
        let outcome = verify(&key.token(&claims), &keys, &policy(), NOW);
        assert!(outcome.is_ok(), "{outcome:?} for {claims}");
    }
}

#[test]
fn claims_that_are_refused() {
    use Refusal::{
        Expired, IssuedInFuture, MalformedClaim, MissingClaim, MissingScope, NotYetValid, WrongAudience,
        WrongIssuer,
    };
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let cases = [
        (without(claims(), "exp"), MissingClaim("exp")),
        (with(claims(), "exp", Value::Null), MissingClaim("exp")),
        (with(claims(), "exp", json!(NOW)), Expired),
        (with(claims(), "exp", json!(NOW - 1)), Expired),
        (with(claims(), "exp", json!(NOW as f64 + 0.9)), Expired),
        (with(claims(), "exp", json!(0)), Expired),
        (with(claims(), "exp", json!((NOW + 600).to_string())), MalformedClaim("exp")),
        (with(claims(), "exp", json!(-1)), MalformedClaim("exp")),
        (with(claims(), "exp", json!(1e300)), MalformedClaim("exp")),
        (with(claims(), "exp", json!([NOW + 600])), MalformedClaim("exp")),
        (with(claims(), "nbf", json!(NOW + LEEWAY_SECONDS + 1)), NotYetValid),
        (with(claims(), "nbf", json!("soon")), MalformedClaim("nbf")),
        (with(claims(), "iat", json!(NOW + LEEWAY_SECONDS + 1)), IssuedInFuture),
        (with(claims(), "iat", json!(true)), MalformedClaim("iat")),
        (without(claims(), "iss"), MissingClaim("iss")),
        (with(claims(), "iss", json!("https://tenant.example.test")), WrongIssuer),
        (with(claims(), "iss", json!("HTTPS://tenant.example.test/")), WrongIssuer),
        (with(claims(), "iss", json!("")), WrongIssuer),
        (with(claims(), "iss", json!(["https://tenant.example.test/"])), MalformedClaim("iss")),
        (without(claims(), "aud"), MissingClaim("aud")),
        (with(claims(), "aud", json!("https://items.example.test/")), WrongAudience),
        (with(claims(), "aud", json!([])), WrongAudience),
        (with(claims(), "aud", json!("")), WrongAudience),
        (with(claims(), "aud", json!(["https://items.example.test", 1])), MalformedClaim("aud")),
        (with(claims(), "aud", json!({"https://items.example.test": true})), MalformedClaim("aud")),
        (with(claims(), "sub", json!(7)), MalformedClaim("sub")),
        (without(claims(), "scope"), MissingScope),
        (with(claims(), "scope", json!("")), MissingScope),
        (with(claims(), "scope", json!("read:items2 xread:items READ:ITEMS read:")), MissingScope),
        (with(claims(), "scope", json!("write:items,read:items")), MissingScope),
        (with(claims(), "scope", json!(["read:items"])), MalformedClaim("scope")),
        (with(without(claims(), "scope"), "permissions", json!(["read"])), MissingScope),
        (with(without(claims(), "scope"), "permissions", json!("read:items")), MalformedClaim("permissions")),
        (with(claims(), "permissions", json!([1])), MalformedClaim("permissions")),
    ];
    for (claims, refusal) in cases {
        assert_eq!(verify(&key.token(&claims), &keys, &policy(), NOW), Err(refusal), "{claims}");
    }
}

/// RFC 6749, section 3.3, knows `scope` alone.
#[test]
fn permissions_grant_nothing_where_the_issuer_is_not_auth0() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    for (provider, claims) in [(Provider::OpenId, claims()), (Provider::Cognito, cognito_claims())] {
        let policy = policy_of(provider);
        for permissions in
            [json!(["read:items"]), json!("read:items"), json!([1]), json!({"read:items": true})]
        {
            let scoped = with(claims.clone(), "permissions", permissions);
            assert!(verify(&key.token(&scoped), &keys, &policy, NOW).is_ok(), "{provider}");
            let unscoped = key.token(&without(scoped, "scope"));
            assert_eq!(verify(&unscoped, &keys, &policy, NOW), Err(Refusal::MissingScope), "{provider}");
        }
    }
}

#[test]
fn an_openid_token_is_judged_by_its_audience() {
    use Refusal::{MalformedClaim, MissingClaim, MissingScope, WrongAudience};
    let key = SigningKey::rsa("rsa");
    let keys = key_set(&[key.jwk()]);
    let policy = policy_of(Provider::OpenId);
    let good = [
        claims(),
        with(claims(), "aud", json!(["https://items.example.test"])),
        with(with(claims(), "client_id", json!(7)), "token_use", json!("id")),
    ];
    for claims in good {
        assert!(verify(&key.token(&claims), &keys, &policy, NOW).is_ok(), "{claims}");
    }
    let cases = [
        (cognito_claims(), MissingClaim("aud")),
        (with(claims(), "aud", json!("https://items.example.test,other")), WrongAudience),
        (with(claims(), "aud", json!([["https://items.example.test"]])), MalformedClaim("aud")),
        (without(claims(), "scope"), MissingScope),
    ];
    for (claims, refusal) in cases {
        assert_eq!(verify(&key.token(&claims), &keys, &policy, NOW), Err(refusal), "{claims}");
    }
}

#[test]
fn a_cognito_token_is_judged_by_its_client_and_its_use() {
    use Refusal::{MalformedClaim, MissingClaim, MissingScope, WrongClient, WrongUse};
    let key = SigningKey::rsa("rsa");
    let keys = key_set(&[key.jwk()]);
    let policy = policy_of(Provider::Cognito);
    let good = [
        cognito_claims(),
        with(cognito_claims(), "client_id", json!("client-2")),
        with(cognito_claims(), "aud", json!("https://other.example.test")),
        with(cognito_claims(), "aud", json!([7])),
    ];
    for claims in good {
        assert!(verify(&key.token(&claims), &keys, &policy, NOW).is_ok(), "{claims}");
    }
    let cases = [
        (without(cognito_claims(), "client_id"), MissingClaim("client_id")),
        // An ID token: the client is its audience.
        (with(without(cognito_claims(), "client_id"), "aud", json!("client-1")), MissingClaim("client_id")),
        (with(cognito_claims(), "client_id", json!("client-3")), WrongClient),
        (with(cognito_claims(), "client_id", json!("Client-1")), WrongClient),
        (with(cognito_claims(), "client_id", json!("client-1, client-2,")), WrongClient),
        (with(cognito_claims(), "client_id", json!(" client-1")), WrongClient),
        (with(cognito_claims(), "client_id", json!("")), WrongClient),
        (with(cognito_claims(), "client_id", json!(["client-1"])), MalformedClaim("client_id")),
        (without(cognito_claims(), "token_use"), MissingClaim("token_use")),
        (with(cognito_claims(), "token_use", json!("id")), WrongUse),
        (with(cognito_claims(), "token_use", json!("Access")), WrongUse),
        (with(cognito_claims(), "token_use", json!(["access"])), MalformedClaim("token_use")),
        (without(cognito_claims(), "scope"), MissingScope),
        (without(cognito_claims(), "iss"), MissingClaim("iss")),
        (without(cognito_claims(), "exp"), MissingClaim("exp")),
    ];
    for (claims, refusal) in cases {
        assert_eq!(verify(&key.token(&claims), &keys, &policy, NOW), Err(refusal), "{claims}");
    }
    let unset = Policy { audience: String::new(), ..policy };
    let nobody = with(cognito_claims(), "client_id", json!(""));
    assert_eq!(verify(&key.token(&nobody), &keys, &unset, NOW), Err(WrongClient));
}

#[test]
fn headers_that_are_refused() {
    use Refusal::{
        CriticalHeader, Malformed, UnknownKey, UnsupportedAlgorithm, UnsupportedType, WrongAlgorithm,
    };
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let unknown = |kid: &str| UnknownKey { kid: kid.to_owned() };
    let cases = [
        (with(key.header(), "alg", json!("none")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("None")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("NONE")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("nOnE")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("es256")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("ES384")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("RS512")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("EdDSA")), UnsupportedAlgorithm),
        (with(key.header(), "alg", json!("RS256")), WrongAlgorithm),
        (with(key.header(), "alg", json!("PS256")), WrongAlgorithm),
        (without(key.header(), "alg"), Malformed),
        (with(key.header(), "alg", json!(["ES256"])), Malformed),
        (with(key.header(), "kid", json!("other")), unknown("other")),
        (with(key.header(), "kid", json!("")), unknown("")),
        (with(key.header(), "kid", json!(1)), Malformed),
        (with(key.header(), "crit", json!(["exp"])), CriticalHeader),
        (with(key.header(), "crit", json!([])), CriticalHeader),
        (with(key.header(), "crit", Value::Null), CriticalHeader),
        (with(key.header(), "typ", json!("logout+jwt")), UnsupportedType),
        (with(key.header(), "typ", json!("dpop+jwt")), UnsupportedType),
        (with(key.header(), "typ", json!("")), UnsupportedType),
    ];
    for (header, refusal) in cases {
        let token = key.token_with_header(&header, &claims());
        assert_eq!(verify(&token, &keys, &policy(), NOW), Err(refusal), "{header}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = key.token_with_header(&with(key.header(), "typ", json!(typ)), &claims());
        assert!(verify(&token, &keys, &policy(), NOW).is_ok(), "{typ}");
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    for key in [SigningKey::ec("key"), SigningKey::rsa("key")] {
        let keys = key_set(&[key.jwk()]);
        let raw = key.jwk()["x"].as_str().or(key.jwk()["n"].as_str()).unwrap().to_owned();
        for secret in [key.public_key_pem(), key.public_key_pem().trim_end(), &raw] {
            for alg in ["HS256", "RS256", "ES256"] {
                let header = with(key.header(), "alg", json!(alg));
                let token = hmac_token(&header, &claims(), secret.as_bytes());
                let refusal = verify(&token, &keys, &policy(), NOW).unwrap_err();
                let caught =
                    [Refusal::UnsupportedAlgorithm, Refusal::WrongAlgorithm, Refusal::WrongSignature];
                assert!(caught.contains(&refusal), "{refusal:?} for {alg}");
                assert!(alg != "HS256" || refusal == Refusal::UnsupportedAlgorithm);
            }
        }
    }
}

#[test]
fn signatures_that_are_refused() {
    let (key, foreign) = (SigningKey::ec("ec"), SigningKey::ec("ec"));
    let keys = key_set(&[key.jwk()]);
    let refused = |token: &str| verify(token, &keys, &policy(), NOW).unwrap_err();

    assert_eq!(refused(&foreign.token(&claims())), Refusal::WrongSignature, "a foreign key under a known id");
    assert_eq!(
        refused(&format!("{}.", unsigned(&key.header(), &claims()))),
        Refusal::WrongSignature,
        "no signature"
    );
    let zeros = format!("{}.{}", unsigned(&key.header(), &claims()), URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(refused(&zeros), Refusal::WrongSignature, "an all-zero ECDSA signature (CVE-2022-21449)");

    let good = key.token(&claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let richer = with(claims(), "scope", json!("read:items admin"));
    let swapped = format!("{}.{signature}", unsigned(&key.header(), &richer));
    assert_eq!(refused(&swapped), Refusal::WrongSignature, "another token's signature");
}

#[test]
fn nothing_that_the_header_points_to_is_used() {
    let (key, attacker) = (SigningKey::ec("ec"), SigningKey::ec("ec"));
    let keys = key_set(&[key.jwk()]);
    for (name, value) in [
        ("jwk", attacker.jwk()),
        ("jku", json!("https://attacker.example.test/jwks.json")),
        ("x5u", json!("https://attacker.example.test/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = with(key.header(), name, value);
        let forged = attacker.token_with_header(&header, &claims());
        assert_eq!(verify(&forged, &keys, &policy(), NOW), Err(Refusal::WrongSignature), "{name}");
        assert!(verify(&key.token_with_header(&header, &claims()), &keys, &policy(), NOW).is_ok(), "{name}");
    }
}

#[test]
fn shapes_that_are_refused() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let good = key.token(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let twice = r#"{"alg":"none","alg":"ES256","kid":"ec"}"#;
    let malformed = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}!.{signature}"),
        format!("{}.{payload}.{signature}", encoded("not JSON")),
        format!("{}.{payload}.{signature}", encoded("[]")),
        format!("{}.{payload}.{signature}", encoded("{}")),
        format!("{}.{payload}.{signature}", encoded(twice)),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode([0xff, 0xfe])),
        format!("{}.{payload}.{signature}", encoded(&"[".repeat(3000))),
        "é.é.é".to_owned(),
    ];
    for token in malformed {
        assert_eq!(verify(&token, &keys, &policy(), NOW), Err(Refusal::Malformed), "{token}");
    }
    // What they would say as objects, in the order in which the verifier names it.
    let header_as_list = json!(["ES256", "JWT", "ec", null]);
    let listed = key.token_with_header(&header_as_list, &claims());
    assert_eq!(verify(&listed, &keys, &policy(), NOW), Err(Refusal::Malformed));
    let claims_as_list = {
        let claims = claims();
        let names =
            ["iss", "sub", "aud", "exp", "nbf", "iat", "client_id", "token_use", "scope", "permissions"];
        Value::from_iter(names.map(|name| claims.get(name).cloned()))
    };
    for payload in [claims_as_list, json!([]), json!("text"), json!(null)] {
        assert_eq!(verify(&key.token(&payload), &keys, &policy(), NOW), Err(Refusal::Malformed), "{payload}");
    }
}

#[test]
fn what_is_not_utf8_is_refused_wherever_it_is() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let token = |header: &[u8], payload: &[u8]| {
        let encoded = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        key.sign(&format!("{}.{}", encoded(header), encoded(payload)))
    };
    // In a member that nobody asks for.
    let broken = |json: &str| [&b"{\"x\":\"\xff\","[..], &json.as_bytes()[1..]].concat();
    let (header, payload) = (key.header().to_string(), claims().to_string());
    assert!(verify(&token(header.as_bytes(), payload.as_bytes()), &keys, &policy(), NOW).is_ok());
    for token in [token(&broken(&header), payload.as_bytes()), token(header.as_bytes(), &broken(&payload))] {
        assert_eq!(verify(&token, &keys, &policy(), NOW), Err(Refusal::Malformed), "{token}");
    }
}

#[test]
fn a_claim_given_twice_is_refused() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let token =
        |payload: &str| key.sign(&format!("{}.{}", encoded(&key.header().to_string()), encoded(payload)));
    let once = claims().to_string();
    assert!(verify(&token(&once), &keys, &policy(), NOW).is_ok());
    let twice = once.replacen('{', r#"{"scope":"none","#, 1);
    assert_eq!(verify(&token(&twice), &keys, &policy(), NOW), Err(Refusal::Malformed));
}

#[test]
fn an_overlong_token_is_not_parsed() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let long = key.token(&with(claims(), "pad", json!("x".repeat(MAX_TOKEN_BYTES))));
    assert_eq!(verify(&long, &keys, &policy(), NOW), Err(Refusal::TooLarge));
    assert_eq!(verify(&"x".repeat(MAX_TOKEN_BYTES + 1), &keys, &policy(), NOW), Err(Refusal::TooLarge));
    assert_eq!(verify(&"x".repeat(MAX_TOKEN_BYTES), &keys, &policy(), NOW), Err(Refusal::Malformed));
}

#[test]
fn a_token_without_a_key_id_needs_a_single_key() {
    let (key, other) = (SigningKey::ec("ec"), SigningKey::ec("other"));
    let token = key.token_with_header(&without(key.header(), "kid"), &claims());
    let claims = verify(&token, &key_set(&[key.jwk()]), &policy(), NOW).unwrap();
    assert_eq!(claims.key_id, None);
    let two = key_set(&[key.jwk(), other.jwk()]);
    assert_eq!(verify(&token, &two, &policy(), NOW), Err(Refusal::MissingKeyId));
    // A key for encryption does not count.
    let one = key_set(&[key.jwk(), with(other.jwk(), "use", json!("enc"))]);
    assert!(verify(&token, &one, &policy(), NOW).is_ok());
}

#[test]
fn refusals_fit_an_error_description() {
    let key = SigningKey::ec("ec");
    let keys = key_set(&[key.jwk()]);
    let marked = with(key.header(), "kid", json!("marked\"\\é"));
    let refusal = verify(&key.token_with_header(&marked, &claims()), &keys, &policy(), NOW).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownKey { kid: "marked\"\\é".to_owned() });
    let texts = [
        refusal,
        Refusal::TooLarge,
        Refusal::Malformed,
        Refusal::UnsupportedType,
        Refusal::UnsupportedAlgorithm,
        Refusal::CriticalHeader,
        Refusal::MissingKeyId,
        Refusal::WrongAlgorithm,
        Refusal::WrongSignature,
        Refusal::MissingClaim("permissions"),
        Refusal::MalformedClaim("permissions"),
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::IssuedInFuture,
        Refusal::WrongIssuer,
        Refusal::WrongAudience,
        Refusal::WrongClient,
        Refusal::WrongUse,
        Refusal::MissingScope,
    ]
    .map(|refusal| refusal.to_string());
    for text in texts {
        let allowed = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
        assert!(text.len() <= 80 && text.bytes().all(allowed) && !text.contains("marked"), "{text}");
    }
}
