//! Starts the local cloud.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::cloud::LocalCloud;
use super::folder::{CloudFolder, POLL_INTERVAL};
use super::ports::LocalPorts;
use super::subprocess::inherited_variables;
use super::{python, stop};
use crate::cli::wait::WaitDeadline;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result, shell_argument};
use crate::terminal::{interrupt, progress};

/// Longer than the emulator's own timeout, so that the supervisor can report what is wrong.
const START_TIMEOUT: Duration = Duration::from_secs(240);

/// What an early end of the wait comes before.
const UNDONE: &str = "the local cloud was starting";

/// Where the supervisor finds its folder.
const SUPERVISOR_VARIABLES: [&str; 2] = ["HOME", "XDG_STATE_HOME"];

/// Starts the local cloud unless it is running. Ctrl-C makes this fail and leaves nothing behind. At the deadline, it fails too,
/// and the start continues.
pub(crate) async fn start_cloud(ports: LocalPorts, deadline: WaitDeadline) -> Result<LocalCloud> {
    let folder = CloudFolder::in_state_folder()?;
    let _lock = deadline.limit(UNDONE, "restctl local up", folder.lock_exclusively()).await?;
    let mut interrupted = pin!(interrupt::ctrl_c());
    tokio::select! {
        cloud = start_or_join(&folder, &ports, deadline) => cloud,
        _ = &mut interrupted => {
            // A running supervisor belongs to another command, which this one only waited for.
            if !folder.is_supervisor_running()? {
                stop::remove_leftovers(&folder).await?;
            }
            Err(Failure::interrupted())
        }
    }
}

/// Starts the local cloud, or waits for the one that another command is starting.
async fn start_or_join(
    folder: &CloudFolder,
    ports: &LocalPorts,
    deadline: WaitDeadline,
) -> Result<LocalCloud> {
    if folder.is_supervisor_running()? {
        return wait_for_record(folder, deadline, || Ok(!folder.is_supervisor_running()?)).await;
    }
    stop::remove_leftovers(folder).await?;
    ports.check_free()?;
    let python = deadline.limit(UNDONE, "restctl local up", python::ensure_environment()).await?;

    let progress = progress::new_spinner("starting the local cloud");
    let mut supervisor = StartingSupervisor::spawn(folder, &python, ports)?;
    let cloud = wait_for_record(folder, deadline, || supervisor.has_ended()).await;
    progress.finish_and_clear();
    if cloud.is_ok() || deadline.is_over() {
        supervisor.detach();
    }
    cloud
}

/// Waits until the supervisor has written its record. Fails when `has_ended` returns that the supervisor has ended.
async fn wait_for_record(
    folder: &CloudFolder,
    deadline: WaitDeadline,
    mut has_ended: impl FnMut() -> Result<bool>,
) -> Result<LocalCloud> {
    let latest = Instant::now() + START_TIMEOUT;
    loop {
        if let Some(cloud) = LocalCloud::find_in_folder(folder)? {
            return Ok(cloud);
        }
        if has_ended()? || Instant::now() >= latest {
            return Err(start_failure(folder));
        }
        if deadline.is_over() {
            return Err(deadline.failure("the local cloud is still starting").next("restctl local up"));
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn start_failure(folder: &CloudFolder) -> Failure {
    const LINES: usize = 12;
    let log = fs::read_to_string(folder.log_file()).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let last_lines = &lines[lines.len().saturating_sub(LINES)..];
    Failure::new("the local cloud did not start").why_lines(last_lines.iter().copied()).next(format!(
        "read {}, then: restctl local up",
        shell_argument(&folder.log_file().to_string_lossy(), "the log")
    ))
}

/// The supervisor during its start. When this is dropped, the supervisor ends together with its parts.
struct StartingSupervisor(Option<Child>);

impl StartingSupervisor {
    fn spawn(folder: &CloudFolder, python: &Path, ports: &LocalPorts) -> Result<Self> {
        let doing = "cannot start the local cloud's supervisor";
        directories::create_private_folder(folder.path())?;
        let log = directories::create_private_file(&folder.log_file())?;
        let mut command = Command::new(std::env::current_exe().context(doing)?);
        command.args(["local", "supervise", "--python"]).arg(python);
        // What the user exported, such as credentials, is not for a process that stays.
        command.env_clear().envs(inherited_variables(&SUPERVISOR_VARIABLES));
        for (flag, port) in ports.given_flags() {
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

    fn has_ended(&mut self) -> Result<bool> {
        match &mut self.0 {
            Some(child) => Ok(child.try_wait().context("cannot wait for the supervisor")?.is_some()),
            None => Ok(true),
        }
    }

    fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for StartingSupervisor {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
            // SIGTERM rather than SIGKILL, so that it stops the emulator before it ends.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = child.wait();
    }
}
