//! Requests, and the answers that they must get.

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::bench::BoxError;
use restctl_testkit::bench::row::Row;
use serde_json::{Value, json};

pub(crate) const IDS_PER_BULK: u64 = 100;

pub(crate) struct Question {
    pub(crate) event: Value,
    status: u16,
    /// Where it matters.
    body: Option<Value>,
}

impl Question {
    /// `GET` of the row with this number.
    pub(crate) fn single(token: &str, number: u64) -> Self {
        let row = Row::new(number);
        let request = AlbRequest::get(&format!("/v1/items/{}", row.id())).bearer(token);
        Self { event: request.event(), status: 200, body: Some(row.json()) }
    }

    /// `POST` for 100 rows from this number on.
    pub(crate) fn bulk(token: &str, first: u64) -> Self {
        let rows: Vec<Row> = (first..first + IDS_PER_BULK).map(Row::new).collect();
        let ids: Vec<String> = rows.iter().map(Row::id).collect();
        let items: Vec<Value> = rows.iter().map(Row::json).collect();
        let request = AlbRequest::post_json("/v1/items/batch-get", &json!({ "ids": ids })).bearer(token);
        Self { event: request.event(), status: 200, body: Some(json!({ "items": items, "missing": [] })) }
    }

    /// What any such API has to refuse: no token, one that has been changed, an id that nothing has.
    pub(crate) fn refused(token: &str) -> [Self; 3] {
        let (message, signature) = token.rsplit_once('.').unwrap_or_default();
        let changed = format!("{message}.{}", signature.chars().rev().collect::<String>());
        let question = |request: AlbRequest, status| Self { event: request.event(), status, body: None };
        [
            question(AlbRequest::get("/v1/items/00000001"), 401),
            question(AlbRequest::get("/v1/items/00000001").bearer(&changed), 401),
            question(AlbRequest::get("/v1/items/none").bearer(token), 404),
        ]
    }

    /// # Errors
    /// If `answer` is another than it must be.
    pub(crate) fn check(&self, answer: &Value) -> Result<(), BoxError> {
        let answer = AlbAnswer::read(answer);
        let wrong = answer.status != self.status
            || self
                .body
                .as_ref()
                .is_some_and(|body| serde_json::from_slice(&answer.body).ok().as_ref() != Some(body));
        if wrong {
            let (asked, body) = (&self.event["path"], String::from_utf8_lossy(&answer.body));
            return Err(format!("{asked} is answered {} and {body}", answer.status).into());
        }
        Ok(())
    }
}
