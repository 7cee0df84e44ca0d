//! `restctl local`: the local cloud.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::failure::Result;
use crate::local::{self, LocalCloud, Ports, Supervise};
use crate::terminal::output::{self, Format};

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start the local cloud
    Up(Ports),
    /// Stop it and leave nothing behind
    Down,
    /// Say whether it runs, and where
    Status,
    /// What `up` starts in the background
    #[command(hide = true)]
    Supervise(Supervise),
}

pub(crate) async fn run(command: Local) -> Result<()> {
    match command {
        Local::Up(ports) => up(ports).await,
        Local::Down => down().await,
        Local::Status => print(&LocalCloud::running()?),
        Local::Supervise(options) => local::supervise(options).await,
    }
}

async fn up(ports: Ports) -> Result<()> {
    let was_running = LocalCloud::running().is_ok();
    let cloud = local::up(ports).await?;
    output::print_message(if was_running {
        "The local cloud is already running"
    } else {
        "The local cloud is running"
    });
    match output::chosen_format() {
        Format::Text => output::print_message(&describe(&cloud)),
        Format::Json => output::print_json(&document(&cloud))?,
    }
    output::print_message("\nNext:\n  export RESTCTL_LOCAL=1\n  restctl setup");
    Ok(())
}

async fn down() -> Result<()> {
    let was_running = local::down().await?;
    output::print_message(if was_running {
        "The local cloud has stopped"
    } else {
        "The local cloud is not running"
    });
    match output::chosen_format() {
        Format::Text => Ok(()),
        Format::Json => output::print_json(&json!({ "was_running": was_running })),
    }
}

fn print(cloud: &LocalCloud) -> Result<()> {
    match output::chosen_format() {
        Format::Text => output::print_line(&describe(cloud)),
        Format::Json => output::print_json(&document(cloud)),
    }
}

/// For programs: all but the client secret.
fn document(cloud: &LocalCloud) -> Value {
    let LocalCloud { endpoint_url, front, identity_provider, supervisor, emulator } = cloud;
    json!({
        "endpoint_url": endpoint_url,
        "issuer": identity_provider.issuer,
        "tls_front": front,
        "supervisor": supervisor,
        "emulator": emulator,
    })
}

fn describe(cloud: &LocalCloud) -> String {
    let LocalCloud { endpoint_url, front, identity_provider, supervisor, emulator } = cloud;
    let issuer = &identity_provider.issuer;
    format!(
        "  AWS endpoint       {endpoint_url}
  identity provider  {issuer}
  TLS front          {front}
  processes          {supervisor} (supervisor), {emulator} (emulator)"
    )
}
