//! The options of a deployment. An omitted option keeps its deployed value.

pub(super) mod identity_provider;
mod network;
pub(super) mod support;
mod value_parsers;

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::stack::{STACK_TAG, StackName};
use restctl_contract::template::parameter;

use crate::aws::cloudformation::Stack;
use crate::cli::tag_argument::parse_tag;
use crate::failure::{Failure, Result};
use crate::identity::cognito::COGNITO;

use value_parsers::KeyOption;

const ON: &str = "on";
const OFF: &str = "off";
const EXTERNAL: &str = "external";

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of the stack")]
pub(crate) struct DeployOptions {
    /// Attribute that identifies an item, a string or a number; changing it replaces the table [initially: id:S]
    #[arg(long, value_name = "NAME:S|N", value_parser = value_parsers::parse_key)]
    key: Option<KeyOption>,

    /// Whether the API lists all items [initially: off]
    #[arg(long, value_parser = [ON, OFF])]
    list: Option<String>,

    /// Whether the OpenAPI document needs a token or is open to everyone [initially: token]
    #[arg(long, value_parser = ["token", "open"])]
    openapi: Option<String>,

    /// Whose tokens the API accepts: those of the issuers in the settings (external), or also those of a user pool that the
    /// stack creates (cognito) [initially: external]
    #[arg(long, value_parser = [EXTERNAL, COGNITO])]
    idp: Option<String>,

    /// Whether the load balancer rejects requests without a valid token before the API verifies them again; works with one
    /// trusted issuer that signs with RS256 [initially: off]
    #[arg(long, value_parser = [ON, OFF])]
    edge_jwt: Option<String>,

    /// Address range that may reach the load balancer, such as 203.0.113.0/24; up to five [initially: 0.0.0.0/0]
    #[arg(long, value_name = "CIDR", value_parser = value_parsers::parse_cidr)]
    allow_cidr: Vec<String>,

    /// DNS name to point to the load balancer, one of the certificate's; "" removes it
    #[arg(long, value_name = "NAME", requires = "hosted_zone", value_parser = value_parsers::parse_domain)]
    domain: Option<String>,

    /// Route 53 hosted zone of that name
    #[arg(long, value_name = "ID", requires = "domain", value_parser = value_parsers::parse_hosted_zone)]
    hosted_zone: Option<String>,

    /// Existing VPC for the load balancer, instead of the stack's own; cannot be changed after the first deployment
    #[arg(long, value_name = "ID", requires = "subnets", value_parser = value_parsers::parse_vpc)]
    vpc: Option<String>,

    /// Two or more public subnets of that VPC, in different availability zones
    #[arg(long, value_name = "ID,ID", requires = "vpc", value_parser = value_parsers::parse_subnets)]
    subnets: Option<String>,

    /// Two availability zones for the stack's own subnets, such as eu-west-1a,eu-west-1c; cannot be changed after the first
    /// deployment [initially: the first two that the region offers]
    #[arg(long, value_name = "ZONE,ZONE", value_parser = value_parsers::parse_zones)]
    zones: Option<[String; 2]>,

    /// Whether the functions run in private subnets and reach the internet only through a NAT gateway, which is billed by
    /// the hour; cannot be switched off again [initially: off]
    #[arg(long, value_parser = [ON, OFF])]
    private_network: Option<String>,

    /// SNS topic that receives the alarms; "" removes it
    #[arg(long, value_name = "ARN", value_parser = value_parsers::parse_topic)]
    alarm_topic: Option<String>,

    /// Concurrent invocations reserved for the API function, which is also its limit; none: no reservation and no limit
    /// [initially: half of what the account can reserve]
    #[arg(long, value_name = "N|none", value_parser = value_parsers::parse_concurrency)]
    api_concurrency: Option<String>,

    /// For how many days the logs of the functions are kept, also after the stack is deleted [initially: 30]
    #[arg(long, value_name = "DAYS", value_parser = value_parsers::parse_retention)]
    log_retention: Option<String>,

    /// For how many days replaced and deleted versions of data files are kept, 60 or more [initially: 90]
    #[arg(long, value_name = "DAYS", value_parser = value_parsers::parse_version_days)]
    keep_versions: Option<String>,

    /// Tag for the stack and its resources; can be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag)]
    tags: Vec<(String, String)>,
}

impl DeployOptions {
    /// Returns the template's parameters: each option's new value, or else its deployed value. An option that was never set
    /// gets the template's default: CloudFormation refuses to keep the previous value of a parameter that the deployed
    /// template lacks.
    pub(crate) fn template_parameters(&self, existing: Option<&Stack>) -> Vec<(&'static str, String)> {
        let deployed = existing.filter(|stack| !stack.is_in_review());
        let value = |(name, choice): (&'static str, Option<String>)| {
            let value = choice.or_else(|| deployed?.parameter(name).map(str::to_owned));
            value.map(|value| (name, value))
        };
        self.chosen_parameters().into_iter().filter_map(value).collect()
    }

    /// Returns every parameter with its new value. `None` if its option is not given.
    fn chosen_parameters(&self) -> Vec<(&'static str, Option<String>)> {
        let key = self.key.as_ref();
        let [zone_a, zone_b] = self.zones.clone().map_or([None, None], |zones| zones.map(Some));
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
            (parameter::ZONE_A, zone_a),
            (parameter::ZONE_B, zone_b),
            (parameter::PRIVATE_NETWORK, self.private_network.clone()),
            (parameter::ALARM_TOPIC, self.alarm_topic.clone()),
            (parameter::API_CONCURRENCY, self.api_concurrency.clone()),
            (parameter::LOG_RETENTION, self.log_retention.clone()),
            (parameter::KEEP_VERSIONS, self.keep_versions.clone()),
        ];
        // The new ranges replace all old ones. Duplicates are dropped: EC2 keeps equal rules as one, and removing either of
        // them removes it.
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

    /// Fails if `--key` is not the key of the table that the stack adopts.
    pub(super) fn check_adopted_key(&self, adopted: &Key) -> Result<()> {
        let adopted = (adopted.name.as_str(), adopted.kind.letter());
        match &self.key {
            Some(key) if (key.name.as_str(), key.kind.as_str()) != adopted => {
                let (name, kind) = adopted;
                Err(Failure::usage(format!(
                    "nothing was changed: the key of the table to adopt is {name}:{kind}"
                ))
                .why(format!("--key {}:{} would replace the table", key.name, key.kind))
                .next("leave out --key"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the value that the parameter will have. `None` if it is the template's default.
    pub(crate) fn parameter_value(&self, name: &str, existing: Option<&Stack>) -> Option<String> {
        let mut parameters = self.template_parameters(existing).into_iter();
        parameters.find_map(|(parameter, value)| (parameter == name).then_some(value))
    }

    /// Whether the load balancer will verify tokens, too.
    pub(super) fn edge_jwt(&self, existing: Option<&Stack>) -> bool {
        self.parameter_value(parameter::EDGE_JWT, existing).as_deref() == Some(ON)
    }

    /// Returns the stack's tags, the new ones, and the tag by which restctl recognizes what belongs to the stack.
    pub(crate) fn stack_tags(&self, name: &StackName, existing: Option<&Stack>) -> Vec<(String, String)> {
        let mut tags = existing.map(|stack| stack.tags.clone()).unwrap_or_default();
        let own = (STACK_TAG.to_owned(), name.to_string());
        for tag in self.tags.iter().chain([&own]) {
            tags.retain(|(key, _)| *key != tag.0);
            tags.push(tag.clone());
        }
        tags
    }
}
