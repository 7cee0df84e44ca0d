//! The table of results, which is all that the benchmark prints.
#![expect(clippy::print_stdout, reason = "a benchmark is read on the terminal")]

use std::process::ExitCode;

use restctl_testkit::bench::{BoxError, machine};

use crate::measured::Measured;
use crate::peer;

pub(crate) struct LoadReport {
    ratios: Vec<(String, f64)>,
    failed: bool,
}

pub(crate) fn print_error(message: &str) -> ExitCode {
    println!("{message}");
    ExitCode::from(2)
}

impl LoadReport {
    /// Prints the head of the table.
    pub(crate) fn begin(runs: usize) -> Self {
        println!(
            "Rows have 10 columns and 120 bytes. The long file is one run, the other lines are the median of {runs}."
        );
        println!(
            "CPU is user and system time of the loading process, without its start except for \"in all\".\n"
        );
        println!(
            "{:36} {:>9} {:>10} {:>7} {:>7} {:>7} {:>9} {:>8} {:>11}",
            "", "rows", "rows/CPU-s", "CPU s", "in all", "wall s", "peak MiB", "calls", "write units"
        );
        Self { ratios: Vec::new(), failed: false }
    }

    /// Prints a line, and returns what it shows unless the load failed.
    pub(crate) fn print_line(&mut self, name: &str, outcome: Result<Measured, BoxError>) -> Option<Measured> {
        match outcome {
            Ok(measured) => {
                println!(
                    "{name:36} {:>9} {:>10.0} {:>7.2} {:>7.2} {:>7.2} {:>9.1} {:>8} {:>11}",
                    measured.rows,
                    measured.rows_per_cpu_second(),
                    measured.cpu.as_secs_f64(),
                    measured.cpu_in_all.as_secs_f64(),
                    measured.wall.as_secs_f64(),
                    measured.peak_bytes as f64 / (1024.0 * 1024.0),
                    measured.calls,
                    measured.write_units
                );
                Some(measured)
            }
            Err(error) => {
                println!("{name:36} WRONG: {error}");
                self.failed = true;
                None
            }
        }
    }

    pub(crate) fn print_left_out(&self, name: &str, reason: &str) {
        println!("{name:36} left out: {reason}");
    }

    /// Adds a ratio to print at the end, unless one of its lines is missing.
    pub(crate) fn add_ratio(&mut self, name: &str, ratio: Option<f64>) {
        self.ratios.extend(ratio.map(|ratio| (name.to_owned(), ratio)));
    }

    /// Prints the ratios, the machine and the versions. Fails if a line failed.
    pub(crate) fn print_ratios_and_environment(self) -> ExitCode {
        println!();
        for (name, ratio) in &self.ratios {
            println!("{ratio:>8.2}  {name}");
        }
        println!("\n{}", machine::describe_machine());
        println!("{}", peer::peer_packages().join("; "));
        if self.failed {
            println!("\nA line is WRONG, see above.");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }
}
