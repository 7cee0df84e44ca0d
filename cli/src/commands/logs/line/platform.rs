//! The lines that Lambda itself writes ("Lambda Telemetry API Event schema reference", AWS Lambda Developer Guide).

use serde_json::{Map, Value};

use super::{Fields, LogLine, MAX_CHARACTERS, member_text};
use crate::terminal::sanitize::sanitize_line;

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
