//! Loading one version of an object: an attempt begins, runs, makes checkpoints and is settled.

mod begin;
mod checkpoint;
mod context;
mod count;
mod outcome;
mod restamp;
mod run;
mod settle;

use std::ops::ControlFlow;

use restctl_contract::event::UploadedObject;
use restctl_contract::load::LoadId;
use tracing::Span;

use begin::begin_attempt;
pub(crate) use context::{LedgerCadence, LoadContext};
pub(crate) use outcome::LoadOutcome;
use run::run_attempt;
use settle::settle_attempt;

use crate::error::{Error, LoadError};
use crate::message::Deadline;
use crate::source::Object;

/// Loads the object for as long as the invocation lasts, unless it has been loaded before.
pub(crate) async fn load_object(
    context: &LoadContext,
    created: &UploadedObject,
    deadline: Deadline,
) -> Result<LoadOutcome, Error> {
    let UploadedObject { bucket, key, version, etag, .. } = created;
    let current = match version {
        Some(_) => None,
        None => Object::find(&context.s3, bucket, key, None).await?,
    };
    let version = version.as_deref().or(current.as_ref().map(Object::version)).unwrap_or(etag).to_owned();
    let span = Span::current();
    span.record("load", LoadId::for_version(key, &version).as_str()).record("object", key);
    let mut attempt = match begin_attempt(context, created, &version).await? {
        ControlFlow::Continue(attempt) => attempt,
        ControlFlow::Break(outcome) => return Ok(outcome),
    };
    let work = async {
        let object = match current {
            Some(object) => Some(object),
            None => Object::find(&context.s3, bucket, key, created.version.as_deref()).await?,
        };
        run_attempt(&mut attempt, &object.ok_or_else(LoadError::object_deleted)?, deadline).await
    };
    let result =
        tokio::time::timeout(deadline.time_left(), work).await.unwrap_or(Err(Error::OutOfTime.into()));
    Ok(settle_attempt(attempt, result).await)
}
