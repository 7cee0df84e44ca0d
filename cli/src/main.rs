//! `restctl`: turn a data file into a secured REST API on AWS, and operate it.

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
mod terminal;
mod timestamp;

use std::process::ExitCode;

use crate::commands::invocation::Given;
use crate::terminal::output;

fn main() -> ExitCode {
    commands::completions::answer();
    let given = match Given::parse() {
        Ok(given) => given,
        Err(failure) => {
            output::failure(&failure);
            return failure.exit.into();
        }
    };
    output::follow(given.cli.manner.clone());
    match commands::run(given) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
