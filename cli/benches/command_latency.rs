//! Command latency: how long a user waits for a command. The commands are `restctl --help`, and `restctl get` of one
//! item with a cached token and location. They alternate with the same request by a process that does nothing else,
//! and by curl.
//!
//! `cargo bench --workspace --bench command_latency` starts a local cloud and takes a minute or two. `-- --quick` runs
//! each line fewer times. `RESTCTL_BINARY` names another restctl to measure. The benchmark checks the answers, but not
//! the times, which depend on the machine.

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

/// The id of the item.
const ID: &str = "42";

fn main() -> ExitCode {
    let result = if std::env::args().nth(1).as_deref() == Some(bare::ARGUMENT) {
        bare::run().map(|()| ExitCode::SUCCESS)
    } else {
        run()
    };
    result.unwrap_or_else(|error| report::print_error(&error.to_string()))
}

fn run() -> Result<ExitCode, BoxError> {
    let turns = if is_quick()? { 15 } else { 101 };
    let cloud = Cloud::up()?;
    let request = cloud.request(ID)?;
    let own = std::env::current_exe()?;

    let (mut help, mut get, mut bare, mut curl) = (vec![], vec![], vec![], vec![]);
    let mut network = vec![];
    for turn in 0..=turns {
        let help_run = measure(&mut cloud.restctl(&["--help"]), "", "Usage: restctl")?;
        let get_run = measure(&mut cloud.restctl(&["get", "--id", ID]), "", &expected_item())?;
        let bare_run =
            measure(Command::new(&own).arg(bare::ARGUMENT), &request.to_string(), &expected_item())?;
        let curl_run = measure(&mut curl_command(), &cloud.curl_config(&request)?, &expected_item())?;
        // The first turn is a warm-up.
        if turn > 0 {
            help.push(help_run.wall);
            get.push(get_run.wall);
            bare.push(bare_run.wall);
            curl.push(curl_run.wall);
            network.push(bare::read_network_time(&bare_run.stderr)?);
        }
    }
    let medians = [help, get, bare, curl, network].map(report::median);
    let [help, get, bare, curl, network] = medians;
    report::print(turns, &Medians { help, get, bare, curl, network });
    Ok(ExitCode::SUCCESS)
}

/// Returns part of the item as each of them writes it, apart from spaces.
fn expected_item() -> String {
    format!("\"id\":\"{ID}\"")
}

fn curl_command() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--show-error", "--fail", "--config", "-"]);
    curl
}

struct CommandRun {
    /// From spawn to exit.
    wall: Duration,
    stderr: String,
}

/// Runs `command` with `input` on standard input.
///
/// # Errors
/// If it fails, or does not write `expected`.
fn measure(command: &mut Command, input: &str, expected: &str) -> Result<CommandRun, BoxError> {
    let began = Instant::now();
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = running.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes())?;
    }
    let output = running.wait_with_output()?;
    let wall = began.elapsed();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let written = String::from_utf8_lossy(&output.stdout).replace(": ", ":");
    if output.status.success() && written.contains(&expected.replace(": ", ":")) {
        return Ok(CommandRun { wall, stderr });
    }
    Err(format!("{command:?}: {}: {stderr}{written}", output.status).into())
}
