//! As much of SQS as a load sees: it takes every call and remembers its body.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use restctl_testkit::dynamodb::send_at_once;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) struct Sqs {
    url: String,
    calls: Calls,
}

/// By operation.
type Calls = Arc<Mutex<HashMap<String, Vec<Value>>>>;

impl Sqs {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Calls::default();
        let router = Router::new().route("/", post(call)).with_state(Arc::clone(&calls));
        tokio::spawn(async move { axum::serve(listener.tap_io(send_at_once), router).await.unwrap() });
        Self { url, calls }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The bodies of the calls of `operation` since they were last asked for.
    pub(crate) fn take(&self, operation: &str) -> Vec<Value> {
        self.calls.lock().unwrap().remove(operation).unwrap_or_default()
    }
}

async fn call(State(calls): State<Calls>, headers: HeaderMap, body: String) -> Json<Value> {
    let operation = headers["x-amz-target"].to_str().unwrap().strip_prefix("AmazonSQS.").unwrap().to_owned();
    let mut calls = calls.lock().unwrap();
    calls.entry(operation).or_default().push(serde_json::from_str(&body).unwrap());
    Json(json!({}))
}
