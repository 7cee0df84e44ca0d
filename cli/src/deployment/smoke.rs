//! Smoke tests of a version of a function before it becomes live.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::api::{HEALTH_PATH, ITEMS_PATH};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::{Aws, lambda};
use crate::failure::{Failure, FailureContext, Result};

/// Checks that the API starts, refuses requests without a token, and can fetch the provider's keys.
pub(crate) async fn test_api(aws: &Aws, function: &str, version: &str) -> Result<()> {
    lambda::wait_until_active(aws, function, version, &request(HEALTH_PATH, None)).await?;
    let item = format!("{ITEMS_PATH}smoke");
    let token = token_with_unknown_key();
    for (path, token, expected) in
        [(HEALTH_PATH, None, 200), (item.as_str(), None, 401), (item.as_str(), Some(&token), 401)]
    {
        let answer = lambda::invoke_version(aws, function, version, &request(path, token)).await?;
        let answer: Answer = serde_json::from_slice(&answer).context(format!(
            "version {version} of the function {function} does not answer as an HTTP function"
        ))?;
        if answer.status_code != expected {
            return Err(smoke_failure(function, version, path, token.is_some(), &answer, expected));
        }
    }
    Ok(())
}

fn smoke_failure(
    function: &str,
    version: &str,
    path: &str,
    has_token: bool,
    answer: &Answer,
    expected: u16,
) -> Failure {
    let failure = Failure::new(format!("version {version} of the function {function} failed its smoke test"));
    let (presented, status) = (if has_token { "a forged token" } else { "no token" }, answer.status_code);
    let failure = failure.why(format!(
        "GET {path} with {presented} was answered with {status} instead of {expected}:\n{}",
        answer.body
    ));
    if status == 503 {
        return failure.next(
            "make sure that the function can reach the provider's keys; \
             restctl token explain shows their address",
        );
    }
    failure
}

/// Checks that the ingest function starts, and reports no failures for a batch without messages.
pub(crate) async fn test_ingest(aws: &Aws, function: &str, version: &str) -> Result<()> {
    let nothing = json!({ "Records": [] });
    lambda::wait_until_active(aws, function, version, &nothing).await?;
    let answer = lambda::invoke_version(aws, function, version, &nothing).await?;
    let failed = serde_json::from_slice::<Value>(&answer)
        .context(format!("version {version} of the function {function} does not answer with JSON"))?;
    match failed["batchItemFailures"].as_array() {
        Some(failures) if failures.is_empty() => Ok(()),
        _ => Err(Failure::new(format!("version {version} of the function {function} failed its smoke test"))
            .why(format!("it answered an empty batch with {failed}"))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    body: String,
}

/// Returns a well-formed token, so that the API asks the provider for its key before it refuses the token.
fn token_with_unknown_key() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "restctl-smoke" });
    format!("{}.{}.{}", part(header), part(json!({})), URL_SAFE_NO_PAD.encode([0; 256]))
}

/// Returns a request as the load balancer sends it (Elastic Load Balancing, "Use Lambda functions as targets").
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
