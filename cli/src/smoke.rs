//! One call through a version of a function that is not live yet: does it start, and does it do its duty.

use restctl_contract::api::{HEALTH_PATH, ITEMS_PATH};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::{Aws, lambda};
use crate::failure::{During, Failure, Result};

/// The API is up, and lets nobody in without a token.
pub(crate) async fn api(aws: &Aws, function: &str, version: &str) -> Result<()> {
    for (path, expected) in [(HEALTH_PATH.to_owned(), 200), (format!("{ITEMS_PATH}smoke"), 401)] {
        let answer = lambda::call(aws, function, version, &request(&path)).await?;
        let answer: Answer = serde_json::from_slice(&answer)
            .during(format!("version {version} of the function {function} answers no HTTP"))?;
        if answer.status_code != expected {
            return Err(Failure::new(format!("version {version} of the function {function} is no good"))
                .why(format!(
                    "GET {path} without a token is answered by {}, not {expected}",
                    answer.status_code
                )));
        }
    }
    Ok(())
}

/// The load is up: it takes a batch without messages, and has nothing to complain of.
pub(crate) async fn ingest(aws: &Aws, function: &str, version: &str) -> Result<()> {
    let answer = lambda::call(aws, function, version, &json!({ "Records": [] })).await?;
    let failed = serde_json::from_slice::<Value>(&answer)
        .during(format!("version {version} of the function {function} answers no JSON"))?;
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
}

/// As the load balancer sends it (Elastic Load Balancing, "Use Lambda functions as targets").
fn request(path: &str) -> Value {
    json!({
        "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:restctl:deploy" } },
        "httpMethod": "GET",
        "path": path,
        "multiValueQueryStringParameters": {},
        "multiValueHeaders": { "user-agent": [concat!("restctl/", env!("CARGO_PKG_VERSION"))] },
        "body": "",
        "isBase64Encoded": false,
    })
}
