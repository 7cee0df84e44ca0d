//! What a load costs: the ingest function as it is built here, and the same load written for Node.js and for Python
//! with the SDKs of AWS, each as a process of its own against services on 127.0.0.1 that cost next to nothing.
//!
//! `cargo bench -p restctl-ingest` takes some minutes, `-- --quick` leaves out the long file and runs each line once.
//! `cargo bench --profile lambda -p restctl-ingest` measures what is deployed. What a load comes to (its receipt, the
//! rows put) is checked, what it takes is not: that depends on the machine.

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

use crate::measured::{Measured, median};
use crate::peer::Peer;
use crate::report::Report;

const ROWS: u64 = 200_000;
/// About 1 GB.
const MANY_ROWS: u64 = 8_000_000;
const RUNS: usize = 3;

// One thread for all services: more would ask for a tokio with other features, and so measure another function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let quick = match restctl_testkit::bench::is_quick() {
        Ok(quick) => quick,
        Err(message) => return report::refuse(&message),
    };
    let runs = if quick { 1 } else { RUNS };
    let mut report = Report::begin(runs);

    let blind =
        report.line("restctl, blind", median(runs, || restctl::load(TableContent::Nothing, ROWS)).await);
    let unchanged = median(runs, || restctl::load(TableContent::EveryRow, ROWS)).await;
    let unchanged = report.line("restctl, comparing, nothing changed", unchanged);
    let some_changed = median(runs, || restctl::load(TableContent::EveryRowSomeChanged, ROWS)).await;
    report.line("restctl, comparing, 1 in 100 changed", some_changed);
    let long = match quick {
        true => None,
        false => {
            report.line("restctl, blind, long file", restctl::load(TableContent::Nothing, MANY_ROWS).await)
        }
    };
    let mut peers = Vec::new();
    for (name, peer) in [("Node.js", Peer::node()), ("Python", Peer::python())] {
        match peer {
            Ok(peer) => peers.push((name, report.line(name, median(runs, || peer.load(ROWS)).await))),
            Err(reason) => report.left_out(name, &reason),
        }
    }

    report.ratio("comparing, nothing changed / blind, rows per CPU-second", speed(&unchanged, &blind));
    report.ratio("long file / short, peak memory", memory(&long, &blind));
    for (name, peer) in &peers {
        report.ratio(&format!("restctl, blind / {name}, rows per CPU-second"), speed(&blind, peer));
        report.ratio(&format!("restctl, blind / {name}, peak memory"), memory(&blind, peer));
    }
    report.end()
}

fn speed(one: &Option<Measured>, other: &Option<Measured>) -> Option<f64> {
    Some(one.as_ref()?.rows_per_cpu_second() / other.as_ref()?.rows_per_cpu_second())
}

fn memory(one: &Option<Measured>, other: &Option<Measured>) -> Option<f64> {
    Some(one.as_ref()?.peak_bytes as f64 / other.as_ref()?.peak_bytes as f64)
}
