//! A server that has the API's certificate but is not the API: a load balancer that was left behind, or an attacker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Impostor {
    pub(crate) port: u16,
    requests: Arc<AtomicUsize>,
}

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 9\r\nconnection: close\r\n\r\nNot found";

/// Returns the answer to a request, which is the text of its head and its body.
type Answer = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

impl Impostor {
    /// Starts a server with the certificate and the key in `pem`, which finds nothing. It ends with this process.
    pub(crate) fn start_with(pem: &[u8]) -> Self {
        Self::start_answering(pem, |_| NOT_FOUND.to_vec())
    }

    /// Starts a server with the certificate and the key in `pem`. It ends with this process.
    pub(crate) fn start_answering(
        pem: &[u8],
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
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
            let acceptor = TlsAcceptor::from(Arc::new(config));
            runtime.block_on(answer_requests(listener, acceptor, count, Arc::new(answer)));
        });
        Self { port, requests }
    }

    pub(crate) fn request_count(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn answer_requests(
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    requests: Arc<AtomicUsize>,
    answer: Answer,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, requests, answer) = (acceptor.clone(), Arc::clone(&requests), Arc::clone(&answer));
        // A client may keep its connection while it opens another one.
        tokio::spawn(async move {
            // A client that disconnects is not served.
            let Ok(mut tls) = acceptor.accept(stream).await else { return };
            let request = read_request(&mut tls).await;
            if !request.is_empty() {
                requests.fetch_add(1, Ordering::Relaxed);
                let _ = tls.write_all(&answer(&request)).await;
                let _ = tls.shutdown().await;
            }
        });
    }
}

/// Reads a request to its end, or to that of the connection.
async fn read_request(tls: &mut (impl AsyncRead + Unpin)) -> String {
    let (mut request, mut piece) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(bytes @ 1..) = tls.read(&mut piece).await {
        request.extend_from_slice(&piece[..bytes]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break;
            }
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}
