//! A server that is no web server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it does once something has been asked.
#[derive(Debug, Clone)]
pub(super) enum Habit {
    /// Says this, and keeps the connection open.
    Say(String),
    /// Says this, and closes.
    SayAndClose(String),
    /// Says this, and then `x` for as long as anyone listens.
    SayOnAndOn(String),
}

#[derive(Default)]
struct Counts {
    asked: AtomicUsize,
    sent: AtomicUsize,
}

/// Serves until it is dropped.
pub(super) struct RawServer {
    origin: String,
    counts: Arc<Counts>,
    _server: JoinSet<()>,
}

impl RawServer {
    pub(super) async fn start(habit: Habit) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a bound socket has an address");
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, habit.clone(), Arc::clone(&shared)));
            }
        });
        Self { origin: format!("http://{address}"), counts, _server: server }
    }

    pub(super) fn url(&self) -> &str {
        &self.origin
    }

    /// How many connections have asked for something.
    pub(super) fn asked(&self) -> usize {
        self.counts.asked.load(Ordering::Relaxed)
    }

    /// Bytes that went out on and on.
    pub(super) fn sent(&self) -> usize {
        self.counts.sent.load(Ordering::Relaxed)
    }
}

/// Whoever does not want to hear more closes the connection, which is no failure.
async fn serve(mut stream: TcpStream, habit: Habit, counts: Arc<Counts>) {
    let Ok(1..) = stream.read(&mut [0; 4096]).await else { return };
    counts.asked.fetch_add(1, Ordering::Relaxed);
    let (Habit::Say(text) | Habit::SayAndClose(text) | Habit::SayOnAndOn(text)) = &habit;
    if stream.write_all(text.as_bytes()).await.is_err() {
        return;
    }
    match habit {
        Habit::Say(_) => std::future::pending().await,
        Habit::SayAndClose(_) => {}
        Habit::SayOnAndOn(_) => {
            let piece = [b'x'; 4096];
            while stream.write_all(&piece).await.is_ok() {
                counts.sent.fetch_add(piece.len(), Ordering::Relaxed);
            }
        }
    }
}
