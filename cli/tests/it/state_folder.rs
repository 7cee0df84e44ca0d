//! State folders of local clouds. A cloud and its folder are removed at the end of their test, or of this process.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde_json::Value;

use crate::cloud::{RECORD, send_signed};

/// Running clouds that no test uses at the moment.
static IDLE: Mutex<Vec<StateFolder>> = Mutex::new(Vec::new());

/// What the running cloud itself needs, and what therefore stays in the folder when the cloud is emptied.
const KEPT: [&str; 7] =
    ["restctl", "local", "cloud.json", "supervisor.lock", "emulator.lock", "emulator", "log"];

/// `XDG_STATE_HOME` of one local cloud.
pub(crate) struct StateFolder {
    path: PathBuf,
    /// What `local up` recorded, if tests share the cloud one after another.
    record: Option<Value>,
    /// A process reads from this pipe. When the pipe closes, because this is dropped or because this process ends in any way,
    /// that process stops the cloud and removes the folder.
    _lifeline: ChildStdin,
}

impl StateFolder {
    /// Returns a folder in which no cloud is running yet.
    pub(crate) fn new() -> Self {
        let path = tempfile::tempdir().unwrap().keep();
        let mut guard = Command::new("sh");
        guard
            .args(["-c", r#"cat; "$0" local down; rm -rf "$1""#, env!("CARGO_BIN_EXE_restctl")])
            .arg(&path)
            .env("XDG_STATE_HOME", &path)
            // A Ctrl-C that ends this process must not end that one.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let lifeline = guard.spawn().unwrap().stdin.take().unwrap();
        Self { path, record: None, _lifeline: lifeline }
    }

    /// Returns a folder with a running cloud that contains nothing: one that another test no longer uses, or a new one.
    pub(crate) fn with_empty_cloud() -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(folder) = idle {
            folder.reset_cloud();
            return folder;
        }
        let mut folder = Self::new();
        let mut up = Command::new(env!("CARGO_BIN_EXE_restctl"));
        let up = up.args(["local", "up"]).env("XDG_STATE_HOME", &folder.path).output().unwrap();
        let said = String::from_utf8_lossy(&up.stderr);
        assert!(up.status.success(), "the local cloud does not start:\n{said}");
        folder.record = Some(folder.read_record());
        folder
    }

    /// Leaves the cloud to the next test, if the cloud is shared and this test has not failed.
    pub(crate) fn give_back(self) {
        if self.record.is_some() && !std::thread::panicking() {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
        }
    }

    fn read_record(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path.join(RECORD)).unwrap()).unwrap()
    }

    /// Removes all that a test left in the cloud and in the folder.
    fn reset_cloud(&self) {
        let record = self.record.as_ref().unwrap();
        send_signed(record, "s3", Method::POST, "/_ministack/reset", |request| request);
        for folder in ["", "restctl", "restctl/local"].map(|below| self.path.join(below)) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if KEPT.iter().any(|kept| entry.file_name() == *kept) {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    fs::remove_dir_all(entry.path()).unwrap();
                } else {
                    fs::remove_file(entry.path()).unwrap();
                }
            }
        }
        // A test may have redirected these. A rotated client secret stays, because the provider has it, too.
        let mut current = self.read_record();
        for member in ["endpoint_url", "front"] {
            current[member] = record[member].clone();
        }
        fs::write(self.path.join(RECORD), current.to_string()).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
