//! The messages about steps out of order and wrong settings.

use std::process::{Command, Stdio};

use crate::cloud::{Cloud, CommandOutput};

#[test]
fn steps_out_of_order_name_the_step_before() {
    let cloud = Cloud::start_empty();
    cloud.run(&["deploy"]).failed_with(5, &["has not been set up", "restctl setup"]);
    cloud.run(&["token"]).failed_with(5, &["has not been set up", "restctl setup"]);
    cloud.succeed(&["setup"]);
    for args in [&["get", "--id", "42"][..], &["upload", "items.csv"]] {
        cloud.run(args).failed_with(5, &["there is no stack restctl", "restctl deploy"]);
    }
    cloud.run(&["destroy"]).failed_with(2, &["the stack's name", "no terminal", "--yes"]);
}

#[test]
fn a_wrong_client_secret_is_refused_by_the_identity_provider() {
    let cloud = Cloud::start_empty();
    let setup = cloud.command(&["setup"]).env("RESTCTL_CLIENT_SECRET", "wrong").output().unwrap();
    assert!(setup.status.success());
    let token = cloud.run(&["token"]);
    token.failed_with(4, &["refuses the client", "access_denied", "--client-secret-file"]);
    assert!(!token.stderr.contains("wrong\n"));
}

#[test]
fn setup_sends_nothing_before_everything_is_checked() {
    let cloud = Cloud::start_empty();
    let nobody = "http://127.0.0.1:1/";
    let setup =
        |issuer| cloud.run(&["setup", "--issuer", issuer, "--client-id", "id", "--audience", "items"]);
    setup(nobody).failed_with(1, &["does not answer", "--issuer"]);
    let issuer = cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();
    let without_slash = issuer.trim_end_matches('/');
    setup(without_slash).failed_with(2, &["the issuer's name is", &issuer]);
    setup("http://example.com/").failed_with(2, &["HTTPS only"]);
    let empty = cloud.write_file("empty", "\n");
    cloud.run(&["setup", "--client-secret-file", &empty]).failed_with(2, &["is empty"]);
    cloud.run(&["setup", "--cert", &empty, "--key", &empty]).failed_with(2, &["contains no certificate"]);
    cloud.run(&["setup", "--cert", &empty]).failed_with(2, &["--key"]);
    cloud
        .run(&["setup", "--cert", "nowhere", "--key", &empty])
        .failed_with(2, &["cannot read nowhere", "correct the path"]);
    cloud.run(&["deploy"]).failed_with(5, &["has not been set up"]);
}

/// Runs `restctl ARGS` without AWS settings and without a local cloud.
fn run_without_cloud(args: &[&str], settings: &[(&str, &str)]) -> CommandOutput {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .envs(settings.iter().copied())
        .stdin(Stdio::null());
    // Credentials are searched for only on this machine.
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    CommandOutput::from(command.output().unwrap())
}

#[test]
fn without_a_cloud_each_command_says_how_to_get_one() {
    run_without_cloud(&["get", "--id", "42", "--local"], &[])
        .failed_with(5, &["the local cloud is not running", "restctl local up"]);
    let local = [("RESTCTL_LOCAL", "1")];
    run_without_cloud(&["token", "--profile", "work"], &local)
        .failed_with(2, &["no profiles", "RESTCTL_LOCAL"]);
    let not_local = [("RESTCTL_LOCAL", "0")];
    run_without_cloud(&["token", "--profile", "work"], &not_local)
        .failed_with(2, &["no profile work", "aws configure --profile NAME"]);
    run_without_cloud(&["token"], &[]).failed_with(2, &["no AWS region", "--region"]);
    run_without_cloud(&["token", "--region", "eu-west-1"], &[])
        .failed_with(4, &["no AWS credentials", "--profile"]);
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "eu-west-1")];
    let nobody = [keys.as_slice(), &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]].concat();
    run_without_cloud(&["token"], &nobody)
        .failed_with(1, &["cannot read", "127.0.0.1:1 does not answer", "restctl local status"]);
}

#[test]
fn without_a_terminal_setup_names_the_missing_flag() {
    let cloud = Cloud::start_empty();
    let record = cloud.record();
    let issuer = record["identity_provider"]["issuer"].as_str().unwrap();
    // Not with --local, which answers every question by itself.
    let setup = |args: &[&str]| {
        let mut command = cloud.command_as_on_aws(&["setup"]);
        CommandOutput::from(command.args(args).output().unwrap())
    };
    let mut given = Vec::new();
    for (flag, value) in [
        ("--self-signed", "api.example.com"),
        ("--issuer", issuer),
        ("--client-id", "id"),
        ("--audience", "https://api.example.com"),
        ("--client-secret-file", "README.md"),
    ] {
        setup(&given).failed_with(2, &["no terminal", flag]);
        given.extend([flag, value]);
    }
    let done = setup(&given);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    // From now on, settings that are not given stay as they are.
    let again = setup(&[]);
    assert!(again.stderr.contains("api.example.com is kept"), "{}", again.stderr);
}
