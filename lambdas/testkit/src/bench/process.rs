//! What a process has used, as counted by Linux.

use std::fs;
use std::time::Duration;

use super::BoxError;

/// What a process has used so far.
pub struct Usage {
    /// User and system time of all its threads, including those that have ended, in nanoseconds
    /// (clock_getcpuclockid(3)).
    pub cpu: Duration,
    /// Its resident memory now (`VmRSS` in proc_pid_status(5)).
    pub resident_bytes: u64,
    /// The peak of its resident memory (`VmHWM`).
    pub peak_bytes: u64,
}

/// Returns what `process` has used so far.
///
/// # Errors
/// If the process has ended, or this is not Linux.
pub fn read_usage(process: u32) -> Result<Usage, BoxError> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(Usage {
        cpu: cpu_time(process)?,
        resident_bytes: read_bytes(&status, "VmRSS:").ok_or("/proc/PID/status has no VmRSS")?,
        peak_bytes: read_bytes(&status, "VmHWM:").ok_or("/proc/PID/status has no VmHWM")?,
    })
}

/// Returns only [`Usage::cpu`].
///
/// # Errors
/// As [`read_usage`].
#[cfg(target_os = "linux")]
pub fn cpu_time(process: u32) -> Result<Duration, BoxError> {
    let process = nix::unistd::Pid::from_raw(process.try_into()?);
    Ok(nix::time::ClockId::pid_cpu_clock_id(process)?.now()?.into())
}

/// Returns only [`Usage::cpu`].
///
/// # Errors
/// As [`read_usage`].
#[cfg(not(target_os = "linux"))]
pub fn cpu_time(_process: u32) -> Result<Duration, BoxError> {
    Err("what a process uses is counted only on Linux".into())
}

fn read_bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
