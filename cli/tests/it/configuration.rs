//! `restctl.toml`, and the origin of each value that `restctl config show` shows.

use std::process::Command;

use serde_json::Value;

use crate::cloud::{Cloud, CommandOutput};

/// Runs `restctl ARGS` in a folder below the one with this `restctl.toml`, without a cloud.
fn run_below(toml: &str, args: &[&str], environment: &[(&str, &str)]) -> CommandOutput {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("restctl.toml"), toml).unwrap();
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(args).current_dir(below).env("XDG_STATE_HOME", folder.path()).env("HOME", folder.path());
    for variable in ["RESTCTL_STACK", "RESTCTL_LOCAL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"] {
        command.env_remove(variable);
    }
    // So that the SDK does not ask the network for credentials.
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(environment.iter().copied());
    command.output().unwrap().into()
}

/// Returns the value of a setting and its origin.
fn shown_setting(ran: &CommandOutput, name: &str) -> (Value, String) {
    let lines = ran.json();
    let line = lines.as_array().unwrap().iter().find(|line| line["name"] == name).unwrap().clone();
    (line["value"].clone(), line["from"].as_str().unwrap().to_owned())
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let toml = "stack = \"of-file\"\nregion = \"eu-west-1\"\noutput = \"json\"\n";
    let show = ["config", "show"];
    let from_file = run_below(toml, &show, &[]);
    let (value, from) = shown_setting(&from_file, "stack");
    assert!(value == "of-file" && from.ends_with("/restctl.toml"), "{value} {from}");
    assert!(shown_setting(&from_file, "output").1.ends_with("/restctl.toml"));
    assert_eq!(shown_setting(&from_file, "color"), ("auto".into(), "default".to_owned()));
    assert_eq!(shown_setting(&from_file, "local"), ("false".into(), "default".to_owned()));

    let from_environment = run_below(toml, &show, &[("RESTCTL_STACK", "of-environment")]);
    let expected = ("of-environment".into(), "environment, RESTCTL_STACK".to_owned());
    assert_eq!(shown_setting(&from_environment, "stack"), expected);

    let from_flag = run_below(toml, &["config", "show", "--stack", "of-flag"], &[("RESTCTL_STACK", "x")]);
    assert_eq!(shown_setting(&from_flag, "stack"), ("of-flag".into(), "flag".to_owned()));
    // The command's own settings are shown although the stack's are unavailable.
    assert_ne!(from_flag.exit, 0);
}

#[test]
fn an_invalid_file_names_its_line_and_does_not_block_help() {
    let wrong = run_below("region = \"eu-west-1\"\nstak = \"x\"\n", &["loads", "ls"], &[]);
    wrong.failed_with(2, &["cannot use ", "restctl.toml", "line 2: unknown field `stak`", "next: fix"]);
    let help = run_below("stak = \"x\"\n", &["loads", "--help"], &[]);
    assert!(help.exit == 0 && help.stdout.contains("Usage: restctl loads"), "{}", help.stderr);
}

#[test]
fn a_file_for_aws_does_not_block_the_local_cloud() {
    let toml = "profile = \"work\"\nregion = \"eu-west-1\"\n";
    run_below(toml, &["loads", "ls", "--local"], &[]).failed_with(5, &["the local cloud is not running"]);
    let both = run_below("", &["loads", "ls", "--local", "--profile", "work"], &[]);
    both.failed_with(2, &["the local cloud has no profiles"]);
}

#[test]
fn settings_of_the_stack_say_where_they_are_stored() {
    let cloud = Cloud::start_set_up();
    let shown = cloud.succeed(&["config", "show", "--output", "json"]);
    assert_eq!(shown_setting(&shown, "region"), ("us-east-1".into(), "the local cloud".to_owned()));
    assert_eq!(
        shown_setting(&shown, "scope"),
        ("read:items".into(), "SSM, /restctl/restctl/issuers".to_owned())
    );
    let secret = shown_setting(&shown, "client-secret");
    assert_eq!(secret, ("set".into(), "Secrets Manager, restctl/restctl/client-secret".to_owned()));
    let (certificate, _) = shown_setting(&shown, "certificate");
    assert!(certificate.as_str().unwrap().starts_with("restctl.localhost, arn:aws:acm:"));
    let text = cloud.succeed(&["config", "show"]).stdout;
    assert!(text.lines().next().unwrap().starts_with("SETTING"), "{text}");
    assert!(text.contains("environment, RESTCTL_LOCAL"), "{text}");
}
