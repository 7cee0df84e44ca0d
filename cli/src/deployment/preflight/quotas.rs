//! Room in the account for what a deployment adds. CloudFormation would find out after minutes, and then roll back.

use futures_util::future::join_all;
use restctl_contract::template::parameter;

use super::{Deployment, Finding};
use crate::aws::{Aws, elasticloadbalancing, lambda, servicequotas};
use crate::context::Context;
use crate::failure::Result;

/// Fewer functions at a time than this let one client's bulk calls keep the others waiting.
const LITTLE_CONCURRENCY: i32 = 50;

/// A quota of which a stack needs one.
#[derive(Debug)]
struct Quota {
    name: &'static str,
    service: &'static str,
    code: &'static str,
    kind: &'static str,
}

const VPCS: Quota =
    Quota { name: "VPCs per Region", service: "vpc", code: "L-F678F1CE", kind: "AWS::EC2::VPC" };
const INTERNET_GATEWAYS: Quota = Quota {
    name: "Internet gateways per Region",
    service: "vpc",
    code: "L-A4707A72",
    kind: "AWS::EC2::InternetGateway",
};
const ADDRESSES: Quota =
    Quota { name: "EC2-VPC Elastic IPs", service: "ec2", code: "L-0263D0A3", kind: "AWS::EC2::EIP" };
const LOAD_BALANCERS: Quota = Quota {
    name: "Application Load Balancers per Region",
    service: "elasticloadbalancing",
    code: "L-53DA6B97",
    kind: "AWS::ElasticLoadBalancingV2::LoadBalancer",
};

pub(super) async fn check(context: &Context, aws: &Aws, deployment: &Deployment<'_>) -> Vec<Finding> {
    // The local cloud has no quotas.
    if context.local.is_some() {
        return Vec::new();
    }
    let quotas = needed(deployment).into_iter().map(|quota| look(aws, quota));
    let (found, concurrency) = tokio::join!(join_all(quotas), concurrency(aws, deployment));
    found.into_iter().flatten().chain(concurrency).collect()
}

/// A stack that is there has what it needs, until it gets something more.
fn needed(deployment: &Deployment<'_>) -> Vec<Quota> {
    let adds = |name, value| deployment.parameter(name) == value && !deployment.was(name, value);
    let mut quotas = Vec::new();
    if deployment.is_new() {
        quotas.push(LOAD_BALANCERS);
    }
    if adds(parameter::EXISTING_VPC, "") {
        quotas.extend([VPCS, INTERNET_GATEWAYS]);
    }
    if adds(parameter::PRIVATE_NETWORK, "on") {
        quotas.push(ADDRESSES);
    }
    quotas
}

async fn concurrency(aws: &Aws, deployment: &Deployment<'_>) -> Option<Finding> {
    if !deployment.is_new() {
        return None;
    }
    let concurrency = lambda::read_unreserved_concurrency(aws).await.ok().flatten()?;
    (concurrency < LITTLE_CONCURRENCY).then(|| {
        Finding::Note(format!(
            "no more than {concurrency} Lambda functions of this account run at a time; \
             raise \"Concurrent executions\" (lambda, L-B99A9384) in Service Quotas"
        ))
    })
}

async fn look(aws: &Aws, quota: Quota) -> Option<Finding> {
    match usage(aws, &quota).await {
        Ok((limit, used)) => judge(&quota, limit, used),
        // Who may deploy need not be allowed to ask.
        Err(_) => {
            Some(Finding::Note(format!("the quota \"{}\" cannot be read, so it was not checked", quota.name)))
        }
    }
}

async fn usage(aws: &Aws, quota: &Quota) -> Result<(f64, usize)> {
    let used = async {
        if quota.code == LOAD_BALANCERS.code {
            elasticloadbalancing::count_load_balancers(aws).await
        } else {
            servicequotas::count_resources(aws, quota.kind).await
        }
    };
    tokio::try_join!(servicequotas::read_quota(aws, quota.service, quota.code), used)
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 load balancers")]
fn judge(quota: &Quota, limit: f64, used: usize) -> Option<Finding> {
    ((used as f64) >= limit).then(|| Finding::Problem {
        what: format!("the quota \"{}\" is {limit}, and {used} are in use", quota.name),
        next: format!(
            "raise {} of the service {} in Service Quotas, in this region{}",
            quota.code,
            quota.service,
            if quota.service == "vpc" {
                ";\nor use a VPC that is there: --vpc ID --subnets ID,ID"
            } else {
                ""
            }
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::preflight::fixture::with;

    #[test]
    fn room_is_looked_for_where_something_is_added() {
        let names = |parameters: &[(&'static str, &str)], before: Option<&[(&'static str, &str)]>| {
            let names = with(parameters, before, |deployment| {
                needed(deployment).into_iter().map(|quota| quota.kind).collect()
            });
            let names: Vec<&str> = names;
            names.join(" ").replace("AWS::ElasticLoadBalancingV2::", "").replace("AWS::EC2::", "")
        };
        let (private, in_a_vpc) =
            ([(parameter::PRIVATE_NETWORK, "on")], [(parameter::EXISTING_VPC, "vpc-1")]);
        assert_eq!(names(&[], None), "LoadBalancer VPC InternetGateway");
        assert_eq!(names(&private, None), "LoadBalancer VPC InternetGateway EIP");
        assert_eq!(names(&in_a_vpc, None), "LoadBalancer");
        assert_eq!(names(&[], Some(&[])), "");
        assert_eq!(names(&private, Some(&[(parameter::PRIVATE_NETWORK, "off")])), "EIP");
        assert_eq!(names(&private, Some(&private)), "");
        assert_eq!(names(&[(parameter::EXISTING_VPC, "")], Some(&in_a_vpc)), "VPC InternetGateway");
    }

    #[test]
    fn a_quota_that_is_used_up_is_a_problem() {
        assert!(judge(&VPCS, 5.0, 4).is_none());
        let Some(Finding::Problem { what, next }) = judge(&VPCS, 5.0, 5) else {
            panic!("five of five are all")
        };
        assert_eq!(what, "the quota \"VPCs per Region\" is 5, and 5 are in use");
        assert!(next.contains("L-F678F1CE") && next.contains("--vpc ID"), "{next}");
    }
}
