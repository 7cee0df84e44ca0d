//! A server that has the API's certificate but is not the API, such as a load balancer that was left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Impostor {
    pub(crate) port: u16,
    requests: Arc<AtomicUsize>,
}

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 9\r\nconnection: close\r\n\r\nNot found";

impl Impostor {
    /// Starts a server with the certificate and the key in `pem`. It ends with this process.
    pub(crate) fn start_with(pem: &[u8]) -> Self {
        let chain = CertificateDer::pem_slice_iter(pem).map(Result::unwrap).collect();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(pem).unwrap())
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (port, requests) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = requests.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(answer_not_found(listener, TlsAcceptor::from(Arc::new(config)), &count));
        });
        Self { port, requests }
    }

    pub(crate) fn request_count(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn answer_not_found(listener: std::net::TcpListener, acceptor: TlsAcceptor, requests: &AtomicUsize) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that disconnects is not served.
        let Ok(mut tls) = acceptor.accept(stream).await else { continue };
        let mut request = [0; 4096];
        if tls.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
            requests.fetch_add(1, Ordering::Relaxed);
            let _ = tls.write_all(NOT_FOUND).await;
            let _ = tls.shutdown().await;
        }
    }
}
