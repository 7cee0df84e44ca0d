//! Elastic Load Balancing: listeners and their rules, the target, its health, deletion protection, and the number of load balancers.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, Listener as SdkListener, LoadBalancer, LoadBalancerAttribute, LoadBalancerTypeEnum, Rule,
    TargetDescription, TargetHealthStateEnum,
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

/// A listener of a load balancer.
pub(crate) struct Listener {
    pub(crate) arn: String,
    /// With the protocol, such as `HTTPS 443`.
    pub(crate) port: String,
}

pub(crate) async fn list_listeners(aws: &Aws, load_balancer: &str) -> Result<Vec<Listener>> {
    let request = aws.elasticloadbalancing.describe_listeners().load_balancer_arn(load_balancer);
    let mut listeners = Vec::new();
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("list the listeners of the load balancer")?;
        listeners.extend(page.listeners.unwrap_or_default().into_iter().map(listener_from_sdk));
    }
    Ok(listeners)
}

fn listener_from_sdk(listener: SdkListener) -> Listener {
    let protocol = listener.protocol.as_ref().map_or("", |protocol| protocol.as_str());
    Listener {
        port: format!("{protocol} {}", listener.port.unwrap_or_default()),
        arn: listener.listener_arn.unwrap_or_default(),
    }
}

/// A rule of a listener.
pub(crate) struct ListenerRule {
    pub(crate) arn: String,
    pub(crate) priority: String,
    /// What it does with a request, such as `forward to other-targets`.
    pub(crate) actions: String,
}

/// Returns the rules of a listener but for its default one, which is the listener's default action.
pub(crate) async fn list_rules(aws: &Aws, listener: &str) -> Result<Vec<ListenerRule>> {
    let mut rules = Vec::new();
    let mut pages = aws.elasticloadbalancing.describe_rules().listener_arn(listener).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("list the rules of the load balancer's listener")?;
        let others = page.rules.unwrap_or_default().into_iter().filter(|rule| rule.is_default != Some(true));
        rules.extend(others.map(rule_from_sdk));
    }
    Ok(rules)
}

fn rule_from_sdk(rule: Rule) -> ListenerRule {
    let actions: Vec<_> = rule.actions().iter().map(describe_action).collect();
    ListenerRule {
        actions: actions.join(", "),
        arn: rule.rule_arn.unwrap_or_default(),
        priority: rule.priority.unwrap_or_default(),
    }
}

/// Returns the type of an action, and the names of the target groups that it forwards to.
fn describe_action(action: &Action) -> String {
    let kind = action.r#type().map_or("", |kind| kind.as_str());
    let weighted = action.forward_config().map(|config| config.target_groups()).unwrap_or_default();
    let mut groups: Vec<_> = weighted.iter().filter_map(|group| group.target_group_arn()).collect();
    // A single group is in both members.
    if groups.is_empty() {
        groups.extend(action.target_group_arn());
    }
    // arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
    let names: Vec<_> = groups.iter().map(|arn| arn.split('/').nth(1).unwrap_or(arn)).collect();
    if names.is_empty() { kind.to_owned() } else { format!("{kind} to {}", names.join(", ")) }
}
