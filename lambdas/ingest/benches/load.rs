//! The cost of a load: the ingest function, and the same load written for Node.js and for Python with AWS's SDKs. Each
//! runs in its own process, against services on 127.0.0.1 that cost next to nothing.
//!
//! `cargo bench -p restctl-ingest` takes some minutes. `-- --quick` leaves out the long file and runs each line once.
//! `cargo bench --profile lambda -p restctl-ingest` measures what is deployed. The benchmark checks the receipt and the
//! rows that were put, but not the cost, which depends on the machine.

#[path = "load/cloud.rs"]
mod cloud;
#[path = "load/measured.rs"]
mod measured;
#[path = "load/peer.rs"]
mod peer;
#[path = "load/report.rs"]
mod report;
#[path = "load/restctl.rs"]
mod restctl;

use std::process::ExitCode;

use restctl_testkit::dynamodb::TableContent;

use crate::measured::{Measured, measure_median};
use crate::peer::Peer;
use crate::report::LoadReport;

const ROWS: u64 = 200_000;
/// About 1 GB.
const MANY_ROWS: u64 = 8_000_000;
const RUNS: usize = 3;

// One thread serves everything. More threads need other features of tokio, which would change the function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let quick = match restctl_testkit::bench::is_quick() {
        Ok(quick) => quick,
        Err(message) => return report::print_error(&message),
    };
    let runs = if quick { 1 } else { RUNS };
    let mut report = LoadReport::begin(runs);

    let blind = report.print_line(
        "restctl, blind",
        measure_median(runs, || restctl::measure_load(TableContent::Nothing, ROWS)).await,
    );
    let unchanged = measure_median(runs, || restctl::measure_load(TableContent::EveryRow, ROWS)).await;
    let unchanged = report.print_line("restctl, comparing, nothing changed", unchanged);
    let some_changed =
        measure_median(runs, || restctl::measure_load(TableContent::EveryRowSomeChanged, ROWS)).await;
    report.print_line("restctl, comparing, 1 in 100 changed", some_changed);
    let long = match quick {
        true => None,
        false => report.print_line(
            "restctl, blind, long file",
            restctl::measure_load(TableContent::Nothing, MANY_ROWS).await,
        ),
    };
    let mut peers = Vec::new();
    for (name, peer) in [("Node.js", Peer::install_node()), ("Python", Peer::install_python())] {
        match peer {
            Ok(peer) => peers.push((
                name,
                report.print_line(name, measure_median(runs, || peer.measure_load(ROWS)).await),
            )),
            Err(reason) => report.print_left_out(name, &reason),
        }
    }

    report.add_ratio(
        "comparing, nothing changed / blind, rows per CPU-second",
        speed_ratio(&unchanged, &blind),
    );
    report.add_ratio("long file / short, peak memory", memory_ratio(&long, &blind));
    for (name, peer) in &peers {
        report.add_ratio(&format!("restctl, blind / {name}, rows per CPU-second"), speed_ratio(&blind, peer));
        report.add_ratio(&format!("restctl, blind / {name}, peak memory"), memory_ratio(&blind, peer));
    }
    report.print_ratios_and_environment()
}

fn speed_ratio(one: &Option<Measured>, other: &Option<Measured>) -> Option<f64> {
    Some(one.as_ref()?.rows_per_cpu_second() / other.as_ref()?.rows_per_cpu_second())
}

fn memory_ratio(one: &Option<Measured>, other: &Option<Measured>) -> Option<f64> {
    Some(one.as_ref()?.peak_bytes as f64 / other.as_ref()?.peak_bytes as f64)
}
