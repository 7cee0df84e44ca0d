//! As much of SQS as a load sees: it takes every call and remembers its body.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) struct Sqs {
    url: String,
    calls: Calls,
}

type Calls = Arc<Mutex<Vec<Value>>>;

impl Sqs {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Calls::default();
        let router = Router::new().route("/", post(call)).with_state(Arc::clone(&calls));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, calls }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The bodies of the calls of ChangeMessageVisibility, the only operation there is.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap().clone()
    }
}

async fn call(State(calls): State<Calls>, headers: HeaderMap, body: String) -> Json<Value> {
    assert_eq!(headers["x-amz-target"], "AmazonSQS.ChangeMessageVisibility");
    calls.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    Json(json!({}))
}
