//! What a request costs: the API function as it is built here, and the same API written for Node.js and for Python
//! with the SDKs of AWS, each as a process of its own behind the Lambda Runtime API. The identity provider and
//! DynamoDB are on 127.0.0.1, over TLS as in life.
//!
//! `cargo bench -p restctl-api` takes a minute or two, `-- --quick` runs each line fewer times.
//! `cargo bench --profile lambda -p restctl-api` measures what is deployed. What an answer says is checked, what it
//! takes is not: that depends on the machine.

#[path = "request/checked_request.rs"]
mod checked_request;
#[path = "request/cloud.rs"]
mod cloud;
#[path = "request/dynamodb.rs"]
mod dynamodb;
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
use crate::report::Report;
use crate::trial::{Counts, Trial};

// One thread for all services: more would ask for a tokio with other features, and so measure another function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| report::refuse(&error.to_string()))
}

async fn run() -> Result<ExitCode, BoxError> {
    let counts = if is_quick()? { Counts::QUICK } else { Counts::FULL };
    let cloud = Cloud::start().await?;
    let mut report = Report::begin(&counts, &cloud);

    let mut trials = vec![Trial::of("restctl", Function::restctl()?)];
    for (name, function) in [("Node.js", Function::node()), ("Python", Function::python())] {
        match function {
            Ok(function) => trials.push(Trial::of(name, function)),
            Err(reason) => report.left_out(name, &reason),
        }
    }
    // In turns, so that what else the machine does meets all of them alike.
    for _ in 0..counts.starts {
        for trial in &mut trials {
            trial.start(&cloud).await;
        }
    }
    for _ in 0..counts.runs {
        for trial in &mut trials {
            trial.warm(&cloud, &counts).await;
        }
    }

    let mut lines = trials.into_iter().map(|trial| (trial.name, report.line(trial.name, trial.end())));
    let restctl = lines.next().and_then(|(_, measured)| measured);
    let peers: Vec<_> = lines.collect();
    report.bars(restctl.as_ref());
    for (name, peer) in &peers {
        report.ratios(name, restctl.as_ref(), peer.as_ref());
    }
    Ok(report.end())
}
