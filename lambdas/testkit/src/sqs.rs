//! As much of Amazon SQS as a load needs: it accepts every call and remembers its body.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::server::Server;

/// Serves until it is dropped.
pub struct Sqs {
    server: Server,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Default)]
struct Calls {
    count: usize,
    bodies: HashMap<String, Vec<Value>>,
}

impl Sqs {
    /// Starts the server in the current tokio runtime.
    pub async fn start() -> Self {
        let calls = Arc::default();
        let router = Router::new().route("/", post(record_call)).with_state(Arc::clone(&calls));
        Self { server: Server::start(router).await, calls }
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns the bodies of the calls of `operation` since they were last taken.
    pub fn take_calls(&self, operation: &str) -> Vec<Value> {
        lock(&self.calls).bodies.remove(operation).unwrap_or_default()
    }

    /// Returns how many calls have arrived.
    pub fn count_calls(&self) -> usize {
        lock(&self.calls).count
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().expect("no thread panics with the lock")
}

async fn record_call(
    State(calls): State<Arc<Mutex<Calls>>>,
    headers: HeaderMap,
    body: String,
) -> Json<Value> {
    let target = headers["x-amz-target"].to_str().expect("a target is ASCII");
    let operation = target.strip_prefix("AmazonSQS.").expect("the call is one of SQS").to_owned();
    let body = serde_json::from_str(&body).expect("a call's body is JSON");
    let mut calls = lock(&calls);
    calls.count += 1;
    calls.bodies.entry(operation).or_default().push(body);
    Json(json!({}))
}
