//! Prints the results of the benchmark.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is read on the terminal")]

use std::process::ExitCode;
use std::time::Duration;

use restctl_testkit::bench::machine;

pub(crate) struct Medians {
    pub(crate) help: Duration,
    pub(crate) get: Duration,
    pub(crate) bare: Duration,
    pub(crate) curl: Duration,
    pub(crate) network: Duration,
}

pub(crate) fn print_error(message: &str) -> ExitCode {
    println!("{message}");
    ExitCode::from(2)
}

/// Passes the answer from the process that makes the bare request to the one that measures it.
pub(crate) fn print_answer(body: &[u8], took: &str) {
    println!("{}", String::from_utf8_lossy(body));
    eprintln!("{took}");
}

/// Returns the median of a list that is not empty.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn print_medians(turns: usize, medians: &Medians) {
    let Medians { help, get, bare, curl, network } = medians;
    println!(
        "From spawn to exit, median of {turns} alternating runs. get: one item, with cached token and location."
    );
    println!("network: connection, TLS, request and answer, by the bare client's own clock.\n");
    println!("{:36} wall ms", "");
    let line =
        |name: &str, time: Duration, note: &str| println!("{name:36} {:>7.1}{note}", to_milliseconds(time));
    line("restctl --help", *help, "  (bar: 10)");
    line("restctl get", *get, "");
    line("  of it network", *network, "");
    line("  of it restctl", get.saturating_sub(*network), "  (bar: 30)");
    line("bare client", *bare, "");
    line("curl", *curl, "");
    println!();
    println!("{:>7.2}  network / restctl get", time_ratio(*network, *get));
    println!("{:>7.2}  restctl get / curl", time_ratio(*get, *curl));
    println!("\n{}", machine::describe_machine());
}

fn time_ratio(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64()
}

fn to_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
