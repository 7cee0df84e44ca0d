//! What a request costs: the API function as it is built here, and the same API written for Node.js and for Python
//! with the SDKs of AWS, each as a process of its own behind the Lambda Runtime API. The identity provider and
//! DynamoDB are on 127.0.0.1, over TLS as in life.
//!
//! `cargo bench -p restctl-api` takes a minute or two, `-- --quick` runs each line fewer times.
//! `cargo bench --profile lambda -p restctl-api` measures what is deployed. What an answer says is checked, what it
//! takes is not: that depends on the machine.

#[path = "request/cloud.rs"]
mod cloud;
#[path = "request/dynamodb.rs"]
mod dynamodb;
#[path = "request/function.rs"]
mod function;
#[path = "request/measured.rs"]
mod measured;
#[path = "request/package.rs"]
mod package;
#[path = "request/question.rs"]
mod question;
#[path = "request/report.rs"]
mod report;

use std::process::ExitCode;

use restctl_testkit::bench::BoxError;

use crate::cloud::Cloud;
use crate::function::Function;
use crate::measured::{Counts, Measured};
use crate::report::Report;

// One thread for all services: more would ask for a tokio with other features, and so measure another function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let quick = match restctl_testkit::bench::is_quick() {
        Ok(quick) => quick,
        Err(message) => return report::refuse(&message),
    };
    let counts = if quick { Counts::QUICK } else { Counts::FULL };
    let cloud = match Cloud::start().await {
        Ok(cloud) => cloud,
        Err(error) => return report::refuse(&format!("the services cannot be had: {error}")),
    };
    let mut report = Report::begin(&counts, &cloud);

    let restctl = report.line("restctl", measure(Function::restctl(), &cloud, &counts).await);
    let mut peers = Vec::new();
    for (name, function) in [("Node.js", Function::node()), ("Python", Function::python())] {
        match function {
            Ok(function) => {
                peers.push((name, report.line(name, measure(Ok(function), &cloud, &counts).await)));
            }
            Err(reason) => report.left_out(name, &reason),
        }
    }

    report.bars(restctl.as_ref());
    for (name, peer) in &peers {
        report.ratios(name, restctl.as_ref(), peer.as_ref());
    }
    report.end()
}

async fn measure(
    function: Result<Function, String>,
    cloud: &Cloud,
    counts: &Counts,
) -> Result<Measured, BoxError> {
    Measured::of(&function?, cloud, counts).await
}
