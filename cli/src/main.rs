//! `restctl`: turn a data file into a secured REST API on AWS, and operate it.

mod api;
mod aws;
mod certificate;
mod cli;
mod client_secret;
mod cognito;
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
mod live;
mod load;
mod local;
mod output;
mod policy;
mod preflight;
mod progress;
mod prompt;
mod receipt;
mod report;
mod root_cause;
mod settings;
mod smoke;
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
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
