//! Runs an external command that ends together with the task that waits for it.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Command;

use crate::failure::{FailureContext, Result};

/// Returns those of the variables that are set.
pub(crate) fn inherited_variables(names: &[&'static str]) -> Vec<(&'static str, OsString)> {
    names.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).collect()
}

/// How many lines of a failed command's output to show.
const LAST_LINES: usize = 8;

/// Runs a command to its end. The inner result is the last line that it printed or, if it failed, its last lines.
///
/// The command runs in its own process group, which is killed when this future is dropped. Ctrl-C at the terminal thus
/// does not reach it twice.
pub(crate) async fn run_to_end(mut command: Command) -> Result<Result<String, String>> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let (reader, writer) = io::pipe().context("cannot open a pipe")?;
    let doing = format!("cannot start {name}");
    command.process_group(0).stdin(Stdio::null()).stdout(writer.try_clone().context(&doing)?).stderr(writer);
    let mut child = command.spawn().context(&doing)?;
    // The command still holds write ends of the pipe, and reading ends only when the last one is closed.
    drop(command);
    let group = ProcessGroup(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())));

    let output = pipe::Receiver::from_owned_fd(reader.into()).context(&doing)?;
    let mut lines = BufReader::new(output).split(b'\n');
    let mut last = Vec::new();
    while let Some(line) = lines.next_segment().await.context(&doing)? {
        if last.len() == LAST_LINES {
            last.remove(0);
        }
        last.push(String::from_utf8_lossy(&line).into_owned());
    }
    let status = child.wait().await.context(&doing)?;
    group.mark_ended();
    Ok(if status.success() { Ok(last.pop().unwrap_or_default()) } else { Err(last.join("\n")) })
}

/// The process group of a command that may still be running.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn mark_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // The command may have ended already.
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}
