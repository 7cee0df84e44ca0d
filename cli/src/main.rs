//! `restctl`: turn a data file into a secured REST API on AWS, and operate it.

mod cli;
mod commands;
mod directories;
mod failure;
mod local;
mod output;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
