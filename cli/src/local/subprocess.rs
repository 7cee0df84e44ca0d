//! A command that is waited for, and that ends with who waits for it.

use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Command;

use crate::failure::{FailureContext, Result};

/// How much of a failed command's output is shown.
const LAST_LINES: usize = 8;

/// Runs a command to its end: `Ok` with the last line it printed, or `Err` with its last lines where it failed.
///
/// In a process group of its own, killed when this is dropped: a Ctrl-C on the terminal does not reach it twice.
pub(crate) async fn run(mut command: Command) -> Result<Result<String, String>> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let (reader, writer) = io::pipe().context("no pipe can be opened")?;
    let doing = format!("{name} does not start");
    command.process_group(0).stdin(Stdio::null()).stdout(writer.try_clone().context(&doing)?).stderr(writer);
    let mut child = command.spawn().context(&doing)?;
    // The command still holds the write ends of the pipe, which is read until the last one is closed.
    drop(command);
    let group = Group(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())));

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
    group.ended();
    Ok(if status.success() { Ok(last.pop().unwrap_or_default()) } else { Err(last.join("\n")) })
}

/// The process group of a command that has not been waited for.
struct Group(Option<Pid>);

impl Group {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended in the meantime. Otherwise it writes until it has.
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}
