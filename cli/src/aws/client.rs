//! The clients of all services, built once.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};

use super::unsupported_call::MarkAnswers;
use crate::failure::{Exit, Failure, Result};

/// What the clients talk to.
pub(crate) enum Cloud<'a> {
    /// AWS, with the standard credential chain. `None` leaves the choice to the environment and the configuration files.
    Aws { profile: Option<&'a str>, region: Option<&'a str> },
    /// An emulator that serves all services at one URL.
    Emulator { url: &'a str, region: &'static str, credentials: Credentials },
}

pub(crate) struct Aws {
    pub(crate) region: String,
    /// The URL of all services, unless they are AWS's own.
    pub(crate) endpoint_url: Option<String>,
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
        let http_client =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc));
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http_client.build_https());
        match cloud {
            Cloud::Aws { profile, region } => {
                if let Some(profile) = profile {
                    loader = loader.profile_name(profile);
                }
                if let Some(region) = region {
                    loader = loader.region(Region::new(region.to_owned()));
                }
            }
            Cloud::Emulator { url, region, credentials } => {
                loader =
                    loader.endpoint_url(url).region(Region::new(region)).credentials_provider(credentials);
            }
        }
        Self::from_config(&loader.load().await)
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
        // The services' builders have the same methods, but no trait in common.
        macro_rules! client {
            ($sdk:ident $(, $set:ident($value:expr))?) => {{
                let mark_answers = MarkAnswers { endpoint_url: endpoint_url.clone() };
                let config = $sdk::config::Builder::from(config).interceptor(mark_answers)$(.$set($value))?;
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
            s3: client!(aws_sdk_s3, force_path_style(path_style)),
            secretsmanager: client!(aws_sdk_secretsmanager),
            servicequotas: client!(aws_sdk_servicequotas),
            sqs: client!(aws_sdk_sqs),
            ssm: client!(aws_sdk_ssm),
            sts: client!(aws_sdk_sts),
            endpoint_url,
        })
    }
}
