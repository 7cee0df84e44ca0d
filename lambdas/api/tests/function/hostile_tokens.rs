//! Tokens that must not get in, beside those that must: by the provider's own key, so that it is the claims and
//! the header that decide, and by everything that an attacker can make of a good one.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_forgery::attempts;
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider};
use restctl_testkit::signing_key::{SigningKey, unsigned};
use serde_json::{Value, json};

use crate::stage::{Stage, TABLE, problem};

use Outcome::{Forbidden, Passes, Refused};

/// What becomes of a request with the token.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Passes,
    /// 401, for this reason.
    Refused(&'static str),
    /// 403.
    Forbidden,
}

struct Case {
    name: String,
    token: String,
    outcome: Outcome,
}

const MALFORMED: Outcome = Refused("the token is not a signed JWT in compact form");
const ALGORITHM: Outcome = Refused("the token's algorithm is none of RS256, PS256 and ES256");
const TYPE: Outcome = Refused("the token's type is not that of an access token");
const CRITICAL: Outcome = Refused("the token has critical header parameters");
const UNKNOWN_KEY: Outcome = Refused("the token is signed with an unknown key");
const SIGNATURE: Outcome = Refused("the token's signature is wrong");
const EXPIRED: Outcome = Refused("the token has expired");
const NOT_YET_VALID: Outcome = Refused("the token is not valid yet");
const ISSUED_IN_FUTURE: Outcome = Refused("the token is issued in the future");
const ISSUER: Outcome = Refused("the token is from another issuer");
const AUDIENCE_OF_OTHERS: Outcome = Refused("the token is for another audience");
const CLIENT: Outcome = Refused("the token was issued to another client");
const USE: Outcome = Refused("the token is not meant for access");

/// A claim of the wrong type.
macro_rules! wrong_type {
    ($claim:literal) => {
        Refused(concat!("the token's claim ", $claim, " is of the wrong type"))
    };
}

#[tokio::test]
async fn claims_of_auth0() {
    let stage = stage("auth0", AUDIENCE, IdentityProvider::start().await).await;
    let claims = stage.provider.claims();
    let mut cases = times(&stage, &claims);
    cases.extend(issuers_subjects_and_scopes(&stage, &claims));
    cases.extend(audiences(&stage, &claims));
    let without_scope = with(&claims, "scope", Value::Null);
    cases.extend(changed(
        &stage,
        &without_scope,
        "permissions",
        vec![
            (json!(["read:items"]), Passes),
            (json!(["write:items", "read:items"]), Passes),
            (json!([]), Forbidden),
            (json!(["read"]), Forbidden),
            (json!(["write:items read:items"]), Forbidden),
            (json!("read:items"), wrong_type!("permissions")),
            (json!([1, "read:items"]), wrong_type!("permissions")),
            (json!({"read:items": true}), wrong_type!("permissions")),
        ],
    ));
    judge(&stage, cases).await;
}

#[tokio::test]
async fn claims_of_any_openid_issuer() {
    let stage = stage("openid", AUDIENCE, IdentityProvider::start().await).await;
    let claims = stage.provider.claims();
    let mut cases = times(&stage, &claims);
    cases.extend(issuers_subjects_and_scopes(&stage, &claims));
    cases.extend(audiences(&stage, &claims));
    // They mean something in Auth0's tokens alone.
    cases.extend(changed(&stage, &claims, "permissions", vec![(json!("whatever"), Passes)]));
    let without_scope = with(&claims, "scope", Value::Null);
    cases.extend(changed(&stage, &without_scope, "permissions", vec![(json!(["read:items"]), Forbidden)]));
    judge(&stage, cases).await;
}

#[tokio::test]
async fn claims_of_cognito() {
    let stage = stage("cognito", "client-1,client-2", IdentityProvider::start().await).await;
    let mut claims = with(&stage.provider.claims(), "aud", Value::Null);
    claims["client_id"] = json!("client-1");
    claims["token_use"] = json!("access");
    let mut cases = times(&stage, &claims);
    cases.extend(issuers_subjects_and_scopes(&stage, &claims));
    cases.extend(changed(&stage, &claims, "aud", vec![(json!("another"), Passes), (json!(7), Passes)]));
    cases.extend(changed(
        &stage,
        &claims,
        "client_id",
        vec![
            (json!("client-2"), Passes),
            (Value::Null, Refused("the token has no claim client_id")),
            (json!(""), CLIENT),
            (json!("client-3"), CLIENT),
            (json!("client"), CLIENT),
            (json!("client-1,client-2"), CLIENT),
            (json!("CLIENT-1"), CLIENT),
            (json!(["client-1"]), wrong_type!("client_id")),
            (json!(1), wrong_type!("client_id")),
        ],
    ));
    cases.extend(changed(
        &stage,
        &claims,
        "token_use",
        vec![
            (Value::Null, Refused("the token has no claim token_use")),
            (json!("id"), USE),
            (json!("ACCESS"), USE),
            (json!(""), USE),
            (json!(["access"]), wrong_type!("token_use")),
            (json!(true), wrong_type!("token_use")),
        ],
    ));
    cases.extend(changed(&stage, &claims, "permissions", vec![(json!({}), Passes)]));
    judge(&stage, cases).await;
}

#[tokio::test]
async fn headers_and_shapes() {
    let stage = stage("auth0", AUDIENCE, IdentityProvider::start().await).await;
    let (key, claims) = (stage.provider.signing_key(), stage.provider.claims());
    let mut cases = Vec::new();
    for (name, value, outcome) in [
        ("typ", Value::Null, Passes),
        ("typ", json!("jwt"), Passes),
        ("typ", json!("at+jwt"), Passes),
        ("typ", json!("AT+JWT"), Passes),
        ("typ", json!("application/at+jwt"), Passes),
        ("typ", json!(""), TYPE),
        ("typ", json!("id+jwt"), TYPE),
        ("typ", json!("logout+jwt"), TYPE),
        ("typ", json!("dpop+jwt"), TYPE),
        ("typ", json!("JWE"), TYPE),
        ("typ", json!("JWT, at+jwt"), TYPE),
        ("typ", json!(7), MALFORMED),
        ("typ", json!(["JWT"]), MALFORMED),
        ("alg", Value::Null, MALFORMED),
        ("alg", json!("none"), ALGORITHM),
        ("alg", json!("es256"), ALGORITHM),
        ("alg", json!("ES256 "), ALGORITHM),
        ("alg", json!("ES512"), ALGORITHM),
        ("alg", json!("HS256"), ALGORITHM),
        ("alg", json!(256), MALFORMED),
        ("alg", json!("RS256"), Refused("the token's algorithm is not that of its key")),
        ("alg", json!("PS256"), Refused("the token's algorithm is not that of its key")),
        // The only key that there is.
        ("kid", Value::Null, Passes),
        ("kid", json!("KEY-1"), UNKNOWN_KEY),
        ("kid", json!("key-1 "), UNKNOWN_KEY),
        ("kid", json!("é"), UNKNOWN_KEY),
        ("kid", json!(1), MALFORMED),
        ("crit", json!(["exp"]), CRITICAL),
        ("crit", json!([]), CRITICAL),
        ("crit", json!("exp"), CRITICAL),
        ("crit", json!(false), CRITICAL),
        // What it points to is not looked at, and the signature is the provider's.
        ("jku", json!("https://attacker.invalid/"), Passes),
        ("jwk", SigningKey::ec("key-1").jwk(), Passes),
        ("zip", json!("DEF"), Passes),
    ] {
        let token = key.token_with_header(&with(&key.header(), name, value.clone()), &claims);
        cases.push(Case { name: format!("header {name} = {value}"), token, outcome });
    }
    cases.extend(shapes(&key, &claims));
    judge(&stage, cases).await;
}

/// Signed by the provider's key, whatever it is that is signed.
fn shapes(key: &SigningKey, claims: &Value) -> Vec<Case> {
    let text = |text: &str| json!(text).to_string();
    let (header, payload) = (key.header().to_string(), claims.to_string());
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let listed =
        json!([claims["iss"], "sub", AUDIENCE, claims["exp"], null, null, null, null, "read:items", []]);
    let raw = |header: &str, payload: &str| key.sign(&raw_message(header.as_bytes(), payload.as_bytes()));
    [
        ("as it should be", raw(&header, &payload), Passes),
        ("alg twice", raw(&twice(&header, r#""alg":"none""#), &payload), MALFORMED),
        ("kid twice", raw(&twice(&header, r#""kid":"other""#), &payload), MALFORMED),
        ("scope twice", raw(&header, &twice(&payload, r#""scope":"admin""#)), MALFORMED),
        ("exp twice", raw(&header, &twice(&payload, r#""exp":1"#)), MALFORMED),
        (
            "aud twice, the same",
            raw(&header, &twice(&payload, &format!("\"aud\":{}", claims["aud"]))),
            MALFORMED,
        ),
        (
            "exp too large for any number",
            raw(&header, &payload.replacen("\"exp\":", "\"exp\":1e999,\"x\":", 1)),
            wrong_type!("exp"),
        ),
        ("a space around the payload", raw(&header, &format!(" {payload}\n")), Passes),
        ("a byte order mark before the payload", raw(&header, &format!("\u{feff}{payload}")), MALFORMED),
        ("more after the payload", raw(&header, &format!("{payload}{{}}")), MALFORMED),
        ("payload cut short", raw(&header, &payload[..payload.len() - 1]), MALFORMED),
        ("payload empty", raw(&header, ""), MALFORMED),
        ("payload {}", raw(&header, "{}"), Refused("the token has no claim exp")),
        ("payload []", raw(&header, "[]"), MALFORMED),
        ("payload a list of the claims", raw(&header, &listed.to_string()), MALFORMED),
        ("payload null", raw(&header, "null"), MALFORMED),
        ("payload a text", raw(&header, &text(&payload)), MALFORMED),
        // No claim that is looked at, and bounded by the token's size.
        ("unknown claim, deep", raw(&header, &twice(&payload, &format!("\"x\":{deep}"))), Passes),
        (
            "sub deep",
            raw(&header, &payload.replacen("\"sub\":", &format!("\"sub\":{deep},\"x\":"), 1)),
            MALFORMED,
        ),
        ("payload UTF-16", key.sign(&raw_message(header.as_bytes(), &utf16(&payload))), MALFORMED),
        ("a claim not UTF-8", key.sign(&raw_message(header.as_bytes(), &not_utf8(&payload))), MALFORMED),
        ("header {}", raw("{}", &payload), MALFORMED),
        ("header a list of the parameters", raw(r#"["ES256","JWT","key-1"]"#, &payload), MALFORMED),
        ("a parameter not UTF-8", key.sign(&raw_message(&not_utf8(&header), payload.as_bytes())), MALFORMED),
        ("key of another with this id", SigningKey::ec("key-1").token(claims), SIGNATURE),
        ("key of another", SigningKey::ec("key-2").token(claims), UNKNOWN_KEY),
        ("no signature", format!("{}.", unsigned(&key.header(), claims)), SIGNATURE),
        (
            "9,000 bytes",
            key.token(&with(claims, "pad", json!("x".repeat(9000)))),
            Refused("the token is larger than 8 KiB"),
        ),
        ("no token at all", "a.b.c".to_owned(), MALFORMED),
        ("percent signs", "%00.%00.%00".to_owned(), MALFORMED),
    ]
    .map(|(name, token, outcome)| Case { name: name.to_owned(), token, outcome })
    .into()
}

/// The seconds of the edges are the verifier's own tests, where the clock is an argument. Here the clock goes on
/// while the table is judged, which no row minds: what has expired stays so, and 300 seconds are more than the
/// table takes.
fn times(stage: &Stage, claims: &Value) -> Vec<Case> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    let mut cases = changed(
        stage,
        claims,
        "exp",
        vec![
            (json!(now + 300), Passes),
            (json!(now as f64 + 300.5), Passes),
            (json!(u64::MAX), Passes),
            (Value::Null, Refused("the token has no claim exp")),
            (json!(now), EXPIRED),
            (json!(now - 1), EXPIRED),
            (json!(now as f64 - 0.5), EXPIRED),
            (json!(0), EXPIRED),
            (json!(-1), wrong_type!("exp")),
            (json!(-1e300), wrong_type!("exp")),
            (json!(1e300), wrong_type!("exp")),
            (json!((now + 300).to_string()), wrong_type!("exp")),
            (json!("never"), wrong_type!("exp")),
            (json!(true), wrong_type!("exp")),
            (json!([now + 300]), wrong_type!("exp")),
            (json!({}), wrong_type!("exp")),
        ],
    );
    for (claim, ahead, wrong) in
        [("nbf", NOT_YET_VALID, wrong_type!("nbf")), ("iat", ISSUED_IN_FUTURE, wrong_type!("iat"))]
    {
        cases.extend(changed(
            stage,
            claims,
            claim,
            vec![
                (Value::Null, Passes),
                (json!(0), Passes),
                (json!(now), Passes),
                (json!(now + 60), Passes),
                (json!(now + 61 + 300), ahead),
                (json!(u64::MAX), ahead),
                (json!(-1), wrong),
                (json!("0"), wrong),
                (json!(false), wrong),
                (json!([0]), wrong),
            ],
        ));
    }
    cases
}

fn issuers_subjects_and_scopes(stage: &Stage, claims: &Value) -> Vec<Case> {
    let issuer = stage.provider.issuer();
    let mut cases = changed(
        stage,
        claims,
        "iss",
        vec![
            (Value::Null, Refused("the token has no claim iss")),
            (json!(""), ISSUER),
            (json!(issuer.trim_end_matches('/')), ISSUER),
            (json!(format!("{issuer}/")), ISSUER),
            (json!(format!("{issuer} ")), ISSUER),
            (json!(issuer.to_uppercase()), ISSUER),
            (json!("https://attacker.invalid/"), ISSUER),
            (json!([issuer]), wrong_type!("iss")),
            (json!(1), wrong_type!("iss")),
        ],
    );
    cases.extend(changed(
        stage,
        claims,
        "sub",
        vec![
            (Value::Null, Passes),
            (json!(""), Passes),
            (json!("é\n\u{0}"), Passes),
            (json!(7), wrong_type!("sub")),
            (json!(["client-1"]), wrong_type!("sub")),
            (json!({}), wrong_type!("sub")),
        ],
    ));
    cases.extend(changed(
        stage,
        claims,
        "scope",
        vec![
            (json!("read:items"), Passes),
            (json!("openid read:items profile"), Passes),
            (json!(" read:items "), Passes),
            (Value::Null, Forbidden),
            (json!(""), Forbidden),
            (json!("write:items"), Forbidden),
            (json!("read:items2 xread:items read: items"), Forbidden),
            (json!("READ:ITEMS"), Forbidden),
            (json!("read:* *"), Forbidden),
            (json!("openid,read:items"), Forbidden),
            (json!("openid\tread:items"), Forbidden),
            (json!(["read:items"]), wrong_type!("scope")),
            (json!({"read:items": true}), wrong_type!("scope")),
            (json!(true), wrong_type!("scope")),
        ],
    ));
    cases
}

fn audiences(stage: &Stage, claims: &Value) -> Vec<Case> {
    changed(
        stage,
        claims,
        "aud",
        vec![
            (json!([AUDIENCE]), Passes),
            (json!(["https://other.example.test", AUDIENCE]), Passes),
            (Value::Null, Refused("the token has no claim aud")),
            (json!(""), AUDIENCE_OF_OTHERS),
            (json!([]), AUDIENCE_OF_OTHERS),
            (json!("https://other.example.test"), AUDIENCE_OF_OTHERS),
            (json!(["https://other.example.test"]), AUDIENCE_OF_OTHERS),
            (json!(format!("{AUDIENCE}/")), AUDIENCE_OF_OTHERS),
            (json!(format!("https://other.example.test {AUDIENCE}")), AUDIENCE_OF_OTHERS),
            (json!(AUDIENCE.to_uppercase()), AUDIENCE_OF_OTHERS),
            (json!([AUDIENCE, 1]), wrong_type!("aud")),
            (json!([[AUDIENCE]]), wrong_type!("aud")),
            (json!({AUDIENCE: true}), wrong_type!("aud")),
            (json!(1), wrong_type!("aud")),
            (json!(true), wrong_type!("aud")),
        ],
    )
}

#[tokio::test]
async fn forgeries_of_an_ecdsa_token() {
    refuse_forgeries(SigningKey::ec("key-1")).await;
}

#[tokio::test]
async fn forgeries_of_an_rsa_token() {
    refuse_forgeries(SigningKey::rsa("key-1")).await;
}

async fn refuse_forgeries(key: SigningKey) {
    let stage = stage("auth0", AUDIENCE, IdentityProvider::start_with(key).await).await;
    let token = stage.provider.token();
    let attempts = attempts(&token, &stage.provider.jwks(), "/v1/items/42");
    let attempts = attempts.expect("the token is one of the provider's");
    assert!(attempts.len() >= 100, "{}", attempts.len());
    let mut tokens = vec![token.clone()];
    for attempt in &attempts {
        let (path, query) = attempt.path.split_once('?').unwrap_or((&attempt.path, ""));
        let mut request = AlbRequest::new(attempt.method, path).body(attempt.body.as_str());
        for (name, value) in &attempt.headers {
            request = request.header(name, value);
            tokens.extend(value.strip_prefix("Bearer ").map(str::to_owned));
        }
        for (name, value) in query.split('&').filter_map(|parameter| parameter.split_once('=')) {
            request = request.query(name, value);
        }
        let answer = stage.send(&request).await;
        let challenge = answer.header("www-authenticate").unwrap_or_else(|| panic!("{}", attempt.name));
        assert_eq!(answer.status, attempt.expected.status, "{}", attempt.name);
        let description = match attempt.expected.problem {
            Some(kind) => problem(&answer, attempt.expected.status, kind)["detail"].clone(),
            None => Value::Null,
        };
        let expected = match attempt.expected.challenge {
            Some("") => r#"Bearer realm="restctl""#.to_owned(),
            Some("invalid_token") => refused(description.as_str().unwrap_or_default()),
            Some(code) => format!(r#"Bearer realm="restctl", error="{code}""#),
            None => panic!("{} has no challenge to look for", attempt.name),
        };
        assert_eq!(challenge, expected, "{}", attempt.name);
    }
    assert_eq!(stage.dynamo.calls("GetItem"), 0);
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    // One at the start, and one for all the keys that nobody has.
    assert_eq!(stage.provider.fetches(), 2);
    refuse_to_log(&stage, &tokens).await;
}

/// With an item 42.
async fn stage(provider: &str, audience: &str, identity: IdentityProvider) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let variables = [("PROVIDER", provider), ("AUDIENCE", audience)];
    let stage = Stage::told(identity, dynamo, "S", &variables).await;
    stage.put("42", json!({}));
    stage
}

async fn judge(stage: &Stage, cases: Vec<Case>) {
    let mut passed = 0;
    for Case { name, token, outcome } in &cases {
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await;
        let seen = (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        let challenge = answer.header("www-authenticate");
        match *outcome {
            Passes => {
                assert_eq!(seen, (200, r#"{"id":"42"}"#.to_owned()), "{name}");
                assert_eq!(challenge, None, "{name}");
                passed += 1;
            }
            Refused(reason) => {
                assert_eq!(seen.0, 401, "{name}: {}", seen.1);
                assert_eq!(problem(&answer, 401, "token-refused")["detail"], reason, "{name}");
                assert_eq!(challenge, Some(refused(reason).as_str()), "{name}");
            }
            Forbidden => forbidden(name, &answer),
        }
    }
    assert!(passed > 0 && passed < cases.len());
    assert_eq!(stage.dynamo.calls("GetItem"), passed, "whoever is refused costs the table nothing");
    let tokens: Vec<String> = cases.into_iter().map(|case| case.token).collect();
    refuse_to_log(stage, &tokens).await;
}

fn forbidden(name: &str, answer: &AlbAnswer) {
    assert_eq!(answer.status, 403, "{name}: {}", String::from_utf8_lossy(&answer.body));
    let detail = problem(answer, 403, "scope-missing")["detail"].clone();
    assert_eq!(detail, "this needs the scope read:items; ask for a token that has it", "{name}");
    let challenge = r#"Bearer realm="restctl", error="insufficient_scope", scope="read:items""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{name}");
}

/// Neither a token nor a part of it that is long enough to be one's own.
async fn refuse_to_log(stage: &Stage, tokens: &[String]) {
    assert_eq!(stage.send(&AlbRequest::get("/health")).await.status, 200);
    let output = stage.output(|output| output.contains(r#""route":"health""#)).await;
    let parts = tokens.iter().flat_map(|token| token.split(['.', ' ', ','])).filter(|part| part.len() >= 16);
    for part in parts.chain(["attacker.invalid"]) {
        assert!(!output.contains(part), "{part} is in the log: {output}");
    }
}

/// A token for each value of a claim; null leaves it out.
fn changed(stage: &Stage, claims: &Value, claim: &str, values: Vec<(Value, Outcome)>) -> Vec<Case> {
    let key = stage.provider.signing_key();
    let case = |(value, outcome): (Value, Outcome)| Case {
        name: format!("{claim} = {value}"),
        token: key.token(&with(claims, claim, value)),
        outcome,
    };
    let mut cases: Vec<Case> = values.into_iter().map(case).collect();
    // JSON's null is no value either.
    if let Some(absent) = cases.iter().find(|case| case.name.ends_with("= null")) {
        let mut null = claims.clone();
        null[claim] = Value::Null;
        let name = format!("{claim} = null, not left out");
        cases.push(Case { name, token: key.token(&null), outcome: absent.outcome });
    }
    cases
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    if value.is_null() {
        object.as_object_mut().expect("claims are an object").shift_remove(name);
    } else {
        object[name] = value;
    }
    object
}

fn refused(reason: &str) -> String {
    format!(r#"Bearer realm="restctl", error="invalid_token", error_description="{reason}""#)
}

/// Whatever the two are, what a signature is put under.
fn raw_message(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// With one more member, whose text is none.
fn not_utf8(json: &str) -> Vec<u8> {
    [&b"{\"x\":\"\xff\","[..], &json.as_bytes()[1..]].concat()
}
