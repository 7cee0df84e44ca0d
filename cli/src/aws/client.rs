//! The clients of all services, built once.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::answer::CheckAnswers;
use super::clock::Clock;
use super::cloudformation::drift::ComparisonPauses;
use super::http_client::{self, build_client};
use super::sign_in::{self, SignIn};
use crate::failure::{Exit, Failure, Result};

/// Longer than the SDK's own limit: the way may lead through a proxy.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A call without an answer within this time is made again. The longest one invokes a function, which is tested in seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// What the clients talk to.
pub(crate) enum Cloud<'a> {
    /// AWS. `None` leaves the choice to the environment and the AWS CLI's files.
    Aws { profile: Option<&'a str>, region: Option<&'a str> },
    /// An emulator that serves all services at one URL.
    Emulator { url: &'a str, region: &'static str, credentials: Credentials },
}

pub(crate) struct Aws {
    pub(crate) region: String,
    /// The URL of all services, unless they are AWS's own.
    pub(crate) endpoint_url: Option<String>,
    pub(crate) clock: Clock,
    pub(crate) comparison_pauses: ComparisonPauses,
    pub(crate) acm: aws_sdk_acm::Client,
    pub(crate) cloudformation: aws_sdk_cloudformation::Client,
    pub(crate) cloudcontrol: aws_sdk_cloudcontrol::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) cloudwatchlogs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) elasticloadbalancing: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) eventbridge: aws_sdk_eventbridge::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) secretsmanager: aws_sdk_secretsmanager::Client,
    pub(crate) servicequotas: aws_sdk_servicequotas::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Aws {
    /// Builds the clients. Sends nothing yet.
    pub(crate) async fn for_cloud(cloud: Cloud<'_>) -> Result<Self> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts.build());
        let config = match cloud {
            Cloud::Aws { profile, region } => load_config(loader, profile, region).await?,
            Cloud::Emulator { url, region, credentials } => {
                let loader = loader.http_client(http_client::build_plain_client()).endpoint_url(url);
                loader.region(Region::new(region)).credentials_provider(credentials).load().await
            }
        };
        Self::from_config(&config)
    }

    pub(super) fn from_config(config: &SdkConfig) -> Result<Self> {
        let region = config.region().map(Region::to_string).ok_or_else(|| {
            Failure::new("no AWS region is set")
                .exit(Exit::Usage)
                .next("name one with --region, or export AWS_REGION=eu-west-1")
        })?;
        // In the virtual-hosted style, the bucket is part of a host name, which only AWS resolves.
        let endpoint_url = config.endpoint_url().map(str::to_owned);
        let path_style = endpoint_url.is_some();
        // A part of a large file may take long. The SDK ends a transfer that stalls ("Stalled stream protection", AWS SDK for Rust
        // Developer Guide).
        let transfers = TimeoutConfig::builder().disable_operation_attempt_timeout().build();
        // The services' builders have the same methods, but no trait in common.
        macro_rules! client {
            ($sdk:ident $(, $set:ident($value:expr))*) => {{
                let check_answers = CheckAnswers { endpoint_url: endpoint_url.clone() };
                let config = $sdk::config::Builder::from(config).interceptor(check_answers)$(.$set($value))*;
                $sdk::Client::from_conf(config.build())
            }};
        }
        Ok(Self {
            region,
            acm: client!(aws_sdk_acm),
            cloudformation: client!(aws_sdk_cloudformation),
            cloudcontrol: client!(aws_sdk_cloudcontrol),
            cloudwatch: client!(aws_sdk_cloudwatch),
            cloudwatchlogs: client!(aws_sdk_cloudwatchlogs),
            dynamodb: client!(aws_sdk_dynamodb),
            elasticloadbalancing: client!(aws_sdk_elasticloadbalancingv2),
            eventbridge: client!(aws_sdk_eventbridge),
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            s3: client!(aws_sdk_s3, force_path_style(path_style), timeout_config(transfers)),
            secretsmanager: client!(aws_sdk_secretsmanager),
            servicequotas: client!(aws_sdk_servicequotas),
            sqs: client!(aws_sdk_sqs),
            ssm: client!(aws_sdk_ssm),
            sts: client!(aws_sdk_sts),
            endpoint_url,
            clock: Clock::default(),
            comparison_pauses: ComparisonPauses::default(),
        })
    }
}

async fn load_config(
    mut loader: ConfigLoader,
    profile: Option<&str>,
    region: Option<&str>,
) -> Result<SdkConfig> {
    let profiles = sign_in::load_profiles(profile).await?;
    let http_client = build_client()?;
    loader = loader.http_client(http_client.clone()).profile_name(profiles.selected_profile());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let config = loader.load().await;
    let provider = match profile {
        Some(name) => Some(sign_in::credentials_of_profile(name, &config, http_client)),
        None => config.credentials_provider(),
    };
    let Some(provider) = provider else { return Ok(config) };
    let sign_in = SharedCredentialsProvider::new(SignIn { provider, profiles });
    Ok(config.into_builder().credentials_provider(sign_in).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise a connection that the network has dropped without a word would be waited for without end.
    #[tokio::test]
    async fn each_call_but_a_transfer_has_a_time_limit() {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let url = "http://127.0.0.1:1";
        let cloud = Cloud::Emulator { url, region: "us-east-1", credentials };
        let aws = Aws::for_cloud(cloud).await.unwrap();
        macro_rules! limits {
            ($($client:ident),+) => {
                [$(aws.$client.config().timeout_config().map(|limits| (
                    limits.connect_timeout(),
                    limits.operation_attempt_timeout(),
                ))),+]
            };
        }
        let limited = limits!(
            acm,
            cloudcontrol,
            cloudformation,
            cloudwatch,
            cloudwatchlogs,
            dynamodb,
            elasticloadbalancing,
            eventbridge,
            iam,
            lambda,
            secretsmanager,
            servicequotas,
            sqs,
            ssm,
            sts
        );
        assert_eq!(limited, [Some((Some(CONNECT_TIMEOUT), Some(ATTEMPT_TIMEOUT))); 15]);
        assert_eq!(limits!(s3), [Some((Some(CONNECT_TIMEOUT), None))]);
    }
}
