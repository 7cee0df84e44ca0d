//! Elastic Load Balancing: the target, its health, deletion protection, and the number of load balancers.

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer, LoadBalancerAttribute, LoadBalancerTypeEnum, TargetDescription, TargetHealthStateEnum,
};

use super::Aws;
use super::error::AwsContext;
use crate::failure::Result;

/// The attribute of a load balancer that protects it from deletion.
const DELETION_PROTECTION: &str = "deletion_protection.enabled";

/// Registers the function as the target group's target. On AWS, this changes nothing, because CloudFormation has done it
/// already; an emulator may not have done it.
pub(crate) async fn register_function(aws: &Aws, target_group: &str, function: &str) -> Result<()> {
    let target = TargetDescription::builder().id(function).build();
    let request = aws.elasticloadbalancing.register_targets().target_group_arn(target_group).targets(target);
    request.send().await.aws_context("register the API function with the load balancer")?;
    Ok(())
}

/// The health of a target, as the load balancer sees it.
pub(crate) struct TargetHealth {
    /// The function's ARN.
    pub(crate) target: String,
    pub(crate) state: TargetHealthStateEnum,
    /// Such as `Target.Timeout: Request timed out`.
    pub(crate) reason: String,
}

/// Returns the health of each registered target.
pub(crate) async fn read_target_health(aws: &Aws, target_group: &str) -> Result<Vec<TargetHealth>> {
    let request = aws.elasticloadbalancing.describe_target_health().target_group_arn(target_group);
    let answer = request.send().await.aws_context("read the health of the load balancer's target")?;
    let health = answer.target_health_descriptions.unwrap_or_default().into_iter().map(|described| {
        let target = described.target.and_then(|target| target.id).unwrap_or_default();
        let (state, reason, description) = described
            .target_health
            .map(|health| (health.state, health.reason, health.description))
            .unwrap_or_default();
        let reason = reason.map(|reason| reason.as_str().to_owned());
        let reason: Vec<String> = reason.into_iter().chain(description).collect();
        let state = state.unwrap_or(TargetHealthStateEnum::from("unknown"));
        TargetHealth { target, state, reason: reason.join(": ") }
    });
    Ok(health.collect())
}

/// Returns the number of Application Load Balancers in the region.
pub(crate) async fn count_load_balancers(aws: &Aws) -> Result<usize> {
    let mut count = 0;
    let mut pages = aws.elasticloadbalancing.describe_load_balancers().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("count the load balancers")?;
        let is_application =
            |balancer: &&LoadBalancer| balancer.r#type() == Some(&LoadBalancerTypeEnum::Application);
        count += page.load_balancers().iter().filter(is_application).count();
    }
    Ok(count)
}

/// Whether a load balancer of this account and region exists.
pub(crate) async fn load_balancer_exists(aws: &Aws, arn: &str) -> Result<bool> {
    let answer = aws.elasticloadbalancing.describe_load_balancers().load_balancer_arns(arn).send().await;
    if answer.error_code() == Some("LoadBalancerNotFound") {
        return Ok(false);
    }
    answer.aws_context(&format!("describe the load balancer {arn}"))?;
    Ok(true)
}

/// Turns the load balancer's deletion protection on or off. Returns whether that changed anything: a load balancer that does
/// not exist needs no change.
pub(crate) async fn set_deletion_protection(aws: &Aws, load_balancer: &str, on: bool) -> Result<bool> {
    let request = aws.elasticloadbalancing.describe_load_balancer_attributes();
    let answer = request.load_balancer_arn(load_balancer).send().await;
    if answer.error_code() == Some("LoadBalancerNotFound") {
        return Ok(false);
    }
    let answer = answer.aws_context("read the attributes of the load balancer")?;
    let mut attributes = answer.attributes().iter();
    let is_on = attributes.any(|it| it.key() == Some(DELETION_PROTECTION) && it.value() == Some("true"));
    if is_on == on {
        return Ok(false);
    }
    let attribute = LoadBalancerAttribute::builder().key(DELETION_PROTECTION).value(on.to_string()).build();
    let request = aws.elasticloadbalancing.modify_load_balancer_attributes();
    let request = request.load_balancer_arn(load_balancer).attributes(attribute);
    request.send().await.aws_context("change the load balancer's deletion protection")?;
    Ok(true)
}
