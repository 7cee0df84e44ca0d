//! No data is returned without a verified token.

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::signing_key::{SigningKey, hmac_token};
use serde_json::{Value, json};

use crate::stage::{Stage, assert_problem};

#[tokio::test]
async fn without_a_token_only_health_answers() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    for request in [
        AlbRequest::get("/v1/items/42"),
        AlbRequest::get("/v1/items/none"),
        AlbRequest::new("HEAD", "/v1/items/42"),
        AlbRequest::new("DELETE", "/v1/items/42"),
        AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["42"]})),
        AlbRequest::get("/"),
        AlbRequest::get("/nowhere"),
        AlbRequest::get("/health/"),
        AlbRequest::get("//health"),
        AlbRequest::get("/health/../v1/items/42"),
        AlbRequest::new("OPTIONS", "/v1/items/42"),
        AlbRequest::get("/v1/items/42").header("authorization", "Basic dTpw"),
        AlbRequest::get("/v1/items/42").header("authorization", "Bearer "),
        AlbRequest::get("/v1/items/42").query("access_token", &stage.provider.token()),
        AlbRequest::get("/v1/items/42").header("cookie", &format!("token={}", stage.provider.token())),
    ] {
        let answer = stage.send(&request).await;
        assert_eq!(answer.status, 401, "{request:?}");
        // RFC 6750, section 3.1: no error code if no token was sent.
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="restctl""#));
    }
    assert_eq!(stage.dynamo.count_calls("GetItem") + stage.dynamo.count_calls("BatchGetItem"), 0);
    assert_problem(&stage.send(&AlbRequest::get("/v1/items/42")).await, 401, "token-missing");

    let health = stage.send(&AlbRequest::get("/health").header("user-agent", "ELB-HealthChecker/2.0")).await;
    assert_eq!((health.status, health.json()), (200, json!({"status": "ok"})));
    let other = stage.send(&AlbRequest::new("POST", "/health")).await;
    assert_problem(&other, 405, "method-not-allowed");
    assert_eq!(other.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn the_answer_to_a_bad_token_says_what_is_wrong() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let key = stage.provider.signing_key();
    let foreign = SigningKey::generate_ec(key.kid());
    let none = json!({"alg": "none", "kid": key.kid()});
    let hmac = json!({"alg": "HS256", "kid": key.kid()});
    for (token, description) in [
        (stage.provider.token_with_claim("exp", json!(1_700_000_000)), "the token has expired"),
        (stage.provider.token_with_claim("exp", json!(null)), "the token has no claim exp"),
        (stage.provider.token_with_claim("iss", json!("https://x/")), "the token is from another issuer"),
        (stage.provider.token_with_claim("aud", json!("x")), "the token is for another audience"),
        (foreign.token(&stage.provider.claims()), "the token's signature is wrong"),
        (key.token_with_header(&none, &stage.provider.claims()), "the token's algorithm is not accepted"),
        (
            hmac_token(&hmac, &stage.provider.claims(), key.public_key_pem().as_bytes()),
            "the token's algorithm is not accepted",
        ),
        (
            SigningKey::generate_ec("other").token(&stage.provider.claims()),
            "the token is signed with an unknown key",
        ),
        ("garbage".to_owned(), "the token is not a signed JWT in compact form"),
        ("x".repeat(17_000), "the token has more than 16360 bytes"),
        (format!("{0} {0}", stage.provider.token()), "the token is not a signed JWT in compact form"),
    ] {
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(&token)).await;
        assert_eq!(assert_problem(&answer, 401, "token-refused")["detail"], description);
        let challenge =
            format!(r#"Bearer realm="restctl", error="invalid_token", error_description="{description}""#);
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
    }
    assert_eq!(stage.dynamo.count_calls("GetItem"), 0);
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden() {
    let stage = Stage::start().await;
    for scope in [json!("write:items"), json!(null)] {
        let token = stage.provider.token_with_claim("scope", scope);
        let answer = stage.send(&AlbRequest::get("/v1/items/42").bearer(&token)).await;
        assert_problem(&answer, 403, "scope-missing");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Bearer realm="restctl", error="insufficient_scope", scope="read:items""#)
        );
    }
    assert_eq!(stage.dynamo.count_calls("GetItem"), 0);
}

#[tokio::test]
async fn two_authorization_headers_are_a_bad_request() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let twice = AlbRequest::get("/v1/items/42").bearer(&token).bearer(&token);
    let answer = stage.send(&twice).await;
    assert_problem(&answer, 400, "authorization-repeated");
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="restctl", error="invalid_request""#));
}

#[tokio::test]
async fn the_scheme_is_case_insensitive_and_headers_may_be_single_valued() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = AlbRequest::get("/v1/items/42").header("authorization", &format!("{scheme} {token}"));
        assert_eq!(stage.send(&request).await.status, 200, "{scheme}");
        assert_eq!(stage.send_event(&request.single_value_event()).await.status, 200, "{scheme}");
        // Some load balancers other than those of AWS send both.
        let mut both = request.multi_value_event();
        both["headers"] = request.single_value_event()["headers"].clone();
        assert_eq!(stage.send_event(&both).await.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn the_log_has_a_line_for_each_request_and_no_secrets() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({"name": {"S": "a private name"}}));
    let token = stage.provider.token();
    let item = stage.send(&AlbRequest::get("/v1/items/42").bearer(&token)).await;
    stage.send(&AlbRequest::get("/v1/items/42").bearer("a.stolen.token")).await;
    stage.send(&AlbRequest::get("/health")).await;
    let output = stage.wait_for_output(|output| output.contains(r#""route":"health""#)).await;
    let lines: Vec<Value> =
        output.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert_eq!(lines[0]["route"], "item");
    assert_eq!(lines[0]["status"], 200);
    assert_eq!(lines[0]["subject"], "client-1@clients");
    assert_eq!(lines[0]["key_id"], "key-1");
    // A token without a name of its issuer was refused under the only one.
    assert!(lines[..2].iter().all(|line| line["issuer"] == stage.provider.issuer()), "{output}");
    assert!(lines.iter().all(|line| line.get("refusals").is_none()), "{output}");
    assert!(lines[0]["latency_ms"].is_f64() && lines[0]["timestamp"].is_string());
    assert_eq!(lines[0]["request_id"], item.header("x-request-id").unwrap());
    assert_eq!((&lines[0]["jwks_fetches"], &lines[1]["jwks_fetches"]), (&json!(1), &json!(0)));
    lines.iter().for_each(assert_metrics);
    assert_eq!((&lines[1]["errors"], &lines[1]["problem"]), (&json!(1), &json!("token-refused")));
    assert_eq!((&lines[1]["status"], &lines[1]["route"]), (&json!(401), &json!("none")));
    assert_eq!(lines[1]["reason"], "the token is not a signed JWT in compact form");
    let secrets = [token.as_str(), token.rsplit('.').next().unwrap(), "stolen", "a private name"];
    assert!(secrets.iter().all(|secret| !output.contains(secret)), "{output}");
}

/// Asserts that each metric and each dimension is a member of the line, as the embedded metric format requires.
fn assert_metrics(line: &Value) {
    assert!(line["_aws"]["Timestamp"].is_u64(), "{line}");
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], "restctl");
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} of {line}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} of {line}");
        }
    }
}
