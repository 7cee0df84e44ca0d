//! The commands of README and of the operations page, typed in their order by a shell at a terminal. What README shows
//! as their output must appear there.

use std::process::Command;

use regex_lite::Regex;

use crate::cloud::{Cloud, eventually};
use crate::terminal::Terminal;

const README: &str = include_str!("../../../README.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Returns the only block in this language.
fn only_block<'a>(page: &'a str, language: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let mut blocks = page.split(&fence).skip(1);
    let block = blocks.next().unwrap().split("```").next().unwrap();
    assert!(blocks.next().is_none(), "two blocks of {language}: see that both are typed here");
    block
}

/// Removes the comment at the end of the line.
fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap().trim()
}

/// Returns the commands of both pages. Those of the operations page need a stack, so they come before `restctl destroy`.
fn page_commands() -> Vec<&'static str> {
    let mut commands: Vec<&str> = only_block(README, "console")
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .map(without_comment)
        .collect();
    assert_eq!(commands.len(), 8, "README promises eight steps: {commands:?}");
    let destroy = commands.iter().position(|command| *command == "restctl destroy").unwrap();
    commands.splice(destroy..destroy, only_block(OPERATIONS, "sh").lines().map(without_comment));
    commands
}

/// Removes colors, and replaces each number, id and digest with `0`.
fn normalize(text: &str) -> String {
    let text = Regex::new("\x1b\\[[0-9;?]*[A-Za-z]").unwrap().replace_all(text, "").replace('\r', "\n");
    let id = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16}|[0-9]+").unwrap();
    id.replace_all(&text, "0").into_owned()
}

/// Asserts that the screen has what README shows, in the same order. `...` stands for anything.
fn assert_shown(screen: &str) {
    let screen = normalize(screen);
    let mut rest = screen.as_str();
    for line in only_block(README, "console").lines().filter(|line| !line.starts_with("$ ") && *line != "...")
    {
        let wanted = normalize(line.trim_end_matches("..."));
        let found = rest.find(&wanted).unwrap_or_else(|| panic!("not shown: {wanted:?} in\n{rest}"));
        rest = &rest[found + wanted.len()..];
    }
}

#[test]
fn the_commands_on_the_pages_work_and_print_what_readme_shows() {
    let cloud = Cloud::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(crate::cloud::fixtures_folder().join("items.csv"), folder.path().join("data.csv")).unwrap();
    let restctl = cloud.command(&[]);
    let binaries = std::path::Path::new(restctl.get_program()).parent().unwrap();
    let mut shell = Command::new("bash");
    let commands = page_commands();
    let script = commands.join("\n");
    shell
        .args(["-e", "-c", &format!("set -x\n{script}\necho every command was typed")])
        .current_dir(folder.path());
    shell.env("PATH", format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap()));
    shell.env("XDG_STATE_HOME", cloud.state_folder()).env_remove("RESTCTL_LOCAL").env_remove("RESTCTL_STACK");
    let mut terminal = Terminal::run(&cloud, &shell);
    // The shell prints at least one line for each command, so that no wait is for more than one of them.
    for (index, command) in commands.iter().take_while(|command| **command != "restctl destroy").enumerate() {
        let traced = || terminal.screen_text().lines().filter(|line| line.starts_with("+ ")).count();
        eventually(command, || (traced() > index).then_some(()));
    }
    terminal.wait_for_text("+ restctl destroy");
    terminal.wait_for_text("Type the stack's name");
    terminal.type_keys("restctl\r");
    let (exit, screen) = terminal.wait_for_end();
    assert!(exit == Some(0) && screen.contains("every command was typed"), "{screen}");
    assert_shown(&screen);
}
