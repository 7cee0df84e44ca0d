//! A service for tests, whose answers the test chooses.

use std::sync::Mutex;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use axum::Router;
use axum::handler::Handler;

use super::Aws;
use super::clock::Clock;
use super::http_client;

/// Starts a server that answers with `answer` until the test ends, and returns clients of it. Neither they nor their
/// clock wait.
pub(crate) async fn connect<T: 'static>(answer: impl Handler<T, ()>) -> Aws {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(answer)).await });
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client::build_plain_client())
        .endpoint_url(format!("http://{address}"))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    let aws = Aws::from_config(&config.load().await).unwrap();
    Aws { clock: Clock::Test(Mutex::default()), ..aws }
}
