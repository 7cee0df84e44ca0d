//! The commands, one module each: its arguments, then what it does.

#[cfg(test)]
mod advised_commands;
pub(crate) mod auth_test;
pub(crate) mod cert;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod destroy;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod first_steps;
pub(crate) mod get;
pub(crate) mod idp;
pub(crate) mod invocation;
pub(crate) mod loads;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod rollback;
pub(crate) mod setup;
pub(crate) mod status;
mod table_types;
pub(crate) mod token;
pub(crate) mod upload;
pub(crate) mod verify;

use clap::{CommandFactory, Subcommand};

use crate::commands::invocation::{Cli, Invocation};
use crate::context::Context;
use crate::failure::{Exit, FailureContext, Result};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import the certificate and save the identity provider's settings
    Setup(Box<setup::Setup>),

    /// Create or update the stack and print its endpoint
    Deploy(Box<deploy::Deploy>),

    /// Restore the previous versions of the functions
    Rollback(rollback::Rollback),

    /// Load data files into the table and print their receipts
    Upload(upload::Upload),

    /// Compare a file with the table and the API, row by row
    Verify(verify::Verify),

    /// Show the whole stack on one screen
    Status(status::Status),

    /// List, inspect and repair loads
    #[command(subcommand)]
    Loads(loads::Loads),

    /// List loads that kept failing, and queue them again or drop them
    #[command(subcommand)]
    Dlq(dlq::Dlq),

    /// Print the logs of the functions
    Logs(logs::Logs),

    /// Print an access token for the API, or explain why one is refused
    Token(token::Token),

    /// Check that the API accepts a valid token and refuses forged ones
    AuthTest(auth_test::AuthTest),

    /// Check the whole chain, from the credentials to the loads, and say what to fix
    Doctor(doctor::Doctor),

    /// Inspect and renew the certificate
    #[command(subcommand)]
    Cert(cert::Cert),

    /// Show, add and remove trusted issuers, and rotate the client secret
    #[command(subcommand)]
    Idp(idp::Idp),

    /// Get items by id from the API
    Get(get::Get),

    /// Write all items of the API to a file
    Export(export::Export),

    /// Show the settings and where they come from
    #[command(subcommand)]
    Config(config::Config),

    /// Remove the stack and everything that belongs to it
    Destroy(destroy::Destroy),

    /// Run the whole job on the local cloud, step by step
    Demo(demo::Demo),

    /// Print a shell completion script for commands, flags and names
    Completions(completions::Completions),

    /// Print the manual
    Man(man::Man),

    /// Start, stop and inspect the local cloud
    #[command(subcommand)]
    Local(local::Local),
}

pub(crate) fn run(mut invocation: Invocation) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let exit = runtime.block_on(async {
        let command = invocation.cli.command.take();
        let target = &invocation.cli.target;
        let Some(command) = command else { return first_steps::run(target, Cli::command()).await };
        match command {
            // These commands write JSON lines, and a context that cannot be built is the last of them.
            Command::Deploy(args) => return deploy::run(*args, Context::new(target)).await,
            Command::Rollback(args) => return rollback::run(args, Context::new(target)).await,
            Command::Destroy(args) => return destroy::run(args, Context::new(target)).await,
            Command::Setup(args) => setup::run(*args, &Context::new(target)?).await,
            Command::Upload(args) => upload::run(args, &Context::new(target)?).await,
            Command::Verify(args) => verify::run(args, &Context::new(target)?).await,
            Command::Status(args) => status::run(args, &Context::new(target)?).await,
            Command::Loads(command) => loads::run(command, &Context::new(target)?).await,
            Command::Dlq(command) => dlq::run(command, &Context::new(target)?).await,
            Command::Logs(args) => logs::run(args, &Context::new(target)?).await,
            Command::Token(args) => token::run(args, &Context::new(target)?).await,
            Command::AuthTest(args) => auth_test::run(args, &Context::new(target)?).await,
            Command::Doctor(args) => doctor::run(args, &Context::new(target)?).await,
            Command::Cert(command) => cert::run(command, &Context::new(target)?).await,
            Command::Idp(command) => idp::run(command, &Context::new(target)?).await,
            Command::Get(args) => get::run(args, &Context::new(target)?).await,
            Command::Export(args) => export::run(args, &Context::new(target)?).await,
            Command::Config(command) => config::run(command, &invocation).await,
            Command::Completions(args) => completions::run(args),
            Command::Man(args) => man::run(args, Cli::command()),
            Command::Demo(args) => demo::run(args).await,
            Command::Local(command) => local::run(command).await,
        }?;
        Ok(Exit::Done)
    });
    // A thread that still reads, such as standard input, must not keep an interrupted command from ending.
    runtime.shutdown_background();
    exit
}
