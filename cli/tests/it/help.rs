//! The help of every command, and the answers to wrong command lines, word for word.

use std::fmt::Write;
use std::process::{Command, Stdio};

use crate::cloud::CommandOutput;
use crate::snapshots::Snapshots;

/// Command lines that are refused before anything else happens.
const REFUSED: [&str; 23] = [
    "get",
    "upload",
    "deploy --stack Orders",
    "setup --cert cert.pem",
    "setup --self-signed a.example.com --cert cert.pem --key key.pem",
    "setup --client-secret hunter2",
    "fetch",
    "upload --max-rejects 5 items.csv",
    "upload --delimiter ab items.csv",
    "upload --types price items.csv",
    "upload --dry-run --no-wait items.csv",
    "loads show 42",
    "setup --provider okta",
    "deploy --list maybe",
    "export --force",
    "dlq drop",
    "dlq drop --all --load 0123456789abcdef",
    "logs --since yesterday",
    "verify",
    "get --id 1 --format yaml",
    "completions tcsh",
    "status --color sometimes",
    "cert renew --cert cert.pem",
];

/// Runs `restctl ARGS` without a terminal, and without settings that would change what it prints.
fn run_off_terminal(args: &[&str]) -> CommandOutput {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(args).current_dir(folder.path()).stdin(Stdio::null());
    for variable in ["RESTCTL_LOCAL", "RESTCTL_STACK", "COLUMNS"] {
        command.env_remove(variable);
    }
    command.output().unwrap().into()
}

/// Compares the help of this command and of each command that it lists.
fn compare_help(command: &[&str], snapshots: &mut Snapshots) {
    let help = run_off_terminal(&[command, &["--help"]].concat());
    assert_eq!((help.exit, help.stderr.as_str()), (0, ""), "{command:?}");
    let name = [&["restctl"], command].concat().join(" ");
    snapshots.compare(&name.replace(' ', "-"), &format!("$ {name} --help\n{}", help.stdout));
    let (_, listed) = help.stdout.split_once("\nCommands:\n").unwrap_or_default();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    // The lines of a description begin further to the right.
    let subcommands = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for subcommand in subcommands.filter(|name| !name.is_empty() && *name != "help") {
        compare_help(&[command, &[subcommand]].concat(), snapshots);
    }
}

#[test]
fn every_command_explains_itself() {
    let mut snapshots = Snapshots::in_folder("help");
    compare_help(&[], &mut snapshots);
    snapshots.finish();
}

#[test]
fn a_wrong_command_line_is_told_what_is_wrong() {
    let mut answers = String::new();
    for line in REFUSED {
        let refused = run_off_terminal(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(refused.stdout, "", "{line}");
        writeln!(answers, "$ restctl {line}\n? {}\n{}", refused.exit, refused.stderr).unwrap();
    }
    let mut snapshots = Snapshots::in_folder("help");
    snapshots.compare("wrong-command-lines", &format!("{}\n", answers.trim_end()));
    snapshots.finish();
}
