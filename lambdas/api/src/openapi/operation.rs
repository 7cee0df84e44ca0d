//! Operations of the document.

use serde_json::{Map, Value, json};

use super::{headers, problems};
use crate::problem::kind::ProblemKind;

/// An operation. The id of an operation that reads is `get` or `head` and then `name`.
#[derive(Default)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: String,
    pub(super) parameters: Vec<Value>,
    /// The schema of the request body.
    pub(super) body: Option<Value>,
    /// The schema of a successful answer.
    pub(super) answer: Value,
    /// Links from that answer to other operations.
    pub(super) links: Option<Value>,
    /// Whether the answer has an ETag.
    pub(super) is_cached: bool,
    /// Whether the operation needs no token.
    pub(super) is_open: bool,
    /// The kinds of problem that the operation may report, in addition to those of every operation.
    pub(super) problems: &'static [ProblemKind],
}

/// Returns a path's operations by method, and the parameters that they share.
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
    /// Builds the operation as `GET`, and as `HEAD`, whose answers have no body.
    pub(super) fn build_get_and_head(self) -> impl Iterator<Item = (&'static str, Value)> {
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
        if self.is_open {
            operation["security"] = json!([]);
        }
        let mut parameters = self.parameters.clone();
        if self.is_cached {
            parameters.push(headers::if_none_match_parameter());
        }
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(schema) = &self.body {
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        operation["responses"] = Value::Object(self.build_responses());
        operation
    }

    fn build_responses(&self) -> Map<String, Value> {
        let mut ok = json!({
            "description": "The request succeeded.",
            "headers": headers::success_headers(self.is_cached, self.is_open),
            "content": { "application/json": { "schema": self.answer } },
        });
        if let Some(links) = &self.links {
            ok["links"] = links.clone();
        }
        let mut responses = Map::from_iter([("200".to_owned(), ok)]);
        if self.is_cached {
            let unchanged = json!({
                "description": "Nothing has changed since the answer whose ETag `If-None-Match` names.",
                "headers": headers::success_headers(true, self.is_open),
            });
            responses.insert("304".to_owned(), unchanged);
        }
        responses.extend(problems::problem_responses(self.problems, self.is_open));
        responses
    }
}
