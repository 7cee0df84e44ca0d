//! Who can call a function: through its URLs, by its resource-based policy, or from an event source.

use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionUrlConfig};
use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Failure, FailureContext, Result};

/// The type of authentication of a function URL that anyone can call.
pub(crate) const NO_AUTH: &str = "NONE";

/// A function URL, which needs no load balancer.
pub(crate) struct FunctionUrl {
    pub(crate) url: String,
    /// `None` if it leads to the unpublished function.
    pub(crate) alias: Option<String>,
    /// `NONE` or `AWS_IAM`.
    pub(crate) auth_type: String,
}

/// Returns the URLs of a function and its aliases.
pub(crate) async fn list_function_urls(aws: &Aws, function: &str) -> Result<Vec<FunctionUrl>> {
    let mut urls = Vec::new();
    let mut pages = aws.lambda.list_function_url_configs().function_name(function).into_paginator().send();
    while let Some(page) = pages.next().await {
        if page.error_code() == Some(RESOURCE_NOT_FOUND) {
            break;
        }
        let page = page.aws_context(&format!("list the URLs of the function {function}"))?;
        urls.extend(page.function_url_configs.into_iter().map(function_url_from_sdk));
    }
    Ok(urls)
}

fn function_url_from_sdk(config: FunctionUrlConfig) -> FunctionUrl {
    FunctionUrl {
        url: config.function_url,
        // arn:aws:lambda:REGION:ACCOUNT:function:NAME, and the alias.
        alias: config.function_arn.split(':').nth(7).map(str::to_owned),
        auth_type: config.auth_type.as_str().to_owned(),
    }
}

/// A statement of a function's resource-based policy.
pub(crate) struct Statement {
    pub(crate) id: String,
    /// Who may call the function, such as `*` or `elasticloadbalancing.amazonaws.com`.
    pub(crate) principal: String,
}

/// Returns the statements of the policy of a function, or of its alias.
pub(crate) async fn list_statements(
    aws: &Aws,
    function: &str,
    alias: Option<&str>,
) -> Result<Vec<Statement>> {
    let request = aws.lambda.get_policy().function_name(function).set_qualifier(alias.map(str::to_owned));
    let answer = request.send().await;
    // The function has no policy.
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(Vec::new());
    }
    let what = format!("read the policy of the function {function}");
    let policy = answer.aws_context(&what)?.policy.unwrap_or_default();
    let policy: Value = serde_json::from_str(&policy).context(format!("cannot {what}"))?;
    let Some(statements) = policy["Statement"].as_array() else {
        return Err(Failure::new(format!("cannot {what}")).why("it has no list of statements"));
    };
    // An emulator also returns the statements of the aliases.
    let is_of_alias =
        |statement: &&Value| statement["Resource"].as_str().and_then(|arn| arn.split(':').nth(7)) == alias;
    Ok(statements.iter().filter(is_of_alias).map(parse_statement).collect())
}

fn parse_statement(statement: &Value) -> Statement {
    let principal = &statement["Principal"];
    let principal = match principal {
        Value::Object(kinds) if kinds.len() == 1 => kinds.values().next().unwrap_or(principal),
        _ => principal,
    };
    Statement {
        id: statement["Sid"].as_str().unwrap_or_default().to_owned(),
        principal: principal.as_str().map_or_else(|| principal.to_string(), str::to_owned),
    }
}

/// An event source mapping of the account and region.
pub(crate) struct ListedMapping {
    pub(crate) id: String,
    /// The ARN of the function, with the alias if there is one.
    pub(crate) function: String,
    /// The ARN of the queue or stream, or nothing if it has none.
    pub(crate) source: String,
}

/// Returns all event source mappings. The page "ListEventSourceMappings" does not say whether a filter by function also finds those
/// of its aliases.
pub(crate) async fn list_event_source_mappings(aws: &Aws) -> Result<Vec<ListedMapping>> {
    let mut mappings = Vec::new();
    let mut pages = aws.lambda.list_event_source_mappings().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("list the event source mappings")?;
        mappings.extend(page.event_source_mappings.unwrap_or_default().into_iter().map(mapping_from_sdk));
    }
    Ok(mappings)
}

fn mapping_from_sdk(mapping: EventSourceMappingConfiguration) -> ListedMapping {
    ListedMapping {
        id: mapping.uuid.unwrap_or_default(),
        function: mapping.function_arn.unwrap_or_default(),
        source: mapping.event_source_arn.unwrap_or_default(),
    }
}
