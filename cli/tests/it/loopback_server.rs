//! Servers of the tests, on this machine.

use std::net::TcpListener;

use axum::Router;

/// Serves on a thread of its own, which ends with this process.
pub(crate) fn serve_until_exit(listener: TcpListener, routes: Router) {
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await.unwrap();
        });
    });
}
