//! Service Quotas, and what of them is used, which other services tell.

use super::Aws;
use super::call::Called;
use crate::failure::Result;

/// The quota as it is for this account and region.
pub(crate) async fn value(aws: &Aws, service: &str, code: &str) -> Result<f64> {
    let request = aws.servicequotas.get_service_quota().service_code(service).quota_code(code);
    let answer = request.send().await.called(&format!("read the quota {code}"))?;
    Ok(answer.quota.and_then(|quota| quota.value).unwrap_or(f64::INFINITY))
}

/// How many resources of that type there are, by the Cloud Control API: for types of services that are not asked
/// anything else.
pub(crate) async fn count(aws: &Aws, kind: &str) -> Result<usize> {
    let mut count = 0;
    let mut pages = aws.cloudcontrol.list_resources().type_name(kind).into_paginator().send();
    while let Some(page) = pages.next().await {
        count += page.called(&format!("count the resources of type {kind}"))?.resource_descriptions().len();
    }
    Ok(count)
}
