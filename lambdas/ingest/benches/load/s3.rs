//! One object, whole or from any byte on, and a place to put rejects.

use std::convert::Infallible;
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use futures_util::stream;
use restctl_contract::load::COLUMN_TYPES_METADATA;
use restctl_testkit::bench::row;

use crate::cloud::{BUCKET, OBJECT, VERSION};

const PIECE_BYTES: u64 = 64 * 1024;

pub(crate) fn answer(request: &Parts, rows: u64) -> Response<Body> {
    match request.method {
        Method::PUT => empty(StatusCode::OK),
        Method::GET | Method::HEAD if request.uri.path() == format!("/{BUCKET}/{OBJECT}") => {
            object(request, rows)
        }
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn object(request: &Parts, rows: u64) -> Response<Body> {
    let size = row::file_size(rows);
    let asked =
        request.headers.get("range").map(|range| range.to_str().ok().and_then(|text| part(text, size)));
    let (status, part) = match asked {
        None => (StatusCode::OK, 0..size),
        Some(Some(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(None) => return empty(StatusCode::RANGE_NOT_SATISFIABLE),
    };
    let mut response = Response::builder()
        .status(status)
        .header("accept-ranges", "bytes")
        .header("content-length", part.end - part.start)
        .header("content-type", "text/csv")
        .header("etag", "\"b1946ac92492d2347c6235b4d2611184\"")
        .header("last-modified", "Thu, 15 Jan 2026 09:30:05 GMT")
        .header("x-amz-version-id", VERSION)
        .header(format!("x-amz-meta-{COLUMN_TYPES_METADATA}"), row::COLUMN_TYPES);
    if status == StatusCode::PARTIAL_CONTENT {
        response = response.header("content-range", format!("bytes {}-{}/{size}", part.start, part.end - 1));
    }
    let body = if request.method == Method::HEAD { Body::empty() } else { content(part) };
    response.body(body).expect("the head is well-formed")
}

/// `bytes=N-` or `bytes=N-M`, the last byte included (RFC 9110, section 14.1.2).
fn part(range: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() { size } else { size.min(last.parse::<u64>().ok()? + 1) };
    (first < end).then_some(first..end)
}

/// Made piece by piece, as it is read.
fn content(part: Range<u64>) -> Body {
    let pieces = part.clone().step_by(PIECE_BYTES as usize).map(move |start| {
        let end = part.end.min(start + PIECE_BYTES);
        Ok::<_, Infallible>(Bytes::from(row::file_part(start..end)))
    });
    Body::from_stream(stream::iter(pieces))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
