//! The AWS emulator ministack, as a child process that cannot outlive this one.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep};

use super::folder::{CloudFolder, POLL_INTERVAL};
use super::upstream;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};

const LAUNCHER: &str = include_str!("launcher.py");

/// Importing ministack takes seconds if a slow disk has not cached it.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// ministack in its own process group. The group is killed when this is dropped, and however this process ends.
pub(crate) struct Emulator {
    child: Child,
    group: Pid,
    port: u16,
    /// When this pipe closes, the launcher kills its process group.
    _lifeline: Option<ChildStdin>,
}

impl Emulator {
    pub(crate) fn spawn(folder: &CloudFolder, python: &Path, port: u16) -> Result<Self> {
        let home = folder.emulator_folder();
        directories::create_private_folder(&home)?;
        let mut child = Command::new(python)
            .args(["-I", "-c", LAUNCHER])
            .arg(folder.emulator_lock())
            .env_clear()
            .envs(emulator_environment(&home, port))
            .current_dir(&home)
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start ministack")?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let group = group.ok_or_else(|| Failure::new("ministack has no process id"))?;
        let lifeline = child.stdin.take();
        Ok(Self { child, group, port, _lifeline: lifeline })
    }

    pub(crate) fn endpoint_url(&self) -> String {
        endpoint_url(self.port)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.group.as_raw_nonzero().get().cast_unsigned()
    }

    /// Waits until the process ends by itself.
    pub(crate) async fn wait_for_exit(&mut self) -> Result<ExitStatus> {
        self.child.wait().await.context("cannot wait for ministack")
    }

    /// Kills the process and the Lambdas that it runs. Nothing is lost because its state is in memory.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // The group may have ended already.
        let _ = kill_process_group(self.group, Signal::KILL);
        self.wait_for_exit().await.map(drop)
    }

    /// Waits until the emulator answers.
    pub(crate) async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !is_ready(self.address()).await {
            if let Some(status) = self.child.try_wait().context("cannot wait for ministack")? {
                return Err(Failure::new("ministack ended during its start").why(status.to_string()));
            }
            if Instant::now() >= deadline {
                let waited =
                    format!("no answer at {} within {} s", self.endpoint_url(), START_TIMEOUT.as_secs());
                return Err(Failure::new("ministack does not answer").why(waited));
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }
}

fn endpoint_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Whether this process's own emulator answers, and not another one on the same port.
async fn is_ready(address: SocketAddr) -> bool {
    let request = http::Request::get("/_ministack/health").header("host", address.to_string());
    let Ok(request) = request.body(Empty::<Bytes>::new()) else { return false };
    let Ok(answer) = upstream::send_request(address, request).await else { return false };
    let Ok(body) = answer.into_body().collect().await else { return false };
    serde_json::from_slice(&body.to_bytes()).is_ok_and(|health: Value| health["edition"] == edition_name())
}

/// Returns the edition that the emulator reports in its health, unique to this process.
fn edition_name() -> String {
    format!("restctl-{}", std::process::id())
}

/// Returns the whole environment of the emulator and its Lambdas. It contains nothing of the user's AWS account.
fn emulator_environment(home: &Path, port: u16) -> Vec<(&'static str, OsString)> {
    let text = OsString::from;
    let mut environment = vec![
        ("HOME", home.into()),
        ("TMPDIR", home.into()),
        ("S3_DATA_DIR", home.join("s3").into()),
        ("STATE_DIR", home.join("state").into()),
        ("LANG", text("C.UTF-8")),
        ("PYTHONUNBUFFERED", text("1")),
        ("BIND_HOST", text("127.0.0.1")),
        ("GATEWAY_PORT", port.to_string().into()),
        ("AWS_ENDPOINT_URL", endpoint_url(port).into()),
        ("LAMBDA_EXECUTOR", text("local")),
        ("MINISTACK_EDITION", edition_name().into()),
        // Without these, ministack looks for containers to remove and opens further ports.
        ("DOCKER_HOST", text("unix:///nonexistent")),
        ("IOT_MTLS_ENABLED", text("0")),
        ("SFTP_ENABLED", text("0")),
    ];
    environment.extend(std::env::var_os("PATH").map(|path| ("PATH", path)));
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_nothing_of_the_users_account() {
        let environment = emulator_environment(Path::new("/state"), 4566);
        let names: Vec<_> = environment.iter().map(|(name, _)| *name).collect();
        let aws: Vec<_> = names.iter().filter(|name| name.starts_with("AWS_")).collect();
        assert_eq!(aws, [&"AWS_ENDPOINT_URL"]);
        let home = environment.iter().find(|(name, _)| *name == "HOME");
        assert_eq!(home.unwrap().1, "/state");
    }
}
