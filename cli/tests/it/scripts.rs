//! What scripts rely on: restctl asks no questions, writes no colors, accepts a closed pipe, and writes failures as JSON.

use std::process::{Command, Stdio};

use crate::cloud::{Cloud, CommandOutput, fixtures_folder};
use crate::terminal::Terminal;

fn run(args: &[&str], environment: &[(&str, &str)]) -> CommandOutput {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(args).current_dir(fixtures_folder()).env("XDG_STATE_HOME", state.path());
    command.env("RESTCTL_LOCAL", "1").env_remove("NO_COLOR").envs(environment.iter().copied());
    command.stdin(Stdio::null()).output().unwrap().into()
}

#[test]
fn colors_are_for_terminals_and_on_request() {
    let failing = ["loads", "ls"];
    let plain = run(&failing, &[]);
    assert!(plain.stderr.starts_with("error: the local cloud is not running"), "{}", plain.stderr);
    let colored = run(&["loads", "ls", "--color", "always"], &[]);
    assert!(colored.stderr.contains("\x1b[31m"), "{}", colored.stderr);
    let help = run(&["loads", "--help", "--color=always"], &[]);
    assert!(help.stdout.contains("\x1b["), "{}", help.stdout);
    assert!(!run(&["loads", "--help"], &[]).stdout.contains('\x1b'));

    let cloud = Cloud::new();
    for (environment, args, is_colored) in [
        (None, &["loads", "ls"][..], true),
        (Some("1"), &["loads", "ls"][..], false),
        (None, &["loads", "ls", "--color", "never"][..], false),
    ] {
        let mut command = cloud.command(args);
        command.env_remove("NO_COLOR").envs(environment.map(|value| ("NO_COLOR", value)));
        let (exit, screen) = Terminal::run(&cloud, &command).wait_for_end();
        assert_eq!((exit, screen.contains('\x1b')), (Some(5), is_colored), "{args:?} {screen:?}");
    }
}

#[test]
fn with_json_output_a_failure_is_a_line_of_json() {
    let failed = run(&["loads", "ls", "--output", "json"], &[]);
    assert_eq!((failed.exit, failed.stdout.as_str()), (5, ""));
    let line: serde_json::Value = serde_json::from_str(failed.stderr.trim()).unwrap();
    assert_eq!(line["what"], "the local cloud is not running");
    assert_eq!((line["next"].as_str(), line["exit"].as_u64()), (Some("restctl local up"), Some(5)));
}

/// Runs `restctl LINE` in a folder with this restctl.toml, and returns the only line of standard error as JSON.
fn refused_as_json(line: &str, config: &str, environment: &[(&str, &str)]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("restctl.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(line.split(' ').filter(|word| !word.is_empty())).current_dir(folder.path());
    command.env_remove("RESTCTL_STACK").env_remove("RESTCTL_LOCAL").envs(environment.iter().copied());
    let refused = CommandOutput::from(command.stdin(Stdio::null()).output().unwrap());
    assert_eq!((refused.exit, refused.stdout.as_str()), (2, ""), "{line}");
    let json: serde_json::Value = serde_json::from_str(refused.stderr.trim_end())
        .unwrap_or_else(|error| panic!("{line}: {error}: {}", refused.stderr));
    let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["outcome", "what", "why", "next", "exit"], "{line}");
    assert_eq!((&json["outcome"], &json["exit"]), (&"failed".into(), &2.into()), "{line}");
    json
}

#[test]
fn with_json_output_a_wrong_command_line_is_a_line_of_json() {
    for (line, what, why) in [
        ("fetch --output json", "unrecognized subcommand 'fetch'", None),
        (
            "--output=json gett --id 1",
            "unrecognized subcommand 'gett'",
            Some("tip: a similar subcommand exists: 'get'"),
        ),
        ("upload --output json", "the following required arguments were not provided: <FILE>...", None),
        ("get --id --output=json", "a value is required for '--id <ID>...' but none was supplied", None),
        (
            "status --output json --color sometimes",
            "invalid value 'sometimes' for '--color <WHEN>' [possible values: auto, always, never]",
            None,
        ),
        (
            "loads --output json",
            "'restctl loads' requires a subcommand but one was not provided \
             [subcommands: ls, show, rejects, retry, help]",
            None,
        ),
        ("--output json", "there is no command", None),
    ] {
        let refused = refused_as_json(line, "", &[]);
        assert_eq!((refused["what"].as_str(), refused["why"].as_str()), (Some(what), why), "{line}");
    }
    let refused = refused_as_json("status --output json", "", &[("RESTCTL_STACK", "Orders")]);
    assert!(refused["what"].as_str().unwrap().contains("'Orders' for '--stack <NAME>'"), "{refused}");
}

#[test]
fn with_json_output_a_wrong_configuration_file_is_a_line_of_json() {
    for (line, config) in [
        ("status --output json", "stak = \"orders\"\n"),
        ("status --output=json", "stack = \n"),
        ("status", "output = \"json\"\nstak = \"orders\"\n"),
        ("status", "stack = [\noutput = 'json' # for scripts\n"),
    ] {
        let refused = refused_as_json(line, config, &[]);
        assert!(refused["what"].as_str().unwrap().starts_with("cannot use "), "{refused}");
    }
    let refused = refused_as_json("fetch", "output = \"json\"\n", &[]);
    assert_eq!(refused["what"], "unrecognized subcommand 'fetch'");
    // The command line comes first.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("restctl.toml"), "output = \"json\"\nstak = 1\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(["status", "--output", "text"]).current_dir(folder.path());
    let refused = CommandOutput::from(command.output().unwrap());
    refused.failed_with(2, &["error: cannot use "]);
}

#[test]
fn a_script_is_asked_nothing_even_at_a_terminal() {
    let cloud = Cloud::start_deployed(&[]);
    let needs_yes = ["why:  there is no terminal to ask on", "--yes"];
    cloud.run(&["destroy"]).failed_with(2, &needs_yes);
    let (exit, screen) = Terminal::open(&cloud, &["destroy", "--no-input"]).wait_for_end();
    assert_eq!(exit, Some(2), "{screen}");
    assert!(screen.contains("--yes") && !screen.contains("name of the stack:"), "{screen}");

    // The reader closes the pipe after one line.
    cloud.succeed(&["upload", "items.csv"]);
    let line = "restctl export --output json 2>said | head -1; echo \"${PIPESTATUS[0]}\"; cat said";
    cloud.succeed(&["deploy", "--list", "on"]);
    let restctl = cloud.command(&[]);
    let folder = std::path::Path::new(restctl.get_program()).parent().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", line]).current_dir(cloud.state_folder());
    bash.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    bash.env("XDG_STATE_HOME", cloud.state_folder()).env("RESTCTL_LOCAL", "1").env_remove("RESTCTL_STACK");
    let piped = CommandOutput::from(bash.output().unwrap());
    let lines: Vec<&str> = piped.stdout.lines().collect();
    assert!(lines[0].starts_with('{') && lines[1] == "0" && lines.len() == 2, "{}", piped.stdout);
}

/// Long values continue in their column, or each row becomes a block.
#[test]
fn a_narrow_terminal_shows_everything_in_its_columns() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.run(&["upload", "bad.csv"]).failed_with(3, &[]);
    let arn = cloud.succeed(&["cert", "show", "--output", "json"]).json()["arn"].as_str().unwrap().to_owned();
    // A failure has commands to copy, which the terminal wraps.
    let is_failure =
        |line: &str| ["error: ", "  why:  ", "  next: "].iter().any(|start| line.starts_with(start));
    for args in [
        &["cert", "show"][..],
        &["config", "show"],
        &["doctor"],
        &["idp", "show"],
        &["loads", "ls"],
        &["status"],
        &["token", "explain"],
    ] {
        let command = cloud.command(args);
        let (_, screen) = Terminal::run_in_width(&cloud, &command, 60).wait_for_end();
        // A progress bar is overwritten.
        let last = |line: &str| console::strip_ansi_codes(line.rsplit('\r').next().unwrap()).into_owned();
        let lines: Vec<String> = screen.lines().map(last).collect();
        let wide = lines.iter().find(|line| line.chars().count() > 60 && !is_failure(line));
        assert_eq!(wide, None, "{args:?}: {screen}");
        let letters: String = lines.concat().split_whitespace().collect();
        match args[0] {
            "cert" => assert!(letters.contains(&arn), "{screen}"),
            "loads" => assert!(lines.contains(&"CHANGED     0".to_owned()), "{screen}"),
            _ => {}
        }
    }
}
