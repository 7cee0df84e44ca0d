//! A TLS server in place of the endpoint: it presents the certificates that a test gives it, and answers no request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// A chain and a key, which need not be the key of the first certificate.
pub(crate) type Presented<'a> = (Vec<CertificateDer<'static>>, &'a KeyPair);

pub(crate) struct TlsStandIn {
    pub(crate) address: SocketAddr,
    handshakes: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Turns {
    presented: Vec<Arc<CertifiedKey>>,
    handshakes: Arc<AtomicUsize>,
}

impl ResolvesServerCert for Turns {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let turn = self.handshakes.fetch_add(1, Ordering::SeqCst);
        self.presented.get(turn).or(self.presented.last()).cloned()
    }
}

impl TlsStandIn {
    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }
}

/// Starts a server that presents these in turn, and then always the last. It ends with this process.
pub(crate) fn serve_in_turn(turns: &[Presented<'_>]) -> TlsStandIn {
    let certified = |(chain, key): &Presented<'_>| {
        let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let signer = aws_lc_rs::sign::any_supported_type(&der).unwrap();
        // This does not check whether the key is that of the certificate.
        Arc::new(CertifiedKey::new(chain.clone(), signer))
    };
    let handshakes = Arc::default();
    let turns =
        Turns { presented: turns.iter().map(certified).collect(), handshakes: Arc::clone(&handshakes) };
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(turns));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that rejects the certificate disconnects; one that accepts it gets no answer.
                let _ = acceptor.accept(stream).await;
            }
        });
    });
    TlsStandIn { address, handshakes }
}
