//! The folder of the running local cloud, and which of its processes are running.
//!
//! A process shows that it is running by holding a lock on a file. The kernel releases the lock however the process ends,
//! and a lock, unlike a process id, never refers to another process later.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::directories;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

/// How often to check a condition outside this process.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// `$XDG_STATE_HOME/restctl/local`.
#[derive(Debug, Clone)]
pub(crate) struct CloudFolder(PathBuf);

impl CloudFolder {
    pub(crate) fn in_state_folder() -> Result<Self> {
        Ok(Self(directories::state_folder()?.join("local")))
    }

    #[cfg(test)]
    pub(crate) fn at_path(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Records where the parts of the running cloud are. Written when all of them answer.
    pub(crate) fn record_file(&self) -> PathBuf {
        self.0.join("cloud.json")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The home, temporary and data folder of the emulator.
    pub(crate) fn emulator_folder(&self) -> PathBuf {
        self.0.join("emulator")
    }

    /// The program that runs the emulator.
    pub(crate) fn launcher_folder(&self) -> PathBuf {
        self.0.join("launcher")
    }

    pub(crate) fn stacks_folder(&self) -> PathBuf {
        self.0.join("front")
    }

    /// The file that the running supervisor locks. It contains the supervisor's process id.
    pub(crate) fn supervisor_lock(&self) -> PathBuf {
        self.0.join("supervisor.lock")
    }

    /// The file that the running emulator locks. It contains the emulator's process id, which is also the id of its process
    /// group.
    pub(crate) fn emulator_lock(&self) -> PathBuf {
        self.0.join("emulator.lock")
    }

    /// Makes this process the supervisor while the returned file is open.
    pub(crate) async fn become_supervisor(&self) -> Result<File> {
        directories::create_private_folder(&self.0)?;
        let doing = "cannot take the supervisor's lock";
        let mut file = directories::open_lock_file(&self.supervisor_lock())?;
        // A process that checks the lock holds it for a moment too.
        let has_lock = wait_until(Duration::from_secs(1), || try_lock(&file).context(doing)).await?;
        if !has_lock {
            return Err(Failure::new("the local cloud already has a supervisor").next("restctl local status"));
        }
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).context(doing)?;
        Ok(file)
    }

    pub(crate) fn is_supervisor_running(&self) -> Result<bool> {
        is_locked(&self.supervisor_lock())
    }

    pub(crate) fn is_emulator_running(&self) -> Result<bool> {
        is_locked(&self.emulator_lock())
    }

    pub(crate) fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("cannot remove {}", self.0.display()))
    }

    /// Waits until no other command starts or stops the local cloud, and keeps others waiting until the returned file is
    /// dropped.
    ///
    /// Locks the parent folder because this folder comes and goes.
    pub(crate) async fn lock_exclusively(&self) -> Result<File> {
        let parent = self.0.parent().unwrap_or(&self.0);
        directories::create_private_folder(parent)?;
        let file = File::open(parent).context(format!("cannot open {}", parent.display()))?;
        let doing = "cannot lock the local cloud's folder";
        if !try_lock(&file).context(doing)? {
            output::print_message("waiting for another restctl that is starting or stopping the local cloud");
            while !try_lock(&file).context(doing)? {
                sleep(POLL_INTERVAL).await;
            }
        }
        Ok(file)
    }
}

/// Waits until `condition` holds. Returns false if it does not hold within `timeout`.
pub(crate) async fn wait_until(
    timeout: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<bool> {
    let deadline = Instant::now() + timeout;
    while !condition()? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(true)
}

/// Reads the process id that the holder of a lock wrote into the file.
pub(crate) fn read_lock_holder(lock: &Path) -> Result<rustix::process::Pid> {
    let unreadable = format!("{} contains no process id", lock.display());
    let text = fs::read_to_string(lock).context(&unreadable)?;
    let pid = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    pid.ok_or_else(|| Failure::new(unreadable))
}

/// Locks the file. Returns false if another process holds the lock.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_locked(path: &Path) -> Result<bool> {
    let check = || match directories::open_without_following(File::options().read(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        // A shared lock, so that two commands that check at the same time do not take each other for the holder.
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    };
    check().context(format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_supervisor_counts_as_running_while_it_holds_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let folder = CloudFolder::at_path(&dir.path().join("local"));
        assert!(!folder.is_supervisor_running().unwrap());
        let lock = folder.become_supervisor().await.unwrap();
        assert!(folder.is_supervisor_running().unwrap());
        assert!(folder.become_supervisor().await.is_err());
        let pid = read_lock_holder(&folder.supervisor_lock()).unwrap();
        assert_eq!(pid.as_raw_nonzero().get().unsigned_abs(), std::process::id());
        drop(lock);
        assert!(!folder.is_supervisor_running().unwrap());
        folder.remove().unwrap();
        folder.remove().unwrap();
    }
}
