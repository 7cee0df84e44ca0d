//! A TCP server that does not speak HTTP properly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the server does after it has received a request.
#[derive(Debug, Clone)]
pub(super) enum Behavior {
    /// Sends this and keeps the connection open.
    Send(String),
    /// Sends this and closes the connection.
    SendAndClose(String),
    /// Sends this, and then `x` for as long as anyone reads.
    SendForever(String),
}

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    sent_bytes: AtomicUsize,
}

/// Serves until it is dropped.
pub(super) struct RawServer {
    origin: String,
    counts: Arc<Counts>,
    _server: JoinSet<()>,
}

impl RawServer {
    pub(super) async fn start(behavior: Behavior) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a bound socket has an address");
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve_connection(stream, behavior.clone(), Arc::clone(&shared)));
            }
        });
        Self { origin: format!("http://{address}"), counts, _server: server }
    }

    pub(super) fn url(&self) -> &str {
        &self.origin
    }

    /// Returns the number of connections that sent something.
    pub(super) fn request_count(&self) -> usize {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes sent after the first text.
    pub(super) fn sent_byte_count(&self) -> usize {
        self.counts.sent_bytes.load(Ordering::Relaxed)
    }
}

/// Serves a connection until the client closes it, which is not a failure.
async fn serve_connection(mut stream: TcpStream, behavior: Behavior, counts: Arc<Counts>) {
    let Ok(1..) = stream.read(&mut [0; 4096]).await else { return };
    counts.requests.fetch_add(1, Ordering::Relaxed);
    let (Behavior::Send(text) | Behavior::SendAndClose(text) | Behavior::SendForever(text)) = &behavior;
    if stream.write_all(text.as_bytes()).await.is_err() {
        return;
    }
    match behavior {
        Behavior::Send(_) => std::future::pending().await,
        Behavior::SendAndClose(_) => {}
        Behavior::SendForever(_) => {
            let piece = [b'x'; 4096];
            while stream.write_all(&piece).await.is_ok() {
                counts.sent_bytes.fetch_add(piece.len(), Ordering::Relaxed);
            }
        }
    }
}
