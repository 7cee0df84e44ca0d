use serde_json::Value;

/// Returns the URL that each client of [`super::Aws`] calls in the region.
async fn resolve_endpoints(region: &str) -> Vec<String> {
    macro_rules! resolve {
        ($($sdk:ident $(.$setter:ident($value:literal))?),+ $(,)?) => {
            vec![$({
                use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
                let params = Params::builder().region(region)$(.$setter($value))?.build().unwrap();
                DefaultResolver::new().resolve_endpoint(&params).await.unwrap().url().to_owned()
            }),+]
        };
    }
    resolve!(
        aws_sdk_acm.service_type("ACM"),
        aws_sdk_cloudcontrol,
        aws_sdk_cloudformation,
        aws_sdk_cloudwatch,
        aws_sdk_cloudwatchlogs,
        aws_sdk_dynamodb,
        aws_sdk_elasticloadbalancingv2,
        aws_sdk_eventbridge,
        aws_sdk_iam,
        aws_sdk_lambda,
        aws_sdk_s3,
        aws_sdk_secretsmanager,
        aws_sdk_servicequotas,
        aws_sdk_sqs,
        aws_sdk_ssm,
        aws_sdk_sts,
    )
}

#[tokio::test]
async fn each_call_stays_within_its_partition() {
    let partitions = include_str!("../../../fixtures/partitions.json");
    let partitions: Vec<Value> = serde_json::from_str(partitions).unwrap();
    for partition in &partitions {
        let domain = format!(".{}", partition["domain"].as_str().unwrap());
        for region in partition["regions"].as_array().unwrap() {
            let endpoints = resolve_endpoints(region.as_str().unwrap()).await;
            let mut hosts = endpoints.iter().map(|url| url.strip_prefix("https://").unwrap());
            assert!(hosts.all(|host| host.ends_with(&domain)), "{region}: {endpoints:?}");
        }
    }
}
