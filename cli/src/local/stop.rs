//! Stopping the local cloud, and cleaning up after one that was killed.

use std::time::Duration;

use rustix::process::{Signal, kill_process, kill_process_group};

use super::folder::{Folder, holder, wait_until};
use crate::failure::{Failure, Result};

/// What ending a process may take.
const END: Duration = Duration::from_secs(10);

/// Ends the local cloud and removes its folder; false where none was running.
pub(crate) async fn down() -> Result<bool> {
    let folder = Folder::standard()?;
    let _alone = folder.exclusive().await?;
    let was_running = folder.supervisor_lives()?;
    if was_running {
        end_supervisor(&folder).await?;
    }
    remove_leftovers(&folder).await?;
    Ok(was_running)
}

async fn end_supervisor(folder: &Folder) -> Result<()> {
    let ended = || folder.supervisor_lives().map(|lives| !lives);
    for signal in [Signal::TERM, Signal::KILL] {
        // It may end by itself in the meantime.
        let _ = kill_process(holder(&folder.supervisor_lock())?, signal);
        if wait_until(END, ended).await? {
            return Ok(());
        }
    }
    Err(Failure::new("the local cloud's supervisor does not end"))
}

/// Removes what a supervisor that has ended left behind; an emulator that outlived it is ended.
pub(super) async fn remove_leftovers(folder: &Folder) -> Result<()> {
    let ended = || folder.emulator_lives().map(|lives| !lives);
    if !wait_until(END, ended).await? {
        let _ = kill_process_group(holder(&folder.emulator_lock())?, Signal::KILL);
        if !wait_until(END, ended).await? {
            return Err(Failure::new("the emulator of an earlier local cloud does not end"));
        }
    }
    folder.remove()
}
