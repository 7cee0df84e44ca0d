//! The emulator of AWS: ministack, as a child process that cannot outlive this one.

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

use super::folder::{Folder, POLL};
use super::upstream;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};

const LAUNCHER: &str = include_str!("launcher.py");

/// Importing ministack takes seconds on a slow disk that has not cached it.
const START: Duration = Duration::from_secs(60);

/// ministack, in a process group of its own: killed when this is dropped, or when this process ends in any way.
pub(crate) struct Emulator {
    child: Child,
    group: Pid,
    port: u16,
    /// The pipe at whose end the launcher kills its process group.
    _lifeline: Option<ChildStdin>,
}

impl Emulator {
    pub(crate) fn spawn(folder: &Folder, python: &Path, port: u16) -> Result<Self> {
        let home = folder.emulator();
        directories::create_private_folder(&home)?;
        let mut child = Command::new(python)
            .args(["-I", "-c", LAUNCHER])
            .arg(folder.emulator_lock())
            .env_clear()
            .envs(environment(&home, port))
            .current_dir(&home)
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .context("ministack does not start")?;
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

    /// Waits for the process to end by itself.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        self.child.wait().await.context("ministack cannot be waited for")
    }

    /// Ends it and the Lambdas it runs. There is nothing to be saved: its state is in memory.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // The group may be gone.
        let _ = kill_process_group(self.group, Signal::KILL);
        self.ended().await.map(drop)
    }

    /// Waits until it answers.
    pub(crate) async fn answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while !is_ready(self.address()).await {
            if let Some(status) = self.child.try_wait().context("ministack cannot be waited for")? {
                return Err(Failure::new("ministack ended while it started").why(status.to_string()));
            }
            if Instant::now() >= deadline {
                let waited = format!("no answer at {} within {} s", self.endpoint_url(), START.as_secs());
                return Err(Failure::new("ministack does not start").why(waited));
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

fn endpoint_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Whether the emulator of this process answers, and no other that took its port.
async fn is_ready(address: SocketAddr) -> bool {
    let request = http::Request::get("/_ministack/health").header("host", address.to_string());
    let Ok(request) = request.body(Empty::<Bytes>::new()) else { return false };
    let Ok(answer) = upstream::send(address, request).await else { return false };
    let Ok(body) = answer.into_body().collect().await else { return false };
    serde_json::from_slice(&body.to_bytes()).is_ok_and(|health: Value| health["edition"] == edition())
}

/// What the emulator's health names itself.
fn edition() -> String {
    format!("restctl-{}", std::process::id())
}

/// All that the emulator and the Lambdas it runs are told: nothing of the user's AWS account can reach them.
fn environment(home: &Path, port: u16) -> Vec<(&'static str, OsString)> {
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
        ("MINISTACK_EDITION", edition().into()),
        // Without these it looks for containers to reap, and listens on ports of its own choice.
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
    fn lambdas_find_no_account_but_the_emulators() {
        let environment = environment(Path::new("/state"), 4566);
        let names: Vec<_> = environment.iter().map(|(name, _)| *name).collect();
        let aws: Vec<_> = names.iter().filter(|name| name.starts_with("AWS_")).collect();
        assert_eq!(aws, [&"AWS_ENDPOINT_URL"]);
        let home = environment.iter().find(|(name, _)| *name == "HOME");
        assert_eq!(home.unwrap().1, "/state");
    }
}
