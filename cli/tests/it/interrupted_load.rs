//! A load whose function is killed before its end.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput, eventually, fixtures_folder};

/// How many times the file has the fixture, with other ids: enough that the function does not finish between two looks.
const COPIES: usize = 10;

/// The function reports to the ledger once in this time. After a pause of this length, the next report is due.
const REPORT_INTERVAL: Duration = Duration::from_millis(1_100);

/// The function's timeout. The message of a load is hidden from the next invocation until then. It is long enough to reach a
/// checkpoint, and short enough that the test does not wait long.
const INVOCATION_SECONDS: u32 = 15;

#[test]
fn a_load_continues_from_the_checkpoint_of_a_killed_function() {
    let cloud = Cloud::start_deployed(&[]);
    let function = Function { cloud: &cloud, name: cloud.resource_id("IngestFunction") };
    let configuration = format!("/2015-03-31/functions/{}/configuration", function.name);
    let timeout = json!({ "Timeout": INVOCATION_SECONDS }).to_string();
    cloud.send_request("lambda", Method::PUT, &configuration, |request| request.body(timeout));
    // This publishes a version with the new timeout and makes it live.
    cloud.succeed(&["deploy"]);
    let mut command = cloud.command(&["upload", &many_items(&cloud)]);
    let upload = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let checkpoint = kill_at_a_checkpoint(&function);

    let uploaded = CommandOutput::from(upload.wait_with_output().unwrap());
    assert_eq!(uploaded.exit, 0, "{}", uploaded.stderr);
    let rows = 3_000 * COPIES as u64;
    assert_eq!((uploaded.receipt_count("read"), uploaded.receipt_count("rejected")), (rows, 0));
    assert_eq!(
        uploaded.receipt_count("new") + uploaded.receipt_count("duplicates"),
        rows,
        "{}",
        uploaded.stdout
    );
    let (first, second) = (find_invocation(&cloud, 0), find_invocation(&cloud, checkpoint));
    assert_ne!(first, second, "the same invocation");

    let last = format!("42-{}", COPIES - 1);
    assert_eq!(cloud.succeed(&["get", "--id", &last]).json()["name"], "Pocket Towel");
    let again = cloud.succeed(&["upload", "--name", "again.csv", &many_items(&cloud)]);
    // If two rows with the same key are in different windows, both are written.
    let pairs = 15 * COPIES as u64;
    assert!(again.receipt_count("unchanged") >= rows - 2 * pairs, "{}", again.stdout);
    assert_eq!((again.receipt_count("new"), again.receipt_count("stale")), (0, 0), "{}", again.stdout);
}

/// Kills the function during the load, as if it had run out of memory, and returns the byte from which the load has to
/// continue. The function is paused whenever the test looks at the load.
fn kill_at_a_checkpoint(function: &Function<'_>) -> u64 {
    eventually("the load is at a checkpoint", || {
        function.send_signal(Signal::STOP);
        let load = only_load(function.cloud).unwrap_or_default();
        assert_ne!(load["state"], "loaded", "the load ended without a checkpoint");
        let checkpoint = load["position"]["offset"].as_u64().filter(|offset| *offset > 0);
        if checkpoint.is_some() {
            assert!(function.send_signal(Signal::KILL) > 0, "the function does not run");
        } else {
            if load["state"] == "loading" {
                sleep(REPORT_INTERVAL);
            }
            function.send_signal(Signal::CONT);
        }
        checkpoint
    })
}

/// Returns the id of the invocation that continued the load from this byte, according to the log.
fn find_invocation(cloud: &Cloud, from_byte: u64) -> String {
    let load = only_load(cloud).unwrap()["load"].as_str().unwrap().to_owned();
    eventually(&format!("an attempt from byte {from_byte} is in the log"), || {
        let log = cloud.succeed(&["logs", "--load", &load]).stdout;
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut begun = lines.filter(|line| line["message"] == "an attempt begins");
        let line = begun.find(|line| line["from_byte"] == from_byte)?;
        Some(line["spans"][0]["requestId"].as_str().unwrap().to_owned())
    })
}

fn many_items(cloud: &Cloud) -> String {
    let items = fs::read_to_string(fixtures_folder().join("items.csv")).unwrap();
    let (header, _) = items.split_once('\n').unwrap();
    let records: Vec<&str> = csv_records(&items).skip(1).collect();
    let mut many = format!("{header}\n");
    for copy in 0..COPIES {
        for record in &records {
            let (id, rest) = record.split_once(',').unwrap();
            many.push_str(&format!("{id}-{copy},{rest}"));
        }
    }
    cloud.write_file("many.csv", &many)
}

/// Returns the records of a CSV text with their line ends. Line breaks within quotes do not end a record.
fn csv_records(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split_inclusive(move |character: char| {
        quoted ^= character == '"';
        character == '\n' && !quoted
    })
}

fn only_load(cloud: &Cloud) -> Option<Value> {
    let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
    loads.as_array().unwrap().iter().find(|load| load["object"] == "many.csv").cloned()
}

struct Function<'a> {
    cloud: &'a Cloud,
    name: String,
}

impl Function<'_> {
    /// Sends the signal to each process of the function, and returns their number.
    fn send_signal(&self, signal: Signal) -> usize {
        let endpoint = self.cloud.record()["endpoint_url"].as_str().unwrap().to_owned();
        let variables = [
            format!("AWS_LAMBDA_FUNCTION_NAME={}", self.name),
            format!("AWS_ENDPOINT_URL={}", endpoint.trim_end_matches('/')),
        ];
        let has_variables = |process: &Path| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            let lines: Vec<&[u8]> = environment.split(|byte| *byte == 0).collect();
            variables.iter().all(|variable| lines.contains(&variable.as_bytes()))
        };
        let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let ids = processes
            .filter(|process| has_variables(process))
            .map(|process| process.file_name().unwrap().to_str().unwrap().parse().unwrap());
        ids.filter(|id| kill_process(Pid::from_raw(*id).unwrap(), signal).is_ok()).count()
    }
}
