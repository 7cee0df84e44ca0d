//! `restctl local`: the local cloud.

use clap::Subcommand;

use crate::failure::Result;
use crate::local::{self, LocalCloud, Ports, Supervise};
use crate::output;

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
        Local::Status => output::data(&describe(&LocalCloud::running()?)),
        Local::Supervise(options) => local::supervise(options).await,
    }
}

async fn up(ports: Ports) -> Result<()> {
    let was_running = LocalCloud::running().is_ok();
    let cloud = local::up(ports).await?;
    output::say(if was_running {
        "The local cloud is already running"
    } else {
        "The local cloud is running"
    });
    output::say(&describe(&cloud));
    output::say("\nNext:\n  export RESTCTL_LOCAL=1\n  restctl setup");
    Ok(())
}

async fn down() -> Result<()> {
    let was_running = local::down().await?;
    output::say(if was_running { "The local cloud has stopped" } else { "The local cloud is not running" });
    Ok(())
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
