//! `restctl man`: writes the manual, with a page for each command.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::directories;
use crate::failure::{FailureContext, Result};
use crate::terminal::output;
use crate::terminal::sanitize::Syntax;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  restctl man | man -l -
  restctl man --dir ~/.local/share/man/man1 && man restctl-upload")]
pub(crate) struct Man {
    /// Write a page for each command to this folder [default: write restctl's own page to standard output]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const NEXT: &str = "choose another folder, on a disk with more space: restctl man --dir DIR";

pub(crate) fn run(args: Man, command: Command) -> Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let Some(dir) = args.dir else { return output::write_data(&render_page(command)?, Syntax::Lines) };
    let created = fs::create_dir_all(&dir).context(format!("cannot create {}", dir.display()));
    created.map_err(|failure| failure.next(NEXT))?;
    let mut pages = Vec::new();
    render_pages(command, &mut pages)?;
    for (name, page) in &pages {
        let file = dir.join(format!("{name}.1"));
        directories::replace_file(&file, page, 0o666).map_err(|failure| failure.next(NEXT))?;
    }
    output::print_message(format!("wrote {} pages to {}", pages.len(), dir.display()));
    Ok(())
}

/// Adds the pages of the command and its subcommands, each with a name such as `restctl-loads-ls`.
fn render_pages(command: Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        render_pages(subcommand.clone(), pages)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    pages.push((name.clone(), render_page(command.name(name))?));
    Ok(())
}

fn render_page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command).manual("restctl").render(&mut page).context("cannot write the manual")?;
    Ok(page)
}
