//! The tables, and what each call does with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use serde_json::{Map, Value, json};

use super::generated_table::GeneratedTable;
use super::large_table::LargeTable;

const MAX_WRITES_PER_BATCH: usize = 25;
const MAX_KEYS_PER_BATCH: usize = 100;

#[derive(Default)]
pub(super) struct DynamoState {
    pub(super) tables: HashMap<String, Table>,
    pub(super) generated: Option<GeneratedTable>,
    pub(super) large: Option<LargeTable>,
    pub(super) secrets: HashMap<String, String>,
    /// By operation.
    pub(super) calls: HashMap<String, usize>,
    pub(super) throttled: HashMap<String, usize>,
    /// What refused calls are answered, by operation.
    pub(super) refused_calls: HashMap<String, String>,
    pub(super) unprocessed: Unprocessed,
    /// Keys whose items cannot be put.
    pub(super) refused: BTreeSet<String>,
}

pub(super) struct Table {
    pub(super) key: String,
    /// By the text of their keys.
    pub(super) items: BTreeMap<String, Value>,
}

/// The next `calls` batches leave `requests` unprocessed.
#[derive(Default)]
pub(super) struct Unprocessed {
    pub(super) requests: usize,
    pub(super) calls: usize,
}

/// An error as the service answers it.
pub(super) struct ServiceError {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl DynamoState {
    /// Returns the body of the answer.
    pub(super) fn handle_call(&mut self, operation: &str, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        if let Some(left) = self.throttled.get_mut(operation).filter(|left| **left > 0) {
            *left -= 1;
            return Err(ServiceError {
                code: "ProvisionedThroughputExceededException",
                message: "The level of configured provisioned throughput for the table was exceeded.".into(),
            });
        }
        if let Some(message) = self.refused_calls.get(operation) {
            return Err(ServiceError { code: "AccessDeniedException", message: message.clone() });
        }
        if let Some(answer) = self.generated.as_mut().and_then(|table| table.answer_call(operation, body)) {
            return Ok(answer);
        }
        if let Some(answer) = self.large.as_ref().and_then(|table| table.answer_call(operation, body)) {
            return Ok(answer);
        }
        let request: Value = serde_json::from_slice(body)
            .map_err(|error| ServiceError { code: "SerializationException", message: error.to_string() })?;
        Ok(self.run_operation(operation, &request)?.to_string().into_bytes())
    }

    fn run_operation(&mut self, operation: &str, request: &Value) -> Result<Value, ServiceError> {
        match operation {
            "PutItem" => self.put_item(request),
            "GetItem" => self.get_item(request),
            "BatchWriteItem" => self.batch_write_item(request),
            "BatchGetItem" => self.batch_get_item(request),
            "Scan" => self.scan(request),
            "GetSecretValue" => match self.secrets.get(request["SecretId"].as_str().unwrap_or_default()) {
                Some(secret) => Ok(json!({ "SecretString": secret })),
                None => {
                    Err(ServiceError { code: "ResourceNotFoundException", message: "no such secret".into() })
                }
            },
            other => Err(ServiceError { code: "UnknownOperationException", message: other.to_owned() }),
        }
    }

    fn put_item(&mut self, request: &Value) -> Result<Value, ServiceError> {
        let key = self.read_key(&request["TableName"], &request["Item"])?;
        self.check_put(&key)?;
        self.find_table(&request["TableName"])?.items.insert(key, request["Item"].clone());
        Ok(with_capacity(request, json!({}), json!({ "CapacityUnits": 1.0 })))
    }

    fn scan(&mut self, request: &Value) -> Result<Value, ServiceError> {
        let table = self.find_table(&request["TableName"])?;
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

    fn get_item(&mut self, request: &Value) -> Result<Value, ServiceError> {
        let key = self.read_key(&request["TableName"], &request["Key"])?;
        let item = self.find_table(&request["TableName"])?.items.get(&key);
        Ok(item.map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }

    fn batch_write_item(&mut self, request: &Value) -> Result<Value, ServiceError> {
        let mut puts = Vec::new();
        for (table, requests) in object_members(&request["RequestItems"]) {
            let table = Value::from(table.as_str());
            for request in requests.as_array().into_iter().flatten() {
                let key = self.read_key(&table, &request["PutRequest"]["Item"])?;
                self.check_put(&key)?;
                puts.push((table.clone(), key, request.clone()));
            }
        }
        if puts.is_empty() || puts.len() > MAX_WRITES_PER_BATCH {
            return Err(validation_error("Too many items requested for the BatchWriteItem call"));
        }
        if has_duplicates(puts.iter().map(|(table, key, _)| (table.to_string(), key))) {
            return Err(validation_error("Provided list of item keys contains duplicates"));
        }
        let processed = self.count_processed(puts.len());
        let left = puts.split_off(processed);
        for (table, key, request) in puts {
            self.find_table(&table)?.items.insert(key, request["PutRequest"]["Item"].clone());
        }
        let mut unprocessed = Map::new();
        for (table, _, request) in left {
            push_to_list(&mut unprocessed, table.as_str().unwrap_or_default(), request);
        }
        let answer = json!({ "UnprocessedItems": unprocessed });
        Ok(with_capacity(request, answer, json!([{ "CapacityUnits": processed as f64 }])))
    }

    fn batch_get_item(&mut self, request: &Value) -> Result<Value, ServiceError> {
        let mut gets = Vec::new();
        for (table, request) in object_members(&request["RequestItems"]) {
            for key in request["Keys"].as_array().into_iter().flatten() {
                gets.push((table, self.read_key(&Value::from(table.as_str()), key)?, key));
            }
        }
        if gets.is_empty() || gets.len() > MAX_KEYS_PER_BATCH {
            return Err(validation_error("Too many items requested for the BatchGetItem call"));
        }
        if has_duplicates(gets.iter().map(|(table, key, _)| (table, key))) {
            return Err(validation_error("Provided list of item keys contains duplicates"));
        }
        let processed = self.count_processed(gets.len());
        let left = gets.split_off(processed);
        let mut found = Map::new();
        for (table, key, _) in gets {
            let items = &self.find_table(&Value::from(table.as_str()))?.items;
            if let Some(item) = items.get(&key) {
                push_to_list(&mut found, table, item.clone());
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

    fn find_table(&mut self, name: &Value) -> Result<&mut Table, ServiceError> {
        self.tables.get_mut(name.as_str().unwrap_or_default()).ok_or_else(|| ServiceError {
            code: "ResourceNotFoundException",
            message: "Requested resource not found".to_owned(),
        })
    }

    /// Returns the text of the key among `attributes`, under which the table stores the item.
    fn read_key(&mut self, table: &Value, attributes: &Value) -> Result<String, ServiceError> {
        let name = self.find_table(table)?.key.clone();
        match attributes.get(&name) {
            None => Err(validation_error("One of the required keys was not given a value")),
            Some(key) if key.get("S").is_some_and(|text| text == "") => Err(validation_error(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                 contain an empty string value. Key: {name}"
            ))),
            Some(key) => Ok(key.to_string()),
        }
    }

    fn check_put(&self, key: &str) -> Result<(), ServiceError> {
        if self.refused.contains(key) {
            return Err(validation_error(format!("One or more parameter values were invalid: {key}")));
        }
        Ok(())
    }

    /// Returns how many of a batch's requests are processed.
    fn count_processed(&mut self, requests: usize) -> usize {
        if self.unprocessed.calls == 0 {
            return requests;
        }
        self.unprocessed.calls -= 1;
        requests.saturating_sub(self.unprocessed.requests)
    }
}

fn validation_error(message: impl Into<String>) -> ServiceError {
    ServiceError { code: "ValidationException", message: message.into() }
}

/// Adds what the call consumed if the request asks for it.
fn with_capacity(request: &Value, mut answer: Value, consumed: Value) -> Value {
    if request["ReturnConsumedCapacity"] == "TOTAL" {
        answer["ConsumedCapacity"] = consumed;
    }
    answer
}

fn object_members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn push_to_list(lists: &mut Map<String, Value>, name: &str, value: Value) {
    lists.entry(name).or_insert_with(|| json!([])).as_array_mut().expect("only lists go in").push(value);
}

fn has_duplicates<T: Ord>(keys: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    !keys.into_iter().all(|key| seen.insert(key))
}
