//! `restctl` alone: help off a terminal, and at one the way from nothing to an API.

use std::process::{Command, Stdio};

use crate::cloud::{Cloud, Ran};
use crate::terminal::Terminal;

#[test]
fn off_a_terminal_it_is_the_help() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    let alone = Ran::from(command.stdin(Stdio::null()).output().unwrap());
    alone.failed_with(2, &["Usage: restctl", "restctl local up"]);
    assert_eq!(alone.data, "");
}

#[test]
fn a_terminal_leads_from_nothing_to_an_item() {
    let cloud = Cloud::new();
    let mut command = cloud.command(&[]);
    command.env_remove("RESTCTL_LOCAL");
    let mut terminal = Terminal::run(&cloud, &command);
    terminal.shows("Where shall it be?");
    terminal.types("\r");
    for step in ["restctl local up, now?", "restctl setup, now?", "restctl deploy, now?"] {
        terminal.shows(step);
        terminal.types("\r");
    }
    terminal.shows("Data file");
    terminal.types("items.csv\r");
    terminal.shows("Id of an item");
    terminal.types("42\r");
    let (exit, screen) = terminal.ends();
    assert_eq!(exit, Some(0), "{screen}");
    for text in ["Pocket Towel", "restctl upload items.csv --local", "That is all"] {
        assert!(screen.contains(text), "{text:?} is not in:\n{screen}");
    }

    // Where it stands is seen, and whoever would rather type is told what.
    let mut again = Terminal::open(&cloud, &[]);
    again.shows("next  restctl get");
    again.types("\x03");
    let (exit, screen) = again.ends();
    assert!(exit != Some(0) && !screen.contains("panicked"), "{screen}");
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    let mut declined = Terminal::open(&cloud, &[]);
    declined.shows("restctl setup, now?");
    declined.types("\x1b[B\r");
    let (exit, screen) = declined.ends();
    assert!(exit == Some(0) && screen.contains("next: restctl setup --local"), "{screen}");
}
