//! The bucket from which CloudFormation takes the packages of the functions.

use restctl_contract::stack::{STACK_TAG, Tags};

use super::choices::StackChoices;
use crate::aws::Aws;
use crate::aws::s3;
use crate::deployment::packages::Package;
use crate::failure::Result;
use crate::terminal::output;

/// Makes the bucket, or corrects it, and uploads the packages that are not in it yet.
pub(super) async fn fill_artifact_bucket(aws: &Aws, choices: &StackChoices) -> Result<()> {
    let bucket = choices.artifact_bucket();
    let tags = artifact_bucket_tags(&choices.tags);
    let on_wait = || {
        output::print_message(format!(
            "S3 has not freed the name of the deleted bucket {} yet; waiting until it does",
            bucket.name
        ))
    };
    let partition = choices.caller.partition();
    for control in s3::ensure_private_bucket(aws, bucket, partition, &tags, on_wait).await? {
        output::print_message(format!("note: corrected {control} of the bucket {}", bucket.name));
    }
    for Package { key, zip } in [&choices.packages.api, &choices.packages.ingest] {
        s3::ensure_object(aws, bucket, key, zip).await?;
    }
    s3::enable_versioning(aws, bucket).await
}

/// Returns the tags of the stack without restctl's own, by which `destroy` finds the buckets with data.
fn artifact_bucket_tags(stack_tags: &[(String, String)]) -> Tags {
    stack_tags.iter().filter(|(key, _)| key != STACK_TAG).cloned().collect()
}
