//! How many invocations can run at the same time, in the account and of one function.

use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::{Failure, Result};

pub(crate) const RAISE_QUOTA: &str = "raise \"Concurrent executions\" (lambda, L-B99A9384) in Service Quotas";

/// Returns what to do if a function is throttled.
pub(crate) fn add_concurrency() -> String {
    format!(
        "restctl deploy --api-concurrency N, which changes the share of the API function; or {RAISE_QUOTA}"
    )
}

/// How many invocations of the account can run at the same time, in this region.
pub(crate) struct AccountConcurrency {
    pub(crate) total: u32,
    /// What no function has reserved.
    pub(crate) unreserved: u32,
}

pub(crate) async fn read_account_concurrency(aws: &Aws) -> Result<AccountConcurrency> {
    let answer = aws
        .lambda
        .get_account_settings()
        .send()
        .await
        .aws_context("read the account's settings of Lambda")?;
    let limit = answer.account_limit.as_ref();
    let unreserved = limit.and_then(|limit| limit.unreserved_concurrent_executions);
    let (Some(limit), Some(unreserved)) = (limit, unreserved.and_then(|number| u32::try_from(number).ok()))
    else {
        return Err(Failure::new("Lambda returned no concurrency"));
    };
    Ok(AccountConcurrency {
        total: u32::try_from(limit.concurrent_executions).unwrap_or(unreserved),
        unreserved,
    })
}

/// Returns the concurrency that the function reserves, which is also its limit. `None` if it reserves none.
pub(crate) async fn read_reserved_concurrency(aws: &Aws, function: &str) -> Result<Option<u32>> {
    let answer = aws.lambda.get_function_concurrency().function_name(function).send().await;
    let answer = answer.aws_context(&format!("read the reserved concurrency of the function {function}"))?;
    Ok(answer.reserved_concurrent_executions.and_then(|number| u32::try_from(number).ok()))
}
