//! The table of results, the only thing that the benchmark prints.
#![expect(clippy::print_stdout, reason = "a benchmark is read on the terminal")]

use std::process::ExitCode;
use std::time::Duration;

use restctl_testkit::bench::{BoxError, machine};

use crate::cloud::Cloud;
use crate::function;
use crate::trial::{Counts, Measured};

const CPU_AND_WALL: &str = " CPU ms wall ms";
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(crate) struct Report {
    failed: bool,
}

pub(crate) fn refuse(message: &str) -> ExitCode {
    println!("{message}");
    ExitCode::from(2)
}

impl Report {
    /// Prints the head of the table.
    pub(crate) fn begin(counts: &Counts, cloud: &Cloud) -> Self {
        let Counts { starts, runs, singles, bulks, .. } = counts;
        let roots = match cloud.system_roots {
            0 => "no roots but their authority's: this system has none".to_owned(),
            roots => format!("{roots} system roots and their authority's"),
        };
        println!(
            "start: from spawn to the first question for an event; both: start and first answer. Of {starts} starts,"
        );
        println!(
            "and of {runs} processes for the rest, the one with the middle CPU time, in turns with the others."
        );
        println!(
            "single: GET of an item of 10 attributes, mean of {singles}; bulk: 100 of them by id, mean of {bulks}; RS256 tokens."
        );
        println!(
            "CPU is user and system time of the function's process; wall has the services' part in it. Services:"
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

    /// Prints one line, and hands back what it shows unless something went wrong.
    pub(crate) fn line(&mut self, name: &str, outcome: Result<Measured, BoxError>) -> Option<Measured> {
        match outcome {
            Ok(measured) => {
                let Measured { cold, warm, package } = &measured;
                println!(
                    "{name:8} {:>7.2} {:>7.1} {:>7.2} {:>7.1} {:>8.2} {:>7.3} {:>7.2} {:>7.2} {:>7.2} {:>7.1} {:>7.1} {:>7.2} {:>7.2}",
                    ms(cold.start.cpu),
                    ms(cold.start.wall),
                    ms(cold.first.cpu),
                    ms(cold.first.wall),
                    ms(cold.cpu()),
                    ms(warm.single.cpu),
                    ms(warm.single.wall),
                    ms(warm.bulk.cpu),
                    ms(warm.bulk.wall),
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

    pub(crate) fn left_out(&self, name: &str, reason: &str) {
        println!("{name:8} left out: {reason}");
    }

    /// Prints what restctl's function may take at most, beside what it took.
    pub(crate) fn bars(&self, restctl: Option<&Measured>) {
        let Some(Measured { cold, warm, .. }) = restctl else { return };
        println!();
        println!("{:>8.2}  restctl, start and first answer, CPU ms (bar: 4)", ms(cold.cpu()));
        println!("{:>8.3}  restctl, warm single, CPU ms (bar: 0.27)", ms(warm.single.cpu));
        println!("{:>8.1}  restctl, memory, MiB (bar: 9)", warm.resident_bytes as f64 / MEBIBYTE);
    }

    /// Prints what part of the peer's use restctl's is, unless one of the lines is not there.
    pub(crate) fn ratios(&self, name: &str, restctl: Option<&Measured>, peer: Option<&Measured>) {
        let (Some(restctl), Some(peer)) = (restctl, peer) else { return };
        let part = |what: &str, of: fn(&Measured) -> f64| {
            println!("{:>8}  restctl / {name}, {what}", format!("1/{:.1}", of(peer) / of(restctl)));
        };
        let bar = |bar: &str| if name == "Node.js" { format!(" (bar: {bar})") } else { String::new() };
        println!();
        part(&format!("start and first answer, CPU{}", bar("1/30")), |of| ms(of.cold.cpu()));
        part(&format!("warm single, CPU{}", bar("1/4")), |of| ms(of.warm.single.cpu));
        part("bulk, CPU", |of| ms(of.warm.bulk.cpu));
        part("memory", |of| of.warm.resident_bytes as f64);
    }

    /// Prints machine and versions. Fails if a line did.
    pub(crate) fn end(self) -> ExitCode {
        println!("\n{}", machine::description());
        println!("{}", function::packages().join("; "));
        if self.failed {
            println!("\nA line is WRONG, see above.");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
