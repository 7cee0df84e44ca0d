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
    let cloud = Cloud::start_with_items()?;
    let request = cloud.cached_request(ID)?;
    let own = std::env::current_exe()?;

    let (mut help, mut get, mut bare, mut curl) = (vec![], vec![], vec![], vec![]);
    let mut network = vec![];
    for turn in 0..=turns {
        let help_run = run_and_time(&mut cloud.restctl_command(&["--help"]), "", "Usage: restctl")?;
        let get_run = run_and_time(&mut cloud.restctl_command(&["get", "--id", ID]), "", &expected_item())?;
        let bare_run =
            run_and_time(Command::new(&own).arg(bare::ARGUMENT), &request.to_string(), &expected_item())?;
        let curl_run = run_and_time(&mut curl_command(), &cloud.curl_config(&request)?, &expected_item())?;
        // The first turn is a warm-up.
        if turn > 0 {
            help.push(help_run.wall_time);
            get.push(get_run.wall_time);
            bare.push(bare_run.wall_time);
            curl.push(curl_run.wall_time);
            network.push(bare::parse_network_time(&bare_run.stderr)?);
        }
    }
    let medians = [help, get, bare, curl, network].map(report::median);
    let [help, get, bare, curl, network] = medians;
    report::print_medians(turns, &Medians { help, get, bare, curl, network });
    Ok(ExitCode::SUCCESS)
}

/// Returns the part of the item that each of them writes, apart from spaces.
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
    wall_time: Duration,
    stderr: String,
}

/// Runs `command` with `input` on standard input.
///
/// # Errors
/// If the command fails, or does not write `expected`.
fn run_and_time(command: &mut Command, input: &str, expected: &str) -> Result<CommandRun, BoxError> {
    let began = Instant::now();
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = running.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes())?;
    }
    let output = running.wait_with_output()?;
    let wall_time = began.elapsed();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let written = String::from_utf8_lossy(&output.stdout).replace(": ", ":");
    if output.status.success() && written.contains(&expected.replace(": ", ":")) {
        return Ok(CommandRun { wall_time, stderr });
    }
    Err(format!("{command:?}: {}: {stderr}{written}", output.status).into())
}
