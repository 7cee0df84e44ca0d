//! This machine: a folder's restctl.toml, the programs on the PATH, and certificates.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use super::{Args, HOSTILE, check};
use crate::authority::Authority;
use crate::cloud::Cloud;

pub(super) const COMMANDS: &[Args] = &[&["local", "up"], &["config", "show"], &["cert", "show"]];

/// Returns `restctl ARGS` in a folder with this `restctl.toml`, without a cloud.
fn command_with_toml(folder: &std::path::Path, toml: &str, args: &[&str]) -> Command {
    fs::write(folder.join("restctl.toml"), toml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(args).current_dir(folder).env("XDG_STATE_HOME", folder).env("HOME", folder);
    for variable in ["RESTCTL_STACK", "RESTCTL_LOCAL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"] {
        command.env_remove(variable);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

#[test]
fn a_restctl_toml_that_someone_else_wrote() {
    let folder = tempfile::tempdir().unwrap();
    // The terminal keeps its output in the state folder of a cloud, which need not run.
    let cloud = Cloud::new();
    // JSON's strings are TOML's, too, except for the slash of \/.
    let text = Value::from(HOSTILE).to_string().replace('\u{7f}', "\\u007f");
    for (toml, args) in [
        (format!("profile = {text}\nregion = \"eu-west-1\"\n"), &["config", "show"][..]),
        (format!("region = {text}\n"), &["config", "show"]),
        (format!("output = {text}\n"), &["loads", "ls"]),
        (format!("{text} = 1\n"), &["loads", "ls"]),
    ] {
        check(&cloud, args, &[], |args| command_with_toml(folder.path(), &toml, args));
    }
    // The help has the defaults of the arguments.
    let toml = format!("profile = {text}\n");
    check(&cloud, &["loads", "ls", "--help"], &[], |args| command_with_toml(folder.path(), &toml, args));
}

#[test]
fn words_of_programs_on_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::new();
    let words = folder.path().join("words");
    fs::write(&words, format!("{HOSTILE}\n")).unwrap();
    // The driver of the terminal needs a Python that works.
    let python = folder.path().join("python3");
    fs::write(
        &python,
        format!(
            "#!/bin/sh\nwhile read -r line; do printf '%s\\n' \"$line\"; done < {}\nexit 1\n",
            words.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let run = |args: &[&str]| {
        // Only restctl itself gets this PATH.
        let mut command = Command::new("env");
        command
            .arg(format!("PATH={}", folder.path().display()))
            .arg(env!("CARGO_BIN_EXE_restctl"))
            .args(args);
        command
            .current_dir(folder.path())
            .env("XDG_STATE_HOME", folder.path())
            .env("XDG_CACHE_HOME", folder.path());
        command.env("PATH", &path);
        command
    };
    check(&cloud, &["local", "up"], &[], run);
}

#[test]
fn names_of_certificates() {
    let cloud = Cloud::start_set_up();
    let authority = Authority::with_names(HOSTILE, HOSTILE);
    let issued = authority.issue_certificate("api.example.com", 90);
    let cert = cloud.write_file("cert.pem", &issued.certificate.pem());
    let key = cloud.write_file("key.pem", &issued.key.serialize_pem());
    let chain = cloud.write_file("chain.pem", &authority.chain_pem());
    cloud.succeed(&["setup", "--cert", &cert, "--key", &key, "--chain", &chain]);
    check(&cloud, &["cert", "show"], &[], |args| cloud.command(args));
}
