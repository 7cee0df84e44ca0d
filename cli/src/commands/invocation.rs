//! The command line: its arguments, and where each value of those that every command takes came from.

use std::env;
use std::fmt;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, ColorChoice, CommandFactory, FromArgMatches, Parser};

use crate::cli::config_file::Configuration;
use crate::cli::target::TargetArgs;
use crate::commands::Command;
use crate::failure::Result;
use crate::terminal::output::OutputArgs;

/// Turn a data file into a secured REST API on AWS, and operate it.
#[derive(Debug, Parser)]
#[command(name = "restctl", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Without one, restctl says where you stand and what to type next
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) target: TargetArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

const AFTER_HELP: &str = "\
A first API, without an account:
  restctl local up                  start a local cloud
  export RESTCTL_LOCAL=1            and use it from here on
  restctl setup                     certificate and identity provider
  restctl deploy                    the stack
  restctl upload data.csv           the data
  restctl get --id 42               the API

restctl.toml, in the working folder or above it, may hold what would be typed with each command, such as \
stack = \"orders\".

Exit codes: 0 done, 1 failed, 2 usage, 3 done in part, 4 not authenticated, 5 not found,
6 a dry run found changes, 130 interrupted";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment(&'static str),
    /// restctl.toml, wherever it lies.
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("flag"),
            Origin::Environment(variable) => write!(f, "environment, {variable}"),
            Origin::File(file) => write!(f, "{}", file.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// The command line as it was given.
pub(crate) struct Invocation {
    pub(crate) cli: Cli,
    matches: ArgMatches,
    configuration: Configuration,
}

impl Invocation {
    /// Ends the process where clap does so: after help, and where the command line is wrong.
    pub(crate) fn parse() -> Result<Self> {
        let command = Cli::command().color(color());
        let configuration = match Configuration::read() {
            Ok(configuration) => configuration,
            Err(failure) => {
                // Whoever asks for help gets it all the same.
                command.get_matches();
                return Err(failure);
            }
        };
        let matches = configuration.apply(command).get_matches();
        let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let mut given = Self { cli, matches, configuration };
        given.leave_out_what_is_for_aws();
        Ok(given)
    }

    /// A file that names profile and region does not keep anybody from typing --local.
    fn leave_out_what_is_for_aws(&mut self) {
        let is_of_file = |argument| matches!(self.origin(argument, None), Origin::File(_));
        let (profile, region) = (is_of_file("profile"), is_of_file("region"));
        if self.cli.target.local && !is_of_file("local") {
            let target = &mut self.cli.target;
            target.profile.take_if(|_| profile);
            target.region.take_if(|_| region);
        }
    }

    /// Of an argument by its id; `variable` is what sets it in the environment.
    pub(crate) fn origin(&self, argument: &str, variable: Option<&'static str>) -> Origin {
        match (self.matches.value_source(argument), variable, &self.configuration.file) {
            (Some(ValueSource::CommandLine), _, _) => Origin::Flag,
            (Some(ValueSource::EnvVariable), Some(variable), _) => Origin::Environment(variable),
            (_, _, Some(file)) if self.configuration.has(argument) => Origin::File(file.clone()),
            _ => Origin::Default,
        }
    }
}

/// `--color`, for what clap says before it has read the command line.
fn color() -> ColorChoice {
    let words: Vec<String> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let after = words.windows(2).find(|pair| pair[0] == "--color").map(|pair| pair[1].as_str());
    match words.iter().find_map(|word| word.strip_prefix("--color=")).or(after) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}
