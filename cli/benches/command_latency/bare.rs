//! The bare request: one connection and one GET in a process that does nothing else.

use std::io::stdin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HOST};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use restctl_testkit::bench::BoxError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::report;

/// The argument with which this binary sends the bare request, which it reads from standard input.
pub(crate) const ARGUMENT: &str = "--bare";

pub(crate) fn run() -> Result<(), BoxError> {
    let request: Value = serde_json::from_reader(stdin())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (body, took) = runtime.block_on(send_request(&request))?;
    report::print_answer(&body, &took.as_micros().to_string());
    Ok(())
}

/// Parses how long the request took by the clock of that process.
pub(crate) fn parse_network_time(stderr: &str) -> Result<Duration, BoxError> {
    Ok(Duration::from_micros(stderr.trim().parse()?))
}

/// Sends the request. Returns the body of the answer, and the time from the first packet to the last.
async fn send_request(request: &Value) -> Result<(Vec<u8>, Duration), BoxError> {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let location = &request["location"];
    let (name, host, port) = (text(&location["name"]), text(&location["host"]), &location["port"]);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(text(&location["anchor"]).as_bytes())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let request = Request::get(text(&request["path"]))
        .header(HOST, format!("{name}:{port}"))
        .header(AUTHORIZATION, format!("Bearer {}", text(&request["token"])))
        .body(Empty::<Bytes>::new())?;

    let began = Instant::now();
    let stream = TcpStream::connect(format!("{host}:{port}")).await?;
    let tls = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name)?, stream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let body = answer.into_body().collect().await?.to_bytes().to_vec();
    Ok((body, began.elapsed()))
}
