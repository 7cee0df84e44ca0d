//! The API Lambda: token → claims → route → table → JSON. This file only wires.

mod answer;
mod attribute;
mod authorization;
mod batch;
mod cursor;
mod decimal;
mod event;
mod failure;
mod handler;
mod id;
mod items;
mod keys;
mod list;
mod log;
mod negotiation;
mod openapi;
mod request;
mod route;
mod settings;
mod size;
mod verified;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use restctl_aws::{Environment, Service};
use serde_json::value::RawValue;

use crate::authorization::Authorizer;
use crate::cursor::CursorKey;
use crate::handler::Handler;
use crate::items::{CALL_TIMEOUT, Table};
use crate::keys::Keys;
use crate::settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
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
    let handler = handler(Settings::from_environment()?)?;
    handler.warm_up().await;
    let handler = &handler;
    let answer = async move |event: LambdaEvent<Box<RawValue>>| {
        let deadline = event.context.deadline();
        Ok::<_, Error>(handler.handle(event.payload.get(), &event.context.request_id, deadline).await)
    };
    Runtime::new(service_fn(answer)).run().await
}

fn handler(settings: Settings) -> Result<Handler, Error> {
    let environment = Environment::read()?;
    let https = restctl_aws::client()?;
    let dynamodb = Service::dynamodb(https.clone(), &environment, CALL_TIMEOUT)?;
    let cursor_key = match settings.cursor_key {
        Some(secret) => {
            let secrets = Service::secrets_manager(https.clone(), &environment, CALL_TIMEOUT)?;
            Some(CursorKey::new(secrets, secret))
        }
        None => None,
    };
    Ok(Handler {
        authorizer: Authorizer::new(Keys::new(https, settings.jwks_uri), settings.policy),
        table: Table::new(dynamodb, settings.items_table, settings.key),
        cursor_key,
        openapi_is_open: settings.openapi_is_open,
        stack: settings.stack,
    })
}
