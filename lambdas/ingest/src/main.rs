//! The ingest Lambda: objects of the data bucket become items of the table, each load once and in order. This file only
//! wires.
//!
//! Rooms from top to bottom; a module uses only rooms below its own:
//!
//! ```text
//! handler, load, table, ledger, source, rejects, message, dynamodb, settings, log, error
//! ```

mod dynamodb;
mod error;
mod handler;
mod ledger;
mod load;
mod log;
mod message;
mod rejects;
mod settings;
mod source;
mod table;
#[cfg(test)]
mod test_row;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_lambda_events::sqs::SqsEvent;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use restctl_aws::{Endpoints, Environment, Service};
use restctl_contract::template::variable;

use crate::dynamodb::{Backoff, Dynamodb};
use crate::handler::Handler;
use crate::load::{LedgerCadence, LoadContext};
use crate::message::{Deadline, LoadQueue};
use crate::settings::Settings;
use crate::source::WindowSize;

/// A call of DynamoDB or SQS without an answer within this time is made again.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "the log of a Lambda is what it prints")]
async fn main() -> Result<(), Error> {
    log::init(std::io::stdout);
    let environment = Environment::from_variables(variable::URL_SUFFIX)?;
    let handler = build_handler(Settings::from_environment()?, &environment).await?;
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        handler.handle_event(event.payload, Deadline::from_end(event.context.deadline())).await
    }))
    .await
}

async fn build_handler(settings: Settings, environment: &Environment) -> Result<Handler, Error> {
    let config = sdk_config(environment).await;
    // Only AWS resolves the host names of buckets.
    let path_style = config.endpoint_url().is_some();
    let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(path_style).build();
    let dynamodb = Service::dynamodb(restctl_aws::https_client()?, environment, CALL_TIMEOUT)?;
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(CALL_TIMEOUT).build();
    let sqs = aws_sdk_sqs::config::Builder::from(&config).timeout_config(timeouts).build();
    Ok(Handler {
        queue: LoadQueue::new(
            aws_sdk_sqs::Client::from_conf(sqs),
            settings.load_queue,
            settings.dead_letter_queue,
        ),
        context: LoadContext {
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: Dynamodb::new(dynamodb, Backoff::default()),
            items_table: settings.items_table,
            ledger_table: settings.ledger_table,
            key: settings.key,
            estimates_units: matches!(environment.endpoints, Endpoints::Shared(_)),
            window_size: WindowSize::default(),
            cadence: LedgerCadence::default(),
        },
    })
}

/// Returns the configuration of the S3 and SQS clients. The SDK itself reads the endpoint from the environment.
async fn sdk_config(environment: &Environment) -> SdkConfig {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(tls).build_https())
        .credentials_provider(environment.credentials.clone())
        .region(Region::new(environment.region.clone()))
        .load()
        .await
}
