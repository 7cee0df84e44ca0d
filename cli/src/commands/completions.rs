//! `restctl completions`: prints a script with which a shell completes commands, flags and names.

use std::io;

use clap::{Args, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;
use crate::terminal::sanitize::Syntax;

/// The variable that a shell sets when it runs restctl to ask for completions.
const COMPLETE_VARIABLE: &str = "RESTCTL_COMPLETE";

/// A .zshrc without `compinit` has no `compdef` yet ("Use of compinit", zsh manual, section 20.2.1).
const LOAD_COMPDEF: &str = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n";

#[derive(Debug, Args)]
#[command(after_help = "\
Completes commands, flags and their values, and the names of stacks and ids of loads that were used on this machine.

  bash        echo 'source <(restctl completions bash)' >> ~/.bashrc
  zsh         echo 'source <(restctl completions zsh)' >> ~/.zshrc
  fish        restctl completions fish > ~/.config/fish/completions/restctl.fish
  PowerShell  restctl completions powershell | Out-String | Invoke-Expression    (in $PROFILE)")]
pub(crate) struct Completions {
    /// Shell to complete in
    #[arg(value_name = "SHELL", value_enum)]
    shell: CompletionShell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CompletionShell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    Power,
}

impl CompletionShell {
    fn name(self) -> &'static str {
        match self {
            CompletionShell::Bash => "bash",
            CompletionShell::Zsh => "zsh",
            CompletionShell::Fish => "fish",
            CompletionShell::Power => "powershell",
        }
    }
}

/// If a shell asks for completions, prints them and ends the process.
pub(crate) fn complete_if_asked(command: fn() -> clap::Command) {
    CompleteEnv::with_factory(command).var(COMPLETE_VARIABLE).complete();
}

pub(crate) fn run(args: Completions) -> Result<()> {
    let shells = Shells::builtins();
    let name = args.shell.name();
    let shell = shells.completer(name).ok_or_else(|| {
        Failure::new(format!("the shell {name} is not supported")).next("restctl completions --help")
    })?;
    let mut script = Vec::new();
    let written: io::Result<()> =
        shell.write_registration(COMPLETE_VARIABLE, "restctl", "restctl", "restctl", &mut script);
    written.context("cannot write the completions")?;
    if let CompletionShell::Zsh = args.shell {
        // Its first line, `#compdef`, is for zsh's own folders of completions.
        let first_end = script.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        script.splice(first_end..first_end, LOAD_COMPDEF.bytes());
    }
    output::write_data(&script, Syntax::Lines)
}
