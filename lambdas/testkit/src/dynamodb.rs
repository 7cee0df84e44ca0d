//! A DynamoDB small enough for tests: PutItem, GetItem, Scan, BatchGetItem and BatchWriteItem over HTTP on
//! 127.0.0.1, with the limits and refusals of the service (Amazon DynamoDB API Reference), and with settings for the
//! answers that a healthy table seldom gives. It also answers Secrets Manager's GetSecretValue, because a function
//! calls both services at one address.
//!
//! It checks neither signatures nor types, compares number keys as they are written, ignores projections, and
//! counts a capacity unit for each item that is read or written, whatever its size.

mod generated_table;
mod large_table;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use generated_table::GeneratedTable;
pub use generated_table::{Puts, TableContent};
use large_table::LargeTable;
use serde_json::{Value, json};
use state::{DynamoState, ServiceError, Table, Unprocessed};

use crate::server::Server;
use crate::tls::Authority;

/// The most that a BatchWriteItem may have (Amazon DynamoDB API Reference).
const MAX_REQUEST_BYTES: usize = 16_000_000;

/// Serves until it is dropped. Items and keys are in DynamoDB's JSON, as in `{"id": {"S": "42"}}`.
pub struct Dynamo {
    server: Server,
    state: Arc<Mutex<DynamoState>>,
}

impl Dynamo {
    /// Starts the server in the current tokio runtime.
    pub async fn start() -> Self {
        let state = Arc::default();
        Self { server: Server::start(build_router(&state)).await, state }
    }

    /// As [`Self::start`], over HTTPS.
    pub async fn start_with_tls(authority: &Authority) -> Self {
        let state = Arc::default();
        Self { server: Server::start_with_tls(authority, build_router(&state)).await, state }
    }

    /// Returns the endpoint URL for a client.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Adds an empty table with the partition key `key`. Calls to any other table get a ResourceNotFoundException.
    pub fn create_table(&self, name: &str, key: &str) {
        let table = Table { key: key.to_owned(), items: BTreeMap::new() };
        self.lock_state().tables.insert(name.to_owned(), table);
    }

    /// Adds a table of [`GeneratedRow`](crate::bench::row::GeneratedRow)s for a benchmark. It costs next to nothing,
    /// keeps nothing, and gets all batches.
    pub fn generate_table(&self, name: &str, content: TableContent) {
        self.lock_state().generated = Some(GeneratedTable::new(name, content));
    }

    /// Adds a table of items of 400 KB, each of which has its key and `attribute`, which is in DynamoDB's JSON:
    /// `"name":{"S":"…"}`. Of each batch, as many keys have an item as fit into an answer. It keeps nothing.
    pub fn create_large_table(&self, name: &str, attribute: &str) {
        self.lock_state().large = Some(LargeTable::new(name, attribute));
    }

    /// Returns what has been put into the generated table.
    pub fn generated_puts(&self) -> Puts {
        self.lock_state().generated.as_ref().map_or_else(Puts::default, |table| table.puts)
    }

    /// Adds a secret that GetSecretValue answers.
    pub fn keep_secret(&self, id: &str, value: &str) {
        self.lock_state().secrets.insert(id.to_owned(), value.to_owned());
    }

    /// Removes all tables, and forgets all calls and settings.
    pub fn clear(&self) {
        *self.lock_state() = DynamoState::default();
    }

    /// Puts an item without a call.
    pub fn put_item(&self, table: &str, item: Value) {
        let mut state = self.lock_state();
        let table = state.tables.get_mut(table).expect("create_table comes first");
        let key = item[&table.key].to_string();
        table.items.insert(key, item);
    }

    /// Returns every item of a table, ordered by the text of its key.
    pub fn items(&self, table: &str) -> Vec<Value> {
        self.lock_state().tables.get(table).map(|t| t.items.values().cloned().collect()).unwrap_or_default()
    }

    /// Returns how many calls of `operation`, such as `PutItem`, have arrived, including refused and throttled ones.
    pub fn count_calls(&self, operation: &str) -> usize {
        self.lock_state().calls.get(operation).copied().unwrap_or(0)
    }

    /// Returns how many calls of all operations have arrived.
    pub fn count_all_calls(&self) -> usize {
        self.lock_state().calls.values().sum()
    }

    /// Makes the next `calls` batch calls leave their last `requests` puts or keys unprocessed.
    pub fn leave_unprocessed(&self, requests: usize, calls: usize) {
        self.lock_state().unprocessed = Unprocessed { requests, calls };
    }

    /// Answers the next `calls` calls of `operation` with a ProvisionedThroughputExceededException.
    pub fn throttle(&self, operation: &str, calls: usize) {
        self.lock_state().throttled.insert(operation.to_owned(), calls);
    }

    /// Answers every later call of `operation` with an AccessDeniedException that says this.
    pub fn refuse_calls(&self, operation: &str, message: &str) {
        self.lock_state().refused_calls.insert(operation.to_owned(), message.to_owned());
    }

    /// Answers every later put of an item with this key, such as `{"S": "42"}`, with a ValidationException, alone or
    /// in a batch.
    pub fn refuse_key(&self, key: &Value) {
        self.lock_state().refused.insert(key.to_string());
    }

    fn lock_state(&self) -> MutexGuard<'_, DynamoState> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<DynamoState>) -> MutexGuard<'_, DynamoState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn build_router(state: &Arc<Mutex<DynamoState>>) -> Router {
    let limit = DefaultBodyLimit::max(MAX_REQUEST_BYTES);
    Router::new().route("/", post(answer_call)).layer(limit).with_state(Arc::clone(state))
}

async fn answer_call(
    State(state): State<Arc<Mutex<DynamoState>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let (status, body) = match lock(&state).handle_call(operation, &body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(ServiceError { code, message }) => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            let problem = json!({ "__type": kind, "message": message });
            (StatusCode::BAD_REQUEST, problem.to_string().into_bytes())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}
