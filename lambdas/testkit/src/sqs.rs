//! As much of Amazon SQS as a load needs: it remembers the body of every call, and accepts the call unless told otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
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
    /// The code and the message with which calls of an operation are refused.
    refusals: HashMap<String, (&'static str, &'static str)>,
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

    /// Refuses every later call of `operation` with this code and message.
    pub fn refuse_calls(&self, operation: &str, code: &'static str, message: &'static str) {
        lock(&self.calls).refusals.insert(operation.to_owned(), (code, message));
    }

    /// Returns how many calls have arrived.
    pub fn count_calls(&self) -> usize {
        lock(&self.calls).count
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().expect("no thread panics with the lock")
}

async fn record_call(State(calls): State<Arc<Mutex<Calls>>>, headers: HeaderMap, body: String) -> Response {
    let target = headers["x-amz-target"].to_str().expect("a target is ASCII");
    let operation = target.strip_prefix("AmazonSQS.").expect("the call is one of SQS").to_owned();
    let body = serde_json::from_str(&body).expect("a call's body is JSON");
    let mut calls = lock(&calls);
    calls.count += 1;
    let refusal = calls.refusals.get(&operation).copied();
    calls.bodies.entry(operation).or_default().push(body);
    match refusal {
        None => Json(json!({})).into_response(),
        // The header has the code that the service had before it spoke JSON ("AWS JSON protocol", Amazon SQS Developer Guide).
        Some((code, message)) => {
            let header = [("x-amzn-query-error", format!("{code};Sender"))];
            (StatusCode::BAD_REQUEST, header, Json(json!({ "message": message }))).into_response()
        }
    }
}
