//! One request, from the event to the answer.

use std::time::{Duration, SystemTime};

use lambda_http::aws_lambda_events::alb::AlbTargetGroupResponse;
use lambda_http::{Request, RequestExt};
use restctl_contract::api::{HEALTH_PATH, OPENAPI_PATH};
use tokio::time::{Instant, timeout_at};

use crate::access_log::AccessLogEntry;
use crate::auth::authorization::Authorizer;
use crate::http::answer::Answer;
use crate::http::event::{RawEvent, encode_response};
use crate::http::negotiation::accepts_json;
use crate::http::request::{body_within_limit, has_plain_json_body, header};
use crate::http::route::Route;
use crate::items::batch::RequestedIds;
use crate::items::cursor::CursorKey;
use crate::items::id::Id;
use crate::items::list;
use crate::items::size::AnswerSize;
use crate::items::table::ItemsTable;
use crate::openapi::{self, Deployment};
use crate::problem::Failure;

/// The part of the function's time that is reserved for assembling and sending the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// Answers requests.
pub(crate) struct Handler {
    pub(crate) authorizer: Authorizer,
    pub(crate) table: ItemsTable,
    /// Set if the stack is deployed with the list.
    pub(crate) cursor_key: Option<CursorKey>,
    /// Whether the OpenAPI document is served without a token.
    pub(crate) openapi_is_open: bool,
    /// The stack's name in the log.
    pub(crate) stack: String,
}

impl Handler {
    /// Prepares, while the function starts, what the first request would wait for.
    pub(crate) async fn warm_up(&self) {
        tokio::join!(self.authorizer.prefetch_keys(), self.table.connect());
    }

    /// Answers an event and logs the request. Lambda ends the invocation at `deadline`.
    pub(crate) async fn handle_event(
        &self,
        event: &str,
        request_id: &str,
        deadline: SystemTime,
    ) -> AlbTargetGroupResponse {
        let started = Instant::now();
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let mut log_entry = AccessLogEntry::default();
        let request = RawEvent::parse(event).and_then(|event| {
            event.method().clone_into(&mut log_entry.method);
            event.into_request()
        });
        let (request, outcome) = match request {
            Ok(request) => {
                let outcome = self
                    .route_request(&request, started + left.saturating_sub(RESERVE), &mut log_entry)
                    .await;
                (request, outcome)
            }
            Err(failure) => (Request::default(), Err(failure)),
        };
        log_entry.jwks_fetches = self.authorizer.take_fetch_count();
        let (answer, failure) = match outcome {
            Ok(answer) => (answer, None),
            Err(failure) => (Answer::from(&failure), Some(failure)),
        };
        log_entry.write_line(
            &self.stack,
            request_id,
            answer.status.as_u16(),
            failure.as_ref(),
            started.elapsed(),
        );
        encode_response(answer.into_response(&request, request_id))
    }

    /// Routes a request. Without a verified token, only the open paths are answered: not even an unknown path is reported.
    async fn route_request(
        &self,
        request: &Request,
        deadline: Instant,
        log_entry: &mut AccessLogEntry,
    ) -> Result<Answer, Failure> {
        let path = request.raw_http_path();
        let is_open = path == HEALTH_PATH || (path == OPENAPI_PATH && self.openapi_is_open);
        if !is_open {
            let token = self.authorizer.read_token(request)?;
            log_entry.issuer = token.issuer().map(str::to_owned);
            log_entry.is_counted_by_issuer =
                token.issuer().is_some() && self.authorizer.has_several_issuers();
            let outcome = timeout_at(deadline, token.verify()).await;
            log_entry.claims = Some(outcome.unwrap_or_else(|_| {
                let cause = "the function's time is running out".to_owned();
                Err(Failure::KeysUnavailable { cause, retry_after: Duration::from_secs(1) })
            })?);
        }
        let route = Route::from_request(request)?;
        log_entry.route = Some(route.name());
        if route != Route::Health && !accepts_json(header(request, "accept").as_deref()) {
            return Err(Failure::NotAcceptable);
        }
        match route {
            Route::Health => Ok(Answer::healthy()),
            Route::OpenApi => {
                let document = openapi::build_document(&Deployment {
                    key: self.table.key(),
                    scopes: &self.authorizer.scopes(),
                    has_list: self.cursor_key.is_some(),
                    is_open: self.openapi_is_open,
                });
                Ok(Answer::json(document).or_not_modified(request))
            }
            Route::Item(id) => self.get_item(&id, request, deadline).await,
            Route::BatchGet => self.batch_get(request, deadline).await,
            Route::List => self.list_items(request, deadline).await,
        }
    }

    async fn get_item(&self, id: &str, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        let id = Id::from_text(self.table.key(), id)
            .map_err(|problem| Failure::InvalidId(format!("the id in the path {problem}")))?;
        let item = self.table.get_item(&id, deadline).await?.ok_or(Failure::ItemNotFound)?;
        if !AnswerSize::of_json(&item).is_within_limits() {
            let detail = "the item is larger than the load balancer allows".to_owned();
            return Err(Failure::ItemTooLarge(detail));
        }
        Ok(Answer::json(item).or_not_modified(request))
    }

    async fn batch_get(&self, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        if !has_plain_json_body(request) {
            return Err(Failure::UnsupportedMediaType);
        }
        let ids = RequestedIds::parse(self.table.key(), body_within_limit(request)?)?;
        ids.read_items(&self.table, deadline).await.map(Answer::json)
    }

    async fn list_items(&self, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        let cursor_key = self.cursor_key.as_ref().ok_or(Failure::ListDisabled)?;
        let page = list::read_page(request, &self.table, cursor_key, deadline).await?;
        Ok(Answer::json(page).or_not_modified(request))
    }
}
