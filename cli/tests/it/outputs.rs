//! What each command writes to standard output, for people and for programs, word for word but for what is another one
//! each time: `cli/tests/outputs`.

use regex_lite::Regex;
use serde_json::Value;

use crate::cloud::Cloud;
use crate::snapshots::Snapshots;

/// What differs from run to run, and what stands for it.
const VARIABLE: [(&str, &str); 20] = [
    ("-----BEGIN [^\"]+", "[PEM]"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "[TOKEN]"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "[TIME]"),
    (r"\d{4}-\d\d-\d\d", "[DATE]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[UUID]"),
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\b[0-9a-f]{32}\b", "[VERSION]"),
    (r"\b[0-9a-f]{16}\b", "[LOAD]"),
    (r"-[0-9A-F]{13}\b", "-[SUFFIX]"),
    (r"\b[\w-]{43}\b", "[KEY]"),
    (r"(127\.0\.0\.1|localhost):\d+", "$1:[PORT]"),
    (r"(supervisor|emulator)(.{0,3}): \d+", "$1$2: [PID]"),
    (r"\d+ \((supervisor|emulator)\)", "[PID] ($1)"),
    (r#"(seconds|_ms|rows_per_second|read_units|skew)": [\d.]+"#, r#"$1": [NUMBER]"#),
    (r"(seconds|rows per second|read units) +[\d.]+", "$1  [NUMBER]"),
    (r"\b[\d.]+ (ms|s)\b", "[NUMBER] $1"),
    (r"\b39\d\b", "[DAYS]"),
    (r"\b1[789]\d{8}\b", "[SECONDS]"),
    (r"\d+ in the last", "[NUMBER] in the last"),
    (r"(\S)  +", "$1  "),
];

struct Outputs<'a> {
    cloud: &'a Cloud,
    snapshots: Snapshots,
}

impl Outputs<'_> {
    /// Compares what `restctl ARGS` writes, in both formats; the snapshot is named after the command.
    fn of(&mut self, args: &[&str]) -> &mut Self {
        let name = args.iter().filter(|arg| !arg.starts_with('-')).copied().collect::<Vec<_>>().join(" ");
        self.named(&name, args)
    }

    fn named(&mut self, name: &str, args: &[&str]) -> &mut Self {
        for format in ["text", "json"] {
            let ran = self.cloud.run(&[args, &["--output", format]].concat());
            let data = if format == "json" { without_histories(&ran.data) } else { ran.data };
            let mut written = normal(&format!("$ restctl {}\n{data}", args.join(" ")));
            if ran.exit != 0 {
                let failure: Vec<&str> = if format == "json" {
                    ran.said.lines().last().into_iter().collect()
                } else {
                    ran.said.lines().skip_while(|line| !line.starts_with("error:")).collect()
                };
                written.push_str(&format!("? {}\n", ran.exit));
                failure.iter().for_each(|line| written.push_str(&format!("{}\n", normal(line))));
            }
            self.snapshots.compare(&format!("{}.{format}", name.replace([' ', '/'], "-")), &written);
        }
        self
    }
}

fn normal(text: &str) -> String {
    VARIABLE.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

/// Long lists of numbers have another one with each second.
fn without_histories(data: &str) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(items) if items.len() > 20 && items.iter().all(|it| !it.is_object()) => {
                *value = Value::from("[NUMBERS]");
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(members) => members.values_mut().for_each(strip),
            _ => {}
        }
    }
    match serde_json::from_str::<Value>(data) {
        Ok(mut document) => {
            strip(&mut document);
            serde_json::to_string_pretty(&document).unwrap() + "\n"
        }
        // Lines of JSON.
        Err(_) => data.to_owned(),
    }
}

#[test]
fn each_command_in_both_outputs() {
    let cloud = Cloud::up();
    let mut outputs = Outputs { cloud: &cloud, snapshots: Snapshots::in_folder("outputs") };
    outputs.of(&["local", "status"]).of(&["setup"]).named("deploy dry-run", &["deploy", "--dry-run"]);
    outputs.named("deploy", &["deploy", "--list", "on"]);
    let load = cloud.succeed(&["upload", "bad.csv", "--no-wait"]).data;
    let load = load.trim();
    outputs
        .named("upload", &["upload", "bad.csv"])
        .named("upload dry-run", &["upload", "--dry-run", "items.csv"]);
    outputs.of(&["loads", "ls"]).named("loads show", &["loads", "show", load]);
    outputs
        .named("loads rejects", &["loads", "rejects", load])
        .named("loads retry", &["loads", "retry", load]);
    outputs.of(&["token"]).of(&["token", "explain"]).of(&["auth-test"]);
    outputs.named("get", &["get", "--id", "1"]).named("get several", &["get", "--id", "1", "none"]);
    outputs
        .named("get table", &["get", "--id", "1", "5", "--format", "table"])
        .named("get csv", &["get", "--id", "1", "5", "--format", "csv", "--fields", "id,name"])
        .named("get explain", &["get", "--id", "1", "--explain"])
        .named("verify", &["verify", "bad.csv"]);
    outputs.named("get none", &["get", "--id", "none"]).of(&["export"]);
    cloud.stop(load);
    outputs.named("dlq ls", &["dlq", "ls"]).named("dlq drop", &["dlq", "drop", "--all", "--yes"]);
    outputs.named("dlq redrive", &["dlq", "redrive", "--load", load]);
    outputs.of(&["config", "show"]).of(&["status"]).of(&["doctor"]);
    outputs.of(&["cert", "show"]).of(&["cert", "renew"]).of(&["idp", "show"]).of(&["idp", "rotate-secret"]);
    outputs.of(&["rollback"]).named("destroy", &["destroy", "--yes", "--delete-data"]);
    outputs.named("not deployed", &["loads", "ls"]).of(&["local", "down"]);
    outputs.snapshots.finish();
}
