//! Service Quotas, and the number of resources in use.

use super::Aws;
use super::error::AwsContext;
use crate::failure::Result;

/// Returns the quota of this account and region. A quota without a value is infinite.
pub(crate) async fn read_quota(aws: &Aws, service: &str, code: &str) -> Result<f64> {
    let reading = format!("read the quota {code}");
    let answer = aws.servicequotas.get_service_quota().service_code(service).quota_code(code).send().await;
    let has_no_own_value = matches!(&answer, Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_resource_exception()));
    let quota = if has_no_own_value {
        // An account that never requested an increase has no value of its own (GetServiceQuota, "applied quota value").
        let request =
            aws.servicequotas.get_aws_default_service_quota().service_code(service).quota_code(code);
        request.send().await.aws_context(&reading)?.quota
    } else {
        answer.aws_context(&reading)?.quota
    };
    Ok(quota.and_then(|quota| quota.value).unwrap_or(f64::INFINITY))
}

/// Returns the number of resources of a type, from the Cloud Control API, which saves a client for each service.
pub(crate) async fn count_resources(aws: &Aws, kind: &str) -> Result<usize> {
    let mut count = 0;
    let mut pages = aws.cloudcontrol.list_resources().type_name(kind).into_paginator().send();
    while let Some(page) = pages.next().await {
        count +=
            page.aws_context(&format!("count the resources of type {kind}"))?.resource_descriptions().len();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    /// Has a value of this account for `L-OWN`, and a default for every code but `L-UNKNOWN`.
    async fn answer_quota_request(request: Request) -> (StatusCode, String) {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(request.into_body(), 1_000).await.unwrap();
        let asked = String::from_utf8_lossy(&body).into_owned();
        let value = match target.rsplit('.').next() {
            Some("GetServiceQuota") if asked.contains("L-OWN") => Some(20),
            Some("GetAWSDefaultServiceQuota") if !asked.contains("L-UNKNOWN") => Some(5),
            _ => None,
        };
        match value {
            Some(value) => (StatusCode::OK, format!(r#"{{"Quota":{{"Value":{value}.0}}}}"#)),
            None => (
                StatusCode::BAD_REQUEST,
                r#"{"__type":"NoSuchResourceException","Message":"none"}"#.to_owned(),
            ),
        }
    }

    #[tokio::test]
    async fn an_account_without_a_value_of_its_own_has_the_default() {
        let aws = test_server::connect(answer_quota_request).await;
        assert_eq!(read_quota(&aws, "vpc", "L-OWN").await.unwrap().to_string(), "20");
        assert_eq!(read_quota(&aws, "vpc", "L-DEFAULT").await.unwrap().to_string(), "5");
        let failure = read_quota(&aws, "vpc", "L-UNKNOWN").await.unwrap_err().to_string();
        assert!(failure.contains("NoSuchResourceException"), "{failure}");
    }
}
