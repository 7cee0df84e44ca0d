//! The table of results. Only this module prints.
#![expect(clippy::print_stdout, reason = "a benchmark is read on the terminal")]

use std::process::ExitCode;
use std::time::Duration;

use restctl_testkit::bench::{BoxError, machine};

use crate::cloud::Cloud;
use crate::function;
use crate::trial::{FunctionCosts, Repetitions};

const CPU_AND_WALL: &str = " CPU ms wall ms";
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(crate) struct BenchReport {
    failed: bool,
}

pub(crate) fn print_error(message: &str) -> ExitCode {
    println!("{message}");
    ExitCode::from(2)
}

impl BenchReport {
    /// Prints the head of the table.
    pub(crate) fn begin(repetitions: &Repetitions, cloud: &Cloud) -> Self {
        let Repetitions { starts, runs, singles, bulks, .. } = repetitions;
        let roots = match cloud.system_roots {
            0 => "no roots other than the services' own, because this system has none".to_owned(),
            roots => format!("{roots} system roots and the services' own"),
        };
        println!(
            "start: from spawn to the first request for an event; both: start and first answer. The median CPU time"
        );
        println!(
            "of {starts} starts, and of {runs} processes for the rest, in turns with the other functions."
        );
        println!(
            "single: GET of an item with 10 attributes, mean of {singles}; bulk: 100 items by id, mean of {bulks}; RS256 tokens."
        );
        println!(
            "CPU is the user and system time of the function's process; wall time includes the services. Services:"
        );
        println!("TLS 1.3, RSA-2048 certificates, {roots}.\n");
        println!(
            "{:8} {:^15} {:^15} {:>8} {:^15} {:^15} {:^15} {:^15}",
            "", "start", "first answer", "both", "single", "bulk", "memory MiB", "package MB"
        );
        println!(
            "{:8} {CPU_AND_WALL} {CPU_AND_WALL} {:>8} {CPU_AND_WALL} {CPU_AND_WALL} {:>7} {:>7} {:>7} {:>7}",
            "", "CPU ms", "now", "peak", "files", "zip"
        );
        Self { failed: false }
    }

    /// Prints a line, and returns its costs unless a run failed.
    pub(crate) fn print_line(
        &mut self,
        name: &str,
        outcome: Result<FunctionCosts, BoxError>,
    ) -> Option<FunctionCosts> {
        match outcome {
            Ok(measured) => {
                let FunctionCosts { cold, warm, package } = &measured;
                println!(
                    "{name:8} {:>7.2} {:>7.1} {:>7.2} {:>7.1} {:>8.2} {:>7.3} {:>7.2} {:>7.2} {:>7.2} {:>7.1} {:>7.1} {:>7.2} {:>7.2}",
                    to_milliseconds(cold.start.cpu),
                    to_milliseconds(cold.start.wall),
                    to_milliseconds(cold.first.cpu),
                    to_milliseconds(cold.first.wall),
                    to_milliseconds(cold.total_cpu()),
                    to_milliseconds(warm.single.cpu),
                    to_milliseconds(warm.single.wall),
                    to_milliseconds(warm.bulk.cpu),
                    to_milliseconds(warm.bulk.wall),
                    warm.resident_bytes as f64 / MEBIBYTE,
                    warm.peak_bytes as f64 / MEBIBYTE,
                    package.bytes as f64 / 1e6,
                    package.zipped_bytes as f64 / 1e6,
                );
                Some(measured)
            }
            Err(error) => {
                println!("{name:8} WRONG: {error}");
                self.failed = true;
                None
            }
        }
    }

    pub(crate) fn print_left_out(&self, name: &str, reason: &str) {
        println!("{name:8} left out: {reason}");
    }

    /// Prints the costs of restctl's function and their limits.
    pub(crate) fn print_bars(&self, restctl: Option<&FunctionCosts>) {
        let Some(FunctionCosts { cold, warm, .. }) = restctl else { return };
        println!();
        println!(
            "{:>8.2}  restctl, start and first answer, CPU ms (bar: 4)",
            to_milliseconds(cold.total_cpu())
        );
        println!("{:>8.3}  restctl, warm single, CPU ms (bar: 0.27)", to_milliseconds(warm.single.cpu));
        println!("{:>8.1}  restctl, memory, MiB (bar: 9)", warm.resident_bytes as f64 / MEBIBYTE);
    }

    /// Prints restctl's costs as fractions of the peer's, if both were measured.
    pub(crate) fn print_ratios(
        &self,
        name: &str,
        restctl: Option<&FunctionCosts>,
        peer: Option<&FunctionCosts>,
    ) {
        let (Some(restctl), Some(peer)) = (restctl, peer) else { return };
        let print_ratio = |what: &str, cost: fn(&FunctionCosts) -> f64| {
            println!("{:>8}  restctl / {name}, {what}", format!("1/{:.1}", cost(peer) / cost(restctl)));
        };
        let bar = |bar: &str| if name == "Node.js" { format!(" (bar: {bar})") } else { String::new() };
        println!();
        print_ratio(&format!("start and first answer, CPU{}", bar("1/30")), |costs| {
            to_milliseconds(costs.cold.total_cpu())
        });
        print_ratio(&format!("warm single, CPU{}", bar("1/4")), |costs| {
            to_milliseconds(costs.warm.single.cpu)
        });
        print_ratio("bulk, CPU", |costs| to_milliseconds(costs.warm.bulk.cpu));
        print_ratio("memory", |costs| costs.warm.resident_bytes as f64);
    }

    /// Prints the machine and the versions. Fails if a line failed.
    pub(crate) fn print_environment(self) -> ExitCode {
        println!("\n{}", machine::describe_machine());
        println!("{}", function::peer_packages().join("; "));
        if self.failed {
            println!("\na line is WRONG; see above");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }
}

fn to_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
