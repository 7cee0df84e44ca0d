//! A snapshot in words: the same lines for the text output and the screen.

use console::Style;
use restctl_contract::load::{LedgerEntry, LoadState};

use super::snapshot::{
    CertificateState, DriftState, LiveFunction, Part, ProviderState, QueueState, Snapshot, TableState,
};
use super::traffic::Traffic;
use crate::aws::cloudformation::StackComparison;
use crate::deployment::drift;
use crate::terminal::advice::name_target;
use crate::terminal::output;
use crate::terminal::text::Text;

pub(super) const LOAD_HEADER: [&str; 6] = ["LOAD", "STATE", "UPLOADED", "ROWS", "REJECTED", "OBJECT"];

/// A certificate with fewer days left is a warning. The stack has an alarm for it, too.
const WARNING_DAYS: i64 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Normal,
    Warning,
    Problem,
}

pub(super) struct StatusLine {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) severity: Severity,
}

pub(super) fn snapshot_text(snapshot: &Snapshot) -> Text {
    let lines = status_lines(snapshot);
    let lines: Vec<_> = lines.iter().map(|line| (line.name, colored_text(line))).collect();
    let mut text = output::align_values(&lines);
    if let Part::Known(loads) = &snapshot.loads
        && !loads.is_empty()
    {
        let table = output::new_table(&LOAD_HEADER, loads.iter().map(load_cells).collect());
        text.push_line("");
        text.push_line(Text::from_table(&table));
    }
    text
}

fn colored_text(line: &StatusLine) -> Text {
    let color = match line.severity {
        Severity::Normal => Style::new(),
        Severity::Warning => Style::new().yellow(),
        Severity::Problem => Style::new().red(),
    };
    Text::styled(&line.text, &color)
}

pub(super) fn status_lines(snapshot: &Snapshot) -> Vec<StatusLine> {
    let stack = &snapshot.stack;
    let is_settled = stack.status.ends_with("_COMPLETE") && !stack.status.contains("ROLLBACK");
    let mut lines = vec![StatusLine {
        name: "stack",
        text: format!("{} in {}, {}", stack.name, stack.region, stack.status),
        severity: if is_settled { Severity::Normal } else { Severity::Warning },
    }];
    lines
        .push(part_line("endpoint", &snapshot.endpoint, |endpoint| (endpoint.url.clone(), Severity::Normal)));
    if let Part::Known(endpoint) = &snapshot.endpoint {
        let (text, severity) = describe_certificate(&endpoint.certificate);
        lines.push(StatusLine { name: "certificate", text, severity });
    }
    lines.push(part_line("functions", &snapshot.functions, |functions| {
        let (api, ingest) =
            (describe_function("api", &functions.api), describe_function("ingest", &functions.ingest));
        (format!("{api}; {ingest}"), Severity::Normal)
    }));
    lines.push(part_line("drift", &snapshot.drift, describe_drift));
    lines.push(part_line("table", &snapshot.table, describe_table));
    lines.push(part_line("queue", &snapshot.queue, describe_queue));
    if let Part::Unknown { .. } = &snapshot.loads {
        lines.push(part_line("loads", &snapshot.loads, |_| (String::new(), Severity::Normal)));
    }
    if snapshot.ignored > 0 {
        let text = format!("{} objects that are not data: restctl loads ls --ignored", snapshot.ignored);
        lines.push(StatusLine { name: "ignored", text, severity: Severity::Normal });
    }
    lines.push(part_line("provider", &snapshot.provider, describe_provider));
    lines.push(part_line("requests", &snapshot.traffic, describe_traffic));
    lines
}

pub(super) fn load_cells(entry: &LedgerEntry) -> Vec<String> {
    vec![
        entry.load.to_string(),
        entry.state.to_string(),
        entry.uploaded.clone(),
        rows_read(entry).to_string(),
        entry.receipt.rejected.to_string(),
        entry.object.clone(),
    ]
}

pub(super) fn rows_read(entry: &LedgerEntry) -> u64 {
    entry.progress.max(entry.receipt.read)
}

pub(super) fn load_severity(state: LoadState) -> Severity {
    match state {
        LoadState::Loading | LoadState::Loaded | LoadState::Ignored => Severity::Normal,
        LoadState::Failed | LoadState::Stopped => Severity::Problem,
    }
}

fn part_line<T>(
    name: &'static str,
    part: &Part<T>,
    describe: impl Fn(&T) -> (String, Severity),
) -> StatusLine {
    let (text, severity) = match part {
        Part::Known(known) => describe(known),
        Part::Unknown { problem } => (problem.clone(), Severity::Problem),
    };
    StatusLine { name, text, severity }
}

fn describe_certificate(certificate: &CertificateState) -> (String, Severity) {
    let CertificateState { name, days_left, not_after, is_served, problem, .. } = certificate;
    let served = match (is_served, problem) {
        (_, Some(problem)) => format!("but the endpoint cannot be trusted: {problem}"),
        (true, None) => "and the endpoint serves it".to_owned(),
        (false, None) => {
            format!("but the endpoint serves another one; next: {}", name_target("restctl doctor"))
        }
    };
    let date = not_after.split('T').next().unwrap_or_default();
    let severity = match (*is_served && problem.is_none(), days_left) {
        (false, _) | (true, ..0) => Severity::Problem,
        (true, 0..WARNING_DAYS) => Severity::Warning,
        (true, _) => Severity::Normal,
    };
    (format!("{name}, {days_left} days left (until {date}), {served}"), severity)
}

fn describe_function(what: &str, function: &LiveFunction) -> String {
    let since = function.since.as_ref().map(|since| format!(" since {since}"));
    let rolled_back = if function.rolled_back { ", rolled back" } else { "" };
    format!("{what} version {}{}{rolled_back}", function.version, since.unwrap_or_default())
}

fn describe_drift(drift: &DriftState) -> (String, Severity) {
    let DriftState { found, last_comparison } = drift;
    if !found.is_empty() {
        let next = name_target("restctl doctor");
        return (format!("{}; next: {next}", drift::describe(found).join("; ")), Severity::Problem);
    }
    match last_comparison {
        None => ("none found in the functions".to_owned(), Severity::Normal),
        Some(StackComparison { status, time }) => {
            let severity = if status == "IN_SYNC" { Severity::Normal } else { Severity::Warning };
            (format!("none found in the functions; all resources {status} at {time}"), severity)
        }
    }
}

fn describe_table(table: &TableState) -> (String, Severity) {
    let TableState { items, bytes, throttled, .. } = table;
    let (throttling, severity) = match throttled {
        0 => ("nothing throttled in the last hour".to_owned(), Severity::Normal),
        some => (format!("{some} requests throttled in the last hour"), Severity::Warning),
    };
    (format!("{items} items, {bytes} bytes (counted every six hours), {throttling}"), severity)
}

fn describe_queue(queue: &QueueState) -> (String, Severity) {
    let QueueState { waiting, in_flight, dead_letters } = queue;
    let text = format!("{waiting} waiting, {in_flight} in flight, {dead_letters} dead letters");
    match dead_letters {
        0 => (text, Severity::Normal),
        _ => (format!("{text}: restctl dlq ls"), Severity::Problem),
    }
}

fn describe_provider(provider: &ProviderState) -> (String, Severity) {
    let ProviderState { kind, issuer, keys, also_trusted } = provider;
    let mut text = format!("{kind}, {issuer}, with the keys {keys}");
    if !also_trusted.is_empty() {
        text.push_str(&format!("; also {}", also_trusted.join(", ")));
    }
    (text, Severity::Normal)
}

fn describe_traffic(traffic: &Traffic) -> (String, Severity) {
    let minutes = traffic.period_seconds * traffic.requests.len() as u64 / 60;
    let latency = traffic.average_latency_ms().map(|average| format!(", {average:.1} ms on average"));
    let (requests, start) = (traffic.total_requests(), traffic.time_of_day(0));
    (
        format!("{requests} in the last {minutes} minutes, since {start} UTC{}", latency.unwrap_or_default()),
        Severity::Normal,
    )
}
