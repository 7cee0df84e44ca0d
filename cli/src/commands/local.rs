//! `restctl local`: the local cloud.

use clap::Subcommand;

use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start the local cloud
    Up,
    /// Stop it and leave nothing behind
    Down,
    /// Say whether it runs, and where
    Status,
}

pub(crate) async fn run(command: Local) -> Result<()> {
    match command {
        Local::Up | Local::Down | Local::Status => Ok(()),
    }
}
