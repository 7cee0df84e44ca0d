//! Builds the Lambdas in the checkout.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::{API, Architecture, INGEST, Place};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;

/// The cargo profile of Lambdas for AWS.
const AWS_PROFILE: &str = "lambda";

/// The cargo profile of Lambdas for this machine, which is that of restctl itself.
const LOCAL_PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// The output folder of cargo-lambda. Its default is the folder of cargo's profile `lambda`.
const CARGO_LAMBDA_FOLDER: &str = "target/cargo-lambda";

/// Returns the checkout in which this binary was built, or in which it runs.
pub(crate) fn find_checkout() -> Option<PathBuf> {
    let running = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let is_checkout = |folder: &&Path| folder.join("lambdas/ingest/Cargo.toml").is_file();
    let found = [running.as_deref(), here.as_deref()].into_iter().flatten().flat_map(Path::ancestors);
    found.clone().find(is_checkout).map(Path::to_owned)
}

/// Builds both binaries and returns their folder. cargo-lambda builds for Lambda's glibc and for either architecture. If it is
/// not installed, cargo builds for this machine.
pub(super) fn build_lambdas(
    checkout: &Path,
    place: Place,
    architecture: Option<Architecture>,
) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    if place == Place::Aws && has_cargo_lambda(&cargo) {
        return build_with_cargo_lambda(&cargo, checkout, architecture.unwrap_or(Architecture::HERE));
    }
    let profile = if place == Place::Aws { AWS_PROFILE } else { LOCAL_PROFILE };
    build_with_cargo(&cargo, checkout, profile)
}

fn has_cargo_lambda(cargo: &OsString) -> bool {
    let mut asked = Command::new(cargo);
    asked.args(["lambda", "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn build_with_cargo_lambda(cargo: &OsString, checkout: &Path, architecture: Architecture) -> Result<PathBuf> {
    output::print_message(format!("building the Lambdas with cargo-lambda for {architecture}"));
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
        .context("cannot run cargo-lambda")?;
    if built.success() { Ok(checkout.join(CARGO_LAMBDA_FOLDER)) } else { Err(build_failure(built)) }
}

fn build_with_cargo(cargo: &OsString, checkout: &Path, profile: &str) -> Result<PathBuf> {
    output::print_message(format!("building the Lambdas (profile {profile})"));
    let built = Command::new(cargo)
        .current_dir(checkout)
        .args(["build", "--message-format=json-render-diagnostics", "--profile", profile])
        // For the whole workspace, so that the dependencies keep the features with which cargo built them for restctl
        // itself and for the tests.
        .args(["--workspace", "--bin", API, "--bin", INGEST])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let built = built.context("cannot run cargo").map_err(|failure| {
        failure.next("install Rust (https://rustup.rs), or name a folder with both binaries with --lambdas")
    })?;
    if !built.status.success() {
        return Err(build_failure(built.status));
    }
    artifact_folder(&built.stdout)
        .ok_or_else(|| Failure::new("cargo built the Lambdas but did not say where"))
}

fn build_failure(status: ExitStatus) -> Failure {
    // Ctrl-C also reaches cargo, and ends it first.
    if status.signal() == Some(rustix::process::Signal::INT.as_raw()) {
        return Failure::new("interrupted while building the Lambdas").exit(Exit::Interrupted);
    }
    Failure::new("the Lambdas could not be built")
        .why("cargo's messages above say what is wrong")
        .next("fix it; or deploy binaries that are built already: restctl deploy --lambdas DIR")
}

/// Returns the folder of the binaries that cargo names in its messages, which are lines of JSON.
fn artifact_folder(messages: &[u8]) -> Option<PathBuf> {
    let messages = messages.split(|byte| *byte == b'\n');
    let mut binaries = messages.filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    binaries.find_map(|binary| binary.parent().map(Path::to_owned))
}
