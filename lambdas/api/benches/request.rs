//! Measures the cost of a request: in this API function, and in the same API written with AWS's SDKs for Node.js and
//! for Python. Each runs in a process of its own behind the Lambda Runtime API. The identity provider and DynamoDB are
//! on 127.0.0.1, over TLS as in production.
//!
//! `cargo bench -p restctl-api` takes a minute or two, and `-- --quick` repeats less often.
//! `cargo bench --profile lambda -p restctl-api` measures the deployed build. The benchmark checks the answers, but not
//! the times, which depend on the machine.

#[path = "request/checked_request.rs"]
mod checked_request;
#[path = "request/cloud.rs"]
mod cloud;
#[path = "request/function.rs"]
mod function;
#[path = "request/package.rs"]
mod package;
#[path = "request/report.rs"]
mod report;
#[path = "request/trial.rs"]
mod trial;

use std::process::ExitCode;

use restctl_testkit::bench::{BoxError, is_quick};

use crate::cloud::Cloud;
use crate::function::Function;
use crate::report::BenchReport;
use crate::trial::{Repetitions, Trial};

// One thread for all services. More would need other features of tokio, and so measure another function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| report::print_error(&error.to_string()))
}

async fn run() -> Result<ExitCode, BoxError> {
    let repetitions = if is_quick()? { Repetitions::QUICK } else { Repetitions::FULL };
    let cloud = Cloud::start().await?;
    let mut report = BenchReport::begin(&repetitions, &cloud);

    let mut trials = vec![Trial::new("restctl", Function::prepare_restctl()?)];
    for (name, function) in [("Node.js", Function::install_node()), ("Python", Function::install_python())] {
        match function {
            Ok(function) => trials.push(Trial::new(name, function)),
            Err(reason) => report.print_left_out(name, &reason),
        }
    }
    // In turns, so that other load on the machine affects all of them equally.
    for _ in 0..repetitions.starts {
        for trial in &mut trials {
            trial.run_cold(&cloud).await;
        }
    }
    for _ in 0..repetitions.runs {
        for trial in &mut trials {
            trial.run_warm(&cloud, &repetitions).await;
        }
    }

    let mut lines =
        trials.into_iter().map(|trial| (trial.name, report.print_line(trial.name, trial.into_median())));
    let restctl = lines.next().and_then(|(_, measured)| measured);
    let peers: Vec<_> = lines.collect();
    report.print_bars(restctl.as_ref());
    for (name, peer) in &peers {
        report.print_ratios(name, restctl.as_ref(), peer.as_ref());
    }
    Ok(report.print_environment())
}
