//! Stops the local cloud and cleans up after one that was killed.

use std::time::Duration;

use rustix::process::{Signal, kill_process, kill_process_group};

use super::folder::{CloudFolder, read_lock_holder, wait_until};
use crate::cli::wait::WaitDeadline;
use crate::failure::{Failure, Result};

/// How long a process may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Stops the local cloud and removes its folder. Returns false if none was running. At the deadline, this fails, and a stop that
/// has begun continues.
pub(crate) async fn stop_cloud(deadline: WaitDeadline) -> Result<bool> {
    deadline.limit("the local cloud had stopped", "restctl local down", stop_and_clean_up()).await
}

async fn stop_and_clean_up() -> Result<bool> {
    let folder = CloudFolder::in_state_folder()?;
    let _lock = folder.lock_exclusively().await?;
    let was_running = folder.is_supervisor_running()?;
    if was_running {
        end_supervisor(&folder).await?;
    }
    remove_leftovers(&folder).await?;
    Ok(was_running)
}

/// Removes what an ended supervisor left behind, including an emulator that outlived it.
pub(super) async fn remove_leftovers(folder: &CloudFolder) -> Result<()> {
    let has_ended = || folder.is_emulator_running().map(|is_running| !is_running);
    if !wait_until(END_TIMEOUT, has_ended).await? {
        let _ = kill_process_group(read_lock_holder(&folder.emulator_lock())?, Signal::KILL);
        if !wait_until(END_TIMEOUT, has_ended).await? {
            return Err(Failure::new("the emulator of an earlier local cloud does not end"));
        }
    }
    folder.remove()
}

async fn end_supervisor(folder: &CloudFolder) -> Result<()> {
    let has_ended = || folder.is_supervisor_running().map(|is_running| !is_running);
    for signal in [Signal::TERM, Signal::KILL] {
        // It may have ended by itself.
        let _ = kill_process(read_lock_holder(&folder.supervisor_lock())?, signal);
        if wait_until(END_TIMEOUT, has_ended).await? {
            return Ok(());
        }
    }
    Err(Failure::new("the local cloud's supervisor does not end"))
}
