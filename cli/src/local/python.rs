//! A virtual environment with the one version of ministack that restctl works with.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::time::sleep;

use super::folder::{POLL, try_lock};
use crate::directories;
use crate::failure::{During, Failure, Result};
use crate::output;

const MINISTACK: &str = "ministack==1.5.33";

/// What it depends on, as it was tried out: its own requirements are open ranges.
const CONSTRAINTS: &str = include_str!("constraints.txt");

const CANDIDATES: [&str; 5] = ["python3", "python3.13", "python3.12", "python3.11", "python3.10"];

const INSTALL_PYTHON: &str = "install Python 3.10 or newer with its venv module, \
    such as `sudo apt install python3-venv` or `brew install python`";

/// The environment's Python; makes the environment at first, complete or not at all.
pub(crate) async fn python() -> Result<PathBuf> {
    let cache = directories::cache()?;
    directories::create_private(&cache)?;
    let environment = Environment(cache.join(MINISTACK.replace("==", "-")));
    let _alone = lock(&environment.0.with_extension("lock")).await?;
    if !environment.works().await? {
        environment.make().await?;
    }
    Ok(environment.python())
}

/// Waits for another command that makes the environment.
async fn lock(path: &Path) -> Result<File> {
    let doing = format!("{} cannot be locked", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(path).during(&doing)?;
    while !try_lock(&file).during(&doing)? {
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
        command.args(["-I", "-c", "import ministack, hypercorn"]);
        Ok(run(command).await?.is_ok())
    }

    async fn make(&self) -> Result<()> {
        let base = base_python().await?;
        self.remove()?;
        output::say(&format!("Installing {MINISTACK} for {} (only this once)", base.display()));
        let progress = output::spinner("Installing ministack");
        let made = self.install(&base).await;
        progress.finish_and_clear();
        if made.is_err() {
            self.remove()?;
        }
        made
    }

    async fn install(&self, base: &Path) -> Result<()> {
        let mut venv = Command::new(base);
        venv.args(["-I", "-m", "venv"]).arg(&self.0);
        run(venv).await?.map_err(|last_lines| {
            Failure::new("a virtual environment cannot be made").why(last_lines).next(INSTALL_PYTHON)
        })?;

        let constraints = self.0.join("constraints.txt");
        fs::write(&constraints, CONSTRAINTS)
            .during(format!("{} cannot be written", constraints.display()))?;
        let mut pip = Command::new(self.python());
        pip.args(["-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
            .args(["--progress-bar", "off", MINISTACK, "--constraint"])
            .arg(&constraints);
        run(pip).await?.map_err(|last_lines| {
            Failure::new(format!("pip cannot install {MINISTACK}"))
                .why(last_lines)
                .next("check the network, or name another package index in PIP_INDEX_URL; then again: restctl local up")
        })?;
        fs::write(self.complete(), "").during(format!("{} cannot be written", self.complete().display()))
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .during(format!("{} cannot be removed", self.0.display()))
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

/// Runs a command to its end: `Ok` with the last line it printed, or `Err` with its last lines where it failed.
///
/// In a process group of its own, killed when this is dropped: a Ctrl-C on the terminal does not reach it twice.
async fn run(mut command: Command) -> Result<Result<String, String>> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let (reader, writer) = io::pipe().during("no pipe can be opened")?;
    let doing = format!("{name} does not start");
    command.process_group(0).stdin(Stdio::null()).stdout(writer.try_clone().during(&doing)?).stderr(writer);
    let mut child = command.spawn().during(&doing)?;
    // The command still holds the write ends of the pipe, which is read until the last one is closed.
    drop(command);
    let group = Group(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())));

    let output = pipe::Receiver::from_owned_fd(reader.into()).during(&doing)?;
    let mut lines = BufReader::new(output).lines();
    let mut last = Vec::new();
    while let Some(line) = lines.next_line().await.during(&doing)? {
        if last.len() == LAST_LINES {
            last.remove(0);
        }
        last.push(line);
    }
    let status = child.wait().await.during(&doing)?;
    group.ended();
    Ok(if status.success() { Ok(last.pop().unwrap_or_default()) } else { Err(last.join("\n")) })
}

const LAST_LINES: usize = 8;

struct Group(Option<Pid>);

impl Group {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended in the meantime.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
