//! Amazon EventBridge: the rule that queues each new object as a load.

use aws_sdk_eventbridge::types::RuleState;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Result, shell_argument};

/// The type of an event rule.
pub(crate) const RULE: &str = "AWS::Events::Rule";

/// Returns the state of a rule, or `None` if there is no such rule.
pub(crate) async fn read_rule_state(aws: &Aws, rule: &str) -> Result<Option<RuleState>> {
    let answer = aws.eventbridge.describe_rule().name(rule).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    Ok(answer.aws_context(&format!("describe the event rule {rule}"))?.state)
}

/// Returns the command that enables an event rule.
pub(crate) fn enable_rule_command(name: &str) -> String {
    format!("aws events enable-rule --name {}", shell_argument(name, "NAME"))
}
