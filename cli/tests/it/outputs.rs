//! What each command writes to standard output, for people and for programs, word for word except for values that differ from
//! run to run: `cli/tests/outputs`.

use std::sync::OnceLock;

use regex_lite::Regex;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::pages::{assert_as_documented, leaf_commands};
use crate::snapshots::Snapshots;

/// The patterns of values that differ from run to run, and what replaces them.
const VARIABLE_VALUES: [(&str, &str); 22] = [
    ("-----BEGIN [^\"]+", "[PEM]"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "[TOKEN]"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "[TIME]"),
    (r"\d{4}-\d\d-\d\d", "[DATE]"),
    (r"\d\d:\d\d:\d\d UTC", "[TIME] UTC"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[UUID]"),
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\b[0-9a-f]{32}\b", "[VERSION]"),
    (r"\b[0-9a-f]{16}\b", "[LOAD]"),
    (r"-[0-9A-F]{13}\b", "-[SUFFIX]"),
    (r"-databucket-[0-9a-f]{13}\b", "-databucket-[SUFFIX]"),
    // A hyphen at an end of the id is no boundary of a word.
    (r"(^|[^\w-])[\w-]{43}($|[^\w-])", "$1[KEY]$2"),
    (r"(127\.0\.0\.1|localhost):\d+", "$1:[PORT]"),
    (r"(supervisor|emulator)(.{0,3}): \d+", "$1$2: [PID]"),
    (r"\d+ \((supervisor|emulator)\)", "[PID] ($1)"),
    (r#"(seconds|_ms|rows_per_second|read_units|skew)": [\d.]+"#, r#"$1": [NUMBER]"#),
    (r"(seconds|rows per second|read units) +[\d.]+", "$1  [NUMBER]"),
    (r"\b[\d.]+ (ms|s)\b", "[NUMBER] $1"),
    // Before the days, which such a number can look like.
    (r"\d+ in the last", "[NUMBER] in the last"),
    (r"\b39\d\b", "[DAYS]"),
    (r"\b1[789]\d{8}\b", "[SECONDS]"),
    (r"(\S)  +", "$1  "),
];

/// Compares what `restctl ARGS` writes, as text and as JSON, with the snapshots of this name.
fn compare_output(cloud: &Cloud, name: &str, args: &[&str], snapshots: &mut Snapshots) {
    for format in ["text", "json"] {
        let ran = cloud.run(&[args, &["--output", format]].concat());
        if format == "json" {
            assert_as_documented(args, &ran.stdout, ran.exit);
        }
        let data = if format == "json" { without_histories(&ran.stdout) } else { ran.stdout };
        let mut written = replace_variables(&format!("$ restctl {}\n{data}", args.join(" ")));
        if ran.exit != 0 {
            let failure: Vec<&str> = if format == "json" {
                ran.stderr.lines().last().into_iter().collect()
            } else {
                ran.stderr.lines().skip_while(|line| !line.starts_with("error:")).collect()
            };
            written.push_str(&format!("? {}\n", ran.exit));
            failure.iter().for_each(|line| written.push_str(&format!("{}\n", replace_variables(line))));
        }
        snapshots.compare(&format!("{}.{format}", name.replace('_', "-")), &written);
    }
}

pub(crate) fn replace_variables(text: &str) -> String {
    VARIABLE_VALUES.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

/// Replaces long lists of numbers, which grow every second.
fn without_histories(data: &str) -> String {
    fn strip_numbers(value: &mut Value) {
        match value {
            Value::Array(items) if items.len() > 20 && items.iter().all(|it| !it.is_object()) => {
                *value = Value::from("[NUMBERS]");
            }
            Value::Array(items) => items.iter_mut().for_each(strip_numbers),
            Value::Object(members) => members.values_mut().for_each(strip_numbers),
            _ => {}
        }
    }
    match serde_json::from_str::<Value>(data) {
        Ok(mut document) => {
            strip_numbers(&mut document);
            serde_json::to_string_pretty(&document).unwrap() + "\n"
        }
        // Lines of JSON.
        Err(_) => data.to_owned(),
    }
}

/// Compares the outputs of a command that changes nothing. LOAD among its arguments is the load of `bad.csv`.
fn compare_read_only(name: &str, args: &[&str]) {
    static LOAD: OnceLock<String> = OnceLock::new();
    let cloud = Cloud::shared_read_only();
    let load = LOAD.get_or_init(|| {
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        loads[0]["load"].as_str().unwrap().to_owned()
    });
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "LOAD" { load } else { *arg }).collect();
    let mut snapshots = Snapshots::in_folder("outputs");
    compare_output(cloud, name, &args, &mut snapshots);
    snapshots.finish();
}

/// A test for each command.
macro_rules! outputs {
    ($($name:ident: $($arg:literal)+;)+) => {
        $(#[test] fn $name() { compare_read_only(stringify!($name), &[$($arg),+]); })+
    };
}

outputs! {
    auth_test: "auth-test";
    cert_show: "cert" "show";
    config_show: "config" "show";
    dlq_drop: "dlq" "drop" "--all" "--yes";
    dlq_ls: "dlq" "ls";
    dlq_redrive: "dlq" "redrive" "--load" "LOAD";
    doctor: "doctor";
    export: "export";
    get: "get" "--id" "1";
    get_csv: "get" "--id" "1" "5" "--format" "csv" "--fields" "id,name";
    get_explain: "get" "--id" "1" "--explain";
    get_none: "get" "--id" "none";
    get_several: "get" "--id" "1" "none";
    get_table: "get" "--id" "1" "5" "--format" "table";
    idp_show: "idp" "show";
    loads_ls: "loads" "ls";
    loads_rejects: "loads" "rejects" "LOAD";
    loads_retry: "loads" "retry" "LOAD";
    loads_show: "loads" "show" "LOAD";
    local_status: "local" "status";
    not_deployed: "loads" "ls" "--stack" "other";
    status: "status";
    status_all: "status" "--all";
    token: "token";
    token_explain: "token" "explain";
    upload: "upload" "bad.csv";
    upload_dry_run: "upload" "--dry-run" "items.csv";
    verify: "verify" "bad.csv";
}

/// Commands whose output is too long, or differs too much from run to run, for a snapshot.
const WITHOUT_SNAPSHOT: [&[&str]; 11] = [
    &["completions", "bash"],
    &["export", "--format", "csv"],
    &["export", "items.ndjson"],
    &["get", "--id", "1", "5", "--format", "ndjson"],
    &["idp", "add", "--issuer", "https://127.0.0.1:9/", "--audience", "a"],
    &["idp", "remove", "https://127.0.0.1:9/"],
    &["local", "env"],
    &["local", "up"],
    &["logs", "--since", "1h"],
    &["man"],
    &["loads", "ls", "--ignored"],
];

#[test]
fn standard_output_is_what_the_page_says() {
    let cloud = Cloud::shared_read_only();
    let folder = tempfile::tempdir().unwrap();
    for args in WITHOUT_SNAPSHOT {
        let mut command = cloud.command(args);
        let ran = command.args(["--output", "json"]).current_dir(folder.path()).output().unwrap();
        let ran = CommandOutput::from(ran);
        assert_as_documented(args, &ran.stdout, ran.exit);
        // Nobody answers as this issuer.
        assert!(ran.exit == 0 || args[0] == "idp", "{args:?}: {}", ran.stderr);
        if ran.exit != 0 {
            serde_json::from_str::<Value>(ran.stderr.lines().last().unwrap()).unwrap();
        }
    }
}

#[test]
fn every_command_is_compared_with_the_page() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outputs");
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()));
    let typed = files.map(|text| text.unwrap().split("$ restctl ").nth(1).unwrap().to_owned());
    let mut typed: Vec<String> = typed.chain(WITHOUT_SNAPSHOT.map(|args| args.join(" "))).collect();
    // It would build the Lambdas. Its only output is the document at its end.
    typed.push("demo".to_owned());
    let missing = leaf_commands().into_iter();
    let missing = missing.filter(|command| !typed.iter().any(|line| line.starts_with(command.as_str())));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

/// The output of these commands depends on the commands before, so they run in this order.
#[test]
fn commands_that_change_something() {
    let cloud = Cloud::new();
    cloud.succeed(&["local", "up"]);
    let mut snapshots = Snapshots::in_folder("outputs");
    for (name, args) in [
        ("setup", &["setup"][..]),
        ("deploy_dry_run", &["deploy", "--dry-run"]),
        ("deploy", &["deploy", "--list", "on"]),
        ("cert_renew", &["cert", "renew"]),
        ("idp_rotate_secret", &["idp", "rotate-secret"]),
        ("rollback", &["rollback"]),
    ] {
        compare_output(&cloud, name, args, &mut snapshots);
    }
    // What a deleted stack leaves.
    cloud.succeed(&["destroy", "--yes"]);
    cloud.succeed(&["setup"]);
    // The size of a log differs from run to run.
    for log in ["ApiLogs", "IngestLogs"] {
        let log = json!({ "logGroupName": format!("/aws/cloudformation/restctl/{log}") });
        cloud.call_json("logs", "Logs_20140328.DeleteLogGroup", &log);
    }
    compare_output(&cloud, "status_all_unused", &["status", "--all"], &mut snapshots);
    compare_output(&cloud, "deploy_undecided", &["deploy"], &mut snapshots);
    cloud.succeed(&["deploy", "--adopt"]);
    for (name, args) in
        [("destroy", &["destroy", "--yes", "--delete-data"][..]), ("local_down", &["local", "down"])]
    {
        compare_output(&cloud, name, args, &mut snapshots);
    }
    snapshots.finish();
}
