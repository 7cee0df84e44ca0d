//! A table with a row for every id of eight digits, which costs next to nothing to serve.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use restctl_testkit::bench::row::{Row, ids};
use restctl_testkit::tls::Authority;
use tokio::task::JoinHandle;

pub(crate) const TABLE: &str = "items";
pub(crate) const KEY: &str = "id";

/// A DynamoDB server, which runs until this is dropped.
pub(crate) struct Dynamodb {
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Dynamodb {
    pub(crate) async fn start(authority: &Authority) -> Self {
        let listener = authority.listen().await;
        let url = listener.origin();
        let router = Router::new().route("/", post(answer_request));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("axum serves") });
        Self { url, server }
    }
}

impl Drop for Dynamodb {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer_request(headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, answer) = match target {
        "DynamoDB_20120810.GetItem" => (StatusCode::OK, get_item(&body)),
        "DynamoDB_20120810.BatchGetItem" => (StatusCode::OK, batch_get_item(&body)),
        other => {
            let error = format!(
                r#"{{"__type":"ValidationException","message":"the benchmark does not expect {other}"}}"#
            );
            (StatusCode::BAD_REQUEST, error.into_bytes())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], answer).into_response()
}

fn get_item(request: &[u8]) -> Vec<u8> {
    let Some(id) = ids(request).next() else { return b"{}".to_vec() };
    let mut answer = br#"{"Item":"#.to_vec();
    Row::new(id).write_item(&mut answer);
    answer.push(b'}');
    answer
}

fn batch_get_item(request: &[u8]) -> Vec<u8> {
    let mut answer = format!(r#"{{"UnprocessedKeys":{{}},"Responses":{{"{TABLE}":["#).into_bytes();
    for (index, id) in ids(request).enumerate() {
        answer.extend_from_slice(if index == 0 { b"" } else { b"," });
        Row::new(id).write_item(&mut answer);
    }
    answer.extend_from_slice(b"]}}");
    answer
}
