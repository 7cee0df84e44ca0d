//! `restctl local`: starts, stops and describes the local cloud.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::wait::WaitArgs;
use crate::failure::Result;
use crate::local::{self, AccessKey, LocalCloud, LocalPorts, REGION, SuperviseArgs};
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

const ENV_HELP: &str = "\
Set them in a separate shell: there, every AWS tool calls the local cloud instead of AWS.
  eval \"$(restctl local env)\"
  aws s3 cp data.csv s3://BUCKET/

They include this cloud's secret access key, which is valid until `restctl local down`.";

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    ports: LocalPorts,

    #[command(flatten)]
    wait: WaitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    #[command(flatten)]
    wait: WaitArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start the local cloud
    Up(Up),
    /// Stop the local cloud and delete everything in it
    Down(Down),
    /// Say whether the local cloud is running, and where
    Status,
    /// Print the variables with which other tools, such as the AWS CLI, call the local cloud
    #[command(after_help = ENV_HELP)]
    Env,
    /// Run the local cloud; `up` starts this in the background
    #[command(hide = true)]
    Supervise(SuperviseArgs),
}

pub(crate) async fn run(command: Local) -> Result<()> {
    match command {
        Local::Up(args) => start_local_cloud(args).await,
        Local::Down(args) => stop_local_cloud(args).await,
        Local::Env => print_variables(&LocalCloud::find_running()?),
        Local::Status => print_local_cloud(&LocalCloud::find_running()?),
        Local::Supervise(options) => local::run_supervisor(options).await,
    }
}

async fn start_local_cloud(args: Up) -> Result<()> {
    let was_running = LocalCloud::find_running().is_ok();
    let cloud = local::start_cloud(args.ports, args.wait.deadline()).await?;
    output::print_message(if was_running {
        "the local cloud is already running"
    } else {
        "the local cloud is running"
    });
    match output::chosen_format() {
        Format::Text => output::print_message(describe_as_text(&cloud)),
        Format::Json => output::print_json(&describe_as_json(&cloud))?,
    }
    output::print_message(Text::from_lines(["", "next:", "  export RESTCTL_LOCAL=1", "  restctl setup"]));
    Ok(())
}

async fn stop_local_cloud(args: Down) -> Result<()> {
    let was_running = local::stop_cloud(args.wait.deadline()).await?;
    output::print_message(if was_running {
        "the local cloud has stopped"
    } else {
        "the local cloud is not running"
    });
    match output::chosen_format() {
        Format::Text => Ok(()),
        Format::Json => output::print_json(&json!({ "was_running": was_running })),
    }
}

fn print_local_cloud(cloud: &LocalCloud) -> Result<()> {
    match output::chosen_format() {
        Format::Text => output::print_text(describe_as_text(cloud)),
        Format::Json => output::print_json(&describe_as_json(cloud)),
    }
}

/// Prints the access key of the local cloud, which answers nobody without it.
fn print_variables(cloud: &LocalCloud) -> Result<()> {
    let LocalCloud { endpoint_url, access_key: AccessKey { id, secret }, .. } = cloud;
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint_url.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ];
    match output::chosen_format() {
        Format::Json => output::print_json(&variables.into_iter().collect::<BTreeMap<_, _>>()),
        Format::Text => {
            let exports = variables.map(|(name, value)| format!("export {name}={value}"));
            // Those of an AWS account would be sent along, or take the place of these.
            let lines = exports.into_iter().chain(["unset AWS_PROFILE AWS_SESSION_TOKEN".to_owned()]);
            output::print_text(Text::from_lines(lines))
        }
    }
}

/// Describes the local cloud without its secrets.
fn describe_as_json(cloud: &LocalCloud) -> Value {
    let LocalCloud { endpoint_url, front, identity_provider, supervisor, emulator, .. } = cloud;
    json!({
        "endpoint_url": endpoint_url,
        "issuer": identity_provider.issuer,
        "tls_front": front,
        "supervisor": supervisor,
        "emulator": emulator,
    })
}

fn describe_as_text(cloud: &LocalCloud) -> Text {
    let LocalCloud { endpoint_url, front, identity_provider, supervisor, emulator, .. } = cloud;
    let issuer = &identity_provider.issuer;
    Text::from_lines([
        format!("  AWS endpoint       {endpoint_url}"),
        format!("  identity provider  {issuer}"),
        format!("  TLS front          {front}"),
        format!("  processes          {supervisor} (supervisor), {emulator} (emulator)"),
    ])
}
