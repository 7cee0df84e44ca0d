//! Whether a stack can have the chosen options.

use restctl_contract::stack::StackName;
use restctl_contract::template::parameter;

use super::super::request::DeployRequest;
use super::ON;
use super::network::Network;
use crate::failure::{Failure, Result};
use crate::identity::cognito::{self, COGNITO};

/// An option that the local cloud does not support.
struct LocalGap {
    parameter: &'static str,
    value: &'static str,
    flag: &'static str,
    why: &'static str,
}

const LOCAL_GAPS: [LocalGap; 3] = [
    LocalGap {
        parameter: parameter::PRIVATE_NETWORK,
        value: ON,
        flag: "--private-network",
        why: "it has no NAT gateways",
    },
    LocalGap {
        parameter: parameter::EDGE_JWT,
        value: ON,
        flag: "--edge-jwt",
        why: "its load balancer does not verify tokens",
    },
    LocalGap {
        parameter: parameter::IDP,
        value: COGNITO,
        flag: "--idp cognito",
        why: "it has its own identity provider, and Cognito is reachable only under AWS's names",
    },
];

/// Returns an error if options contradict each other, or if this stack, the region, the partition or the local cloud does not
/// support one.
pub(in super::super) fn check_supported(
    request: &DeployRequest<'_>,
    idp: &str,
    partition: &str,
) -> Result<()> {
    let DeployRequest { args, context, aws, start, .. } = request;
    let options = &args.options;
    let deployed = start.stack_with_options();
    let has_value = |name: &str, wanted: &str| match name {
        parameter::IDP => idp == wanted,
        _ => options.parameter_value(name, deployed).as_deref() == Some(wanted),
    };
    if options.allow_cidr.len() > parameter::ALLOW_CIDRS.len() {
        return Err(Failure::usage("--allow-cidr is given more than five times")
            .next("use a wider range that contains several of them"));
    }
    let network = Network::from_parameters(|name| options.parameter_value(name, deployed));
    network.check_consistent(&aws.region)?;
    if let Some(stack) =
        start.stack.as_ref().filter(|stack| !stack.is_in_review() && !stack.has_only_adopted_data())
    {
        Network::from_parameters(|name| stack.parameter(name).map(str::to_owned)).check_kept_by(&network)?;
    }
    if has_value(parameter::IDP, COGNITO) {
        cognito::check_partition(partition)?;
        check_cognito_domain(&context.stack)?;
    }
    let gap = LOCAL_GAPS.iter().find(|gap| context.local.is_some() && has_value(gap.parameter, gap.value));
    if let Some(LocalGap { flag, why, .. }) = gap {
        return Err(Failure::usage(format!("the local cloud does not support {flag}"))
            .why(*why)
            .next("leave it out here; it works on AWS"));
    }
    Ok(())
}

/// Cognito reserves these words in domain names ("Using the Amazon Cognito domain for the hosted UI").
fn check_cognito_domain(stack: &StackName) -> Result<()> {
    let reserved = ["aws", "amazon", "cognito"].into_iter().find(|word| stack.as_str().contains(word));
    let Some(word) = reserved else { return Ok(()) };
    Err(Failure::usage(format!("a stack whose name contains {word:?} cannot have its own user pool"))
        .why("the pool's domain starts with the stack's name, and Cognito reserves that word")
        .next("use another --stack name, or --idp external"))
}
