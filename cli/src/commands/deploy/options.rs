//! The choices of a deployment, which stay as they are where they are not made anew.

mod value;

use clap::Args;
use restctl_contract::stack::{STACK_TAG, Setting, StackName};
use restctl_contract::template::parameter;

use crate::aws::cloudformation::Stack;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::cognito::{self, COGNITO};
use crate::identity::settings::Settings;

use super::repair::Start;
use value::Key;

pub(crate) const ON: &str = "on";
pub(crate) const OFF: &str = "off";
pub(crate) const EXTERNAL: &str = "external";

/// What the local cloud is asked to do without.
const LOCAL_GAPS: [(&str, &str, &str, &str); 3] = [
    (parameter::PRIVATE_NETWORK, ON, "--private-network", "it has no NAT gateways"),
    (parameter::EDGE_JWT, ON, "--edge-jwt", "its load balancer does not verify tokens"),
    (
        parameter::IDP,
        COGNITO,
        "--idp cognito",
        "it has an identity provider, and Cognito answers under AWS's names",
    ),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of the stack")]
pub(crate) struct Options {
    /// Attribute that identifies an item, a string or a number; another one means another table [at first: id:S]
    #[arg(long, value_name = "NAME:S|N", value_parser = value::key)]
    key: Option<Key>,

    /// Whether the API lists all items [at first: off]
    #[arg(long, value_parser = [ON, OFF])]
    list: Option<String>,

    /// Whether its OpenAPI document needs a token or is open to everyone [at first: token]
    #[arg(long, value_parser = ["token", "open"])]
    openapi: Option<String>,

    /// Identity provider: that of the settings, or a Cognito user pool of the stack's own [at first: external]
    #[arg(long, value_parser = [EXTERNAL, COGNITO])]
    idp: Option<String>,

    /// Whether the load balancer refuses what bears no valid token, before the API verifies it again; the provider must
    /// sign with RS256 [at first: off]
    #[arg(long, value_parser = [ON, OFF])]
    edge_jwt: Option<String>,

    /// Who may reach the load balancer, such as 203.0.113.0/24; up to five [at first: 0.0.0.0/0]
    #[arg(long, value_name = "CIDR", value_parser = value::cidr)]
    allow_cidr: Vec<String>,

    /// Name that shall lead to the load balancer, one of the certificate's; "" takes it back
    #[arg(long, value_name = "NAME", requires = "hosted_zone", value_parser = value::domain)]
    domain: Option<String>,

    /// Route 53 hosted zone of that name
    #[arg(long, value_name = "ID", requires = "domain", value_parser = value::hosted_zone)]
    hosted_zone: Option<String>,

    /// Existing VPC for the load balancer, instead of one of the stack's own; chosen once, when the stack is made
    #[arg(long, value_name = "ID", requires = "subnets", value_parser = value::vpc)]
    vpc: Option<String>,

    /// Two or more public subnets of that VPC, in different availability zones
    #[arg(long, value_name = "ID,ID", requires = "vpc", value_parser = value::subnets)]
    subnets: Option<String>,

    /// Whether the functions run in private subnets, with a NAT gateway as their only way out, which is billed by the
    /// hour; once on, it stays on [at first: off]
    #[arg(long, value_parser = [ON, OFF])]
    private_network: Option<String>,

    /// SNS topic that hears of alarms; "" takes it back
    #[arg(long, value_name = "ARN", value_parser = value::topic)]
    alarm_topic: Option<String>,

    /// Tag of the stack, which its resources bear too; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = value::tag)]
    tags: Vec<(String, String)>,
}

impl Options {
    /// Each choice by its value now or before. One that was never made is left to the template's default: its
    /// previous value cannot be asked for where the deployed template did not know it.
    pub(crate) fn parameters(&self, existing: Option<&Stack>) -> Vec<(&'static str, String)> {
        let deployed = existing.filter(|stack| !stack.is_in_review());
        let value = |(name, choice): (&'static str, Option<String>)| {
            let value = choice.or_else(|| deployed?.parameter(name).map(str::to_owned));
            value.map(|value| (name, value))
        };
        self.choices().into_iter().filter_map(value).collect()
    }

    fn choices(&self) -> Vec<(&'static str, Option<String>)> {
        let key = self.key.as_ref();
        let mut choices = vec![
            (parameter::KEY_NAME, key.map(|key| key.name.clone())),
            (parameter::KEY_TYPE, key.map(|key| key.kind.clone())),
            (parameter::LIST, self.list.clone()),
            (parameter::OPENAPI, self.openapi.clone()),
            (parameter::EDGE_JWT, self.edge_jwt.clone()),
            (parameter::DOMAIN, self.domain.clone()),
            (parameter::HOSTED_ZONE, self.hosted_zone.clone()),
            (parameter::EXISTING_VPC, self.vpc.clone()),
            (parameter::EXISTING_SUBNETS, self.subnets.clone()),
            (parameter::PRIVATE_NETWORK, self.private_network.clone()),
            (parameter::ALARM_TOPIC, self.alarm_topic.clone()),
        ];
        // Given anew, they are given all together. Of two equal rules, EC2 would remove the only one with the second.
        let mut cidrs: Vec<&String> = Vec::new();
        self.allow_cidr.iter().for_each(|cidr| {
            if !cidrs.contains(&cidr) {
                cidrs.push(cidr);
            }
        });
        let cidr = |place: usize| cidrs.get(place).copied().cloned().unwrap_or_default();
        let chosen = !self.allow_cidr.is_empty();
        choices.extend(
            parameter::ALLOW_CIDRS
                .into_iter()
                .enumerate()
                .map(|(place, name)| (name, chosen.then(|| cidr(place)))),
        );
        choices
    }

    /// The value that the deployment will have; none where it is the template's default.
    pub(crate) fn value(&self, name: &str, existing: Option<&Stack>) -> Option<String> {
        let mut parameters = self.parameters(existing).into_iter();
        parameters.find_map(|(parameter, value)| (parameter == name).then_some(value))
    }

    /// Whose tokens the API will take: the value of the template's `Idp`, as told here, else by `setup`, else before.
    pub(crate) fn identity_provider(
        &self,
        settings: &Settings,
        existing: Option<&Stack>,
    ) -> Result<&'static str> {
        let before = existing.filter(|stack| cognito::stack_has_user_pool(stack));
        let own =
            self.idp.as_ref().map_or(settings.awaits_deployment() || before.is_some(), |idp| idp == COGNITO);
        let names_own = before.is_some_and(|stack| cognito::settings_name_user_pool(settings, stack));
        if !own {
            for setting in Setting::ALL {
                settings.require(setting)?;
            }
            if names_own {
                return Err(refuse("the settings name the stack's own user pool, which this would remove")
                    .next(
                        "restctl setup --issuer URL --client-id ID …, then: restctl deploy --idp external",
                    ));
            }
            return Ok(EXTERNAL);
        }
        if self.idp.is_none() && before.is_some() && !names_own && !settings.awaits_deployment() {
            return Err(refuse("the settings name another identity provider than the stack's own user pool")
                .next("restctl deploy --idp external, to take that one\nrestctl deploy --idp cognito, to keep the pool"));
        }
        Ok(COGNITO)
    }

    /// What contradicts itself, cannot be done to this stack, or cannot be had here.
    pub(crate) fn check(&self, context: &Context, start: &Start, idp: &str) -> Result<()> {
        let chosen = start.chosen();
        let is = |name, wanted| match name {
            parameter::IDP => idp == wanted,
            _ => self.value(name, chosen).as_deref() == Some(wanted),
        };
        if self.allow_cidr.len() > parameter::ALLOW_CIDRS.len() {
            return Err(refuse("--allow-cidr is given more often than five times")
                .next("a wider range that holds several of them"));
        }
        let vpc = self.value(parameter::EXISTING_VPC, chosen).unwrap_or_default();
        if !vpc.is_empty() && is(parameter::PRIVATE_NETWORK, ON) {
            return Err(refuse("--private-network and --vpc exclude each other")
                .why("the private subnets are part of the stack's own VPC")
                .next("leave out one of them"));
        }
        if let Some(stack) = start.stack.as_ref().filter(|stack| !stack.is_in_review()) {
            let before = |name| stack.parameter(name).unwrap_or_default();
            let is_private = self.value(parameter::PRIVATE_NETWORK, chosen).unwrap_or_default();
            check_that_network_stays(
                (before(parameter::EXISTING_VPC), &vpc),
                (before(parameter::PRIVATE_NETWORK), &is_private),
            )?;
        }
        if is(parameter::IDP, COGNITO) {
            check_cognito_domain(&context.stack)?;
        }
        let gap = LOCAL_GAPS.iter().find(|(name, value, ..)| context.local.is_some() && is(*name, *value));
        if let Some((_, _, flag, why)) = gap {
            return Err(refuse(format!("the local cloud cannot do {flag}"))
                .why(*why)
                .next("leave it out here; on AWS it works"));
        }
        Ok(())
    }

    /// The tags of the stack as it stands, with those given now, and the one by which restctl knows what belongs to it.
    pub(crate) fn tags(&self, name: &StackName, existing: Option<&Stack>) -> Vec<(String, String)> {
        let mut tags = existing.map(|stack| stack.tags.clone()).unwrap_or_default();
        let own = (STACK_TAG.to_owned(), name.to_string());
        for tag in self.tags.iter().chain([&own]) {
            tags.retain(|(key, _)| *key != tag.0);
            tags.push(tag.clone());
        }
        tags
    }
}

/// A load balancer keeps its VPC. And published versions of the functions keep their subnets, which Lambda gives back
/// only when the last of those versions is deleted ("Understanding Hyperplane Elastic Network Interfaces", AWS Lambda
/// Developer Guide), so that CloudFormation could not delete them.
fn check_that_network_stays(
    (vpc_before, vpc): (&str, &str),
    (private_before, private): (&str, &str),
) -> Result<()> {
    const ANOTHER: &str = "another stack: restctl setup --stack NAME …, then restctl deploy --stack NAME …, and upload the data there";
    if vpc != vpc_before {
        return Err(refuse("a stack that is deployed stays in its VPC")
            .why("a load balancer cannot move to another one")
            .next(ANOTHER));
    }
    if private_before == ON && private != ON {
        return Err(refuse("the private network of a stack that is deployed stays on")
            .why("the versions of the functions to which `restctl rollback` returns are in it")
            .next(ANOTHER));
    }
    Ok(())
}

/// "Using the Amazon Cognito domain for the hosted UI": no domain has one of these words in it.
fn check_cognito_domain(stack: &StackName) -> Result<()> {
    let reserved = ["aws", "amazon", "cognito"].into_iter().find(|word| stack.as_str().contains(word));
    let Some(word) = reserved else { return Ok(()) };
    Err(refuse(format!("a stack whose name has {word:?} in it cannot have a user pool of its own"))
        .why("the pool's domain begins with the stack's name, and Cognito reserves that word")
        .next("another --stack name, or --idp external"))
}

fn refuse(what: impl Into<String>) -> Failure {
    Failure::new(what).exit(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_of_a_stack_is_chosen_once() {
        for stays in [
            (("", ""), (OFF, OFF)),
            (("", ""), ("", OFF)),
            (("", ""), (OFF, ON)),
            (("", ""), (ON, ON)),
            (("vpc-1", "vpc-1"), ("", "")),
        ] {
            assert!(check_that_network_stays(stays.0, stays.1).is_ok(), "{stays:?}");
        }
        for (moves, why) in [
            ((("", "vpc-1"), (OFF, OFF)), "stays in its VPC"),
            ((("vpc-1", ""), (OFF, OFF)), "stays in its VPC"),
            ((("vpc-1", "vpc-2"), (OFF, OFF)), "stays in its VPC"),
            ((("", ""), (ON, OFF)), "stays on"),
        ] {
            let refused = check_that_network_stays(moves.0, moves.1).unwrap_err().to_string();
            assert!(refused.contains(why) && refused.contains("another stack"), "{refused}");
        }
    }
}
