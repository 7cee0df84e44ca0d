//! `restctl config`: prints each setting with its value and its source.

use std::env;

use clap::{Args, Subcommand};
use restctl_contract::stack::Setting;
use restctl_contract::template::parameter;
use serde::Serialize;

use crate::aws::{cloudformation, secretsmanager};
use crate::commands::invocation::{Invocation, Origin};
use crate::context::Context;
use crate::failure::Result;
use crate::identity::changes::{Members, client_members, describe_value, issuer_members};
use crate::identity::settings::{self, Settings};
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print each setting with its value and its source
    Show(Show),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The first lines are restctl's own settings. Each comes from a flag, the environment, restctl.toml or a default, in this \
order of precedence. The other lines are the stack's settings, the same for all its users: the identity provider's come from \
Systems Manager, the certificate and the client secret from Secrets Manager, and the deployment's options from \
CloudFormation. The client secret itself is never shown. The members of a second issuer end in -2.

restctl.toml, in the working folder or a folder above it, can contain:
  stack = \"orders\"
  local = true
  profile = \"work\"
  region = \"eu-west-1\"
  output = \"json\"
  color = \"never\"
  no-input = true

Examples:
  restctl config show
  restctl config show --output json | jq -r '.[] | select(.name == \"issuer\").value'")]
pub(crate) struct Show {}

#[derive(Debug, Serialize)]
struct ConfigSetting {
    name: String,
    /// Null if it is not set.
    value: Option<String>,
    from: String,
}

impl ConfigSetting {
    fn new(name: impl Into<String>, value: Option<String>, from: impl ToString) -> Self {
        Self { name: name.into(), value, from: from.to_string() }
    }
}

/// The options of `deploy` and their parameters in the template.
const DEPLOY_OPTIONS: [(&str, &[&str]); 16] = [
    ("key", &[parameter::KEY_NAME, parameter::KEY_TYPE]),
    ("list", &[parameter::LIST]),
    ("openapi", &[parameter::OPENAPI]),
    ("idp", &[parameter::IDP]),
    ("edge-jwt", &[parameter::EDGE_JWT]),
    ("allow-cidr", &parameter::ALLOW_CIDRS),
    ("domain", &[parameter::DOMAIN]),
    ("hosted-zone", &[parameter::HOSTED_ZONE]),
    ("vpc", &[parameter::EXISTING_VPC]),
    ("subnets", &[parameter::EXISTING_SUBNETS]),
    ("zones", &[parameter::ZONE_A, parameter::ZONE_B]),
    ("private-network", &[parameter::PRIVATE_NETWORK]),
    ("alarm-topic", &[parameter::ALARM_TOPIC]),
    ("api-concurrency", &[parameter::API_CONCURRENCY]),
    ("log-retention", &[parameter::LOG_RETENTION]),
    ("keep-versions", &[parameter::KEEP_VERSIONS]),
];

pub(crate) async fn run(command: Config, invocation: &Invocation) -> Result<()> {
    let Config::Show(Show {}) = command;
    let mut settings = command_settings(invocation);
    let stack_settings = async {
        let context = Context::new(&invocation.cli.target)?;
        add_region(&context, invocation, &mut settings).await?;
        add_stack_settings(&context, &mut settings).await
    };
    // Print what is known even if the cloud does not return the rest.
    let outcome = stack_settings.await;
    match output::chosen_format() {
        Format::Json => output::print_json(&settings)?,
        Format::Text => {
            let row = |setting: &ConfigSetting| {
                let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
                vec![setting.name.clone(), value, setting.from.clone()]
            };
            let table = output::new_table(&["SETTING", "VALUE", "FROM"], settings.iter().map(row).collect());
            output::print_text(Text::from_table(&table))?;
        }
    }
    outcome
}

fn command_settings(invocation: &Invocation) -> Vec<ConfigSetting> {
    let target = &invocation.cli.target;
    let output = &invocation.cli.output;
    let word = |value: &dyn std::fmt::Debug| Some(format!("{value:?}").to_lowercase());
    let profile = match (&target.profile, env::var("AWS_PROFILE")) {
        (None, Ok(profile)) => {
            ConfigSetting::new("profile", Some(profile), Origin::Environment("AWS_PROFILE"))
        }
        (profile, _) => {
            ConfigSetting::new("profile", profile.clone(), invocation.argument_origin("profile", None))
        }
    };
    vec![
        ConfigSetting::new(
            "stack",
            Some(target.stack.to_string()),
            invocation.argument_origin("stack", Some("RESTCTL_STACK")),
        ),
        ConfigSetting::new(
            "local",
            Some(target.local.to_string()),
            invocation.argument_origin("local", Some("RESTCTL_LOCAL")),
        ),
        profile,
        ConfigSetting::new("output", word(&output.output), invocation.argument_origin("output", None)),
        ConfigSetting::new("color", word(&output.color), invocation.argument_origin("color", None)),
        ConfigSetting::new(
            "no-input",
            Some(output.no_input.to_string()),
            invocation.argument_origin("no_input", None),
        ),
    ]
}

/// Adds the region, which comes from the local cloud, the command, the environment or AWS's own configuration.
async fn add_region(
    context: &Context,
    invocation: &Invocation,
    settings: &mut Vec<ConfigSetting>,
) -> Result<()> {
    let region = context.aws().await?.region.clone();
    let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find(|name| env::var_os(name).is_some());
    let from = match (&context.local, &context.target.region, variable) {
        (Some(_), _, _) => "the local cloud".to_owned(),
        (None, Some(_), _) => invocation.argument_origin("region", None).to_string(),
        (None, None, Some(variable)) => Origin::Environment(variable).to_string(),
        (None, None, None) => "the profile".to_owned(),
    };
    settings.push(ConfigSetting::new("region", Some(region), from));
    Ok(())
}

/// Adds the members of an issuer or a client.
fn add_members(settings: &mut Vec<ConfigSetting>, members: &Members, suffix: &str, from: &str) {
    for (name, value) in members {
        let name = format!("{}{suffix}", name.replace('_', "-"));
        settings.push(ConfigSetting::new(name, Some(describe_value(value)), from));
    }
}

async fn add_stack_settings(context: &Context, settings: &mut Vec<ConfigSetting>) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let secret_name = name.client_secret();
    let (provider, secret, certificate, stack) = tokio::try_join!(
        Settings::read(aws, name),
        secretsmanager::read_secret(aws, &secret_name),
        settings::read_certificate(aws, name),
        cloudformation::find_own(aws, name),
    )?;
    let parameter = |setting| format!("SSM, {}", name.setting_parameter(setting));
    for (number, issuer) in (1..).zip(provider.issuers()) {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        add_members(settings, &issuer_members(issuer), &suffix, &parameter(Setting::Issuers));
    }
    if let Some(client) = provider.client() {
        add_members(settings, &client_members(client), "", &parameter(Setting::Client));
    }
    let is_set = secret.map(|_| "set".to_owned());
    settings.push(ConfigSetting::new("client-secret", is_set, format!("Secrets Manager, {secret_name}")));
    let from = format!("Secrets Manager, {}", name.certificate_secret());
    settings.push(ConfigSetting::new(
        "certificate",
        certificate.map(|certificate| format!("{}, {}", certificate.name, certificate.arn)),
        from,
    ));
    let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else { return Ok(()) };
    for (option, parameters) in DEPLOY_OPTIONS {
        let values = parameters.iter().filter_map(|parameter| stack.parameter(parameter));
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        let separator = if option == "key" { ":" } else { "," };
        let value = (!values.is_empty()).then(|| values.join(separator));
        settings.push(ConfigSetting::new(option, value, format!("the stack {name}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Arg, CommandFactory};

    use super::*;
    use crate::commands::invocation::Cli;

    #[test]
    fn each_option_of_the_stack_is_shown() {
        let command = Cli::command();
        let deploy = command.find_subcommand("deploy").unwrap();
        let of_stack = |option: &&Arg| option.get_help_heading() == Some("Options of the stack");
        let options = deploy.get_arguments().filter(of_stack).filter_map(Arg::get_long);
        // A tag is no parameter of the template.
        let is_shown =
            |option: &str| DEPLOY_OPTIONS.iter().any(|(name, _)| *name == option) || option == "tag";
        let missing: Vec<_> = options.filter(|option| !is_shown(option)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
