//! A DynamoDB small enough for tests: PutItem, GetItem, Scan, BatchGetItem and BatchWriteItem over HTTP on
//! 127.0.0.1 (and Secrets Manager's GetSecretValue, of which a function knows no other address), with the limits and refusals of the service (Amazon DynamoDB API Reference) and with knobs for
//! the answers that a healthy table seldom gives.
//!
//! It checks neither signatures nor types, compares number keys as they are written, ignores projections, and
//! counts a capacity unit for each item that is read or written, whatever its size.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const MAX_WRITES_PER_BATCH: usize = 25;
const MAX_KEYS_PER_BATCH: usize = 100;

/// Serves until it is dropped. Items and keys are in DynamoDB's JSON, as in `{"id": {"S": "42"}}`.
pub struct Dynamo {
    url: String,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    tables: HashMap<String, Table>,
    secrets: HashMap<String, String>,
    calls: HashMap<String, usize>,
    throttled: HashMap<String, usize>,
    unprocessed: Unprocessed,
    refused: BTreeSet<String>,
}

struct Table {
    key: String,
    items: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Unprocessed {
    requests: usize,
    calls: usize,
}

impl Dynamo {
    /// Must be called within a tokio runtime, which then also runs the server.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("the listener's address");
        let state = Arc::new(Mutex::new(State::default()));
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&state));
        let server =
            tokio::spawn(
                async move { axum::serve(listener.tap_io(send_at_once), router).await.expect("serves") },
            );
        Self { url: format!("http://{address}"), state, server }
    }

    /// The endpoint URL to configure in a client.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An empty table with the partition key `key`. Calls to any other table get a ResourceNotFoundException.
    pub fn create_table(&self, name: &str, key: &str) {
        let table = Table { key: key.to_owned(), items: BTreeMap::new() };
        lock(&self.state).tables.insert(name.to_owned(), table);
    }

    /// A secret that GetSecretValue answers.
    pub fn keep_secret(&self, id: &str, value: &str) {
        lock(&self.state).secrets.insert(id.to_owned(), value.to_owned());
    }

    /// Removes all tables and forgets all calls and orders.
    pub fn clear(&self) {
        *lock(&self.state) = State::default();
    }

    /// Puts an item without a call.
    pub fn put(&self, table: &str, item: Value) {
        let mut state = lock(&self.state);
        let table = state.tables.get_mut(table).expect("create_table comes first");
        let key = item[&table.key].to_string();
        table.items.insert(key, item);
    }

    /// Every item of a table, in the order of the keys' text.
    pub fn items(&self, table: &str) -> Vec<Value> {
        lock(&self.state).tables.get(table).map(|t| t.items.values().cloned().collect()).unwrap_or_default()
    }

    /// How many calls of `operation`, as in `PutItem`, have arrived, refused and throttled ones included.
    pub fn calls(&self, operation: &str) -> usize {
        lock(&self.state).calls.get(operation).copied().unwrap_or(0)
    }

    /// The next `calls` batch calls leave their last `requests` puts or keys unprocessed.
    pub fn leave_unprocessed(&self, requests: usize, calls: usize) {
        lock(&self.state).unprocessed = Unprocessed { requests, calls };
    }

    /// The next `calls` calls of `operation` get a ProvisionedThroughputExceededException.
    pub fn throttle(&self, operation: &str, calls: usize) {
        lock(&self.state).throttled.insert(operation.to_owned(), calls);
    }

    /// From now on a put of an item with this key, as in `{"S": "42"}`, is a ValidationException, alone or in
    /// a batch.
    pub fn refuse_key(&self, key: &Value) {
        lock(&self.state).refused.insert(key.to_string());
    }
}

impl Drop for Dynamo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Without it a small answer may wait for 40 ms until what was sent before is acknowledged. Where it cannot be had,
/// a test only takes longer.
pub fn send_at_once(stream: &mut TcpStream) {
    let _ = stream.set_nodelay(true);
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Refusal {
    code: &'static str,
    message: String,
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: "ValidationException", message: message.into() }
}

async fn answer(Shared(state): Shared<Arc<Mutex<State>>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let (status, body) = match lock(&state).call(operation, &body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(Refusal { code, message }) => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            (StatusCode::BAD_REQUEST, json!({ "__type": kind, "message": message }))
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
}

impl State {
    fn call(&mut self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        if let Some(left) = self.throttled.get_mut(operation).filter(|left| **left > 0) {
            *left -= 1;
            return Err(Refusal {
                code: "ProvisionedThroughputExceededException",
                message: "The level of configured provisioned throughput for the table was exceeded.".into(),
            });
        }
        let request: Value = serde_json::from_slice(body)
            .map_err(|error| Refusal { code: "SerializationException", message: error.to_string() })?;
        match operation {
            "PutItem" => self.put_item(&request),
            "GetItem" => self.get_item(&request),
            "BatchWriteItem" => self.batch_write_item(&request),
            "BatchGetItem" => self.batch_get_item(&request),
            "Scan" => self.scan(&request),
            "GetSecretValue" => match self.secrets.get(request["SecretId"].as_str().unwrap_or_default()) {
                Some(secret) => Ok(json!({ "SecretString": secret })),
                None => Err(Refusal { code: "ResourceNotFoundException", message: "no such secret".into() }),
            },
            other => Err(Refusal { code: "UnknownOperationException", message: other.to_owned() }),
        }
    }

    fn put_item(&mut self, request: &Value) -> Result<Value, Refusal> {
        let key = self.key_of(&request["TableName"], &request["Item"])?;
        self.check_put(&key)?;
        self.table(&request["TableName"])?.items.insert(key, request["Item"].clone());
        Ok(with_capacity(request, json!({}), json!({ "CapacityUnits": 1.0 })))
    }

    fn scan(&mut self, request: &Value) -> Result<Value, Refusal> {
        let table = self.table(&request["TableName"])?;
        let limit = request["Limit"].as_u64().and_then(|limit| limit.try_into().ok()).unwrap_or(usize::MAX);
        let start = match &request["ExclusiveStartKey"] {
            Value::Null => Bound::Unbounded,
            key => Bound::Excluded(key[&table.key].to_string()),
        };
        let page: Vec<&Value> =
            table.items.range((start, Bound::Unbounded)).map(|(_, item)| item).take(limit).collect();
        let mut answer = json!({ "Items": page, "Count": page.len(), "ScannedCount": page.len() });
        if let Some(last) = page.last().filter(|_| page.len() == limit) {
            answer["LastEvaluatedKey"] = json!({ table.key.as_str(): last[&table.key] });
        }
        let units = page.len().max(1) as f64;
        Ok(with_capacity(request, answer, json!({ "CapacityUnits": units })))
    }

    fn get_item(&mut self, request: &Value) -> Result<Value, Refusal> {
        let key = self.key_of(&request["TableName"], &request["Key"])?;
        let item = self.table(&request["TableName"])?.items.get(&key);
        Ok(item.map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }

    fn batch_write_item(&mut self, request: &Value) -> Result<Value, Refusal> {
        let mut puts = Vec::new();
        for (table, requests) in members(&request["RequestItems"]) {
            let table = Value::from(table.as_str());
            for request in requests.as_array().into_iter().flatten() {
                let key = self.key_of(&table, &request["PutRequest"]["Item"])?;
                self.check_put(&key)?;
                puts.push((table.clone(), key, request.clone()));
            }
        }
        if puts.is_empty() || puts.len() > MAX_WRITES_PER_BATCH {
            return Err(invalid("Too many items requested for the BatchWriteItem call"));
        }
        if has_twice(puts.iter().map(|(table, key, _)| (table.to_string(), key))) {
            return Err(invalid("Provided list of item keys contains duplicates"));
        }
        let processed = self.processed(puts.len());
        let left = puts.split_off(processed);
        for (table, key, request) in puts {
            self.table(&table)?.items.insert(key, request["PutRequest"]["Item"].clone());
        }
        let mut unprocessed = Map::new();
        for (table, _, request) in left {
            push(&mut unprocessed, table.as_str().unwrap_or_default(), request);
        }
        let answer = json!({ "UnprocessedItems": unprocessed });
        Ok(with_capacity(request, answer, json!([{ "CapacityUnits": processed as f64 }])))
    }

    fn batch_get_item(&mut self, request: &Value) -> Result<Value, Refusal> {
        let mut gets = Vec::new();
        for (table, request) in members(&request["RequestItems"]) {
            for key in request["Keys"].as_array().into_iter().flatten() {
                gets.push((table, self.key_of(&Value::from(table.as_str()), key)?, key));
            }
        }
        if gets.is_empty() || gets.len() > MAX_KEYS_PER_BATCH {
            return Err(invalid("Too many items requested for the BatchGetItem call"));
        }
        if has_twice(gets.iter().map(|(table, key, _)| (table, key))) {
            return Err(invalid("Provided list of item keys contains duplicates"));
        }
        let processed = self.processed(gets.len());
        let left = gets.split_off(processed);
        let mut found = Map::new();
        for (table, key, _) in gets {
            let items = &self.table(&Value::from(table.as_str()))?.items;
            if let Some(item) = items.get(&key) {
                push(&mut found, table, item.clone());
            }
        }
        let mut unprocessed = Map::new();
        for (table, _, key) in left {
            let keys = unprocessed.entry(table.as_str()).or_insert_with(|| json!({ "Keys": [] }));
            keys["Keys"].as_array_mut().expect("made above").push(key.clone());
        }
        let answer = json!({ "Responses": found, "UnprocessedKeys": unprocessed });
        Ok(with_capacity(request, answer, json!([{ "CapacityUnits": processed as f64 }])))
    }

    fn table(&mut self, name: &Value) -> Result<&mut Table, Refusal> {
        self.tables.get_mut(name.as_str().unwrap_or_default()).ok_or_else(|| Refusal {
            code: "ResourceNotFoundException",
            message: "Requested resource not found".to_owned(),
        })
    }

    /// The text under which the table stores the item or finds the key.
    fn key_of(&mut self, table: &Value, attributes: &Value) -> Result<String, Refusal> {
        let name = self.table(table)?.key.clone();
        match attributes.get(&name) {
            None => Err(invalid("One of the required keys was not given a value")),
            Some(key) if key.get("S").is_some_and(|text| text == "") => Err(invalid(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                 contain an empty string value. Key: {name}"
            ))),
            Some(key) => Ok(key.to_string()),
        }
    }

    fn check_put(&self, key: &str) -> Result<(), Refusal> {
        if self.refused.contains(key) {
            return Err(invalid(format!("One or more parameter values were invalid: {key}")));
        }
        Ok(())
    }

    /// How many of a batch's requests are to be processed.
    fn processed(&mut self, requests: usize) -> usize {
        if self.unprocessed.calls == 0 {
            return requests;
        }
        self.unprocessed.calls -= 1;
        requests.saturating_sub(self.unprocessed.requests)
    }
}

/// What the call consumed, where the request asks for it.
fn with_capacity(request: &Value, mut answer: Value, consumed: Value) -> Value {
    if request["ReturnConsumedCapacity"] == "TOTAL" {
        answer["ConsumedCapacity"] = consumed;
    }
    answer
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn push(lists: &mut Map<String, Value>, name: &str, value: Value) {
    lists.entry(name).or_insert_with(|| json!([])).as_array_mut().expect("only lists go in").push(value);
}

fn has_twice<T: Ord>(keys: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    !keys.into_iter().all(|key| seen.insert(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn call(dynamo: &Dynamo, operation: &str, request: Value) -> (u16, Value) {
        let answer = reqwest::Client::new()
            .post(dynamo.url())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(request.to_string())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    fn item(id: usize) -> Value {
        json!({ "id": { "S": id.to_string() } })
    }

    fn writes(ids: impl Iterator<Item = usize>) -> Value {
        let puts: Vec<Value> = ids.map(|id| json!({ "PutRequest": { "Item": item(id) } })).collect();
        json!({ "RequestItems": { "items": puts } })
    }

    fn gets(ids: impl Iterator<Item = usize>) -> Value {
        json!({ "RequestItems": { "items": { "Keys": ids.map(item).collect::<Vec<_>>() } } })
    }

    async fn with_items() -> Dynamo {
        let dynamo = Dynamo::start().await;
        dynamo.create_table("items", "id");
        dynamo
    }

    #[tokio::test]
    async fn batches_have_the_limits_of_the_service() {
        let dynamo = with_items().await;
        assert_eq!(call(&dynamo, "BatchWriteItem", writes(0..26)).await.0, 400);
        assert_eq!(call(&dynamo, "BatchWriteItem", writes([1, 1].into_iter())).await.0, 400);
        assert_eq!(dynamo.items("items").len(), 0);
        assert_eq!(call(&dynamo, "BatchWriteItem", writes(0..25)).await.0, 200);
        assert_eq!(dynamo.items("items").len(), 25);
        assert_eq!(call(&dynamo, "BatchGetItem", gets(0..101)).await.0, 400);
        assert_eq!(call(&dynamo, "BatchGetItem", gets([1, 1].into_iter())).await.0, 400);
        let (_, found) = call(&dynamo, "BatchGetItem", gets(20..30)).await;
        assert_eq!(found["Responses"]["items"].as_array().unwrap().len(), 5);
        assert_eq!(dynamo.calls("BatchGetItem"), 3);
    }

    #[tokio::test]
    async fn what_is_left_unprocessed_is_handed_back() {
        let dynamo = with_items().await;
        dynamo.leave_unprocessed(2, 1);
        let (_, answer) = call(&dynamo, "BatchWriteItem", writes(0..5)).await;
        assert_eq!(answer["UnprocessedItems"], writes(3..5)["RequestItems"]);
        assert_eq!(dynamo.items("items").len(), 3);
        dynamo.leave_unprocessed(1, 1);
        let (_, answer) = call(&dynamo, "BatchGetItem", gets(0..3)).await;
        assert_eq!(answer["UnprocessedKeys"], gets(2..3)["RequestItems"]);
        let (_, answer) = call(&dynamo, "BatchGetItem", gets(0..3)).await;
        assert_eq!(answer["UnprocessedKeys"], json!({}));
    }

    #[tokio::test]
    async fn a_scan_goes_page_by_page() {
        let dynamo = with_items().await;
        let scan = json!({ "TableName": "items", "Limit": 2, "ReturnConsumedCapacity": "TOTAL" });
        let (_, empty) = call(&dynamo, "Scan", scan.clone()).await;
        let units = json!({ "CapacityUnits": 1.0 });
        assert_eq!(empty, json!({ "Items": [], "Count": 0, "ScannedCount": 0, "ConsumedCapacity": units }));
        (0..3).for_each(|id| dynamo.put("items", item(id)));
        let (_, first) = call(&dynamo, "Scan", scan.clone()).await;
        assert_eq!((&first["Count"], &first["LastEvaluatedKey"]), (&json!(2), &item(1)));
        let mut next = scan;
        next["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
        let (_, second) = call(&dynamo, "Scan", next).await;
        assert_eq!((&second["Items"], &second["LastEvaluatedKey"]), (&json!([item(2)]), &Value::Null));
    }

    #[tokio::test]
    async fn refusals_name_their_kind() {
        let dynamo = with_items().await;
        dynamo.throttle("PutItem", 1);
        let put = json!({ "TableName": "items", "Item": item(7) });
        let (_, answer) = call(&dynamo, "PutItem", put.clone()).await;
        let kind = answer["__type"].as_str().unwrap();
        assert!(kind.ends_with("#ProvisionedThroughputExceededException"), "{kind}");
        assert_eq!(call(&dynamo, "PutItem", put.clone()).await.0, 200);
        dynamo.refuse_key(&json!({ "S": "7" }));
        assert_eq!(call(&dynamo, "PutItem", put).await.0, 400);
        assert_eq!(call(&dynamo, "BatchWriteItem", writes(7..9)).await.0, 400);
        let (_, answer) = call(&dynamo, "GetItem", json!({ "TableName": "items", "Key": item(7) })).await;
        assert_eq!(answer, json!({ "Item": item(7) }));
        let (_, answer) = call(&dynamo, "GetItem", json!({ "TableName": "none", "Key": item(7) })).await;
        assert!(answer["__type"].as_str().unwrap().ends_with("#ResourceNotFoundException"));
    }
}
