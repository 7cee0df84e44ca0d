//! One file per command: its arguments, then what it does.

pub(crate) mod local;

use crate::cli::{Cli, Command};
use crate::failure::{During, Result};

pub(crate) fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .during("the asynchronous runtime does not start")?;
    runtime.block_on(async {
        match cli.command {
            Command::Local(command) => local::run(command).await,
        }
    })
}
