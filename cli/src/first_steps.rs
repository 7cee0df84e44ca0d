//! `restctl` alone: where you stand, and what to type next.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::failure::{Exit, Result};
use crate::output;
use crate::target::Target;

pub(crate) async fn run(_target: &Target) -> Result<Exit> {
    output::say(&Cli::command().render_help().to_string());
    Ok(Exit::Usage)
}
