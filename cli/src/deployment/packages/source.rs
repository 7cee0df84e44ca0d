//! The Lambdas, built in the checkout.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::{API, Architecture, INGEST, Place};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;

/// How the Lambdas are built that run on AWS.
const AWS_PROFILE: &str = "lambda";

/// How those are built that run on this machine: as restctl itself.
const LOCAL_PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// Where cargo-lambda puts them, below cargo's own folder: by default it would be where cargo's profile `lambda` is.
const CARGO_LAMBDA_FOLDER: &str = "target/cargo-lambda";

/// The checkout this binary was built in, or the one it is run in.
pub(crate) fn checkout() -> Option<PathBuf> {
    let running = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let is_checkout = |folder: &&Path| folder.join("lambdas/ingest/Cargo.toml").is_file();
    let found = [running.as_deref(), here.as_deref()].into_iter().flatten().flat_map(Path::ancestors);
    found.clone().find(is_checkout).map(Path::to_owned)
}

/// The folder with both binaries: by cargo-lambda, which builds for Lambda's glibc and for either machine, where it is
/// installed; else by cargo, for this machine.
pub(super) fn build(checkout: &Path, place: Place, architecture: Option<Architecture>) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    if place == Place::Aws && has_cargo_lambda(&cargo) {
        return with_cargo_lambda(&cargo, checkout, architecture.unwrap_or(Architecture::HERE));
    }
    let profile = if place == Place::Aws { AWS_PROFILE } else { LOCAL_PROFILE };
    with_cargo(&cargo, checkout, profile)
}

fn has_cargo_lambda(cargo: &OsString) -> bool {
    let mut asked = Command::new(cargo);
    asked.args(["lambda", "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn with_cargo_lambda(cargo: &OsString, checkout: &Path, architecture: Architecture) -> Result<PathBuf> {
    output::print_message(&format!("building the Lambdas with cargo-lambda for {architecture}"));
    let machine = match architecture {
        Architecture::Arm64 => "--arm64",
        Architecture::X86_64 => "--x86-64",
    };
    let built = Command::new(cargo)
        .current_dir(checkout)
        .args(["lambda", "build", "--profile", AWS_PROFILE, machine, "--lambda-dir", CARGO_LAMBDA_FOLDER])
        .args(["--package", API, "--package", INGEST, "--bin", API, "--bin", INGEST])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .context("cargo-lambda cannot be run")?;
    if built.success() { Ok(checkout.join(CARGO_LAMBDA_FOLDER)) } else { Err(does_not_build(built)) }
}

fn with_cargo(cargo: &OsString, checkout: &Path, profile: &str) -> Result<PathBuf> {
    output::print_message(&format!("building the Lambdas (profile {profile})"));
    let built = Command::new(cargo)
        .current_dir(checkout)
        .args(["build", "--message-format=json-render-diagnostics", "--profile", profile])
        // Of the whole workspace, so that the dependencies have the features with which cargo has built them for
        // restctl itself and for the tests.
        .args(["--workspace", "--bin", API, "--bin", INGEST])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let built = built.context("cargo cannot be run").map_err(|failure| {
        failure.next("install Rust (https://rustup.rs), or give --lambdas a folder with both binaries")
    })?;
    if !built.status.success() {
        return Err(does_not_build(built.status));
    }
    artifact_folder(&built.stdout)
        .ok_or_else(|| Failure::new("cargo built the Lambdas and did not say where"))
}

fn does_not_build(status: ExitStatus) -> Failure {
    // Ctrl-C reaches cargo too, and ends it first.
    if status.signal() == Some(rustix::process::Signal::INT.as_raw()) {
        return Failure::new("interrupted while the Lambdas were built").exit(Exit::Interrupted);
    }
    Failure::new("the Lambdas do not build")
        .why("cargo says above what is wrong")
        .next("mend it; or restctl deploy --lambdas DIR, with binaries that are built already")
}

/// The folder of the binaries that cargo names in its messages, one JSON object a line.
fn artifact_folder(messages: &[u8]) -> Option<PathBuf> {
    let messages = messages.split(|byte| *byte == b'\n');
    let mut binaries = messages.filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    binaries.find_map(|binary| binary.parent().map(Path::to_owned))
}
