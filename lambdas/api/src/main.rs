//! The API Lambda, from a token over claims, a route and the table to JSON. This file only wires.
//!
//! Rooms from top to bottom; a module uses only rooms below its own:
//!
//! ```text
//! handler, openapi, items, auth, http, access_log, settings, problem
//! ```

mod access_log;
mod auth;
mod handler;
mod http;
mod items;
mod openapi;
mod problem;
mod settings;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use restctl_aws::{Environment, Service};
use restctl_contract::template::variable;
use serde_json::value::RawValue;

use crate::auth::authorization::Authorizer;
use crate::handler::Handler;
use crate::items::cursor::CursorKey;
use crate::items::table::{CALL_TIMEOUT, ItemsTable};
use crate::settings::Settings;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    match start_runtime() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the function cannot run");
            ExitCode::FAILURE
        }
    }
}

fn start_runtime() -> Result<(), Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // Names are looked up on a second thread. A third would cost more than the wait for the second.
    runtime.enable_all().max_blocking_threads(1).build()?.block_on(run())
}

async fn run() -> Result<(), Error> {
    let handler = build_handler(Settings::from_environment()?)?;
    handler.warm_up().await;
    let handler = &handler;
    let service = async move |event: LambdaEvent<Box<RawValue>>| {
        let deadline = event.context.deadline();
        Ok::<_, Error>(handler.handle_event(event.payload.get(), &event.context.request_id, deadline).await)
    };
    Runtime::new(service_fn(service)).run().await
}

fn build_handler(settings: Settings) -> Result<Handler, Error> {
    let environment = Environment::from_variables(variable::URL_SUFFIX)?;
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
        authorizer: Authorizer::new(settings.issuers, &https)?,
        table: ItemsTable::new(dynamodb, settings.items_table, settings.key),
        cursor_key,
        openapi_is_open: settings.openapi_is_open,
        stack: settings.stack,
    })
}
