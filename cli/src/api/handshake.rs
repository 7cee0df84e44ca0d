//! One connection to the endpoint, examined closely: how long each step takes, what the server presents, and whether that
//! is trusted. The verification is the same as in every other call; it cannot be switched off here either.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::api::endpoint::Location;
use crate::api::trust::{EndpointVerifier, build_tls_config};
use crate::digest::sha256_hex;
use crate::failure::{Failure, FailureContext, Result};
use crate::network::tunnel::open_tunnel;

/// The time limit of each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Handshake {
    /// An address and a port, or a host and the proxy on the way to it.
    pub(crate) address: String,
    /// Zero if there is a proxy, which resolves the name.
    pub(crate) resolve_time: Duration,
    pub(crate) connect_time: Duration,
    /// The TLS handshake.
    pub(crate) tls_time: Duration,
    /// The certificates that the server presented, its own first; empty if the handshake failed before.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// Why its certificate is not trusted.
    pub(crate) certificate_error: Option<rustls::Error>,
    /// Whether its signature proves that it holds the certificate's key. `None` if the handshake failed before.
    pub(crate) holds_key: Option<bool>,
    /// The connection, or why it failed.
    pub(crate) connection: std::io::Result<TlsStream<TcpStream>>,
}

impl Handshake {
    /// Connects to the endpoint as a client does: at the load balancer's address, with the certificate's name.
    ///
    /// # Errors
    /// If the endpoint cannot be reached. A refused certificate is not an error but a finding.
    pub(crate) async fn perform(location: &Location) -> Result<Self> {
        Self::over(connect(location).await?, location).await
    }

    /// Does the same at one of the endpoint's addresses.
    pub(crate) async fn perform_at(address: SocketAddr, location: &Location) -> Result<Self> {
        Self::over(connect_to_any(location, &[address]).await?, location).await
    }

    async fn over(connected: Connected, location: &Location) -> Result<Self> {
        let Connected { address, stream, resolve_time, connect_time } = connected;
        let verifier = Arc::new(RecordingVerifier::new(location)?);
        let config = build_tls_config(verifier.clone(), &[b"http/1.1"])?;
        let name = ServerName::try_from(location.name.clone())
            .context(format!("{} cannot be the name of a certificate", location.name))?;
        let began = Instant::now();
        let connected =
            timeout(STEP_TIMEOUT, TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
        let tls_time = began.elapsed();
        let connection = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let HandshakeRecord { chain, certificate_error, holds_key } =
            std::mem::take(&mut *verifier.lock_record());
        Ok(Self {
            address,
            resolve_time,
            connect_time,
            tls_time,
            chain,
            certificate_error,
            holds_key,
            connection,
        })
    }

    /// Returns the SHA-256 of the server's own certificate, lower-case hexadecimal. `None` if it presented none.
    pub(crate) fn certificate_fingerprint(&self) -> Option<String> {
        self.chain.first().map(|certificate| sha256_hex(certificate))
    }
}

/// A TCP connection to the endpoint.
struct Connected {
    address: String,
    stream: TcpStream,
    resolve_time: Duration,
    connect_time: Duration,
}

async fn connect(location: &Location) -> Result<Connected> {
    let began = Instant::now();
    if let Some(proxy) = location.proxy()? {
        let stream = open_tunnel(&proxy, &location.host, location.port).await?;
        let address = format!("{}:{} through {proxy}", location.host, location.port);
        return Ok(Connected {
            address,
            stream,
            resolve_time: Duration::ZERO,
            connect_time: began.elapsed(),
        });
    }
    let addresses = location.resolve_addresses().await?;
    let resolve_time = began.elapsed();
    Ok(Connected { resolve_time, ..connect_to_any(location, &addresses).await? })
}

async fn connect_to_any(location: &Location, addresses: &[SocketAddr]) -> Result<Connected> {
    let (began, mut last) = (Instant::now(), None);
    for address in addresses {
        match timeout(STEP_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let (address, connect_time) = (address.to_string(), began.elapsed());
                return Ok(Connected { address, stream, resolve_time: Duration::ZERO, connect_time });
            }
            Ok(Err(error)) => last = Some(error),
            Err(_) => last = Some(std::io::ErrorKind::TimedOut.into()),
        }
    }
    let failure = Failure::new(format!("cannot reach the load balancer {}", location.host));
    let failure = match &last {
        Some(error) => failure.because(error),
        None => failure.why("its name has no address"),
    };
    Err(failure.next("check that the allowed CIDRs include this machine: restctl deploy --allow-cidr CIDR"))
}

#[derive(Debug, Default)]
struct HandshakeRecord {
    chain: Vec<CertificateDer<'static>>,
    certificate_error: Option<rustls::Error>,
    holds_key: Option<bool>,
}

/// Records what the server presents; the verifier of all other calls decides.
#[derive(Debug)]
struct RecordingVerifier {
    verifier: EndpointVerifier,
    record: Mutex<HandshakeRecord>,
}

impl RecordingVerifier {
    fn new(location: &Location) -> Result<Self> {
        Ok(Self { verifier: EndpointVerifier::new(&location.anchor)?, record: Mutex::default() })
    }

    fn lock_record(&self) -> MutexGuard<'_, HandshakeRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the error of the certificate, or else the result of the signature.
    fn combine_results(
        &self,
        signature: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let mut record = self.lock_record();
        record.holds_key = Some(signature.is_ok());
        match &record.certificate_error {
            Some(certificate_error) => Err(certificate_error.clone()),
            None => signature,
        }
    }
}

impl ServerCertVerifier for RecordingVerifier {
    /// Accepts every certificate for now. A refused one is reported with the signature, which the server sends next: then both
    /// results are known.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verifier = &self.verifier;
        let verified =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let chain = [end_entity].into_iter().chain(intermediates).map(|each| each.clone().into_owned());
        let mut record = self.lock_record();
        record.chain = chain.collect();
        record.certificate_error = verified.err();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.combine_results(self.verifier.verify_tls12_signature(message, certificate, signature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.combine_results(self.verifier.verify_tls13_signature(message, certificate, signature))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
