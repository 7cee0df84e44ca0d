//! The HTTP server under every stand-in of a service, on 127.0.0.1.

use std::fmt::Debug;

use axum::Router;
use axum::serve::{Listener, ListenerExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::tls::{Authority, send_at_once};

/// Serves until it is dropped.
pub(crate) struct Server {
    url: String,
    _task: JoinSet<()>,
}

impl Server {
    /// Starts the server in the current tokio runtime.
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("a bound socket has an address");
        Self::serve_on(listener.tap_io(send_at_once), format!("http://{address}"), router)
    }

    pub(crate) async fn start_with_tls(authority: &Authority, router: Router) -> Self {
        let listener = authority.listen().await;
        let url = listener.origin();
        Self::serve_on(listener, url, router)
    }

    fn serve_on<L: Listener<Addr: Debug>>(listener: L, url: String, router: Router) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.expect("axum serves") });
        Self { url, _task: task }
    }

    /// Returns scheme, host and port.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
