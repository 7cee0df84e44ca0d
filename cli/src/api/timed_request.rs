//! A request over a connection of its own, with the time of each step. A pooled client cannot measure these times.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ProtocolVersion;
use tokio::time::timeout;

use crate::api::client::MAX_BODY_BYTES;
use crate::api::endpoint::{self, Location};
use crate::api::handshake::Handshake;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::sent_secrets::SentSecret;

pub(crate) struct TimedAnswer {
    /// As in [`Handshake`].
    pub(crate) address: String,
    pub(crate) resolve_time: Duration,
    pub(crate) connect_time: Duration,
    pub(crate) tls_time: Duration,
    /// From the request to the first byte of its answer.
    pub(crate) first_byte_time: Duration,
    /// From the name lookup to the last byte.
    pub(crate) total_time: Duration,
    pub(crate) tls_version: Option<&'static str>,
    /// SHA-256 of the server's certificate, lower-case hexadecimal.
    pub(crate) fingerprint: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl TimedAnswer {
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.headers.get("x-request-id").and_then(|id| id.to_str().ok())
    }
}

/// Sends a GET request for `path`.
pub(crate) async fn send_timed_request(location: &Location, path: &str, token: &str) -> Result<TimedAnswer> {
    let began = Instant::now();
    let handshake = Handshake::perform(location).await?;
    let address = format!("{}{path}", location.base_url());
    let fingerprint = handshake.certificate_fingerprint().unwrap_or_default();
    let connection = handshake.connection.map_err(|error| location.no_answer_failure(&address, &error))?;
    let tls_version = connection.get_ref().1.protocol_version().and_then(version_name);

    let no_answer = |error: hyper::Error| location.no_answer_failure(&address, &error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await.map_err(no_answer)?;
    // The connection ends with the answer's body, and reading that body returns its errors.
    tokio::spawn(connection);
    let asked = Instant::now();
    let answer = within_timeout(&address, sender.send_request(build_request(location, path, token)?)).await?;
    let answer = answer.map_err(no_answer)?;
    let first_byte_time = asked.elapsed();
    let (head, body) = answer.into_parts();
    let body = within_timeout(&address, Limited::new(body, MAX_BODY_BYTES).collect()).await?;
    let body = body.map_err(|error| {
        Failure::new(format!("the answer of {address} ended early"))
            .why(error.to_string())
            .next("try again in a moment")
    })?;
    Ok(TimedAnswer {
        address: handshake.address,
        resolve_time: handshake.resolve_time,
        connect_time: handshake.connect_time,
        tls_time: handshake.tls_time,
        first_byte_time,
        total_time: began.elapsed(),
        tls_version,
        fingerprint,
        status: head.status,
        headers: head.headers,
        body: body.to_bytes().into(),
    })
}

fn build_request(location: &Location, path: &str, token: &str) -> Result<Request<Empty<Bytes>>> {
    let base_url = location.base_url();
    SentSecret::of_token(token).remember();
    let mut bearer =
        HeaderValue::try_from(format!("Bearer {token}")).context("the token cannot be sent in a header")?;
    bearer.set_sensitive(true);
    Request::get(path)
        .header(HOST, base_url.trim_start_matches("https://"))
        .header(USER_AGENT, endpoint::USER_AGENT)
        .header(AUTHORIZATION, bearer)
        .body(Empty::new())
        .context(format!("cannot request {path}"))
}

async fn within_timeout<T>(address: &str, work: impl Future<Output = T>) -> Result<T> {
    timeout(endpoint::ANSWER_TIMEOUT, work).await.map_err(|_| {
        Failure::new(format!("the API does not answer at {address}"))
            .why(format!("no answer within {} s", endpoint::ANSWER_TIMEOUT.as_secs()))
            .next("try again in a moment")
    })
}

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLS 1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
        _ => None,
    }
}
