//! The API Lambda: token → claims → route → table → JSON. This file only wires.

mod answer;
mod authorization;
mod batch;
mod decimal;
mod failure;
mod handler;
mod id;
mod items;
mod json;
mod keys;
#[cfg_attr(not(test), expect(dead_code, reason = "not answered yet"))]
mod openapi;
mod request;
mod route;
mod settings;

use std::process::ExitCode;

use aws_lambda_events::alb::{AlbTargetGroupRequest, AlbTargetGroupResponse};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing::subscriber};

use crate::authorization::Authorizer;
use crate::handler::Handler;
use crate::items::Table;
use crate::keys::Keys;
use crate::settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the function cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let settings = Settings::from_environment()?;
    let keys = Keys::new(settings.jwks_uri)?;
    let (table, ()) = tokio::join!(Table::connect(settings.items_table, settings.key), keys.prefetch());
    let handler = Handler::new(Authorizer::new(keys, settings.policy), table);
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<AlbTargetGroupRequest>| async move {
        let deadline = event.context.deadline();
        Ok::<AlbTargetGroupResponse, Error>(handler.answer(event.payload.into(), deadline).await.into())
    }))
    .await
}
