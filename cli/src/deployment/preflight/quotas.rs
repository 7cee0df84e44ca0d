//! Checks that the account's quotas have room for what a deployment adds. CloudFormation would fail only after minutes, and
//! then roll back.

use futures_util::future::join_all;
use restctl_contract::template::parameter;

use super::{Deployment, PreflightFinding};
use crate::aws::lambda::concurrency::{self, AccountConcurrency, RAISE_QUOTA};
use crate::aws::{Aws, elasticloadbalancing, servicequotas};
use crate::context::Context;
use crate::deployment::concurrency::{LOW_CONCURRENCY, reservable_concurrency};
use crate::failure::Result;

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
    let wanted = deployment.parameter(parameter::API_CONCURRENCY).parse().unwrap_or(0);
    // What is deployed is reserved already.
    let own = deployment.deployed_stack().and_then(|stack| stack.parameter(parameter::API_CONCURRENCY));
    let own = own.and_then(|number| number.parse().ok()).unwrap_or(0);
    if !deployment.is_new() && wanted <= own {
        return None;
    }
    match concurrency::read_account_concurrency(aws).await {
        Ok(account) => compare_concurrency(wanted, own, &account),
        Err(_) => (wanted > 0).then(|| {
            PreflightFinding::Note(
                "the concurrency that the account can reserve was not checked, because it cannot be read"
                    .to_owned(),
            )
        }),
    }
}

fn compare_concurrency(wanted: u32, own: u32, account: &AccountConcurrency) -> Option<PreflightFinding> {
    let unreserved = account.unreserved;
    let reservable = reservable_concurrency(account, own);
    if wanted > reservable {
        let instead =
            if reservable == 0 { "none".to_owned() } else { format!("{reservable}, or less, or none") };
        return Some(PreflightFinding::Problem {
            what: format!(
                "the API function cannot reserve {wanted} concurrent invocations: only {unreserved} of the account's {} are \
                 unreserved, and Lambda keeps 100 of these",
                account.total
            ),
            next: format!("restctl deploy --api-concurrency {instead};\nor {RAISE_QUOTA}, in this region"),
        });
    }
    (unreserved + own < LOW_CONCURRENCY).then(|| {
        PreflightFinding::Note(format!(
            "at most {unreserved} Lambda invocations of this account run at a time; {RAISE_QUOTA}"
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
    fn a_reservation_that_lambda_would_refuse_is_a_problem() {
        let compare = |wanted, own, unreserved| {
            compare_concurrency(wanted, own, &AccountConcurrency { total: 1000, unreserved })
        };
        assert!(compare(900, 0, 1000).is_none());
        // More than before, of which 450 are reserved already.
        assert!(compare(900, 450, 550).is_none());
        for (wanted, own, unreserved, next) in [
            (901, 0, 1000, "--api-concurrency 900, or less"),
            (5, 0, 10, "--api-concurrency none;\nor raise"),
        ] {
            let Some(PreflightFinding::Problem { what, next: advice }) = compare(wanted, own, unreserved)
            else {
                panic!("{wanted} cannot be reserved")
            };
            assert!(
                what.contains(&format!("cannot reserve {wanted}")) && advice.contains(next),
                "{what} {advice}"
            );
        }
        assert!(matches!(compare(0, 0, 10), Some(PreflightFinding::Note(_))));
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
