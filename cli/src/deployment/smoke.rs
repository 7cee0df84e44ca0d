//! Calls through a version of a function that is not live: does it start, and does it do its duty.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::api::{HEALTH_PATH, ITEMS_PATH};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::{Aws, lambda};
use crate::failure::{Failure, FailureContext, Result};

/// The API is up, lets nobody in without a token, and has the keys by which it would know one.
pub(crate) async fn api(aws: &Aws, function: &str, version: &str) -> Result<()> {
    lambda::wait_until_active(aws, function, version, &request(HEALTH_PATH, None)).await?;
    let item = format!("{ITEMS_PATH}smoke");
    let token = token_of_an_unknown_key();
    for (path, token, expected) in
        [(HEALTH_PATH, None, 200), (item.as_str(), None, 401), (item.as_str(), Some(&token), 401)]
    {
        let answer = lambda::invoke(aws, function, version, &request(path, token)).await?;
        let answer: Answer = serde_json::from_slice(&answer)
            .context(format!("version {version} of the function {function} answers no HTTP"))?;
        if answer.status_code != expected {
            return Err(no_good(function, version, path, token.is_some(), &answer, expected));
        }
    }
    Ok(())
}

fn no_good(
    function: &str,
    version: &str,
    path: &str,
    has_token: bool,
    answer: &Answer,
    expected: u16,
) -> Failure {
    let failure = Failure::new(format!("version {version} of the function {function} is no good"));
    let (asked, status) = (if has_token { "a forged token" } else { "no token" }, answer.status_code);
    let failure = failure
        .why(format!("GET {path} with {asked} is answered by {status}, not {expected}:\n{}", answer.body));
    if status == 503 {
        return failure.next(
            "see that the provider's keys can be had from where the function runs: \
             restctl token explain names their address",
        );
    }
    failure
}

/// The load is up: it takes a batch without messages, and has nothing to complain of.
pub(crate) async fn ingest(aws: &Aws, function: &str, version: &str) -> Result<()> {
    let nothing = json!({ "Records": [] });
    lambda::wait_until_active(aws, function, version, &nothing).await?;
    let answer = lambda::invoke(aws, function, version, &nothing).await?;
    let failed = serde_json::from_slice::<Value>(&answer)
        .context(format!("version {version} of the function {function} answers no JSON"))?;
    match failed["batchItemFailures"].as_array() {
        Some(failures) if failures.is_empty() => Ok(()),
        _ => Err(Failure::new(format!("version {version} of the function {function} is no good"))
            .why(format!("it answers {failed} to no messages at all"))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    body: String,
}

/// Well-formed, so that the API looks for its key and asks the provider once more before it refuses.
fn token_of_an_unknown_key() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "restctl-smoke" });
    format!("{}.{}.{}", part(header), part(json!({})), URL_SAFE_NO_PAD.encode([0; 256]))
}

/// As the load balancer sends it (Elastic Load Balancing, "Use Lambda functions as targets").
fn request(path: &str, token: Option<&String>) -> Value {
    let mut headers = json!({ "user-agent": [concat!("restctl/", env!("CARGO_PKG_VERSION"))] });
    if let Some(token) = token {
        headers["authorization"] = json!([format!("Bearer {token}")]);
    }
    json!({
        "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:restctl:deploy" } },
        "httpMethod": "GET",
        "path": path,
        "multiValueQueryStringParameters": {},
        "multiValueHeaders": headers,
        "body": "",
        "isBase64Encoded": false,
    })
}
