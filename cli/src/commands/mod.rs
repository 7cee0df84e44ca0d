//! One file per command: its arguments, then what it does.

pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod destroy;
pub(crate) mod get;
pub(crate) mod local;
pub(crate) mod setup;
pub(crate) mod token;
pub(crate) mod upload;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::failure::{During, Result};

pub(crate) fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .during("the asynchronous runtime does not start")?;
    runtime.block_on(async {
        let target = &cli.target;
        match cli.command {
            Command::Setup(args) => setup::run(args, &Context::new(target).await?).await,
            Command::Deploy(args) => deploy::run(args, &Context::new(target).await?).await,
            Command::Upload(args) => upload::run(args, &Context::new(target).await?).await,
            Command::Token(args) => token::run(args, &Context::new(target).await?).await,
            Command::Get(args) => get::run(args, &Context::new(target).await?).await,
            Command::Destroy(args) => destroy::run(args, &Context::new(target).await?).await,
            Command::Demo(args) => demo::run(args, cli.target).await,
            Command::Local(command) => local::run(command).await,
        }
    })
}
