//! The table of results, the only thing that the benchmark prints.
#![expect(clippy::print_stdout, reason = "a benchmark is read on the terminal")]

use std::process::ExitCode;

use restctl_testkit::bench::{BoxError, machine};

use crate::measured::Measured;
use crate::peer;

pub(crate) struct Report {
    ratios: Vec<(String, f64)>,
    failed: bool,
}

pub(crate) fn refuse(message: &str) -> ExitCode {
    println!("{message}");
    ExitCode::from(2)
}

impl Report {
    /// Prints the head of the table.
    pub(crate) fn begin(runs: usize) -> Self {
        println!(
            "Rows of 10 columns and 120 bytes; the long file's line is one run, of the others the median of {runs}."
        );
        println!(
            "CPU is user and system time of the loading process; \"in all\" has its start, the rest has not.\n"
        );
        println!(
            "{:36} {:>9} {:>10} {:>7} {:>7} {:>7} {:>9} {:>8} {:>11}",
            "", "rows", "rows/CPU-s", "CPU s", "in all", "wall s", "peak MiB", "calls", "write units"
        );
        Self { ratios: Vec::new(), failed: false }
    }

    /// Prints one line, and hands back what it shows unless the load went wrong.
    pub(crate) fn line(&mut self, name: &str, outcome: Result<Measured, BoxError>) -> Option<Measured> {
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

    pub(crate) fn left_out(&self, name: &str, reason: &str) {
        println!("{name:36} left out: {reason}");
    }

    /// Keeps a ratio for the end; one of a line that is not there is left out.
    pub(crate) fn ratio(&mut self, name: &str, ratio: Option<f64>) {
        self.ratios.extend(ratio.map(|ratio| (name.to_owned(), ratio)));
    }

    /// Prints ratios, machine and versions. Fails if a line did.
    pub(crate) fn end(self) -> ExitCode {
        println!();
        for (name, ratio) in &self.ratios {
            println!("{ratio:>8.2}  {name}");
        }
        println!("\n{}", machine::description());
        println!("{}", peer::packages().join("; "));
        if self.failed {
            println!("\nA line is WRONG, see above.");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }
}
