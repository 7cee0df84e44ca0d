//! One operation of the document.

use serde_json::{Map, Value, json};

use super::{headers, problems};
use crate::problem::Kind;

/// What makes an operation. Of an operation that reads, `name` follows `get` or `head` in its id.
#[derive(Default)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: String,
    pub(super) parameters: Vec<Value>,
    /// The schema of its request body.
    pub(super) body: Option<Value>,
    /// The schema of what it answers when all is well.
    pub(super) answer: Value,
    /// To other operations, from that answer.
    pub(super) links: Option<Value>,
    /// Its answer has an ETag.
    pub(super) cached: bool,
    /// It needs no token.
    pub(super) open: bool,
    /// The kinds of problem it may end in, beside those that any operation may.
    pub(super) problems: &'static [Kind],
}

/// A path's operations by method, and the parameters they share.
pub(super) fn path_item<const N: usize>(
    parameters: [Value; N],
    operations: impl Iterator<Item = (&'static str, Value)>,
) -> Value {
    let mut item = Map::new();
    if N > 0 {
        item.insert("parameters".to_owned(), Value::from_iter(parameters));
    }
    item.extend(operations.map(|(method, operation)| (method.to_owned(), operation)));
    Value::Object(item)
}

impl Operation {
    /// As `GET`, and as `HEAD`, whose answers have no body.
    pub(super) fn read(self) -> impl Iterator<Item = (&'static str, Value)> {
        let mut get = self.build();
        get["operationId"] = json!(format!("get{}", self.name));
        let mut head = get.clone();
        head["operationId"] = json!(format!("head{}", self.name));
        head["summary"] = json!(format!("{}, without its body", self.summary));
        for answer in head["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            for absent in ["content", "links"] {
                answer.as_object_mut().and_then(|answer| answer.remove(absent));
            }
        }
        [("get", get), ("head", head)].into_iter()
    }

    pub(super) fn build(&self) -> Value {
        let mut operation = json!({ "operationId": self.name, "summary": self.summary });
        if !self.description.is_empty() {
            operation["description"] = json!(self.description);
        }
        if self.open {
            operation["security"] = json!([]);
        }
        let mut parameters = self.parameters.clone();
        if self.cached {
            parameters.push(headers::if_none_match());
        }
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(schema) = &self.body {
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        operation["responses"] = Value::Object(self.responses());
        operation
    }

    fn responses(&self) -> Map<String, Value> {
        let mut ok = json!({
            "description": "All is well.",
            "headers": headers::of_success(self.cached, self.open),
            "content": { "application/json": { "schema": self.answer } },
        });
        if let Some(links) = &self.links {
            ok["links"] = links.clone();
        }
        let mut responses = Map::from_iter([("200".to_owned(), ok)]);
        if self.cached {
            let unchanged = json!({
                "description": "Nothing has changed since the answer whose ETag `If-None-Match` names.",
                "headers": headers::of_success(true, self.open),
            });
            responses.insert("304".to_owned(), unchanged);
        }
        responses.extend(problems::responses(self.problems, self.open));
        responses
    }
}
