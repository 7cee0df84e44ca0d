//! `restctl config`: each setting, its value, and where it came from.

use std::env;

use clap::{Args, Subcommand};
use restctl_contract::stack::Setting;
use restctl_contract::template::parameter;
use serde::Serialize;

use crate::aws::{cloudformation, secretsmanager};
use crate::commands::invocation::{Invocation, Origin};
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings::{self, Settings};
use crate::terminal::output::{self, Format};

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print each setting, its value and where it came from
    Show(Show),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The first lines are of this command itself, and come from a flag, the environment, restctl.toml or a default, in this \
order. The others are of the stack, and so the same for whoever uses it: the identity provider's are in Systems \
Manager, the certificate and the client secret in Secrets Manager, and what the stack is deployed with tells \
CloudFormation. The secret itself is never shown.

restctl.toml, in the working folder or above it, may have these lines:
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

/// One setting.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    /// Null where it is not set.
    value: Option<String>,
    from: String,
}

impl Line {
    fn new(name: impl Into<String>, value: Option<String>, from: impl ToString) -> Self {
        Self { name: name.into(), value, from: from.to_string() }
    }
}

/// Of the options of `deploy`, by their parameters in the template.
const OPTIONS: [(&str, &[&str]); 11] = [
    ("key", &[parameter::KEY_NAME, parameter::KEY_TYPE]),
    ("list", &[parameter::LIST]),
    ("openapi", &[parameter::OPENAPI]),
    ("idp", &[parameter::IDP]),
    ("edge-jwt", &[parameter::EDGE_JWT]),
    ("allow-cidr", &parameter::ALLOW_CIDRS),
    ("domain", &[parameter::DOMAIN]),
    ("hosted-zone", &[parameter::HOSTED_ZONE]),
    ("vpc", &[parameter::EXISTING_VPC]),
    ("private-network", &[parameter::PRIVATE_NETWORK]),
    ("alarm-topic", &[parameter::ALARM_TOPIC]),
];

pub(crate) async fn run(command: Config, given: &Invocation) -> Result<()> {
    let Config::Show(Show {}) = command;
    let mut lines = of_the_command(given);
    let stack = async {
        let context = Context::new(&given.cli.target)?;
        region(&context, given, &mut lines).await?;
        of_the_stack(&context, &mut lines).await
    };
    // What is known is shown, also where the cloud does not tell the rest.
    let rest = stack.await;
    match output::chosen_format() {
        Format::Json => output::print_json(&lines)?,
        Format::Text => {
            let row = |line: &Line| {
                let value = line.value.clone().unwrap_or_else(|| "-".to_owned());
                vec![line.name.clone(), value, line.from.clone()]
            };
            let table = output::new_table(&["SETTING", "VALUE", "FROM"], lines.iter().map(row).collect());
            output::print_line(&table.trim_fmt())?;
        }
    }
    rest
}

fn of_the_command(given: &Invocation) -> Vec<Line> {
    let target = &given.cli.target;
    let output = &given.cli.output;
    let word = |value: &dyn std::fmt::Debug| Some(format!("{value:?}").to_lowercase());
    let profile = match (&target.profile, env::var("AWS_PROFILE")) {
        (None, Ok(profile)) => Line::new("profile", Some(profile), Origin::Environment("AWS_PROFILE")),
        (profile, _) => Line::new("profile", profile.clone(), given.origin("profile", None)),
    };
    vec![
        Line::new("stack", Some(target.stack.to_string()), given.origin("stack", Some("RESTCTL_STACK"))),
        Line::new("local", Some(target.local.to_string()), given.origin("local", Some("RESTCTL_LOCAL"))),
        profile,
        Line::new("output", word(&output.output), given.origin("output", None)),
        Line::new("color", word(&output.color), given.origin("color", None)),
        Line::new("no-input", Some(output.no_input.to_string()), given.origin("no_input", None)),
    ]
}

/// Who says it: the local cloud, the command, the environment or, where they do not, AWS's own configuration.
async fn region(context: &Context, given: &Invocation, lines: &mut Vec<Line>) -> Result<()> {
    let region = context.aws().await?.region.clone();
    let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find(|name| env::var_os(name).is_some());
    let from = match (&context.local, &context.target.region, variable) {
        (Some(_), _, _) => "the local cloud".to_owned(),
        (None, Some(_), _) => given.origin("region", None).to_string(),
        (None, None, Some(variable)) => Origin::Environment(variable).to_string(),
        (None, None, None) => "the profile".to_owned(),
    };
    lines.push(Line::new("region", Some(region), from));
    Ok(())
}

async fn of_the_stack(context: &Context, lines: &mut Vec<Line>) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let secret_name = name.client_secret();
    let (provider, secret, certificate, stack) = tokio::try_join!(
        Settings::read(aws, name),
        secretsmanager::read_secret(aws, &secret_name),
        settings::read_certificate(aws, name),
        cloudformation::find_own(aws, name),
    )?;
    for setting in Setting::ALL {
        let value = provider.get(setting).map(str::to_owned);
        lines.push(Line::new(setting.name(), value, format!("SSM, {}", name.parameter(setting))));
    }
    let is_set = secret.map(|_| "set".to_owned());
    lines.push(Line::new("client-secret", is_set, format!("Secrets Manager, {secret_name}")));
    let from = format!("Secrets Manager, {}", name.certificate_secret());
    lines.push(Line::new("certificate", certificate.map(|it| format!("{}, {}", it.name, it.arn)), from));
    let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else { return Ok(()) };
    for (option, parameters) in OPTIONS {
        let values = parameters.iter().filter_map(|parameter| stack.parameter(parameter));
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        let separator = if option == "key" { ":" } else { "," };
        let value = (!values.is_empty()).then(|| values.join(separator));
        lines.push(Line::new(option, value, format!("the stack {name}")));
    }
    Ok(())
}
