//! The two Lambda packages: bootstrap binaries, zipped so that the same binary gives the same bytes.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::failure::{During, Failure, Result};
use crate::hexadecimal::sha256;
use crate::output;

pub(crate) const API: &str = "restctl-api";
pub(crate) const INGEST: &str = "restctl-ingest";

/// How the Lambdas are built that run on AWS.
pub(crate) const AWS_PROFILE: &str = "lambda";

/// How those are built that run on this machine: as restctl itself.
pub(crate) const LOCAL_PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// A zip with one file, `bootstrap`, as the runtime `provided.al2023` starts it.
pub(crate) struct Package {
    pub(crate) zip: Vec<u8>,
    /// `{name}-{SHA-256 of the zip}.zip`
    pub(crate) key: String,
    /// What the binary was built for, in Lambda's words.
    pub(crate) architecture: &'static str,
}

/// The folder that holds both binaries: `given`, or else what a build in the checkout makes.
pub(crate) fn locate(given: Option<&Path>, profile: &str) -> Result<PathBuf> {
    match given {
        Some(folder) => Ok(folder.to_owned()),
        None => build(&checkout()?, profile),
    }
}

/// Packs `folder/name`.
pub(crate) fn pack(folder: &Path, name: &str) -> Result<Package> {
    let file = folder.join(name);
    let binary = fs::read(&file).during(format!("the Lambda binary {} cannot be read", file.display()));
    let binary = binary.map_err(|failure| {
        failure.next(format!("give --lambdas a folder that holds {API} and {INGEST}, built for Linux"))
    })?;
    let architecture = architecture(&binary).ok_or_else(|| {
        Failure::new(format!("{} is no binary that Lambda runs", file.display()))
            .why("Lambda runs Linux binaries (ELF) for arm64 and x86_64")
            .next("build it for Linux, with cargo-lambda or a cross compiler, and name its folder with --lambdas")
    })?;
    let zip = zip(&binary).during(format!("{} cannot be packed", file.display()))?;
    Ok(Package { key: format!("{name}-{}.zip", sha256(&zip)), zip, architecture })
}

/// By the machine in the ELF header (System V ABI, "ELF Header": `e_machine` at byte 18), little-endian.
fn architecture(binary: &[u8]) -> Option<&'static str> {
    match (binary.get(..4)?, binary.get(18..20)?) {
        (b"\x7fELF", [0x3e, 0]) => Some("x86_64"),
        (b"\x7fELF", [0xb7, 0]) => Some("arm64"),
        _ => None,
    }
}

fn zip(binary: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    // The default time is 1980-01-01, so nothing but the binary decides the bytes.
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

/// The checkout this binary was built in, or the one it is run in.
pub(crate) fn checkout() -> Result<PathBuf> {
    let running = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let is_checkout = |folder: &&Path| folder.join("lambdas/ingest/Cargo.toml").is_file();
    let found = [running.as_deref(), here.as_deref()].into_iter().flatten().flat_map(Path::ancestors);
    found.clone().find(is_checkout).map(Path::to_owned).ok_or_else(|| {
        Failure::new("there are no Lambda binaries to deploy")
            .why("this is no checkout of restctl, so they cannot be built")
            .next(format!("give --lambdas a folder that holds {API} and {INGEST}"))
    })
}

fn build(checkout: &Path, profile: &str) -> Result<PathBuf> {
    output::say(&format!("building the Lambdas (profile {profile})"));
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(checkout)
        .args(["build", "--message-format=json-render-diagnostics", "--profile", profile])
        // With restctl selected too, the dependencies have the features they were built with for restctl itself.
        .args(["--package", "restctl", "--package", API, "--package", INGEST, "--bin", API, "--bin", INGEST])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let built = built.during("cargo cannot be run").map_err(|failure| {
        failure.next("install Rust (https://rustup.rs), or give --lambdas a folder with both binaries")
    })?;
    if !built.status.success() {
        return Err(Failure::new("the Lambdas do not build").why("cargo says above what is wrong"));
    }
    artifact_folder(&built.stdout)
        .ok_or_else(|| Failure::new("cargo built the Lambdas and did not say where"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_binary_gives_the_same_package() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(API), elf(0x3e)).unwrap();
        let (first, second) = (pack(dir.path(), API).unwrap(), pack(dir.path(), API).unwrap());
        assert_eq!(first.key, second.key);
        assert_eq!(first.architecture, "x86_64");
        fs::write(dir.path().join(API), elf(0xb7)).unwrap();
        let other = pack(dir.path(), API).unwrap();
        assert_eq!(other.architecture, "arm64");
        assert_ne!(other.key, first.key);
    }

    fn elf(machine: u8) -> Vec<u8> {
        let mut header = b"\x7fELF".to_vec();
        header.resize(18, 0);
        header.extend([machine, 0]);
        header
    }

    #[test]
    fn what_lambda_cannot_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(pack(dir.path(), API).err().unwrap().to_string().contains("--lambdas"));
        for other in [b"MZ".to_vec(), elf(0x28)] {
            fs::write(dir.path().join(API), other).unwrap();
            assert!(pack(dir.path(), API).err().unwrap().to_string().contains("no binary that Lambda runs"));
        }
    }
}
