//! Checks that the account's quotas have room for what a deployment adds. CloudFormation would fail only after minutes, and
//! then roll back.

use futures_util::future::join_all;
use restctl_contract::template::parameter;

use super::{Deployment, PreflightFinding};
use crate::aws::{Aws, elasticloadbalancing, lambda, servicequotas};
use crate::context::Context;
use crate::failure::Result;

/// With a lower concurrency, the bulk calls of one client make other clients wait.
const LOW_CONCURRENCY: i32 = 50;

/// A quota of which a stack uses one.
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

pub(super) async fn check_quotas(
    context: &Context,
    aws: &Aws,
    deployment: &Deployment<'_>,
) -> Vec<PreflightFinding> {
    // The local cloud has no quotas.
    if context.local.is_some() {
        return Vec::new();
    }
    let quotas = needed_quotas(deployment).into_iter().map(|quota| check_quota(aws, quota));
    let (found, concurrency) = tokio::join!(join_all(quotas), check_concurrency(aws, deployment));
    found.into_iter().flatten().chain(concurrency).collect()
}

/// Returns the quotas of what the deployment adds. An existing stack has what it needs already.
fn needed_quotas(deployment: &Deployment<'_>) -> Vec<Quota> {
    let adds =
        |name, value| deployment.parameter(name) == value && !deployment.was_deployed_with(name, value);
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

async fn check_concurrency(aws: &Aws, deployment: &Deployment<'_>) -> Option<PreflightFinding> {
    if !deployment.is_new() {
        return None;
    }
    let concurrency = lambda::read_unreserved_concurrency(aws).await.ok().flatten()?;
    (concurrency < LOW_CONCURRENCY).then(|| {
        PreflightFinding::Note(format!(
            "at most {concurrency} Lambda invocations of this account run at a time; \
             raise \"Concurrent executions\" (lambda, L-B99A9384) in Service Quotas"
        ))
    })
}

async fn check_quota(aws: &Aws, quota: Quota) -> Option<PreflightFinding> {
    match read_usage(aws, &quota).await {
        Ok((limit, used)) => compare_usage(&quota, limit, used),
        // A caller that may deploy need not be allowed to read quotas.
        Err(_) => Some(PreflightFinding::Note(format!(
            "the quota \"{}\" was not checked, because it cannot be read",
            quota.name
        ))),
    }
}

async fn read_usage(aws: &Aws, quota: &Quota) -> Result<(f64, usize)> {
    let used = async {
        if quota.code == LOAD_BALANCERS.code {
            elasticloadbalancing::count_load_balancers(aws).await
        } else {
            servicequotas::count_resources(aws, quota.kind).await
        }
    };
    tokio::try_join!(servicequotas::read_quota(aws, quota.service, quota.code), used)
}

#[expect(clippy::cast_precision_loss, reason = "no account has 2^53 load balancers")]
fn compare_usage(quota: &Quota, limit: f64, used: usize) -> Option<PreflightFinding> {
    ((used as f64) >= limit).then(|| PreflightFinding::Problem {
        what: format!("the quota \"{}\" is {limit}, and {used} are in use", quota.name),
        next: format!(
            "raise {} of the service {} in Service Quotas, in this region{}",
            quota.code,
            quota.service,
            if quota.service == "vpc" { ";\nor use an existing VPC: --vpc ID --subnets ID,ID" } else { "" }
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::preflight::fixture::with_deployment;

    #[test]
    fn quotas_are_checked_for_what_is_added() {
        let names = |parameters: &[(&'static str, &str)], before: Option<&[(&'static str, &str)]>| {
            let names = with_deployment(parameters, before, |deployment| {
                needed_quotas(deployment).into_iter().map(|quota| quota.kind).collect()
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
    fn an_exhausted_quota_is_a_problem() {
        assert!(compare_usage(&VPCS, 5.0, 4).is_none());
        let Some(PreflightFinding::Problem { what, next }) = compare_usage(&VPCS, 5.0, 5) else {
            panic!("five of five is exhausted")
        };
        assert_eq!(what, "the quota \"VPCs per Region\" is 5, and 5 are in use");
        assert!(next.contains("L-F678F1CE") && next.contains("--vpc ID"), "{next}");
    }
}
