//! Shell completions and the manual, which come from the definition of the command line.

use std::process::Command;

use crate::cloud::{CommandOutput, fixtures_folder};

fn run(args: &[&str], environment: &[(&str, &str)]) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(args).current_dir(fixtures_folder()).envs(environment.iter().copied());
    command.output().unwrap().into()
}

#[test]
fn each_shell_gets_a_script() {
    for (shell, word) in [
        ("bash", "complete -o"),
        ("zsh", "#compdef restctl\n(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"),
        ("fish", "complete --"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = run(&["completions", shell], &[]);
        assert!(script.exit == 0 && script.stdout.contains(word), "{shell}: {}", script.stdout);
    }
    run(&["completions", "tcsh"], &[]).failed_with(2, &["bash, zsh, fish, powershell"]);
}

/// Returns bash's completions of the last word of `line`.
fn complete_in_bash(state: &str, line: &[&str]) -> Vec<String> {
    let script = run(&["completions", "bash"], &[]).stdout;
    let words = line.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let last = line.last().unwrap();
    let bash = format!(
        "{script}\nCOMP_WORDS=({words}); COMP_CWORD={}; COMP_TYPE=9\n\
         _clap_complete_restctl restctl '{last}' ''\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        line.len() - 1
    );
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_restctl")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    let answer = CommandOutput::from(
        command
            .args(["-c", &bash])
            .env("PATH", path)
            .env("XDG_STATE_HOME", state)
            .env_remove("RESTCTL_STACK")
            .output()
            .unwrap(),
    );
    answer.stdout.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn bash_completes_commands_flags_and_names_seen_before() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("restctl");
    std::fs::create_dir(&folder).unwrap();
    let seen = r#"{"orders":["0123456789abcdef"],"restctl":["00000000000000aa"],"returns":[]}"#;
    std::fs::write(folder.join("remembered.json"), seen).unwrap();
    let state = state.path().to_str().unwrap();
    assert_eq!(complete_in_bash(state, &["restctl", "rollb"]), ["rollback"]);
    assert_eq!(complete_in_bash(state, &["restctl", "upload", "--max"]), ["--max-rejects"]);
    assert_eq!(complete_in_bash(state, &["restctl", "get", "--stack", ""]), ["orders", "restctl", "returns"]);
    assert_eq!(complete_in_bash(state, &["restctl", "status", "--output", "j"]), ["json"]);
}

#[test]
fn loads_are_completed_of_the_stack_on_the_command_line() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("restctl");
    std::fs::create_dir(&folder).unwrap();
    let seen = r#"{"orders":["0123456789abcdef"],"restctl":["00000000000000aa"],"returns":[]}"#;
    std::fs::write(folder.join("remembered.json"), seen).unwrap();
    let complete = |words: &[&str]| {
        let completed = complete_in_bash(state.path().to_str().unwrap(), words);
        completed.into_iter().filter(|word| word.len() == 16).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["restctl", "loads", "show", ""]), ["00000000000000aa"]);
    assert_eq!(complete(&["restctl", "loads", "show", "--stack", "orders", ""]), ["0123456789abcdef"]);
    assert_eq!(complete(&["restctl", "--stack=orders", "loads", "show", ""]), ["0123456789abcdef"]);
    assert_eq!(complete(&["restctl", "--stack", "returns", "dlq", "drop", "--load", ""]), [""; 0]);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1");
    let made = run(&["man", "--dir", dir.to_str().unwrap()], &[]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    for name in ["restctl", "restctl-upload", "restctl-loads-show", "restctl-token-explain", "restctl-status"]
    {
        let page = std::fs::read_to_string(dir.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
    assert!(!dir.join("restctl-local-supervise.1").exists(), "a hidden command has no page");
    assert!(run(&["man"], &[]).stdout.contains(".TH restctl 1"));
}
