//! Requests and their expected answers.

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::bench::BoxError;
use restctl_testkit::bench::row::GeneratedRow;
use serde_json::{Value, json};

pub(crate) const IDS_PER_BULK: u64 = 100;

pub(crate) struct CheckedRequest {
    pub(crate) event: Value,
    status: u16,
    /// The expected body, if it is checked.
    body: Option<Value>,
}

impl CheckedRequest {
    /// Requests the row with this number.
    pub(crate) fn single_get(token: &str, number: u64) -> Self {
        let row = GeneratedRow::new(number);
        let request = AlbRequest::get(&format!("/v1/items/{}", row.id())).bearer(token);
        Self { event: request.multi_value_event(), status: 200, body: Some(row.to_json()) }
    }

    /// Requests 100 rows from this number on.
    pub(crate) fn bulk_get(token: &str, first: u64) -> Self {
        let rows: Vec<GeneratedRow> = (first..first + IDS_PER_BULK).map(GeneratedRow::new).collect();
        let ids: Vec<String> = rows.iter().map(GeneratedRow::id).collect();
        let items: Vec<Value> = rows.iter().map(GeneratedRow::to_json).collect();
        let request = AlbRequest::post_json("/v1/items/batch-get", &json!({ "ids": ids })).bearer(token);
        Self {
            event: request.multi_value_event(),
            status: 200,
            body: Some(json!({ "items": items, "missing": [] })),
        }
    }

    /// Returns requests that every such API must refuse: without a token, with a changed token, and with an unknown id.
    pub(crate) fn refused_requests(token: &str) -> [Self; 3] {
        let (message, signature) = token.rsplit_once('.').unwrap_or_default();
        let changed = format!("{message}.{}", signature.chars().rev().collect::<String>());
        let checked_request =
            |request: AlbRequest, status| Self { event: request.multi_value_event(), status, body: None };
        [
            checked_request(AlbRequest::get("/v1/items/00000001"), 401),
            checked_request(AlbRequest::get("/v1/items/00000001").bearer(&changed), 401),
            checked_request(AlbRequest::get("/v1/items/none").bearer(token), 404),
        ]
    }

    /// Checks the answer.
    ///
    /// # Errors
    /// Fails if `answer` is not the expected one.
    pub(crate) fn check_answer(&self, answer: &Value) -> Result<(), BoxError> {
        let answer = AlbAnswer::from_function_answer(answer);
        let is_wrong = answer.status != self.status
            || self
                .body
                .as_ref()
                .is_some_and(|body| serde_json::from_slice(&answer.body).ok().as_ref() != Some(body));
        if is_wrong {
            let (path, body) = (&self.event["path"], String::from_utf8_lossy(&answer.body));
            return Err(format!("{path} is answered with {} and {body}", answer.status).into());
        }
        Ok(())
    }
}
