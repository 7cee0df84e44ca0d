//! The ingest Lambda: objects of the data bucket become items of the table, each load once and in order.

mod deadline;
mod error;
mod event;
mod handler;
mod ledger;
mod load;
mod object;
mod queue;
mod rejects;
mod table;
#[cfg(test)]
mod tests;
mod window;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_lambda_events::sqs::SqsEvent;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use restctl_contract::key::Key;
use restctl_contract::template::variable;

use crate::deadline::Deadline;
use crate::load::Ingest;
use crate::queue::Queue;

/// A table that has to scale up throttles for longer than the SDK's three attempts last.
const ATTEMPTS: u32 = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let ingest = ingest(&config().await)?;
    let ingest = &ingest;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        ingest.handle(event.payload, Deadline::at(event.context.deadline())).await
    }))
    .await
}

async fn config() -> SdkConfig {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(tls).build_https())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .load()
        .await
}

fn ingest(config: &SdkConfig) -> Result<Ingest, Error> {
    // The host names of buckets resolve at AWS, and nowhere else.
    let path_style = config.endpoint_url().is_some();
    let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
    Ok(Ingest {
        s3: aws_sdk_s3::Client::from_conf(s3),
        dynamodb: aws_sdk_dynamodb::Client::new(config),
        queue: Queue::new(aws_sdk_sqs::Client::new(config), setting(variable::LOAD_QUEUE)?),
        items_table: setting(variable::ITEMS_TABLE)?,
        ledger_table: setting(variable::LEDGER_TABLE)?,
        key: Key { name: setting(variable::KEY_NAME)?, kind: setting(variable::KEY_TYPE)?.parse()? },
    })
}

fn setting(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("environment variable {name}: {error}").into())
}
