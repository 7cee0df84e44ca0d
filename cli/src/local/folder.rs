//! Where the running local cloud keeps its files, and which of its processes live.
//!
//! A process proves that it lives by the lock it holds on a file: the kernel lets go of it however the process
//! ends, and unlike a process id it never comes to mean another process.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::directories;
use crate::failure::{Failure, FailureContext, Result};

/// `$XDG_STATE_HOME/restctl/local`.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn standard() -> Result<Self> {
        Ok(Self(directories::state_folder()?.join("local")))
    }

    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the parts of the running cloud are; written once they all answer.
    pub(crate) fn record(&self) -> PathBuf {
        self.0.join("cloud.json")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Home, temporary and data folder of the emulator.
    pub(crate) fn emulator(&self) -> PathBuf {
        self.0.join("emulator")
    }

    pub(crate) fn stacks(&self) -> PathBuf {
        self.0.join("front")
    }

    /// Held by the living supervisor; contains its process id.
    pub(crate) fn supervisor_lock(&self) -> PathBuf {
        self.0.join("supervisor.lock")
    }

    /// Held by the living emulator; contains its process id, which is its process group's too.
    pub(crate) fn emulator_lock(&self) -> PathBuf {
        self.0.join("emulator.lock")
    }

    /// Makes this process the supervisor for as long as the returned file is open.
    pub(crate) async fn become_supervisor(&self) -> Result<File> {
        directories::create_private_folder(&self.0)?;
        let doing = "the supervisor's lock cannot be taken";
        let path = self.supervisor_lock();
        let mut file = File::options().create(true).truncate(false).write(true).open(path).context(doing)?;
        // Whoever looks whether it is held holds it for a moment too.
        let claimed = wait_until(Duration::from_secs(1), || try_lock(&file).context(doing)).await?;
        if !claimed {
            return Err(Failure::new("the local cloud has a supervisor already").next("restctl local status"));
        }
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).context(doing)?;
        Ok(file)
    }

    pub(crate) fn supervisor_lives(&self) -> Result<bool> {
        is_locked(&self.supervisor_lock())
    }

    pub(crate) fn emulator_lives(&self) -> Result<bool> {
        is_locked(&self.emulator_lock())
    }

    pub(crate) fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("{} cannot be removed", self.0.display()))
    }

    /// Lets one command at a time start or stop the local cloud, until the returned file is dropped.
    ///
    /// It locks the folder above, since this one comes and goes.
    pub(crate) async fn exclusive(&self) -> Result<File> {
        let above = self.0.parent().unwrap_or(&self.0);
        directories::create_private_folder(above)?;
        let file = File::open(above).context(format!("{} cannot be opened", above.display()))?;
        let doing = "the local cloud's folder cannot be locked";
        if !try_lock(&file).context(doing)? {
            crate::terminal::output::print_message(
                "Another restctl is starting or stopping the local cloud; waiting for it",
            );
            while !try_lock(&file).context(doing)? {
                sleep(POLL).await;
            }
        }
        Ok(file)
    }
}

/// How often a condition outside this process is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// Waits until `condition` holds; false when it does not within `bound`.
pub(crate) async fn wait_until(bound: Duration, mut condition: impl FnMut() -> Result<bool>) -> Result<bool> {
    let deadline = Instant::now() + bound;
    while !condition()? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL).await;
    }
    Ok(true)
}

/// The process id that the holder of a lock wrote into it.
pub(crate) fn holder(lock: &Path) -> Result<rustix::process::Pid> {
    let unreadable = format!("{} names no process", lock.display());
    let text = fs::read_to_string(lock).context(&unreadable)?;
    let pid = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    pid.ok_or_else(|| Failure::new(unreadable))
}

fn is_locked(path: &Path) -> Result<bool> {
    let look = || match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        // Shared, so that two commands that look at once do not take each other for the holder.
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    };
    look().context(format!("{} cannot be read", path.display()))
}

/// False where another process holds the lock.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_supervisor_lives_as_long_as_it_holds_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(&dir.path().join("local"));
        assert!(!folder.supervisor_lives().unwrap());
        let life = folder.become_supervisor().await.unwrap();
        assert!(folder.supervisor_lives().unwrap());
        assert!(folder.become_supervisor().await.is_err());
        let pid = holder(&folder.supervisor_lock()).unwrap();
        assert_eq!(pid.as_raw_nonzero().get().unsigned_abs(), std::process::id());
        drop(life);
        assert!(!folder.supervisor_lives().unwrap());
        folder.remove().unwrap();
        folder.remove().unwrap();
    }
}
