//! One request, from the event to the answer.

use std::time::{Duration, SystemTime};

use restctl_contract::api::{HEALTH_PATH, OPENAPI_PATH};
use tokio::time::{Instant, timeout_at};

use crate::access_log::Trail;
use crate::auth::authorization::Authorizer;
use crate::http::answer::Answer;
use crate::http::event::{Event, Response};
use crate::http::negotiation::accepts_json;
use crate::http::request::Request;
use crate::http::route::Route;
use crate::items::batch::Wanted;
use crate::items::cursor::CursorKey;
use crate::items::id::Id;
use crate::items::list;
use crate::items::size::Size;
use crate::items::table::Table;
use crate::openapi::{self, Deployment};
use crate::problem::Failure;

/// Of the function's time, what is kept to put the answer together and to send it.
const RESERVE: Duration = Duration::from_millis(500);

pub(crate) struct Handler {
    pub(crate) authorizer: Authorizer,
    pub(crate) table: Table,
    /// Where the stack is deployed with the list.
    pub(crate) cursor_key: Option<CursorKey>,
    /// Whether the OpenAPI document needs no token.
    pub(crate) openapi_is_open: bool,
    /// The stack's name, for the log.
    pub(crate) stack: String,
}

impl Handler {
    /// Does, while the function starts, what the first request would wait for.
    pub(crate) async fn warm_up(&self) {
        tokio::join!(self.authorizer.keys().prefetch(), self.table.connect());
    }

    /// `deadline` is when Lambda ends the invocation.
    pub(crate) async fn handle(&self, event: &str, request_id: &str, deadline: SystemTime) -> Response {
        let started = Instant::now();
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let mut trail = Trail::default();
        let (request, outcome) = match Event::parse(event).map(Request::from) {
            Ok(request) => {
                trail.method.clone_from(&request.method);
                let outcome = self.answer(&request, started + left.saturating_sub(RESERVE), &mut trail).await;
                (request, outcome)
            }
            Err(problem) => (Request::from(Event::default()), Err(Failure::NoRequest(problem))),
        };
        trail.jwks_fetches = self.authorizer.keys().take_fetches();
        let (answer, failure) = match outcome {
            Ok(answer) => (answer, None),
            Err(failure) => (Answer::from(&failure), Some(failure)),
        };
        trail.write(&self.stack, request_id, answer.status.as_u16(), failure.as_ref(), started.elapsed());
        answer.into_response(&request, request_id)
    }

    /// Nothing but what is open is answered before the token has been verified, not even that a path is unknown.
    async fn answer(
        &self,
        request: &Request,
        deadline: Instant,
        trail: &mut Trail,
    ) -> Result<Answer, Failure> {
        let is_open = request.path == HEALTH_PATH || (request.path == OPENAPI_PATH && self.openapi_is_open);
        if !is_open {
            let admitted = timeout_at(deadline, self.authorizer.admit(request)).await;
            trail.claims = Some(admitted.unwrap_or_else(|_| {
                let cause = "the function's time ran short".to_owned();
                Err(Failure::KeysUnavailable { cause, retry_after: Duration::from_secs(1) })
            })?);
        }
        let route = Route::of(request)?;
        trail.route = Some(route.name());
        if route != Route::Health && !accepts_json(request.header("accept").as_deref()) {
            return Err(Failure::NotAcceptable);
        }
        match route {
            Route::Health => Ok(Answer::healthy()),
            Route::OpenApi => {
                let document = openapi::document(&Deployment {
                    key: self.table.key(),
                    scope: self.authorizer.scope(),
                    list: self.cursor_key.is_some(),
                    open: self.openapi_is_open,
                });
                Ok(Answer::ok(document).unless_matched(request))
            }
            Route::Item(id) => self.item(&id, request, deadline).await,
            Route::BatchGet => self.batch_get(request, deadline).await,
            Route::List => self.list(request, deadline).await,
        }
    }

    async fn item(&self, id: &str, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        let id = Id::from_text(self.table.key().kind, id)
            .map_err(|problem| Failure::InvalidId(format!("the id in the path {problem}")))?;
        let item = self.table.get(&id, deadline).await?.ok_or(Failure::ItemNotFound)?;
        if !Size::of(&item).fits() {
            let detail = "the item is larger than the load balancer lets pass".to_owned();
            return Err(Failure::ItemTooLarge(detail));
        }
        Ok(Answer::ok(item).unless_matched(request))
    }

    async fn batch_get(&self, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        if !request.is_plain_json() {
            return Err(Failure::UnsupportedMediaType);
        }
        let wanted = Wanted::parse(self.table.key().kind, &request.body()?)?;
        wanted.read(&self.table, deadline).await.map(Answer::ok)
    }

    async fn list(&self, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        let cursor_key = self.cursor_key.as_ref().ok_or(Failure::ListIsOff)?;
        let list = list::read(request, &self.table, cursor_key, deadline).await?;
        Ok(Answer::ok(list).unless_matched(request))
    }
}
