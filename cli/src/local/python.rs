//! A virtual environment with the one version of ministack that restctl works with.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::time::sleep;

use super::folder::{POLL, try_lock};
use super::subprocess::run;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

const MINISTACK: &str = "ministack==1.5.33";

/// The protocol of CloudWatch's clients, which ministack speaks where this is there.
const CBOR: &str = "cbor2";

/// What it depends on, as it was tried out: its own requirements are open ranges.
const CONSTRAINTS: &str = include_str!("constraints.txt");

const CANDIDATES: [&str; 6] =
    ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

const INSTALL_PYTHON: &str = "install Python 3.10 or newer with its venv module, \
    such as `sudo apt install python3-venv` or `brew install python`";

/// The environment's Python; makes the environment at first, complete or not at all.
pub(crate) async fn python() -> Result<PathBuf> {
    let cache = directories::cache_folder()?;
    directories::create_private_folder(&cache)?;
    let environment = Environment(cache.join(MINISTACK.replace("==", "-")));
    let _alone = lock(&cache.join("ministack.lock")).await?;
    if !environment.works().await? {
        environment.make().await?;
    }
    Ok(environment.python())
}

/// Waits for another command that makes the environment.
async fn lock(path: &Path) -> Result<File> {
    let doing = format!("{} cannot be locked", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(path).context(&doing)?;
    while !try_lock(&file).context(&doing)? {
        sleep(POLL).await;
    }
    Ok(file)
}

struct Environment(PathBuf);

impl Environment {
    fn python(&self) -> PathBuf {
        self.0.join("bin/python")
    }

    /// Written last: without it the environment is a torso.
    fn complete(&self) -> PathBuf {
        self.0.join("complete")
    }

    /// False also where the Python it was made of has been removed or upgraded since.
    async fn works(&self) -> Result<bool> {
        if !self.complete().exists() || !self.python().exists() {
            return Ok(false);
        }
        let mut command = Command::new(self.python());
        command.args(["-I", "-c", "import ministack, hypercorn, cbor2"]);
        Ok(run(command).await?.is_ok())
    }

    async fn make(&self) -> Result<()> {
        let base = base_python().await?;
        self.remove()?;
        output::print_message(&format!("Installing {MINISTACK} for {} (only this once)", base.display()));
        let progress = output::spinner("Installing ministack");
        let torso = Torso(self);
        let made = self.install(&base).await;
        progress.finish_and_clear();
        made.map(|()| std::mem::forget(torso))
    }

    async fn install(&self, base: &Path) -> Result<()> {
        let mut venv = Command::new(base);
        venv.args(["-I", "-m", "venv"]).arg(&self.0);
        run(venv).await?.map_err(|last_lines| {
            Failure::new("a virtual environment cannot be made").why(last_lines).next(INSTALL_PYTHON)
        })?;

        let constraints = self.0.join("constraints.txt");
        fs::write(&constraints, CONSTRAINTS)
            .context(format!("{} cannot be written", constraints.display()))?;
        let mut pip = Command::new(self.python());
        pip.args(["-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
            .args(["--progress-bar", "off", MINISTACK, CBOR, "--constraint"])
            .arg(&constraints);
        run(pip).await?.map_err(|last_lines| {
            Failure::new(format!("pip cannot install {MINISTACK}"))
                .why(last_lines)
                .next("check the network, or name another package index in PIP_INDEX_URL; then again: restctl local up")
        })?;
        fs::write(self.complete(), "").context(format!("{} cannot be written", self.complete().display()))
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("{} cannot be removed", self.0.display()))
    }
}

/// An environment in the making: removed when this is dropped, as by a Ctrl-C.
struct Torso<'a>(&'a Environment);

impl Drop for Torso<'_> {
    fn drop(&mut self) {
        if let Err(failure) = self.0.remove() {
            output::print_failure(&failure);
        }
    }
}

/// The first Python on the path that is new enough and can make virtual environments.
async fn base_python() -> Result<PathBuf> {
    const PROBE: &str = "import sys, venv, ensurepip, ssl\n\
        assert sys.version_info >= (3, 10), 'it is Python %d.%d' % sys.version_info[:2]\n\
        print(sys.executable)";
    let mut found = Vec::new();
    for candidate in CANDIDATES {
        let mut command = Command::new(candidate);
        command.args(["-I", "-c", PROBE]);
        match run(command).await {
            Ok(Ok(executable)) => return Ok(PathBuf::from(executable)),
            Ok(Err(why)) => found.push(format!("{candidate}: {}", why.lines().last().unwrap_or_default())),
            Err(_) => {}
        }
    }
    if found.is_empty() {
        found.push(format!("none of {} is on the PATH", CANDIDATES.join(", ")));
    }
    Err(Failure::new("no Python that can run the local cloud").why(found.join("\n")).next(INSTALL_PYTHON))
}
