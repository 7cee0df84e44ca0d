//! `restctl man`: the manual, a page for each command.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::commands::invocation::Cli;
use crate::failure::{FailureContext, Result};
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  restctl man | man -l -
  restctl man --dir ~/.local/share/man/man1 && man restctl-upload")]
pub(crate) struct Man {
    /// Write a page for each command into this folder [default: that of restctl itself, to standard output]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: Man) -> Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(dir) = args.dir else { return output::write_bytes(&page(command)?) };
    fs::create_dir_all(&dir).context(format!("{} cannot be made", dir.display()))?;
    let mut pages = Vec::new();
    collect(command, &mut pages)?;
    for (name, page) in &pages {
        let file = dir.join(format!("{name}.1"));
        fs::write(&file, page).context(format!("{} cannot be written", file.display()))?;
    }
    output::print_message(&format!("{} pages in {}", pages.len(), dir.display()));
    Ok(())
}

/// Of the command and those below it, by name: `restctl-loads-ls`.
fn collect(command: Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below.clone(), pages)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    pages.push((name.clone(), page(command.name(name))?));
    Ok(())
}

fn page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command).manual("restctl").render(&mut page).context("the manual cannot be written")?;
    Ok(page)
}
