//! Starting the local cloud.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::cloud::LocalCloud;
use super::folder::{Folder, POLL};
use super::ports::Ports;
use super::{python, stop};
use crate::directories;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;

/// Longer than the emulator is given to start, so that the supervisor gets to say what is wrong.
const START: Duration = Duration::from_secs(240);

/// Starts the local cloud, or finds it running. Ctrl-C ends it with [`Exit::Interrupted`] and leaves nothing behind.
///
/// From then on Ctrl-C no longer ends this process by itself: tokio keeps its handler.
pub(crate) async fn up(ports: Ports) -> Result<LocalCloud> {
    let folder = Folder::standard()?;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let _alone = tokio::select! {
        alone = folder.exclusive() => alone?,
        _ = &mut interrupted => return Err(interruption()),
    };
    tokio::select! {
        cloud = start(&folder, &ports) => cloud,
        _ = &mut interrupted => {
            // One that lives was started by another command, and only waited for.
            if !folder.supervisor_lives()? {
                stop::remove_leftovers(&folder).await?;
            }
            Err(interruption())
        }
    }
}

fn interruption() -> Failure {
    Failure::new("interrupted").exit(Exit::Interrupted)
}

async fn start(folder: &Folder, ports: &Ports) -> Result<LocalCloud> {
    if folder.supervisor_lives()? {
        return wait_for_record(folder, || Ok(!folder.supervisor_lives()?)).await;
    }
    stop::remove_leftovers(folder).await?;
    ports.check()?;
    let python = python::python().await?;

    let progress = output::spinner("Starting the local cloud");
    let mut supervisor = Supervisor::spawn(folder, &python, ports)?;
    let cloud = wait_for_record(folder, || supervisor.ended()).await;
    progress.finish_and_clear();
    if cloud.is_ok() {
        supervisor.keep();
    }
    cloud
}

/// `ended` says whether the supervisor has.
async fn wait_for_record(folder: &Folder, mut ended: impl FnMut() -> Result<bool>) -> Result<LocalCloud> {
    let deadline = Instant::now() + START;
    loop {
        if let Some(cloud) = LocalCloud::find(folder)? {
            return Ok(cloud);
        }
        if ended()? || Instant::now() >= deadline {
            return Err(not_started(folder));
        }
        sleep(POLL).await;
    }
}

fn not_started(folder: &Folder) -> Failure {
    const LINES: usize = 12;
    let log = fs::read_to_string(folder.log()).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let last_lines = lines[lines.len().saturating_sub(LINES)..].join("\n");
    Failure::new("the local cloud does not start")
        .why(last_lines)
        .next(format!("read {}, then again: restctl local up", folder.log().display()))
}

/// The supervisor while it starts: ended when this is dropped, and its parts with it.
struct Supervisor(Option<Child>);

impl Supervisor {
    fn spawn(folder: &Folder, python: &Path, ports: &Ports) -> Result<Self> {
        let doing = "the local cloud's supervisor does not start";
        directories::create_private_folder(folder.path())?;
        let log = File::create(folder.log()).context(doing)?;
        let mut command = Command::new(std::env::current_exe().context(doing)?);
        command.args(["local", "supervise", "--python"]).arg(python);
        for (flag, port) in ports.given() {
            command.arg(format!("{flag}={port}"));
        }
        let child = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().context(doing)?)
            .stderr(log)
            .spawn()
            .context(doing)?;
        Ok(Self(Some(child)))
    }

    fn ended(&mut self) -> Result<bool> {
        match &mut self.0 {
            Some(child) => Ok(child.try_wait().context("the supervisor cannot be waited for")?.is_some()),
            None => Ok(true),
        }
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
            // Not killed, so that it ends the emulator before it ends itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = child.wait();
    }
}
