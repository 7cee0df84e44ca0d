use restctl_contract::issuer::Provider;
use serde_json::json;

use super::super::test_client::{client, issuer};
use super::*;
use crate::identity::token_client::ClientAuthentication;

const SECRET: &str = "s3cr:et/with+signs \"and\" more";
const NOW: u64 = 1_000;

fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AAAA", part(&json!({ "alg": "RS256" })), part(claims))
}

fn answer(status: u16, content_type: &str, body: &str) -> TokenAnswer {
    TokenAnswer::new(
        "https://idp.example.test/token".to_owned(),
        StatusCode::from_u16(status).unwrap(),
        content_type.to_owned(),
        String::new(),
        body.as_bytes().to_vec(),
        SentSecret::of_client("client", SECRET),
    )
}

fn result(answer: TokenAnswer) -> Result<AccessToken, GrantFailure> {
    answer.into_token(&client(ClientAuthentication::ClientSecretPost), &issuer(Provider::OpenId), NOW)
}

fn granted(body: &Value) -> AccessToken {
    result(answer(200, "application/json", &body.to_string()))
        .unwrap_or_else(|refusal| panic!("{body}: {}", Failure::from(refusal)))
}

fn refused(answer: TokenAnswer) -> Failure {
    match result(answer) {
        Ok(_) => panic!("the token was accepted"),
        Err(refusal) => refusal.into(),
    }
}

#[test]
fn lifetimes_are_numbers_text_or_missing() {
    let token = jwt(&json!({ "exp": 5_000 }));
    for (lifetime, expiry) in [
        (json!(3600), 4_600),
        (json!("3599"), 4_599),
        (json!("3599.0"), 4_599),
        (json!(3599.9), 4_599),
        (json!(" 60 "), 1_060),
        (json!(0), 1_000),
        (json!(1e15), 1_000_000_000_001_000),
        // Without a usable lifetime, the token's own counts.
        (Value::Null, 5_000),
        (json!(-1), 5_000),
        (json!("an hour"), 5_000),
        (json!("NaN"), 5_000),
        (json!("1e400"), 5_000),
        (json!([3600]), 5_000),
    ] {
        let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime });
        assert_eq!(granted(&body).expires_at, Some(expiry), "{lifetime}");
    }
    assert_eq!(granted(&json!({ "access_token": token })).expires_at, Some(5_000));
    assert_eq!(granted(&json!({ "access_token": jwt(&json!({})) })).expires_at, None);
}

#[test]
fn only_bearer_tokens_are_accepted() {
    let token = jwt(&json!({}));
    for name in [json!("Bearer"), json!("bearer"), json!("BEARER"), Value::Null] {
        granted(&json!({ "access_token": token, "token_type": name }));
    }
    for (name, next) in
        [("DPoP", "do not require DPoP"), ("mac", "of the type Bearer"), ("N_A", ""), ("", "")]
    {
        let body = json!({ "access_token": token, "token_type": name }).to_string();
        let refusal = refused(answer(200, "application/json", &body));
        assert_eq!(refusal.exit, Exit::Authentication);
        let refusal = refusal.to_string();
        assert!(refusal.contains("not a Bearer token") && refusal.contains(name), "{refusal}");
        assert!(refusal.contains(next), "{refusal}");
    }
}

#[test]
fn an_answer_is_json_or_a_form() {
    let token = jwt(&json!({}));
    let form = format!("access_token={token}&token_type=bearer&expires_in=60");
    for content_type in ["application/x-www-form-urlencoded; charset=utf-8", "text/plain", ""] {
        let found = result(answer(200, content_type, &form)).ok().unwrap();
        assert_eq!((found.access_token.as_str(), found.expires_at), (token.as_str(), Some(1_060)));
        let json = json!({ "access_token": token, "expires_in": 60 }).to_string();
        assert_eq!(result(answer(200, content_type, &json)).ok().unwrap().expires_at, Some(1_060));
    }
    let refusal = "error=invalid_client&error_description=Wrong+secret%21";
    let refusal = refused(answer(400, "application/x-www-form-urlencoded", refusal)).to_string();
    assert!(refusal.contains("400 Bad Request: invalid_client: Wrong secret!"), "{refusal}");
}

#[test]
fn an_answer_without_a_token_is_described() {
    for (body, content_type, expected) in [
        ("", "", "the answer is empty"),
        ("{}", "application/json", "it has no access_token"),
        (r#"{"access_token":""}"#, "application/json", "it has no access_token"),
        (r#"{"access_token":{"a":1}}"#, "application/json", "it has no access_token"),
        ("[]", "application/json", "begins with []"),
        ("a\u{1b}]0;x\u{7}\nb", "", r"no content type and begins with a\u{1b}]0;x\u{7} b"),
    ] {
        let refusal = refused(answer(200, content_type, body)).to_string();
        assert!(refusal.contains("has no token") && refusal.contains(expected), "{body:?}: {refusal}");
    }
    let long = "x".repeat(5_000);
    assert!(refused(answer(200, "text/html", &long)).to_string().len() < 1_000);
}

#[test]
fn a_page_is_not_taken_for_the_answer_of_a_token_endpoint() {
    let page = "<html><title>Blocked by the gateway</title>";
    for status in [200, 403, 404] {
        let failure = refused(answer(status, "text/html; charset=utf-8", page));
        assert_eq!(failure.exit, Exit::Failure);
        let failure = failure.to_string();
        for part in
            ["something else than a token endpoint", "\"Blocked by the gateway\"", "proxy or firewall"]
        {
            assert!(failure.contains(part), "{failure}");
        }
    }
    let failure = refused(answer(502, "text/html", page)).to_string();
    assert!(failure.contains("cannot grant a token now") && failure.contains("Blocked by"), "{failure}");
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    for (location, expected) in [
        ("https://other.example.test/t\u{1b}[2J", r"https://other.example.test/t\u{1b}[2J"),
        ("https://other.example.test/?s=s3cr%3Aet%2Fwith%2Bsigns+%22and%22+more", "?s=[client secret]"),
        ("", "an address that it does not name"),
    ] {
        let mut redirect = answer(307, "", r#"{"access_token":"a.b.c"}"#);
        redirect.location = location.to_owned();
        let failure = refused(redirect);
        let next = failure.next_step().unwrap().to_owned();
        let failure = failure.to_string();
        assert!(failure.contains("307 Temporary Redirect") && failure.contains(expected), "{failure}");
        assert!(!next.contains("other.example.test"), "{next}");
    }
}

#[test]
fn tokens_that_the_api_cannot_verify_are_named() {
    let jwe = format!("{}..AA.AA.AA", URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#));
    for (token, expected, next) in [
        ("A-Da8wn6d4N-Gd2pwneyuqCZYl_t3SK6AAWNLjTf_9L", "an opaque token", "--resource api://items"),
        (jwe.as_str(), "an encrypted token", "switch off the encryption"),
    ] {
        let failure = refused(answer(200, "", &json!({ "access_token": token }).to_string()));
        assert_eq!(failure.exit, Exit::Authentication);
        assert!(failure.next_step().unwrap().contains(next), "{failure}");
        let failure = failure.to_string();
        assert!(failure.contains(expected) && !failure.contains(token), "{failure}");
    }
}

#[test]
fn a_refusal_is_shown_without_effect() {
    let hostile = "no\u{1b}]0;t\u{7}\u{202e}\nnext: rm -rf ~\r$(id)";
    let body = json!({
        "error": hostile, "error_description": format!("{hostile} {SECRET}"), "error_uri": format!("https://x/{SECRET}"),
    });
    // A provider may refuse with the status of success.
    for status in [200, 400, 401] {
        let failure = refused(answer(status, "application/json", &body.to_string()));
        let next = failure.next_step().unwrap().to_owned();
        assert!(!next.contains("rm -rf") && !next.contains("$("), "{next}");
        let text = failure.to_string();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']), "{text:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("next: rm")), "{text}");
        assert!(!text.contains("s3cr") && text.contains("(error_uri: https://x/[client secret])"), "{text}");
    }
    let long = json!({ "error": "invalid_client", "error_description": "x".repeat(50_000) });
    assert!(refused(answer(401, "", &long.to_string())).to_string().len() < 2_000);
}

#[test]
fn errors_of_other_shapes_are_read() {
    for (status, body, expected) in [
        (500, r#"{"error":{"name":"TypeError","message":"x"}}"#, r#"{"name":"TypeError","message":"x"}"#),
        (400, "no code in /oauth/token", "begins with no code in /oauth/token"),
        (401, r#"{"errorCode":"invalid_client","errorSummary":"Bad"}"#, "invalid_client: Bad"),
        (401, "", "the answer is empty"),
    ] {
        let failure = refused(answer(status, "text/html", body)).to_string();
        assert!(failure.contains(expected), "{body}: {failure}");
    }
    assert_eq!(refused(answer(503, "text/html", "<html>")).exit, Exit::Failure);
    assert_eq!(refused(answer(403, "text/plain", "no")).exit, Exit::Authentication);
    // The token counts if there is no error in these members.
    granted(&json!({ "access_token": jwt(&json!({})), "error": null, "error_description": "" }));
    granted(&json!({ "access_token": jwt(&json!({})), "error": "" }));
}

#[test]
fn a_token_with_the_secret_is_refused() {
    for token in [jwt(&json!({ "secret": "s3cr:et/with+signs \"and\" more" })), SECRET.to_owned()] {
        let body = json!({ "access_token": token }).to_string();
        let failure = refused(answer(200, "application/json", &body)).to_string();
        assert!(
            failure.contains("has the client secret in its token") && !failure.contains("s3cr"),
            "{failure}"
        );
    }
}
