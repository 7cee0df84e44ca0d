//! Loading one version of an object: an attempt begins, runs, makes checkpoints and is settled.

mod begin;
mod checkpoint;
mod context;
mod count;
mod dialect;
mod ignore;
mod outcome;
mod restamp;
mod run;
mod settle;

use std::ops::ControlFlow;

use restctl_contract::event::UploadedObject;
use restctl_contract::load::LoadId;
use restctl_contract::log_text::LogText;
use tracing::Span;
use tracing::field::display;

use begin::begin_attempt;
pub(crate) use context::{LedgerCadence, LoadContext};
use ignore::{ignore_object, is_data, reason_to_ignore};
pub(crate) use outcome::LoadOutcome;
use run::run_attempt;
use settle::settle_attempt;

use crate::error::{Error, LoadError};
use crate::message::Deadline;
use crate::source::Object;

/// Loads the object for as long as the invocation lasts, unless it has been loaded before or is not data.
pub(crate) async fn load_object(
    context: &LoadContext,
    created: &UploadedObject,
    deadline: Deadline,
) -> Result<LoadOutcome, Error> {
    let UploadedObject { bucket, key, version, etag, .. } = created;
    let find_object = || Object::find(&context.s3, bucket, key, created.version.as_deref());
    let reason = reason_to_ignore(key);
    let known = if version.is_none() || reason.is_some() { find_object().await? } else { None };
    let version = version.as_deref().or(known.as_ref().map(Object::version)).unwrap_or(etag).to_owned();
    let span = Span::current();
    span.record("load", LoadId::for_version(key, &version).as_str()).record("object", display(LogText(key)));
    if let Some(reason) = reason
        && !is_data(context, known.as_ref()).await?
    {
        ignore_object(context, created, &version, reason).await?;
        return Ok(LoadOutcome::Settled);
    }
    let mut attempt = match begin_attempt(context, created, &version, deadline.now()).await? {
        ControlFlow::Continue(attempt) => attempt,
        ControlFlow::Break(outcome) => return Ok(outcome),
    };
    let work = async {
        let object = match known {
            Some(object) => Some(object),
            None => find_object().await?,
        };
        run_attempt(&mut attempt, &object.ok_or_else(LoadError::object_deleted)?, deadline).await
    };
    let result =
        tokio::time::timeout(deadline.time_left(), work).await.unwrap_or(Err(Error::OutOfTime.into()));
    settle_attempt(attempt, result).await
}
