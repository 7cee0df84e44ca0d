//! A Python virtual environment with the version of ministack that restctl needs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::time::sleep;

use super::folder::{POLL_INTERVAL, try_lock};
use super::subprocess::{inherited_variables, run_to_end};
use crate::digest::sha256_hex;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;
use crate::terminal::progress;

const MINISTACK: &str = "ministack==1.5.33";

/// ministack, what it depends on, and cbor2 for the protocol of CloudWatch's clients: their tested versions, and the digests
/// of their wheels.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// What an installation needs of the user's environment: where packages come from, and how they get here. pip refuses
/// a package whose digest differs, wherever it comes from.
const INSTALLATION_VARIABLES: [&str; 16] = [
    "PATH",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "PIP_RETRIES",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

const CANDIDATES: [&str; 6] =
    ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

const INSTALL_PYTHON: &str = "install Python 3.10 or newer with its venv module, \
    for example with `sudo apt install python3-venv` or `brew install python`";

/// Returns the environment's Python. Creates the environment if necessary, completely or not at all.
pub(crate) async fn ensure_environment() -> Result<PathBuf> {
    let cache = directories::cache_folder()?;
    directories::create_private_folder(&cache)?;
    let environment = VirtualEnvironment(cache.join(environment_name()));
    let _lock = wait_for_lock(&cache.join("ministack.lock")).await?;
    if !environment.is_usable().await? {
        environment.create().await?;
    }
    Ok(environment.python_path())
}

/// Waits until no other command creates the environment.
async fn wait_for_lock(path: &Path) -> Result<File> {
    let file = directories::open_lock_file(path)?;
    while !try_lock(&file).context(format!("cannot lock {}", path.display()))? {
        sleep(POLL_INTERVAL).await;
    }
    Ok(file)
}

/// Returns a name that tells apart what is installed. Clouds of another version of restctl may be running from their own.
fn environment_name() -> String {
    let digest = sha256_hex(REQUIREMENTS.as_bytes());
    format!("{}-{}", MINISTACK.replace("==", "-"), &digest[..8])
}

struct VirtualEnvironment(PathBuf);

impl VirtualEnvironment {
    fn python_path(&self) -> PathBuf {
        self.0.join("bin/python")
    }

    /// This file is written last. Without it, the environment is incomplete.
    fn completion_marker(&self) -> PathBuf {
        self.0.join("complete")
    }

    /// Whether the environment is complete and its Python still runs, which may have been removed or upgraded since.
    async fn is_usable(&self) -> Result<bool> {
        if !self.completion_marker().exists() || !self.python_path().exists() {
            return Ok(false);
        }
        let mut command = self.isolated_command(&self.python_path());
        command.args(["-I", "-c", "import ministack, hypercorn, cbor2"]);
        Ok(run_to_end(command).await?.is_ok())
    }

    /// Returns a command that sees neither the user's configuration files nor variables other than those named here. Their
    /// home is this folder.
    fn isolated_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(inherited_variables(&INSTALLATION_VARIABLES)).env("HOME", &self.0);
        command
    }

    async fn create(&self) -> Result<()> {
        let base = find_base_python().await?;
        self.remove()?;
        output::print_message(format!("installing {MINISTACK} for {} (only once)", base.display()));
        let progress = progress::new_spinner("installing ministack");
        let incomplete = IncompleteEnvironment(self);
        let outcome = self.install_ministack(&base).await;
        progress.finish_and_clear();
        outcome.map(|()| std::mem::forget(incomplete))
    }

    async fn install_ministack(&self, base: &Path) -> Result<()> {
        let mut venv = self.isolated_command(base);
        venv.args(["-I", "-m", "venv"]).arg(&self.0);
        run_to_end(venv).await?.map_err(|last_lines| {
            Failure::new("cannot create a Python virtual environment")
                .why_lines(last_lines.lines())
                .next(INSTALL_PYTHON)
        })?;

        let requirements = self.0.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS).context(format!("cannot write {}", requirements.display()))?;
        let mut pip = self.isolated_command(&self.python_path());
        pip.args(["-I", "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"])
            .args(["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--requirement"])
            .arg(&requirements);
        run_to_end(pip).await?.map_err(|last_lines| {
            Failure::new(format!("pip cannot install {MINISTACK}")).why_lines(last_lines.lines()).next(
                "check the network or set PIP_INDEX_URL to another package index, then: restctl local up",
            )
        })?;
        fs::write(self.completion_marker(), "")
            .context(format!("cannot write {}", self.completion_marker().display()))
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("cannot remove {}", self.0.display()))
    }
}

/// An environment that is being created. It is removed when this is dropped, for example by Ctrl-C.
struct IncompleteEnvironment<'a>(&'a VirtualEnvironment);

impl Drop for IncompleteEnvironment<'_> {
    fn drop(&mut self) {
        if let Err(failure) = self.0.remove() {
            output::print_failure(&failure);
        }
    }
}

/// Returns the first Python on the PATH that is new enough and can create virtual environments.
async fn find_base_python() -> Result<PathBuf> {
    const PROBE: &str = "import sys, venv, ensurepip, ssl\n\
        assert sys.version_info >= (3, 10), 'it is Python %d.%d' % sys.version_info[:2]\n\
        print(sys.executable)";
    let mut reasons = Vec::new();
    for candidate in CANDIDATES {
        let mut command = Command::new(candidate);
        command.args(["-I", "-c", PROBE]);
        match run_to_end(command).await {
            Ok(Ok(executable)) => return Ok(PathBuf::from(executable)),
            Ok(Err(why)) => reasons.push(format!("{candidate}: {}", why.lines().last().unwrap_or_default())),
            Err(_) => {}
        }
    }
    if reasons.is_empty() {
        reasons.push(format!("none of {} is on the PATH", CANDIDATES.join(", ")));
    }
    Err(Failure::new("no Python that can run the local cloud was found")
        .why_lines(reasons)
        .next(INSTALL_PYTHON))
}
