//! The pages list the commands, flags, exit codes and settings of the binary.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use regex_lite::Regex;

use super::markdown::{Page, code_pieces};
use super::source;

fn run_restctl(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    for variable in ["RESTCTL_STACK", "RESTCTL_LOCAL"] {
        command.env_remove(variable);
    }
    command.args(args).output().unwrap()
}

/// Returns the pages of the manual: the command, such as `loads ls`, and the page's text.
fn manual_pages() -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    assert!(run_restctl(&["man", "--dir", folder.path().to_str().unwrap()]).status.success());
    let synopsis = Regex::new(r"(?m)^\\fBrestctl([a-z \\-]*)\\fR").unwrap();
    let pages = std::fs::read_dir(folder.path()).unwrap().map(|page| {
        let text = std::fs::read_to_string(page.unwrap().path()).unwrap();
        let command = synopsis.captures(&text).unwrap()[1].replace('\\', "").trim().to_owned();
        (command, text)
    });
    pages.collect()
}

/// Returns the commands that do something themselves, such as `loads ls` but not `loads`.
pub(crate) fn leaf_commands() -> BTreeSet<String> {
    let commands: BTreeSet<String> = manual_pages().into_iter().map(|(command, _)| command).collect();
    let is_group = |command: &String| {
        command != "token" && commands.iter().any(|other| other.starts_with(&format!("{command} ")))
    };
    commands.iter().filter(|command| !command.is_empty() && !is_group(command)).cloned().collect()
}

fn first_cells(page: &Page, heading: &str) -> BTreeSet<String> {
    page.table(heading).iter().flat_map(|row| code_pieces(row[0])).collect()
}

#[test]
fn readme_lists_each_command() {
    let help = String::from_utf8(run_restctl(&["--help"]).stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let list = list.lines().take_while(|line| !line.is_empty());
    let name = Regex::new("^  ([a-z-]+)").unwrap();
    let mut commands: BTreeSet<String> =
        list.filter_map(|line| Some(name.captures(line)?[1].to_owned())).collect();
    assert!(commands.remove("help"));
    assert_eq!(first_cells(&Page::read("README.md"), "## Commands"), commands);
}

/// Returns the words before the first placeholder.
fn command_of(typed: &str) -> String {
    let words = typed.trim_start_matches("restctl ").split(' ');
    let words = words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_commands_by_task_are_all_commands() {
    let tasks = Page::read("cli/README.md");
    let mut listed = BTreeSet::new();
    for row in tasks.table("## Commands by task") {
        // Such as `restctl dlq ls`, `redrive`, `drop`: the others are in the group of the first one.
        let pieces = code_pieces(row[1]);
        let commands: Vec<String> = pieces.iter().map(|piece| command_of(piece)).collect();
        let group = commands[0].split(' ').next().unwrap();
        listed.extend(commands.iter().map(|command| format!("{group} {command}")));
        listed.extend(commands);
    }
    let unlisted: Vec<String> =
        leaf_commands().into_iter().filter(|command| !listed.contains(command)).collect();
    assert!(unlisted.is_empty(), "no task in cli/README.md has {unlisted:?}");
}

/// Flags of cargo and cargo-fuzz that are on a page without their command.
const OF_OTHER_TOOLS: [&str; 2] = ["--workspace", "--no-trace-compares"];

/// Checks the flags in commands, and those that are named alone.
#[test]
fn the_flags_on_the_pages_exist() {
    let flag = Regex::new(r"--[a-z][a-z-]*").unwrap();
    let manual: String = manual_pages().into_iter().map(|(_, text)| text.replace("\\-", "-")).collect();
    let known: BTreeSet<&str> = flag.find_iter(&manual).map(|found| found.as_str()).collect();
    let mut seen = 0;
    for page in Page::read_all() {
        let lines = page.text.replace("\\\n", "");
        let typed = lines.lines().filter(|line| line.trim_start_matches("$ ").starts_with("restctl "));
        let named = code_pieces(&page.prose_lines().map(|(_, line)| format!("{line}\n")).collect::<String>());
        let named = named.iter().filter(|piece| piece.starts_with("--") || piece.starts_with("restctl "));
        for text in typed.map(str::to_owned).chain(named.cloned()) {
            for found in flag.find_iter(text.split(" | ").next().unwrap()) {
                if !OF_OTHER_TOOLS.contains(&found.as_str()) {
                    seen += 1;
                    assert!(known.contains(found.as_str()), "{}: {}", page.path.display(), found.as_str());
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} flags were found");
}

#[test]
fn the_options_of_a_stack_are_those_of_deploy() {
    let flag = Regex::new(r"--[a-z-]+").unwrap();
    let help = String::from_utf8(run_restctl(&["deploy", "--help"]).stdout).unwrap();
    let (_, options) = help.split_once("Options of the stack:\n").unwrap();
    let (options, _) = options.split_once("\nTarget:\n").unwrap();
    let options = options.lines().filter(|line| line.starts_with("      --"));
    let options: BTreeSet<&str> = options.map(|line| flag.find(line).unwrap().as_str()).collect();
    let page = Page::read("cli/docs/deployment.md");
    let rows = page.table("## Options of the stack");
    let listed: BTreeSet<&str> =
        rows.iter().flat_map(|row| flag.find_iter(row[0]).map(|found| found.as_str())).collect();
    assert_eq!(listed, options);
}

#[test]
fn the_exit_codes_are_those_of_the_command() {
    let page = Page::read("cli/README.md");
    let listed: Vec<&str> = page.table("### Exit codes").iter().map(|row| row[0]).collect();
    let variant = Regex::new(r"(?m)^    [A-Z]\w+ = (\d+),$").unwrap();
    let source = source::source_file("failure.rs");
    let defined: Vec<&str> =
        variant.captures_iter(&source).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(listed, defined);
    let help = String::from_utf8(run_restctl(&["--help"]).stdout).unwrap();
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let number = Regex::new(r"\d+").unwrap();
    let helped: Vec<&str> = number.find_iter(codes).map(|found| found.as_str()).collect();
    assert_eq!(listed, helped);
}

/// Compares with the message about an unknown key, which lists the known ones.
#[test]
fn the_configuration_keys_are_those_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("restctl.toml"), "no-such-key = 1\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    let refusal = command.args(["config", "show"]).current_dir(folder.path()).output().unwrap();
    let refusal = String::from_utf8(refusal.stderr).unwrap();
    let (_, expected) = refusal.split_once("expected one of ").unwrap_or_else(|| panic!("{refusal}"));
    let known = code_pieces(expected.lines().next().unwrap()).into_iter().collect();
    assert_eq!(first_cells(&Page::read("cli/README.md"), "## Configuration file"), known);
}
