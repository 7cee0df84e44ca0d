//! The status in words: the same lines on paper and on the screen.

use console::Style;
use restctl_contract::load::{LedgerEntry, LoadState};

use super::snapshot::{CertificateState, Function, Part, ProviderState, Queue, Status, Table};
use super::traffic::Traffic;
use crate::terminal::output;

/// A certificate with fewer days is worth a look: the stack has an alarm for it, too.
const FEW_DAYS: i64 = 30;

/// How a line is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Fine,
    Notable,
    Bad,
}

pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) mood: Mood,
}

pub(super) fn of(status: &Status) -> String {
    let lines = lines(status);
    let lines: Vec<_> = lines.iter().map(|line| (line.name, colored(line))).collect();
    let mut text = output::align_values(&lines);
    if let Part::Known(loads) = &status.loads
        && !loads.is_empty()
    {
        text.push_str("\n\n");
        text.push_str(&output::new_table(&LOADS, loads.iter().map(load).collect()).trim_fmt());
    }
    text
}

fn colored(line: &Line) -> String {
    let color = match line.mood {
        Mood::Fine => Style::new(),
        Mood::Notable => Style::new().yellow(),
        Mood::Bad => Style::new().red(),
    };
    color.apply_to(&line.text).to_string()
}

pub(super) fn lines(status: &Status) -> Vec<Line> {
    let stack = &status.stack;
    let settled = stack.status.ends_with("_COMPLETE") && !stack.status.contains("ROLLBACK");
    let mut lines = vec![Line {
        name: "stack",
        text: format!("{} in {}, {}", stack.name, stack.region, stack.status),
        mood: if settled { Mood::Fine } else { Mood::Notable },
    }];
    lines.push(part("endpoint", &status.endpoint, |endpoint| (endpoint.url.clone(), Mood::Fine)));
    if let Part::Known(endpoint) = &status.endpoint {
        let (text, mood) = certificate(&endpoint.certificate);
        lines.push(Line { name: "certificate", text, mood });
    }
    lines.push(part("functions", &status.functions, |functions| {
        let (api, ingest) = (function("api", &functions.api), function("ingest", &functions.ingest));
        (format!("{api}; {ingest}"), Mood::Fine)
    }));
    lines.push(part("table", &status.table, table));
    lines.push(part("queue", &status.queue, queue));
    if let Part::Unknown { .. } = &status.loads {
        lines.push(part("loads", &status.loads, |_| (String::new(), Mood::Fine)));
    }
    lines.push(part("provider", &status.provider, provider));
    lines.push(part("requests", &status.traffic, traffic));
    lines
}

fn part<T>(name: &'static str, part: &Part<T>, describe: impl Fn(&T) -> (String, Mood)) -> Line {
    let (text, mood) = match part {
        Part::Known(known) => describe(known),
        Part::Unknown { problem } => (problem.clone(), Mood::Bad),
    };
    Line { name, text, mood }
}

fn certificate(certificate: &CertificateState) -> (String, Mood) {
    let CertificateState { name, days_left, not_after, is_served, problem, .. } = certificate;
    let served = match (is_served, problem) {
        (_, Some(problem)) => format!("and the endpoint is not to be trusted: {problem}"),
        (true, None) => "and the endpoint serves it".to_owned(),
        (false, None) => "but the endpoint serves another one: restctl doctor".to_owned(),
    };
    let date = not_after.split('T').next().unwrap_or_default();
    let mood = match (*is_served && problem.is_none(), days_left) {
        (false, _) | (true, ..0) => Mood::Bad,
        (true, 0..FEW_DAYS) => Mood::Notable,
        (true, _) => Mood::Fine,
    };
    (format!("{name}, {days_left} days left (until {date}), {served}"), mood)
}

fn function(what: &str, function: &Function) -> String {
    let since = function.since.as_ref().map(|since| format!(" since {since}"));
    format!("{what} version {}{}", function.version, since.unwrap_or_default())
}

fn table(table: &Table) -> (String, Mood) {
    let Table { items, bytes, throttled, .. } = table;
    let (throttling, mood) = match throttled {
        0 => ("nothing throttled in the last hour".to_owned(), Mood::Fine),
        some => (format!("{some} requests throttled in the last hour"), Mood::Notable),
    };
    (format!("{items} items, {bytes} bytes (counted every six hours), {throttling}"), mood)
}

fn queue(queue: &Queue) -> (String, Mood) {
    let Queue { waiting, in_flight, dead_letters } = queue;
    let text = format!("{waiting} waiting, {in_flight} in flight, {dead_letters} dead letters");
    match dead_letters {
        0 => (text, Mood::Fine),
        _ => (format!("{text}: restctl dlq ls"), Mood::Bad),
    }
}

fn provider(provider: &ProviderState) -> (String, Mood) {
    (format!("{}, {}, with the keys {}", provider.kind, provider.issuer, provider.keys), Mood::Fine)
}

fn traffic(traffic: &Traffic) -> (String, Mood) {
    let minutes = traffic.period_seconds * traffic.requests.len() as u64 / 60;
    let latency = traffic.average_latency_ms().map(|average| format!(", {average:.1} ms on average"));
    (format!("{} in the last {minutes} minutes{}", traffic.total(), latency.unwrap_or_default()), Mood::Fine)
}

pub(super) const LOADS: [&str; 6] = ["LOAD", "STATE", "UPLOADED", "ROWS", "REJECTED", "OBJECT"];

pub(super) fn load(entry: &LedgerEntry) -> Vec<String> {
    vec![
        entry.load.to_string(),
        entry.state.to_string(),
        entry.uploaded.clone(),
        rows(entry).to_string(),
        entry.receipt.rejected.to_string(),
        entry.object.clone(),
    ]
}

/// Read so far.
pub(super) fn rows(entry: &LedgerEntry) -> u64 {
    entry.progress.max(entry.receipt.read)
}

pub(super) fn mood_of(state: LoadState) -> Mood {
    match state {
        LoadState::Loading | LoadState::Loaded => Mood::Fine,
        LoadState::Failed | LoadState::Stopped => Mood::Bad,
    }
}
