use std::fmt::Display;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use memchr::memmem;
use rustls::{ClientConfig, RootCertStore};

use crate::BoxError;

/// HTTP/1.1, over TLS where the address says so; connections are kept and used again.
pub type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// It trusts the system's roots. To read them costs a millisecond: a process should make one client.
///
/// # Errors
/// If the system has no roots.
pub fn client() -> Result<Https, BoxError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots()?)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(Client::builder(TokioExecutor::new()).build(connector.enable_http1().wrap_connector(http)))
}

/// The bundle that OpenSSL would read, and `SSL_CERT_FILE` before it.
fn roots() -> Result<RootCertStore, BoxError> {
    let file = openssl_probe::probe().cert_file;
    let file =
        file.ok_or("this system has no root certificates where OpenSSL looks; SSL_CERT_FILE may name them")?;
    let unreadable = |error: &dyn Display| format!("the root certificates in {}: {error}", file.display());
    let bundle = fs::read(&file).map_err(|error| unreadable(&error))?;
    let mut roots = RootCertStore::empty();
    // Roots of a kind that rustls does not know are left out, as every TLS client does.
    roots.add_parsable_certificates(certificates(&bundle).map(Into::into));
    if roots.is_empty() {
        return Err(unreadable(&"there are none").into());
    }
    Ok(roots)
}

/// The certificates of a PEM file (RFC 7468), whatever stands between them.
///
/// rustls reads PEM in constant time, as private keys need it, and the crate `pem` character by character: with either, the
/// 144 public roots of a system were nine tenths of the instructions of a cold start.
fn certificates(bundle: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let (begin, end) = (b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----");
    memmem::find_iter(bundle, begin).filter_map(move |start| {
        let body = &bundle[start + begin.len()..];
        let body = &body[..memmem::find(body, end)?];
        let mut base64 = Vec::with_capacity(body.len());
        body.split(|byte| *byte == b'\n').for_each(|line| base64.extend_from_slice(line.trim_ascii()));
        STANDARD.decode(base64).ok()
    })
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn the_systems_roots_are_those_that_rustls_reads() {
        let file = openssl_probe::probe().cert_file.unwrap();
        let mut read = RootCertStore::empty();
        read.add_parsable_certificates(CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap));
        assert_eq!(roots().unwrap().roots, read.roots);
    }
}
