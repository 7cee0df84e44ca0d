//! The ingest Lambda: objects of the data bucket become items of the table, each load once and in order.

mod dynamodb;
mod error;
mod handler;
mod ledger;
mod load;
mod log;
mod message;
mod rejects;
mod source;
mod stop;
mod table;
#[cfg(test)]
mod test_row;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_lambda_events::sqs::SqsEvent;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use restctl_aws::{Environment, Service};
use restctl_contract::key::Key;
use restctl_contract::template::variable;

use crate::dynamodb::{Backoff, Dynamodb};
use crate::load::{Cadence, Ingest};
use crate::message::{Deadline, Queue};
use crate::source::WindowSize;

/// A call of DynamoDB without an answer for so long is made again.
const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "the log of a Lambda is what it prints")]
async fn main() -> Result<(), Error> {
    log::init(std::io::stdout);
    let environment = Environment::from_variables()?;
    let ingest = ingest(&config(&environment).await, &environment)?;
    let ingest = &ingest;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        ingest.handle(event.payload, Deadline::at(event.context.deadline())).await
    }))
    .await
}

async fn config(environment: &Environment) -> SdkConfig {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(tls).build_https())
        .credentials_provider(environment.credentials.clone())
        .region(Region::new(environment.region.clone()))
        .load()
        .await
}

fn ingest(config: &SdkConfig, environment: &Environment) -> Result<Ingest, Error> {
    // The host names of buckets resolve at AWS, and nowhere else.
    let path_style = config.endpoint_url().is_some();
    let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
    let dynamodb = Service::dynamodb(restctl_aws::https_client()?, environment, TIMEOUT)?;
    let sqs = aws_sdk_sqs::Client::new(config);
    Ok(Ingest {
        s3: aws_sdk_s3::Client::from_conf(s3),
        dynamodb: Dynamodb::new(dynamodb, Backoff::default()),
        queue: Queue::new(sqs, setting(variable::LOAD_QUEUE)?, setting(variable::DEAD_LETTER_QUEUE)?),
        items_table: setting(variable::ITEMS_TABLE)?,
        ledger_table: setting(variable::LEDGER_TABLE)?,
        key: Key { name: setting(variable::KEY_NAME)?, kind: setting(variable::KEY_TYPE)?.parse()? },
        window_size: WindowSize::default(),
        cadence: Cadence::default(),
    })
}

fn setting(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("environment variable {name}: {error}").into())
}
