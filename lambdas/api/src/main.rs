//! The API Lambda: token → claims → route → table → JSON. This file only wires.

mod access_log;
mod auth;
mod decimal;
mod handler;
mod http;
mod items;
mod openapi;
mod problem;
mod settings;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use restctl_aws::{Environment, Service};
use serde_json::value::RawValue;

use crate::auth::authorization::Authorizer;
use crate::auth::jwks::Keys;
use crate::handler::Handler;
use crate::items::cursor::CursorKey;
use crate::items::table::{CALL_TIMEOUT, Table};
use crate::settings::Settings;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the function cannot run");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // Names are looked up in a thread beside this one. Two of them would cost more than one waits for the other.
    runtime.enable_all().max_blocking_threads(1).build()?.block_on(run())
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
    let environment = Environment::from_variables()?;
    let https = restctl_aws::https_client()?;
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
