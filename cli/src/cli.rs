//! The command line.

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use restctl_contract::stack::StackName;

use crate::commands;

/// Turn a data file into a secured REST API on AWS, and operate it.
#[derive(Debug, Parser)]
#[command(name = "restctl", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) target: Target,
}

const AFTER_HELP: &str = "\
A first API, without an account:
  restctl local up                  start a local cloud
  export RESTCTL_LOCAL=1            and use it from here on
  restctl setup                     certificate and identity provider
  restctl deploy                    the stack
  restctl upload data.csv           the data
  restctl get --id 42               the API

Exit codes: 0 done, 1 failed, 2 usage, 3 done in part, 4 not authenticated, 5 not found, 130 interrupted";

/// Which stack, in which cloud.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct Target {
    /// Name of the stack
    #[arg(long, global = true, value_name = "NAME", env = "RESTCTL_STACK", default_value = "restctl")]
    pub(crate) stack: StackName,

    /// Use the local cloud of `restctl local up`
    #[arg(long, global = true, env = "RESTCTL_LOCAL", value_parser = FalseyValueParser::new())]
    pub(crate) local: bool,

    /// Profile of the AWS configuration files
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "local")]
    pub(crate) profile: Option<String>,

    /// AWS region, such as eu-west-1
    #[arg(long, global = true, value_name = "REGION", conflicts_with = "local")]
    pub(crate) region: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import the certificate and save the identity provider's settings
    Setup(commands::setup::Setup),

    /// Create or update the stack and print its endpoint
    Deploy(commands::deploy::Deploy),

    /// Load a data file into the table and print the receipt
    Upload(commands::upload::Upload),

    /// Print an access token for the API
    Token(commands::token::Token),

    /// Get items by id from the API
    Get(commands::get::Get),

    /// Remove the stack and everything that belongs to it
    Destroy(commands::destroy::Destroy),

    /// Run the whole job on the local cloud, step by step
    Demo(commands::demo::Demo),

    /// Start, stop and inspect the local cloud
    #[command(subcommand)]
    Local(commands::local::Local),
}
