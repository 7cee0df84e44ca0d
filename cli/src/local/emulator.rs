//! The AWS emulator ministack, as a child process that cannot outlive this one.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep};

use super::access_key::AccessKey;
use super::folder::{CloudFolder, POLL_INTERVAL};
use super::random::random_hex;
use super::upstream::Upstream;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};

/// The program that Python runs, as files of one folder.
const LAUNCHER: [(&str, &str); 3] = [
    ("__main__.py", include_str!("emulator/launcher/__main__.py")),
    ("guard.py", include_str!("emulator/launcher/guard.py")),
    ("patches.py", include_str!("emulator/launcher/patches.py")),
];

/// Importing ministack takes seconds if a slow disk has not cached it.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const MAX_HEALTH_BYTES: usize = 65_536;

/// ministack in its own process group. The group is killed when this is dropped, and however this process ends.
pub(crate) struct Emulator {
    child: Child,
    group: Pid,
    upstream: Upstream,
    /// A random name in its health answer, which another process on the same port does not know.
    edition: String,
    /// When this pipe closes, the launcher kills its process group.
    _lifeline: Option<ChildStdin>,
}

impl Emulator {
    /// Starts an emulator with an access key of its own: another process on the port of an earlier one has seen a signature.
    pub(crate) fn spawn(folder: &CloudFolder, python: &Path, port: u16) -> Result<Self> {
        let (home, launcher) = (folder.emulator_folder(), folder.launcher_folder());
        directories::create_private_folder(&home)?;
        for (name, text) in LAUNCHER {
            directories::write_private_file(&launcher.join(name), text.as_bytes())?;
        }
        let edition = format!("restctl-{}", random_hex::<16>()?);
        let upstream =
            Upstream { address: (Ipv4Addr::LOCALHOST, port).into(), access_key: AccessKey::generate()? };
        let mut child = Command::new(python)
            .arg("-I")
            .args([launcher, folder.emulator_lock()])
            .env_clear()
            .envs(emulator_environment(&home, &upstream, &edition))
            .current_dir(&home)
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start ministack")?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let group = group.ok_or_else(|| Failure::new("ministack has no process id"))?;
        let lifeline = child.stdin.take();
        Ok(Self { child, group, upstream, edition, _lifeline: lifeline })
    }

    pub(crate) fn endpoint_url(&self) -> String {
        endpoint_url(self.upstream.address)
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
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
        while !self.is_ready().await {
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

    /// Whether this emulator answers, and not another process on the same port.
    async fn is_ready(&self) -> bool {
        let Ok(request) = http::Request::get("/_ministack/health").body(Bytes::new()) else { return false };
        let Ok(answer) = self.upstream.send_request(request).await else { return false };
        let Ok(body) = Limited::new(answer.into_body(), MAX_HEALTH_BYTES).collect().await else {
            return false;
        };
        serde_json::from_slice(&body.to_bytes())
            .is_ok_and(|health: Value| health["edition"] == self.edition.as_str())
    }
}

fn endpoint_url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Returns the whole environment of the emulator and its Lambdas. It contains nothing of the user's own environment.
fn emulator_environment(home: &Path, upstream: &Upstream, edition: &str) -> Vec<(&'static str, OsString)> {
    let text = OsString::from;
    let AccessKey { id, secret } = &upstream.access_key;
    vec![
        ("HOME", home.into()),
        ("TMPDIR", home.into()),
        ("S3_DATA_DIR", home.join("s3").into()),
        ("STATE_DIR", home.join("state").into()),
        ("LANG", text("C.UTF-8")),
        ("PYTHONUNBUFFERED", text("1")),
        ("BIND_HOST", text("127.0.0.1")),
        ("PATH", text("/usr/bin:/bin")),
        ("GATEWAY_PORT", upstream.address.port().to_string().into()),
        ("AWS_ENDPOINT_URL", endpoint_url(upstream.address).into()),
        // In the environment, because any user of the machine can read arguments.
        ("AWS_ACCESS_KEY_ID", id.into()),
        ("AWS_SECRET_ACCESS_KEY", secret.into()),
        ("LAMBDA_EXECUTOR", text("local")),
        // Each of several simultaneous invocations starts a process, which stays for so long.
        ("LAMBDA_WARM_TTL_SECONDS", text("60")),
        ("MINISTACK_EDITION", edition.into()),
        // Without these, ministack looks for containers to remove and opens further ports.
        ("DOCKER_HOST", text("unix:///nonexistent")),
        ("IOT_MTLS_ENABLED", text("0")),
        ("SFTP_ENABLED", text("0")),
    ]
}
