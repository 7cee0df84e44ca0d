//! `restctl`: turn a data file into a secured REST API on AWS, and operate it.

mod api;
mod aws;
mod certificate;
mod cli;
mod client_secret;
mod cognito;
mod commands;
mod configuration;
mod context;
mod data_file;
mod dead_letter;
mod directories;
mod discovery;
mod drift;
mod duplicates;
mod endpoint;
mod failure;
mod first_steps;
mod handshake;
mod hexadecimal;
mod interrupt;
mod items;
mod lambdas;
mod live;
mod load;
mod local;
mod output;
mod policy;
mod preflight;
mod printable;
mod progress;
mod prompt;
mod receipt;
mod remembered;
mod report;
mod root_cause;
mod session;
mod settings;
mod smoke;
mod sorted_runs;
mod source;
mod survey;
mod target;
mod timestamp;
mod token;
mod trust;
mod unfinished;

use std::process::ExitCode;

use cli::Given;

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
