//! S3, DynamoDB and SQS behind one endpoint on 127.0.0.1, as little of each as a load sees and costing next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Response, StatusCode};
use axum::serve::ListenerExt;
use restctl_testkit::bench::BoxError;
use restctl_testkit::dynamodb::send_at_once;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::dynamodb::Dynamodb;
use crate::s3;

pub(crate) const BUCKET: &str = "data";
pub(crate) const OBJECT: &str = "items.csv";
pub(crate) const VERSION: &str = "benchmark";
pub(crate) const ITEMS_TABLE: &str = "items";
pub(crate) const LEDGER_TABLE: &str = "ledger";

/// Serves until it is dropped.
pub(crate) struct Cloud {
    pub(crate) url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    rows: u64,
    dynamodb: Dynamodb,
    calls: AtomicU64,
}

impl Cloud {
    /// With an object of `rows` rows.
    pub(crate) async fn start(rows: u64, dynamodb: Dynamodb) -> Result<Self, BoxError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared { rows, dynamodb, calls: AtomicU64::new(0) });
        let router =
            Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener.tap_io(send_at_once), router).await.expect("axum serves")
        });
        Ok(Self { url, shared, server })
    }

    pub(crate) fn dynamodb(&self) -> &Dynamodb {
        &self.shared.dynamodb
    }

    /// To any of the services.
    pub(crate) fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    shared.calls.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let Some((service, operation)) = target.and_then(|target| target.split_once('.')) else {
        return s3::answer(&head, shared.rows);
    };
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return json(StatusCode::BAD_REQUEST, Bytes::new());
    };
    match service {
        "AmazonSQS" => json(StatusCode::OK, Bytes::from_static(b"{}")),
        _ => match shared.dynamodb.answer(operation, &body) {
            Ok(answer) => json(StatusCode::OK, answer.into()),
            Err(message) => {
                let error = serde_json::json!({ "__type": "ValidationException", "message": message });
                json(StatusCode::BAD_REQUEST, error.to_string().into())
            }
        },
    }
}

fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    response.body(Body::from(body)).expect("the head is well-formed")
}
