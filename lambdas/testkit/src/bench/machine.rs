//! The machine and the tools of a benchmark.

use std::fs;
use std::process::Command;

use time::OffsetDateTime;

/// Returns the date, the processor and the versions of the tools in two lines.
pub fn describe_machine() -> String {
    format!(
        "{}; {}\n{}; Node.js {}; {}",
        OffsetDateTime::now_utc().date(),
        describe_processor(),
        tool_version("rustc"),
        tool_version("node"),
        tool_version("python3")
    )
}

fn describe_processor() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores", model.map_or("unknown CPU", |(_, model)| model))
}

fn tool_version(tool: &str) -> String {
    match Command::new(tool).arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => format!("no {tool}"),
    }
}
