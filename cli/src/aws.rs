//! AWS, one module per service. Nothing in here prints, prompts or waits for Ctrl-C: callers pass in what they want to
//! observe and what stops a call.

pub(crate) mod acm;
mod answer;
mod answer_date;
mod client;
mod clock;
pub(crate) mod cloudcontrol;
pub(crate) mod cloudformation;
pub(crate) mod cloudwatch;
pub(crate) mod cloudwatchlogs;
pub(crate) mod dynamodb;
pub(crate) mod elasticloadbalancing;
pub(crate) mod error;
pub(crate) mod eventbridge;
mod http_client;
pub(crate) mod iam;
pub(crate) mod known_failures;
pub(crate) mod lambda;
pub(crate) mod s3;
pub(crate) mod secretsmanager;
pub(crate) mod servicequotas;
mod sign_in;
pub(crate) mod sqs;
pub(crate) mod ssm;
pub(crate) mod sts;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;
mod unsupported_call;

pub(crate) use client::{Aws, Cloud};
