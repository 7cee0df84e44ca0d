//! `restctl`: turn a data file into a secured REST API on AWS, and operate it.

mod api;
mod aws;
mod certificate;
mod cli;
mod client_secret;
mod commands;
mod context;
mod directories;
mod discovery;
mod duplicates;
mod endpoint;
mod failure;
mod hexadecimal;
mod interrupt;
mod lambdas;
mod load;
mod local;
mod output;
mod policy;
mod prompt;
mod receipt;
mod settings;
mod source;
mod survey;
mod target;
mod timestamp;
mod token;
mod unfinished;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli.command, cli.target) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
