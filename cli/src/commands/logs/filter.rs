//! Which lines of the logs to print.

use std::fmt;
use std::str::FromStr;

use restctl_contract::load::LoadId;
use serde_json::Value;

pub(super) enum LogFilter {
    Everything,
    Load(LoadId),
    Request(RequestId),
}

impl LogFilter {
    /// Takes at most one of the two, which the command line ensures.
    pub(super) fn new(load: Option<LoadId>, request: Option<RequestId>) -> Self {
        match (load, request) {
            (Some(load), _) => Self::Load(load),
            (None, Some(request)) => Self::Request(request),
            (None, None) => Self::Everything,
        }
    }

    /// Returns the text that each wanted line contains. A request's id is in one place of the function's lines and in another
    /// of Lambda's, which may also be plain text.
    pub(super) fn search_term(&self) -> Option<&str> {
        match self {
            Self::Everything => None,
            Self::Load(load) => Some(load.as_str()),
            Self::Request(RequestId(request)) => Some(request),
        }
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::Load(load) => write!(f, " about the load {load}"),
            Self::Request(request) => write!(f, " about the request {request}"),
        }
    }
}

/// Returns the invocation in which the ingest function wrote a line.
pub(super) fn find_invocation(message: &str) -> Option<RequestId> {
    let line: Value = serde_json::from_str(message).ok()?;
    let spans = line.get("spans")?.as_array()?;
    spans.iter().find_map(|span| span.get("requestId")?.as_str()?.parse().ok())
}

/// Lambda's id of an invocation, a UUID (RFC 9562) in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RequestId {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        let is_part = |(part, length): (&str, usize)| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let lengths = [8, 4, 4, 4, 12];
        if id.split('-').count() == lengths.len() && id.split('-').zip(lengths).all(is_part) {
            return Ok(Self(id.to_ascii_lowercase()));
        }
        Err("a request is identified by the x-request-id of its answer, \
             such as 8cde3ec6-f095-4c0e-b3d9-a52806a5ec4f"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_identified_by_a_uuid() {
        let id = "8CDE3EC6-f095-4c0e-b3d9-a52806a5ec4f".parse::<RequestId>().unwrap();
        assert_eq!(LogFilter::Request(id).search_term(), Some("8cde3ec6-f095-4c0e-b3d9-a52806a5ec4f"));
        for bad in [
            "",
            "-",
            "8cde3ec6-f095-4c0e-b3d9-a52806a5ec4",
            "8cde3ec6-f095-4c0e-b3d9-a52806a5ec4f-",
            "8cde3ec6f0954c0eb3d9a52806a5ec4f",
            "8cde3ec6-f095-4c0e-b3d9-a52806a5ec4\"",
            "8cde3ec6-f095-4c0e-b3d9-é52806a5ec4",
        ] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad}");
        }
    }
}
