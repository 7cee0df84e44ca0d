//! What a process has used, as Linux counts it (proc_pid_stat(5), proc_pid_status(5)).

use std::fs;
use std::time::Duration;

use crate::BoxError;

/// `sysconf(_SC_CLK_TCK)` on every architecture that Lambda has.
const TICKS_PER_SECOND: u64 = 100;

/// So far.
pub(crate) struct Usage {
    /// User and system time of all its threads.
    pub(crate) cpu: Duration,
    /// The most memory it had resident.
    pub(crate) peak_bytes: u64,
}

pub(crate) fn usage(process: u32) -> Result<Usage, BoxError> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(Usage {
        cpu: cpu(&stat).ok_or("/proc/PID/stat has no times")?,
        peak_bytes: peak_bytes(&status).ok_or("/proc/PID/status has no VmHWM")?,
    })
}

/// The name, in parentheses, may hold anything; after it `utime` is the 12th field and `stime` the 13th.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
