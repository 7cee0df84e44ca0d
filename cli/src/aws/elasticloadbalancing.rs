//! Elastic Load Balancing.

use aws_sdk_elasticloadbalancingv2::types::{LoadBalancer, LoadBalancerTypeEnum, TargetDescription};

use super::Aws;
use super::call::Called;
use crate::failure::Result;

/// Registers the function as the target group's target. CloudFormation has done so on AWS, where doing it again
/// changes nothing; the local cloud's leaves it out.
pub(crate) async fn register_function(aws: &Aws, target_group: &str, function: &str) -> Result<()> {
    let target = TargetDescription::builder().id(function).build();
    let request = aws.elasticloadbalancing.register_targets().target_group_arn(target_group).targets(target);
    request.send().await.called("register the API function with the load balancer")?;
    Ok(())
}

/// How many Application Load Balancers there are.
pub(crate) async fn count(aws: &Aws) -> Result<usize> {
    let mut count = 0;
    let mut pages = aws.elasticloadbalancing.describe_load_balancers().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.called("count the load balancers")?;
        let of_kind =
            |balancer: &&LoadBalancer| balancer.r#type() == Some(&LoadBalancerTypeEnum::Application);
        count += page.load_balancers().iter().filter(of_kind).count();
    }
    Ok(count)
}
