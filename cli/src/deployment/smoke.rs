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
    let (item, token) = (format!("{ITEMS_PATH}smoke"), token_with_unknown_key());
    let health_probe = Probe { path: HEALTH_PATH, token: None, expected: 200 };
    lambda::wait_until_active(aws, function, version, &health_probe.to_event()).await?;
    for probe in [
        health_probe,
        Probe { path: &item, token: None, expected: 401 },
        Probe { path: &item, token: Some(&token), expected: 401 },
    ] {
        let answer = lambda::invoke_version(aws, function, version, &probe.to_event()).await?;
        let answer: Answer = serde_json::from_slice(&answer).context(format!(
            "version {version} of the function {function} does not answer as an HTTP function"
        ))?;
        if answer.status_code != probe.expected {
            return Err(unexpected_answer_failure(function, version, &probe, &answer));
        }
    }
    Ok(())
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
        _ => Err(smoke_failure(function, version).why(format!("it answered an empty batch with {failed}"))),
    }
}

/// A request to the API, and the status that it has to answer.
struct Probe<'a> {
    path: &'a str,
    token: Option<&'a str>,
    expected: u16,
}

impl Probe<'_> {
    /// Returns the request as the load balancer sends it (Elastic Load Balancing, "Use Lambda functions as targets").
    fn to_event(&self) -> Value {
        let mut headers = json!({ "user-agent": [concat!("restctl/", env!("CARGO_PKG_VERSION"))] });
        if let Some(token) = self.token {
            headers["authorization"] = json!([format!("Bearer {token}")]);
        }
        json!({
            "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:restctl:deploy" } },
            "httpMethod": "GET",
            "path": self.path,
            "multiValueQueryStringParameters": {},
            "multiValueHeaders": headers,
            "body": "",
            "isBase64Encoded": false,
        })
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

fn smoke_failure(function: &str, version: &str) -> Failure {
    Failure::new(format!("version {version} of the function {function} failed its smoke test"))
}

fn unexpected_answer_failure(function: &str, version: &str, probe: &Probe<'_>, answer: &Answer) -> Failure {
    let Probe { path, token, expected } = probe;
    let presented = if token.is_some() { "a forged token" } else { "no token" };
    let status = answer.status_code;
    let failure = smoke_failure(function, version).why_lines([
        format!("GET {path} with {presented} was answered with {status} instead of {expected}:"),
        answer.body.clone(),
    ]);
    if status == 503 {
        return failure.next(
            "make sure that the function can reach the provider's keys; \
             restctl token explain shows their address",
        );
    }
    failure
}
