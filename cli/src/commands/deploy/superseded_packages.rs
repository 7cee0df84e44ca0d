//! Deletes the packages of the previous deployment, which nothing reads any more: Lambda keeps the code of each version.

use restctl_contract::template::parameter;

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::s3::{self, OwnBucket};
use crate::terminal::output;

/// Deletes the packages of `before`, the stack before the deployment, that `after` does not use. A package that cannot be
/// deleted is only noted.
pub(super) async fn delete_superseded_packages(aws: &Aws, before: Option<&Stack>, after: &Stack) {
    let Some((before, bucket)) = before.zip(after.parameter(parameter::ARTIFACT_BUCKET)) else { return };
    let bucket = OwnBucket { name: bucket, account: after.account() };
    for package in [parameter::API_PACKAGE, parameter::INGEST_PACKAGE] {
        let Some(key) = before.parameter(package).filter(|key| after.parameter(package) != Some(key)) else {
            continue;
        };
        if let Err(failure) = s3::delete_object(aws, bucket, key).await {
            output::print_message(format!("note: the old package {key} stays: {}", failure.to_single_line()));
        }
    }
}
