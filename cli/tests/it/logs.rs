//! `restctl logs`, with lines of the real functions and with hostile lines.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput, PATIENCE, eventually};
use crate::interposed::interpose;

fn json_lines(ran: &CommandOutput) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn log_messages(ran: &CommandOutput) -> Vec<String> {
    json_lines(ran).iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

/// Returns the current time in milliseconds since 1970.
fn milliseconds_now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Writes messages into the log of the API function.
fn write_log(cloud: &Cloud, stream: &str, messages: &[&str]) {
    let group = cloud.resource_id("ApiLogs");
    let named = json!({ "logGroupName": group, "logStreamName": stream });
    cloud.call_json("logs", "Logs_20140328.CreateLogStream", &named);
    let events: Vec<Value> = messages
        .iter()
        .map(|message| json!({ "timestamp": milliseconds_now(), "message": message }))
        .collect();
    let events = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events });
    cloud.call_json("logs", "Logs_20140328.PutLogEvents", &events);
}

#[test]
fn what_the_functions_wrote_is_found() {
    let cloud = Cloud::start_empty();
    cloud.run(&["logs"]).failed_with(5, &["there is no stack restctl in us-east-1", "restctl deploy"]);
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    let load =
        cloud.run(&["upload", "bad.csv", "--output", "json"]).json()["load"].as_str().unwrap().to_owned();
    cloud.run(&["get", "--id", "nobody"]).failed_with(5, &["nobody"]);

    let of_load = eventually("the load is in the log", || {
        let found = cloud.run(&["logs", "--load", &load]);
        (found.exit == 0).then_some(found)
    });
    assert_eq!(log_messages(&of_load), ["an attempt begins", "loaded"]);
    let spans = json_lines(&of_load)[1]["spans"].clone();
    let invocation = spans[0]["requestId"].as_str().unwrap();
    assert!(of_load.stderr.contains(&format!("logs --request {invocation}")), "{}", of_load.stderr);
    let whole = cloud.succeed(&["logs", "--request", invocation, "--all"]).stdout;
    assert!(whole.contains("REPORT") && whole.contains("an attempt begins"), "{whole}");
    let content = cloud.succeed(&["logs", "--request", invocation]).stdout;
    let is_platforms = |line: &&str| {
        ["START RequestId", "END RequestId", "REPORT RequestId"].iter().any(|text| line.contains(text))
    };
    let expected: Vec<&str> = whole.lines().filter(|line| !is_platforms(line)).collect();
    assert_eq!(content.lines().collect::<Vec<_>>(), expected, "{whole}");
    assert!(of_load.stdout.lines().all(|line| line.contains(&load)), "{}", of_load.stdout);
    cloud
        .run(&["logs", "--load", "0123456789abcdef"])
        .failed_with(5, &["nothing about the load", "loads show"]);
    cloud.run(&["logs", "api", "--load", &load]).failed_with(2, &["logs ingest"]);

    let is_404 = |line: &Value| line["status"] == 404;
    let request = eventually("the request is in the log", || {
        let line = json_lines(&cloud.succeed(&["logs", "api"])).into_iter().find(is_404)?;
        Some(line["request_id"].as_str().unwrap().to_owned())
    });
    let of_request = cloud.succeed(&["logs", "--request", &request.to_uppercase()]);
    assert!(of_request.stdout.lines().all(|line| line.contains(&request)), "{}", of_request.stdout);
    assert_eq!(json_lines(&of_request).into_iter().filter(is_404).count(), 1, "{}", of_request.stdout);
    let unknown = "00000000-0000-4000-8000-000000000000";
    cloud.run(&["logs", "--request", unknown]).failed_with(5, &[unknown, "--since 30d"]);
    cloud.run(&["logs", "--request", "\" \""]).failed_with(2, &["x-request-id"]);

    let both = cloud.succeed(&["logs", "--since", "1d", "--color", "always"]).stdout;
    let both = without_colors(&both);
    let is_in_both = |words: &[&str]| both.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(is_in_both(&[" ingest ", " INFO  loaded ", &load]), "{both}");
    assert!(is_in_both(&[" api ", " INFO  GET item 404 ", "problem=item-not-found", &request]), "{both}");
    let times: Vec<&str> =
        both.lines().filter(|line| !line.ends_with("UTC")).map(|line| &line[..12]).collect();
    assert!(times.is_sorted(), "{both}");

    lines_of_the_platform_alone_are_mentioned(&cloud);
    let none = cloud.succeed(&["logs", "--since", "2100-01-01T00:00:00Z"]);
    assert!(none.stdout.is_empty() && none.stderr.contains("--since 1d"), "{}", none.stderr);
    cloud.run(&["logs", "--since", "yesterday"]).failed_with(2, &["90m"]);
    hostile_lines_are_harmless(&cloud);
    new_lines_are_followed(&cloud);
    pages_of_any_size_are_merged(&cloud);
}

fn lines_of_the_platform_alone_are_mentioned(cloud: &Cloud) {
    let id = "11111111-0000-4000-8000-000000000000";
    let start = format!("START RequestId: {id} Version: 7");
    write_log(cloud, "platform", &[&start]);
    let none = cloud.succeed(&["logs", "--request", id]);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no lines; --all shows the platform's\n"));
    assert_eq!(log_messages(&cloud.succeed(&["logs", "--request", id, "--all"])), [start]);
}

/// Removes the color codes that restctl itself writes.
fn without_colors(text: &str) -> String {
    let mut free = text.to_owned();
    for code in ["0", "1", "2", "31", "32", "33", "36"] {
        free = free.replace(&format!("\u{1b}[{code}m"), "");
    }
    free
}

fn hostile_lines_are_harmless(cloud: &Cloud) {
    let object = "{\"level\":\"WARN\",\"message\":\"said \\u001b]0;owned\\u0007\",\"c1\":\"\u{9b}2J\"}";
    write_log(cloud, "hostile", &["raw \u{1b}[2J\u{9b}2J\u{7}", object]);
    let shown = without_colors(&cloud.succeed(&["logs", "api", "--color", "always"]).stdout);
    let lines: Vec<&str> =
        shown.lines().filter(|line| line.contains("raw ") || line.contains("said ")).collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(!shown.replace('\n', "").contains(char::is_control), "{shown:?}");
    let raw = cloud.succeed(&["logs", "api"]);
    assert!(!raw.stdout.replace('\n', "").contains(char::is_control), "{:?}", raw.stdout);
    assert!(log_messages(&raw).contains(&"raw \u{1b}[2J\u{9b}2J\u{7}".to_owned()), "{}", raw.stdout);
}

struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn follow_api(cloud: &Cloud) -> Self {
        let mut command = cloud.command(&["logs", "api", "--follow"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines }
    }

    /// Returns the next lines, up to the one that contains `word`.
    fn read_until(&self, word: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while !lines.iter().any(|line: &String| line.contains(word)) {
            let line = self.lines.recv_timeout(PATIENCE);
            lines.push(line.unwrap_or_else(|error| panic!("no {word} in {lines:?}: {error}")));
        }
        lines
    }

    fn interrupt(mut self) -> i32 {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

fn new_lines_are_followed(cloud: &Cloud) {
    let follower = Follower::follow_api(cloud);
    follower.read_until("raw ");
    write_log(cloud, "later", &["START RequestId: id-1 Version: 7", "written later"]);
    let later = follower.read_until("written later");
    assert!(!later.iter().any(|line| line.contains("raw ") || line.contains("START ")), "{later:?}");
    assert_eq!(follower.interrupt(), 0);
}

/// AWS may divide the pages anywhere, and a line may arrive late.
fn pages_of_any_size_are_merged(cloud: &Cloud) {
    let now = milliseconds_now();
    let event = move |id: &str, age: u64| json!({ "eventId": id, "timestamp": now - age, "message": format!("<{id}>"), "logStreamName": "test" });
    let read_before = AtomicBool::new(false);
    interpose(cloud, move |call| {
        if call.target != "Logs_20140328.FilterLogEvents" {
            return None;
        }
        let asked: Value = serde_json::from_str(&call.body).unwrap();
        let page = match (read_before.load(Ordering::SeqCst), asked["nextToken"].as_str()) {
            (false, None) => json!({ "events": [event("b", 5_000)], "nextToken": "empty" }),
            (false, Some("empty")) => json!({ "events": [], "nextToken": "last" }),
            (false, Some(_)) => {
                read_before.store(true, Ordering::SeqCst);
                json!({ "events": [event("c", 4_000)] })
            }
            (true, _) => {
                json!({ "events": [event("a", 9_000), event("b", 5_000), event("c", 4_000), event("d", 4_000)] })
            }
        };
        Some(page.to_string())
    });
    let follower = Follower::follow_api(cloud);
    let messages: Vec<Value> = follower
        .read_until("<d>")
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].clone())
        .collect();
    assert_eq!(messages, ["<b>", "<c>", "<a>", "<d>"]);
    assert_eq!(follower.interrupt(), 0);
}
