//! The command line as it was typed, and where the values of the common arguments come from.

use std::fmt;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{
    ArgMatches, ColorChoice, Command as ClapCommand, CommandFactory, FromArgMatches, Parser, ValueEnum,
};

use crate::cli::config_file::ConfigFile;
use crate::cli::target::TargetArgs;
use crate::cli::unparsed_words;
use crate::commands::Command;
use crate::failure::{Result, shell_argument};
use crate::terminal::advice::AdvisedTarget;
use crate::terminal::output::{self, Format, OutputArgs};

/// Turn a data file into a secured REST API on AWS, and operate it.
#[derive(Debug, Parser)]
#[command(name = "restctl", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Without a command, restctl shows how far you are and what to type next
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

restctl.toml, in the working folder or a parent of it, sets arguments for every command, such as \
stack = \"orders\".

Exit codes: 0 done, 1 failed, 2 usage, 3 done in part, 4 not authenticated, 5 not found,
6 a dry run found changes, 7 --timeout is over, 130 interrupted";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment(&'static str),
    /// restctl.toml.
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

/// The parsed command line.
pub(crate) struct Invocation {
    pub(crate) cli: Cli,
    matches: ArgMatches,
    config_file: ConfigFile,
}

impl Invocation {
    /// Parses the command line. Ends the process after help, and on a wrong command line.
    pub(crate) fn parse() -> Result<Self> {
        let command = Cli::command().color(color_choice());
        let config_file = match ConfigFile::find_nearest() {
            Ok(config_file) => config_file,
            Err(failure) => {
                // A broken file must not hide the help.
                let _ = parse_words(command);
                output::configure_failures(output_format());
                return Err(failure);
            }
        };
        let matches = parse_words(config_file.set_defaults(command));
        let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| exit_with_clap_error(&error));
        let mut invocation = Self { cli, matches, config_file };
        invocation.ignore_aws_settings_of_file();
        Ok(invocation)
    }

    /// A file that sets profile and region must not make `--local` a contradiction.
    fn ignore_aws_settings_of_file(&mut self) {
        let is_from_file = |argument| matches!(self.argument_origin(argument, None), Origin::File(_));
        let (profile, region) = (is_from_file("profile"), is_from_file("region"));
        if self.cli.target.local && !is_from_file("local") {
            let target = &mut self.cli.target;
            target.profile.take_if(|_| profile);
            target.region.take_if(|_| region);
        }
    }

    /// Returns what the commands that messages advise have to repeat.
    pub(crate) fn advised_target(&self) -> AdvisedTarget {
        const WITHOUT_STACK: [&str; 5] = ["completions", "demo", "help", "local", "man"];
        let TargetArgs { stack, local, profile, region } = &self.cli.target;
        let name_of = |command: &ClapCommand| command.get_name().to_owned();
        let commands = Cli::command().get_subcommands().map(name_of).collect::<Vec<_>>();
        let flag = |name: &str, value: &str| format!("--{name} {}", shell_argument(value, "NAME"));
        let aws_values = [("profile", profile), ("region", region)];
        let aws_flags =
            aws_values.iter().filter_map(|(name, value)| Some((*name, flag(name, value.as_ref()?))));
        let all = [("stack", flag("stack", stack.as_str())), ("local", "--local".to_owned())];
        let typed = all.into_iter().chain(aws_flags.clone());
        let typed = typed.filter(|(name, _)| self.argument_origin(name, None) == Origin::Flag);
        AdvisedTarget {
            commands: commands.into_iter().filter(|name| !WITHOUT_STACK.contains(&name.as_str())).collect(),
            flags: typed.map(|(_, flag)| flag).collect(),
            aws_flags: aws_flags.map(|(_, flag)| flag).collect(),
            local: *local,
        }
    }

    /// Returns where the value of an argument comes from. `argument` is its id, `variable` its environment variable.
    pub(crate) fn argument_origin(&self, argument: &str, variable: Option<&'static str>) -> Origin {
        match (self.matches.value_source(argument), variable, &self.config_file.path) {
            (Some(ValueSource::CommandLine), _, _) => Origin::Flag,
            (Some(ValueSource::EnvVariable), Some(variable), _) => Origin::Environment(variable),
            (_, _, Some(file)) if self.config_file.sets_argument(argument) => Origin::File(file.clone()),
            _ => Origin::Default,
        }
    }
}

/// Ends the process after help and on a wrong command line.
fn parse_words(command: ClapCommand) -> ArgMatches {
    command.try_get_matches().unwrap_or_else(|error| exit_with_clap_error(&error))
}

fn exit_with_clap_error(error: &clap::Error) -> ! {
    output::configure_failures(output_format());
    output::exit_with_clap_error(error)
}

/// Returns the value of `--color`, for messages of clap before it has parsed the command line.
fn color_choice() -> ColorChoice {
    typed_value("--color").unwrap_or(ColorChoice::Auto)
}

/// Returns the format of a failure of the command line or of restctl.toml, neither of which could be parsed.
fn output_format() -> Format {
    typed_value("--output").or_else(ConfigFile::find_format).unwrap_or(Format::Text)
}

fn typed_value<T: ValueEnum>(flag: &str) -> Option<T> {
    T::from_str(unparsed_words::find_value(&unparsed_words::typed_words(), flag)?, false).ok()
}
