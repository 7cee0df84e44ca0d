//! The speed of the hand: how long whoever types a command waits for it. `restctl --help`, and `restctl get` of one item
//! where everything is remembered; in turns with the same request by a process that does nothing else, and by curl.
//!
//! `cargo bench --workspace --bench command_latency` brings up a local cloud and takes a minute or two, `-- --quick` runs each line
//! fewer times. `RESTCTL_BINARY` names another restctl to measure. What an answer says is checked, what it takes is not:
//! that depends on the machine.

#[path = "command_latency/bare.rs"]
mod bare;
#[path = "command_latency/cloud.rs"]
mod cloud;
#[path = "command_latency/report.rs"]
mod report;

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use restctl_testkit::bench::{BoxError, is_quick};

use crate::cloud::Cloud;
use crate::report::Medians;

/// What is asked for.
const ID: &str = "42";

fn main() -> ExitCode {
    let result = if std::env::args().nth(1).as_deref() == Some(bare::ARGUMENT) {
        bare::run().map(|()| ExitCode::SUCCESS)
    } else {
        run()
    };
    result.unwrap_or_else(|error| report::refuse(&error.to_string()))
}

fn run() -> Result<ExitCode, BoxError> {
    let turns = if is_quick()? { 15 } else { 101 };
    let cloud = Cloud::up()?;
    let request = cloud.request(ID)?;
    let own = std::env::current_exe()?;

    let (mut help, mut get, mut bare, mut curl) = (vec![], vec![], vec![], vec![]);
    let mut network = vec![];
    for turn in 0..=turns {
        let helped = measured(&mut cloud.restctl(&["--help"]), "", "Usage: restctl")?;
        let got = measured(&mut cloud.restctl(&["get", "--id", ID]), "", &item())?;
        let barely = measured(Command::new(&own).arg(bare::ARGUMENT), &request.to_string(), &item())?;
        let curled = measured(&mut curl_of(), &cloud.curl_config(&request)?, &item())?;
        // The first turn wakes everything up.
        if turn > 0 {
            help.push(helped.wall);
            get.push(got.wall);
            bare.push(barely.wall);
            curl.push(curled.wall);
            network.push(bare::told(&barely.said)?);
        }
    }
    let medians = [help, get, bare, curl, network].map(report::median);
    let [help, get, bare, curl, network] = medians;
    report::print(turns, &Medians { help, get, bare, curl, network });
    Ok(ExitCode::SUCCESS)
}

/// As each of them writes it, spaces aside.
fn item() -> String {
    format!("\"id\":\"{ID}\"")
}

fn curl_of() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--show-error", "--fail", "--config", "-"]);
    curl
}

struct Measured {
    /// From spawn to exit.
    wall: Duration,
    /// Standard error.
    said: String,
}

/// Runs `command` with `input` on standard input; an error unless it succeeds and writes `expected`.
fn measured(command: &mut Command, input: &str, expected: &str) -> Result<Measured, BoxError> {
    let began = Instant::now();
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = running.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes())?;
    }
    let output = running.wait_with_output()?;
    let wall = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let written = String::from_utf8_lossy(&output.stdout).replace(": ", ":");
    if output.status.success() && written.contains(&expected.replace(": ", ":")) {
        return Ok(Measured { wall, said });
    }
    Err(format!("{command:?}: {}: {said}{written}", output.status).into())
}
