use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
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
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::BoxError;

/// A client for HTTP/1.1, over TLS if the URL says so. It keeps connections and uses them again.
pub type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns a client that trusts the system's root certificates. Reading them takes a millisecond, so make one client
/// per process.
///
/// # Errors
/// If the system has no root certificates.
pub fn https_client() -> Result<HttpsClient, BoxError> {
    client_with_roots(system_roots()?)
}

/// Returns a client that trusts these certificates, and none of the system's.
///
/// # Errors
/// If the TLS stack cannot be set up.
pub fn https_client_trusting(roots: RootCertificates) -> Result<HttpsClient, BoxError> {
    client_with_roots(roots.0)
}

/// One or more certificates of authorities.
#[derive(Debug)]
pub struct RootCertificates(RootCertStore);

impl RootCertificates {
    /// Reads certificates, each of which is the base64 of its DER.
    ///
    /// # Errors
    /// If there is none, or if one of them is not a certificate.
    pub fn from_base64(certificates: &[String]) -> Result<Self, BoxError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(CertificateDer::from(STANDARD.decode(certificate)?))?;
        }
        if roots.is_empty() { Err("there is no certificate".into()) } else { Ok(Self(roots)) }
    }
}

fn client_with_roots(roots: RootCertStore) -> Result<HttpsClient, BoxError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(Client::builder(TokioExecutor::new()).build(connector.enable_http1().wrap_connector(http)))
}

/// Reads the bundle that OpenSSL would read; `SSL_CERT_FILE` names another.
fn system_roots() -> Result<RootCertStore, BoxError> {
    let file = openssl_probe::probe().cert_file;
    let file =
        file.ok_or("no root certificates found where OpenSSL looks: set SSL_CERT_FILE to their file")?;
    let unreadable =
        |error: &dyn Display| format!("cannot read the root certificates in {}: {error}", file.display());
    let bundle = File::open(&file).map_err(|error| unreadable(&error))?;
    let roots = read_certificates(BufReader::new(bundle)).map_err(|error| unreadable(&error))?;
    if roots.is_empty() { Err(unreadable(&"the file has none").into()) } else { Ok(roots) }
}

/// Reads the certificates of a PEM file (RFC 7468) line by line, which touches little memory, and skips other text.
///
/// rustls reads PEM in constant time, as private keys need it, and the crate `pem` reads it character by character.
/// With either, the 144 public roots of a system took nine tenths of the instructions of a cold start.
fn read_certificates(mut bundle: impl BufRead) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (mut line, mut base64, mut der) = (Vec::new(), Vec::new(), Vec::new());
    while bundle.read_until(b'\n', &mut line)? > 0 {
        match line.trim_ascii() {
            b"-----BEGIN CERTIFICATE-----" => base64.clear(),
            b"-----END CERTIFICATE-----" => {
                der.clear();
                // Like every TLS client, leave out what rustls cannot parse.
                if STANDARD.decode_vec(&base64, &mut der).is_ok() {
                    roots.add_parsable_certificates([CertificateDer::from_slice(&der)]);
                }
            }
            text => base64.extend_from_slice(text),
        }
        line.clear();
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn reads_the_same_system_roots_as_rustls() {
        let file = openssl_probe::probe().cert_file.unwrap();
        let mut expected = RootCertStore::empty();
        expected.add_parsable_certificates(CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap));
        assert_eq!(system_roots().unwrap().roots, expected.roots);
    }
    #[test]
    fn certificates_are_read_strictly() {
        let file = openssl_probe::probe().cert_file.unwrap();
        let certificate = CertificateDer::pem_file_iter(file).unwrap().next().unwrap().unwrap();
        let good = STANDARD.encode(&certificate);
        let roots = RootCertificates::from_base64(std::slice::from_ref(&good)).unwrap();
        assert_eq!(roots.0.len(), 1);
        let cut = STANDARD.encode(&certificate[..certificate.len() - 1]);
        for bad in [vec![], vec![String::new()], vec!["-----".to_owned()], vec![good, cut]] {
            assert!(RootCertificates::from_base64(&bad).is_err(), "{bad:?}");
        }
    }
}
