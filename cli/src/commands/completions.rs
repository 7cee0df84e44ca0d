//! `restctl completions`: has a shell complete what is typed.

use std::io;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

use crate::commands::invocation::Cli;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

/// The variable by which a shell asks this very command.
const VARIABLE: &str = "RESTCTL_COMPLETE";

#[derive(Debug, Args)]
#[command(after_help = "\
Commands, flags and their values are completed, and the names of stacks and the ids of loads that were seen on this \
machine.

  bash        echo 'source <(restctl completions bash)' >> ~/.bashrc
  zsh         echo 'source <(restctl completions zsh)' >> ~/.zshrc
  fish        restctl completions fish > ~/.config/fish/completions/restctl.fish
  PowerShell  restctl completions powershell | Out-String | Invoke-Expression    (in $PROFILE)")]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    Power,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Power => "powershell",
        }
    }
}

/// Answers the shell, where it is the shell that asks, and ends the process.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

pub(crate) fn run(args: Completions) -> Result<()> {
    let shells = Shells::builtins();
    let name = args.shell.name();
    let shell = shells.completer(name).ok_or_else(|| {
        Failure::new(format!("nothing is known of the shell {name}")).next("restctl completions --help")
    })?;
    let mut script = Vec::new();
    let written: io::Result<()> =
        shell.write_registration(VARIABLE, "restctl", "restctl", "restctl", &mut script);
    written.context("the completions cannot be written")?;
    output::write_bytes(&script)
}
