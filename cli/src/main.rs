//! `restctl`: turn a data file into a secured REST API on AWS, and operate it.
//!
//! Rooms from top to bottom; a module uses only rooms below its own:
//!
//! ```text
//! commands, deployment, api, loads, identity, context, local, aws, certificate, items, data_file, cli, terminal,
//! network, directories, timestamp, digest, failure
//! ```

mod api;
mod aws;
mod certificate;
mod cli;
mod commands;
mod context;
mod data_file;
mod deployment;
mod digest;
mod directories;
mod failure;
mod identity;
mod items;
mod loads;
mod local;
mod network;
mod terminal;
mod timestamp;

use clap::CommandFactory;

use crate::commands::invocation::{Cli, Invocation};
use crate::terminal::{advice, interrupt, output};

fn main() {
    commands::completions::complete_if_asked(Cli::command);
    let exit = interrupt::start_handling().and_then(|()| Invocation::parse()).and_then(|invocation| {
        output::configure(invocation.cli.output.clone());
        advice::configure(invocation.advised_target());
        commands::run(invocation)
    });
    match exit {
        Ok(exit) => output::exit_with(exit),
        Err(failure) => output::exit_with_failure(&failure),
    }
}
