//! The command line.

use clap::Parser;

use crate::commands::Command;
use crate::target::Target;

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

Exit codes: 0 done, 1 failed, 2 usage, 3 done in part, 4 not authenticated, 5 not found,
6 a dry run found changes, 130 interrupted";
