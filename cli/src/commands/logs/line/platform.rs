//! The lines that Lambda itself writes ("Lambda Telemetry API Event schema reference", AWS Lambda Developer Guide).

use serde_json::{Map, Value};

use super::{Fields, LogLine, MAX_CHARACTERS, member_text};
use crate::terminal::sanitize::sanitize_line;

/// Events of each invocation and each start. Others, such as `logsDropped`, always say something.
const ROUTINE_EVENTS: [&str; 11] = [
    "initStart",
    "initRuntimeDone",
    "initReport",
    "restoreStart",
    "restoreRuntimeDone",
    "restoreReport",
    "start",
    "runtimeDone",
    "report",
    "extension",
    "telemetrySubscription",
];

/// The same as plain text.
const ROUTINE_TEXTS: [&str; 8] = [
    "INIT_START ",
    "INIT_REPORT ",
    "RESTORE_START ",
    "RESTORE_REPORT ",
    "START RequestId: ",
    "END RequestId: ",
    "REPORT RequestId: ",
    "EXTENSION\t",
];

/// Returns `None` if something else wrote the line.
pub(super) fn parse_platform_line(object: &mut Map<String, Value>) -> Option<LogLine> {
    let kind = object.get("type")?.as_str()?.strip_prefix("platform.")?.to_owned();
    let Some(Value::Object(mut record)) = object.shift_remove("record") else { return None };
    let status = member_text(record.shift_remove("status"));
    let metrics = match record.shift_remove("metrics") {
        Some(Value::Object(metrics)) => describe_metrics(&metrics),
        _ => Vec::new(),
    };
    let words = [kind, status.clone()].into_iter().chain(metrics).filter(|word| !word.is_empty());
    let text = sanitize_line(&words.collect::<Vec<_>>().join(" "), MAX_CHARACTERS);
    for name in ["tracing", "spans"] {
        record.shift_remove(name);
    }
    let mut fields = Fields::default();
    fields.add_object(record);
    let level = if matches!(status.as_str(), "" | "success") { "" } else { "ERROR" };
    Some(LogLine { level: level.to_owned(), text: text.into(), fields })
}

/// Whether Lambda wrote the line, and it says only that an invocation went as it should.
///
/// Lambda writes JSON or, in some regions, plain text ("Configuring JSON and plain text log formats", AWS
/// Lambda Developer Guide).
pub(crate) fn is_routine(message: &str) -> bool {
    match serde_json::from_str::<Map<String, Value>>(message) {
        Ok(object) => is_routine_object(&object),
        Err(_) => is_routine_text(message),
    }
}

fn is_routine_object(object: &Map<String, Value>) -> bool {
    let kind = object.get("type").and_then(Value::as_str).and_then(|kind| kind.strip_prefix("platform."));
    let Some(Value::Object(record)) = object.get("record") else { return false };
    let figure = |name: &str| record.get("metrics").and_then(|metrics| metrics.get(name)?.as_f64());
    let is_success = record.get("status").is_none_or(|status| status == "success");
    kind.is_some_and(|kind| ROUTINE_EVENTS.contains(&kind))
        && is_success
        && !record.contains_key("errorType")
        && !is_memory_full(figure("maxMemoryUsedMB"), figure("memorySizeMB"))
}

fn is_routine_text(message: &str) -> bool {
    let value =
        |name: &str| message.split('\t').find_map(|part| part.trim().strip_prefix(name)).map(str::trim);
    let megabytes = |name: &str| value(name)?.strip_suffix(" MB")?.parse().ok();
    ROUTINE_TEXTS.iter().any(|start| message.starts_with(start))
        && value("Status: ").is_none_or(|status| status == "success")
        && value("Error Type: ").is_none()
        && !is_memory_full(megabytes("Max Memory Used: "), megabytes("Memory Size: "))
}

/// Whether the function probably ran out of memory.
fn is_memory_full(used: Option<f64>, size: Option<f64>) -> bool {
    used.zip(size).is_some_and(|(used, size)| used >= size)
}

/// Returns the duration and the memory used.
fn describe_metrics(metrics: &Map<String, Value>) -> Vec<String> {
    let figure = |name: &str| metrics.get(name).and_then(Value::as_f64);
    let mut figures = Vec::new();
    figures.extend(figure("durationMs").map(|ms| format!("{ms} ms")));
    figures.extend(figure("initDurationMs").map(|ms| format!("after {ms} ms of start")));
    if let (Some(used), Some(size)) = (figure("maxMemoryUsedMB"), figure("memorySizeMB")) {
        figures.push(format!("{used} of {size} MB"));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::super::format_line;
    use super::is_routine;
    use crate::commands::logs::function::LoggedFunction;

    fn plain_line(message: &str) -> String {
        console::strip_ansi_codes(format_line(LoggedFunction::Ingest, "", message).as_str()).into_owned()
    }

    #[test]
    fn a_report_is_one_line() {
        let report = r#"{"time":"2026-01-15T09:30:05.123Z","type":"platform.report","record":{"requestId":"id-1",
            "metrics":{"durationMs":101.51,"billedDurationMs":300,"memorySizeMB":512,"maxMemoryUsedMB":33,"initDurationMs":116.67},
            "spans":[{"name":"responseLatency"}],"tracing":{"spanId":"1"},"status":"success"}}"#;
        let expected =
            " ingest       report success 101.51 ms after 116.67 ms of start 33 of 512 MB request=id-1";
        assert_eq!(plain_line(report), expected);
    }

    #[test]
    fn lines_of_a_good_invocation_are_routine() {
        for routine in [
            r#"{"type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init"}}"#,
            r#"{"type":"platform.start","record":{"requestId":"id-1","version":"7"}}"#,
            r#"{"type":"platform.report","record":{"status":"success","metrics":{"memorySizeMB":512,"maxMemoryUsedMB":33}}}"#,
            "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: arn\n",
            "START RequestId: id-1 Version: 7\n",
            "END RequestId: id-1\n",
            "REPORT RequestId: id-1\tDuration: 9 ms\tMemory Size: 512 MB\tMax Memory Used: 33 MB\t\nXRAY TraceId: 1\t\n",
        ] {
            assert!(is_routine(routine), "{routine}");
        }
    }

    #[test]
    fn lines_that_say_something_are_not_routine() {
        for telling in [
            "REPORT RequestId: id-1\tDuration: 15000 ms\tMemory Size: 512 MB\tMax Memory Used: 33 MB\tStatus: timeout\n",
            "REPORT RequestId: id-1\tDuration: 9 ms\tMemory Size: 512 MB\tMax Memory Used: 512 MB\t\n",
            "REPORT RequestId: id-1\tMemory Size: 512 MB\tMax Memory Used: 9 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n",
            "INIT_REPORT Init Duration: 9 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n",
            "RequestId: id-1 Error: Runtime exited with error: signal: killed\n",
            "2026-01-15T09:30:05.123Z id-1 Task timed out after 15.00 seconds\n",
            r#"{"type":"platform.report","record":{"status":"timeout"}}"#,
            r#"{"type":"platform.report","record":{"metrics":{"memorySizeMB":512,"maxMemoryUsedMB":512}}}"#,
            r#"{"type":"platform.initReport","record":{"phase":"init","status":"error"}}"#,
            r#"{"type":"platform.logsDropped","record":{"reason":"too many"}}"#,
            r#"{"level":"INFO","message":"START RequestId: x"}"#,
            r#"{"type":"platform.start"}"#,
            "a text of the function",
            "",
        ] {
            assert!(!is_routine(telling), "{telling}");
        }
    }

    #[test]
    fn a_bad_end_is_an_error() {
        let timeout = r#"{"type":"platform.report","record":{"requestId":"id-1","status":"timeout"}}"#;
        assert_eq!(plain_line(timeout), " ingest ERROR report timeout request=id-1");
        let failed = r#"{"type":"platform.initReport","record":{"phase":"init","status":"error","errorType":"Runtime.ExitError"}}"#;
        assert_eq!(
            plain_line(failed),
            " ingest ERROR initReport error phase=init errorType=Runtime.ExitError"
        );
        let start = r#"{"type":"platform.start","record":{"requestId":"id-1","version":"7"}}"#;
        assert_eq!(plain_line(start), " ingest       start request=id-1 version=7");
    }
}
