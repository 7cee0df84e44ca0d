//! One request, from the event to the answer, and the line that the log keeps of it.

use std::time::{Duration, SystemTime};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use restctl_contract::api::HEALTH_PATH;
use restctl_verifier::Claims;
use tokio::time::{Instant, timeout_at};

use crate::answer::{Answer, Cost};
use crate::authorization::Authorizer;
use crate::batch::Wanted;
use crate::failure::Failure;
use crate::id::Id;
use crate::items::Table;
use crate::request::Request;
use crate::route::{Route, is_read};

/// Of the function's time, what is kept to put the answer together and to send it.
const RESERVE: Duration = Duration::from_millis(500);

pub(crate) struct Handler {
    authorizer: Authorizer,
    table: Table,
}

/// What is logged of a request: never its token nor an item.
#[derive(Default)]
struct Trail {
    route: Option<&'static str>,
    claims: Option<Claims>,
}

impl Handler {
    pub(crate) fn new(authorizer: Authorizer, table: Table) -> Self {
        Self { authorizer, table }
    }

    /// `deadline` is when Lambda ends the invocation.
    pub(crate) async fn answer(&self, request: Request, deadline: SystemTime) -> Answer {
        let started = Instant::now();
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let method = request.method.clone();
        let mut trail = Trail::default();
        let outcome = self.respond(request, started + left.saturating_sub(RESERVE), &mut trail).await;
        let (answer, failure) = match outcome {
            Ok(answer) => (answer, None),
            Err(failure) => (Answer::from(&failure), Some(failure)),
        };
        trail.log(&method, answer.status.as_u16(), failure.as_ref(), started.elapsed());
        if method == Method::HEAD { answer.without_body() } else { answer }
    }

    /// Nothing but `/health` is answered before the token has been verified, not even that a path is unknown.
    async fn respond(
        &self,
        request: Request,
        deadline: Instant,
        trail: &mut Trail,
    ) -> Result<Answer, Failure> {
        if request.path == HEALTH_PATH {
            trail.route = Some("health");
            let healthy = Answer::ok(r#"{"status":"ok"}"#.to_owned());
            return if is_read(&request.method) {
                Ok(healthy)
            } else {
                Err(Failure::MethodNotAllowed("GET, HEAD"))
            };
        }
        let admitted = timeout_at(deadline, self.authorizer.admit(&request.headers)).await;
        trail.claims = Some(admitted.unwrap_or_else(|_| {
            let cause = "the function's time ran short".to_owned();
            Err(Failure::KeysUnavailable { cause, retry_after: Duration::from_secs(1) })
        })?);
        let route = Route::of(&request.method, &request.path)?;
        trail.route = Some(route.name());
        match route {
            Route::Item(id) => self.item(&id, deadline).await,
            Route::BatchGet => self.batch_get(request, deadline).await,
        }
    }

    async fn item(&self, id: &str, deadline: Instant) -> Result<Answer, Failure> {
        let id = Id::from_text(self.table.key().kind, id)
            .map_err(|problem| Failure::InvalidId(format!("the id in the path {problem}")))?;
        let item = self.table.get(&id, deadline).await?.ok_or(Failure::ItemNotFound)?;
        if !Cost::of(&item).fits() {
            let detail = "the item is larger than the load balancer lets pass".to_owned();
            return Err(Failure::ItemTooLarge(detail));
        }
        Ok(Answer::ok(item))
    }

    async fn batch_get(&self, request: Request, deadline: Instant) -> Result<Answer, Failure> {
        if !is_json(&request.headers) {
            return Err(Failure::UnsupportedMediaType);
        }
        let wanted = Wanted::parse(self.table.key().kind, &request.into_body()?)?;
        let found = self.table.get_many(wanted.ids(), deadline).await?;
        wanted.answer(&found).map(Answer::ok)
    }
}

/// `application/json`, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

impl Trail {
    fn log(&self, method: &Method, status: u16, failure: Option<&Failure>, latency: Duration) {
        let route = self.route.unwrap_or("none");
        let subject = self.claims.as_ref().and_then(|claims| claims.subject.as_deref());
        let key_id = self.claims.as_ref().and_then(|claims| claims.key_id.as_deref());
        let reason = failure.map(ToString::to_string);
        let cause = failure.and_then(Failure::cause);
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let method = method.as_str();
        if status >= 500 {
            tracing::error!(method, route, status, latency_ms, subject, key_id, reason, cause, "request");
        } else {
            tracing::info!(method, route, status, latency_ms, subject, key_id, reason, "request");
        }
    }
}
