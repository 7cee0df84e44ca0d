//! AWS: one file per service, the clients built once.

pub(crate) mod acm;
mod answer_date;
pub(crate) mod cloudformation;
pub(crate) mod cloudwatch;
pub(crate) mod cloudwatchlogs;
pub(crate) mod dynamodb;
pub(crate) mod elasticloadbalancing;
pub(crate) mod error;
pub(crate) mod eventbridge;
pub(crate) mod iam;
pub(crate) mod lambda;
pub(crate) mod s3;
pub(crate) mod secretsmanager;
pub(crate) mod servicequotas;
pub(crate) mod sqs;
pub(crate) mod ssm;
#[cfg(test)]
mod stand_in;
pub(crate) mod sts;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};

use crate::cli::target::TargetArgs;
use crate::failure::{Exit, Failure, Result};
use crate::local::LocalCloud;

/// The region that the local cloud plays.
const LOCAL_REGION: &str = "us-east-1";

pub(crate) struct Aws {
    pub(crate) region: String,
    /// Where all services answer, where it is not AWS.
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
    /// Clients of AWS by the standard credential chain, or of the local cloud. Sends nothing yet.
    pub(crate) async fn connect(target: &TargetArgs, local: Option<&LocalCloud>) -> Result<Self> {
        let http_client =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc));
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http_client.build_https());
        if let Some(local) = local {
            loader = loader
                .endpoint_url(&local.endpoint_url)
                .region(Region::new(LOCAL_REGION))
                .credentials_provider(Credentials::new("test", "test", None, None, "local cloud"));
        }
        if let Some(profile) = &target.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &target.region {
            loader = loader.region(Region::new(region.clone()));
        }
        Self::from_config(&loader.load().await)
    }

    fn from_config(config: &SdkConfig) -> Result<Self> {
        let region = config.region().map(Region::to_string).ok_or_else(|| {
            Failure::new("no AWS region is set")
                .exit(Exit::Usage)
                .next("name one with --region, or export AWS_REGION=eu-west-1")
        })?;
        // A bucket's name in the host would ask the resolver for names that only AWS has.
        let endpoint_url = config.endpoint_url().map(str::to_owned);
        let path_style = endpoint_url.is_some();
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
        Ok(Self {
            region,
            endpoint_url,
            acm: aws_sdk_acm::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloudcontrol: aws_sdk_cloudcontrol::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            cloudwatchlogs: aws_sdk_cloudwatchlogs::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            elasticloadbalancing: aws_sdk_elasticloadbalancingv2::Client::new(config),
            eventbridge: aws_sdk_eventbridge::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secretsmanager: aws_sdk_secretsmanager::Client::new(config),
            servicequotas: aws_sdk_servicequotas::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            ssm: aws_sdk_ssm::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        })
    }
}
