//! Smoke tests of a version of a function before it becomes live.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::api::{HEALTH_PATH, ITEMS_PATH};
use restctl_contract::issuer::{self, TrustedIssuer};
use restctl_contract::template::variable;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::{Aws, lambda};
use crate::failure::{Failure, FailureContext, Result};

/// Checks that the API starts, refuses requests without a token, and can fetch the keys of each issuer.
pub(crate) async fn test_api(aws: &Aws, function: &str, version: &str) -> Result<()> {
    let item = format!("{ITEMS_PATH}smoke");
    let health_probe = Probe { path: HEALTH_PATH, token: None, expected: 200 };
    lambda::wait_until_active(aws, function, version, &health_probe.to_event()).await?;
    let variables = lambda::read_environment(aws, function, Some(version)).await?;
    let tokens: Vec<ForgedToken> = trusted_issuers(&variables).into_iter().map(ForgedToken::new).collect();
    let without_token = Probe { path: &item, token: None, expected: 401 };
    let forged = tokens.iter().map(|token| Probe { path: &item, token: Some(token), expected: 401 });
    for probe in [health_probe, without_token].into_iter().chain(forged) {
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

/// Returns the issuers that a version with this environment trusts. A version of restctl before the list of issuers trusts
/// one, which its tokens need not name: then it is `None`.
fn trusted_issuers(variables: &HashMap<String, String>) -> Vec<Option<String>> {
    let listed = variables.get(variable::ISSUERS).and_then(|json| issuer::from_json(json).ok());
    let user_pool = variables.get(variable::USER_POOL).and_then(|json| serde_json::from_str(json).ok());
    let trusted = listed.into_iter().flatten().chain(user_pool);
    let names: Vec<Option<String>> = trusted.map(|trusted: TrustedIssuer| Some(trusted.issuer)).collect();
    if names.is_empty() { vec![None] } else { names }
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
    token: Option<&'a ForgedToken>,
    expected: u16,
}

impl Probe<'_> {
    /// Returns the request as the load balancer sends it (Elastic Load Balancing, "Use Lambda functions as targets").
    fn to_event(&self) -> Value {
        let mut headers = json!({ "user-agent": [concat!("restctl/", env!("CARGO_PKG_VERSION"))] });
        if let Some(token) = self.token {
            headers["authorization"] = json!([format!("Bearer {}", token.text)]);
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

/// A well-formed token with an unknown key, so that the API asks the issuer for its keys before it refuses the token.
struct ForgedToken {
    issuer: Option<String>,
    text: String,
}

impl ForgedToken {
    fn new(issuer: Option<String>) -> Self {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "restctl-smoke" });
        let claims = issuer.as_ref().map_or(json!({}), |issuer| json!({ "iss": issuer }));
        let text = format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([0; 256]));
        Self { issuer, text }
    }
}

fn smoke_failure(function: &str, version: &str) -> Failure {
    Failure::new(format!("version {version} of the function {function} failed its smoke test"))
}

fn unexpected_answer_failure(function: &str, version: &str, probe: &Probe<'_>, answer: &Answer) -> Failure {
    let Probe { path, token, expected } = probe;
    let presented = match token {
        None => "no token".to_owned(),
        Some(ForgedToken { issuer: None, .. }) => "a forged token".to_owned(),
        Some(ForgedToken { issuer: Some(issuer), .. }) => format!("a forged token of {issuer}"),
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_each_issuer_are_asked_for() {
        let issuer = |name: &str| {
            json!({
                "issuer": name, "provider": "openid", "audiences": ["x"], "scope": "x", "jwks_uri": "https://x",
            })
        };
        let listed = json!([issuer("https://a/"), issuer("https://b/")]).to_string();
        let user_pool = issuer("https://pool").to_string();
        let names = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            trusted_issuers(&variables.collect())
        };
        let some = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>();
        assert_eq!(names(&[("ISSUERS", &listed)]), some(&["https://a/", "https://b/"]));
        let all = names(&[("ISSUERS", &listed), ("USER_POOL", &user_pool)]);
        assert_eq!(all, some(&["https://a/", "https://b/", "https://pool"]));
        assert_eq!(names(&[("ISSUERS", "[]"), ("USER_POOL", &user_pool)]), some(&["https://pool"]));
        assert_eq!(names(&[("ISSUER", "https://a/")]), [None]);
    }

    #[test]
    fn a_forged_token_names_its_issuer() {
        let claims = |token: &ForgedToken| {
            let payload = token.text.split('.').nth(1).unwrap();
            String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
        };
        assert_eq!(claims(&ForgedToken::new(Some("https://a/".to_owned()))), r#"{"iss":"https://a/"}"#);
        assert_eq!(claims(&ForgedToken::new(None)), "{}");
    }
}
