//! A load that does not fit into one invocation, and whose function is killed in the middle.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Ran, eventually, fixtures};

/// The fixture over and over with other ids: more than an invocation of some seconds gets done.
const COPIES: usize = 20;
const SECONDS: u32 = 10;

#[test]
fn a_load_outlives_its_invocations() {
    let cloud = Cloud::deployed(&[]);
    let function = cloud.resource("IngestFunction");
    let configuration = format!("/2015-03-31/functions/{function}/configuration");
    let timeout = json!({ "Timeout": SECONDS }).to_string();
    cloud.send("lambda", Method::PUT, &configuration, |request| request.body(timeout));
    // It makes a version of the function as it is now, and that one live.
    cloud.succeed(&["deploy"]);

    let mut command = cloud.command(&["upload", &many_items(&cloud)]);
    let upload = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = |load: &Value| load["progress"].as_u64() > Some(1_000);
    let first = eventually("the load is on its way", || only_load(&cloud).filter(begun));
    assert_eq!(first["state"], "loading");
    kill_function(&cloud, &function);

    let uploaded = Ran::from(upload.wait_with_output().unwrap());
    assert_eq!(uploaded.exit, 0, "{}", uploaded.said);
    let rows = 3_000 * COPIES as u64;
    assert_eq!((uploaded.count("read"), uploaded.count("rejected")), (rows, 0));
    assert_eq!(uploaded.count("new") + uploaded.count("duplicates"), rows, "{}", uploaded.data);
    let seconds = only_load(&cloud).unwrap()["seconds"].as_f64().unwrap();
    assert!(seconds > f64::from(SECONDS), "{seconds} s are no more than an invocation has");

    let last = format!("42-{}", COPIES - 1);
    assert_eq!(cloud.succeed(&["get", "--id", &last]).json()["name"], "Pocket Towel");
    let again = cloud.succeed(&["upload", "--name", "again.csv", &many_items(&cloud)]);
    // Two rows of a key in different windows are both written.
    let pairs = 15 * COPIES as u64;
    assert!(again.count("unchanged") >= rows - 2 * pairs, "{}", again.data);
    assert_eq!((again.count("new"), again.count("stale")), (0, 0), "{}", again.data);
}

fn many_items(cloud: &Cloud) -> String {
    let items = fs::read_to_string(fixtures().join("items.csv")).unwrap();
    let (header, _) = items.split_once('\n').unwrap();
    let records: Vec<&str> = csv_records(&items).skip(1).collect();
    let mut many = format!("{header}\n");
    for copy in 0..COPIES {
        for record in &records {
            let (id, rest) = record.split_once(',').unwrap();
            many.push_str(&format!("{id}-{copy},{rest}"));
        }
    }
    let file = cloud.state().join("many.csv");
    fs::write(&file, many).unwrap();
    file.into_os_string().into_string().unwrap()
}

/// The records of a CSV with their line ends: newlines within quotes end none.
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

/// As if it had run out of memory.
fn kill_function(cloud: &Cloud, function: &str) {
    let environment_of = |process: &Path| fs::read(process.join("environ")).ok();
    let endpoint = cloud.record()["endpoint_url"].as_str().unwrap().to_owned();
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
    let mut killed = 0;
    for process in fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let Some(environment) = environment_of(&process) else { continue };
        let variables: Vec<&[u8]> = environment.split(|byte| *byte == 0).collect();
        let endpoint = format!("AWS_ENDPOINT_URL={}", endpoint.trim_end_matches('/'));
        if variables.contains(&name.as_bytes()) && variables.contains(&endpoint.as_bytes()) {
            let id: i32 = process.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let id = rustix::process::Pid::from_raw(id).unwrap();
            rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
            killed += 1;
        }
    }
    assert!(killed > 0, "no process of {function} was found");
}
