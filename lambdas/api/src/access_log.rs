//! The log line of each request, from which CloudWatch also takes the metrics.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use restctl_contract::log_text::LogText;
use restctl_contract::timestamp;
use restctl_verifier::Claims;
use serde::Serialize;

use crate::problem::Failure;

/// What the log says about a request, which is never its token or an item. A client can write any method, and an issuer
/// any subject.
#[derive(Default)]
pub(crate) struct AccessLogEntry {
    pub(crate) method: String,
    pub(crate) route: Option<&'static str>,
    /// The trusted issuer under which the token was verified or refused, which the deployment names.
    pub(crate) issuer: Option<String>,
    /// Whether the request is also counted by issuer. With a single one, that would cost money and tell nothing.
    pub(crate) is_counted_by_issuer: bool,
    pub(crate) claims: Option<Claims>,
    pub(crate) jwks_fetches: u64,
}

/// A document in CloudWatch's embedded metric format ("Specification: Embedded metric format", Amazon CloudWatch User
/// Guide). Members that `_aws` does not name are properties. A text that is not the function's own is a [`LogText`].
#[derive(Serialize)]
struct LogLine<'a> {
    #[serde(rename = "_aws")]
    aws: MetricMetadata,
    timestamp: String,
    level: &'static str,
    message: &'static str,
    request_id: LogText<'a>,
    method: LogText<'a>,
    route: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<LogText<'a>>,
    subject: Option<LogText<'a>>,
    key_id: Option<LogText<'a>>,
    /// The kind of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    /// The failure in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<LogText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<LogText<'a>>,
    stack: &'a str,
    requests: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<u8>,
    /// 1 if the token was not accepted, and otherwise 0, so that the average is the share of such requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusals: Option<u8>,
    latency_ms: f64,
    jwks_fetches: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricMetadata {
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
    cloud_watch_metrics: Vec<MetricDirective>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricDirective {
    namespace: &'static str,
    dimensions: &'static [&'static [&'static str]],
    metrics: &'static [Metric],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

const REQUEST_METRICS: MetricDirective = MetricDirective {
    namespace: "restctl",
    dimensions: &[&["stack"]],
    metrics: &[
        Metric { name: "requests", unit: "Count" },
        Metric { name: "latency_ms", unit: "Milliseconds" },
        Metric { name: "jwks_fetches", unit: "Count" },
    ],
};

/// Errors by the kind of problem.
const ERROR_METRICS: MetricDirective = MetricDirective {
    namespace: "restctl",
    dimensions: &[&["stack", "problem"]],
    metrics: &[Metric { name: "errors", unit: "Count" }],
};

/// Requests by issuer.
const ISSUER_METRICS: MetricDirective = MetricDirective {
    namespace: "restctl",
    dimensions: &[&["stack", "issuer"]],
    metrics: &[Metric { name: "requests", unit: "Count" }, Metric { name: "refusals", unit: "Count" }],
};

impl AccessLogEntry {
    /// Writes the line to standard output, which is a Lambda's log.
    #[expect(clippy::disallowed_methods, reason = "a Lambda logs what it prints")]
    pub(crate) fn write_line(
        &self,
        stack: &str,
        request_id: &str,
        status: u16,
        failure: Option<&Failure>,
        latency: Duration,
    ) {
        let mut directives = vec![REQUEST_METRICS];
        directives.extend(failure.map(|_| ERROR_METRICS));
        let is_counted_by_issuer =
            self.is_counted_by_issuer && self.issuer.as_deref().is_some_and(is_dimension_value);
        directives.extend(is_counted_by_issuer.then_some(ISSUER_METRICS));
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let reason = failure.map(ToString::to_string);
        let line = LogLine {
            aws: MetricMetadata {
                timestamp: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
                cloud_watch_metrics: directives,
            },
            timestamp: timestamp::now(),
            level: if status >= 500 { "ERROR" } else { "INFO" },
            message: "request",
            request_id: LogText(request_id),
            method: LogText(&self.method),
            route: self.route.unwrap_or("none"),
            status,
            issuer: self.issuer.as_deref().map(LogText),
            subject: self.claims.as_ref().and_then(|claims| claims.subject.as_deref()).map(LogText),
            key_id: self.claims.as_ref().and_then(|claims| claims.key_id.as_deref()).map(LogText),
            problem: failure.map(|failure| failure.kind().name),
            reason: reason.as_deref().map(LogText),
            cause: failure.and_then(Failure::cause).map(LogText),
            stack,
            requests: 1,
            errors: failure.map(|_| 1),
            refusals: is_counted_by_issuer.then_some(u8::from(self.claims.is_none())),
            latency_ms: (latency.as_secs_f64() * 1e6).round() / 1e3,
            jwks_fetches: self.jwks_fetches,
        };
        // If the log cannot be written, there is nowhere to report that.
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            let _ = std::io::stdout().lock().write_all(&text);
        }
    }
}

/// Whether a dimension of a metric can have this value ("Dimension", Amazon CloudWatch API Reference).
fn is_dimension_value(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    text.len() <= 1024 && text.bytes().all(is_allowed) && !text.trim().is_empty()
}
