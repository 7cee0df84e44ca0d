//! What keeps a bucket private. Encryption is not among it: S3 encrypts every object, and no setting turns that off ("Setting
//! default server-side encryption behavior for Amazon S3 buckets").

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, VersioningConfiguration,
};
use serde_json::Value;

use super::OwnBucket;
use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::{FailureContext, Result};

mod policy;

const UNFINISHED_UPLOAD_DAYS: i32 = 7;
const OLD_VERSION_DAYS: i32 = 90;

/// Checks each control, and restores those that are not as they should be. Returns their names.
pub(super) async fn restore_controls(
    aws: &Aws,
    bucket: OwnBucket<'_>,
    partition: &str,
) -> Result<Vec<&'static str>> {
    let restored = [
        // First, because it also disables a public policy.
        ("the public access block", restore_public_access_block(aws, bucket).await?),
        ("the object ownership", restore_ownership(aws, bucket).await?),
        ("the bucket policy", restore_policy(aws, bucket, partition).await?),
        ("the lifecycle rules", restore_lifecycle(aws, bucket).await?),
    ];
    Ok(restored.into_iter().filter(|(_, is_restored)| *is_restored).map(|(name, _)| name).collect())
}

async fn restore_public_access_block(aws: &Aws, bucket: OwnBucket<'_>) -> Result<bool> {
    let closing = format!("close the bucket {} to the public", bucket.name);
    let wanted = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let request = aws.s3.get_public_access_block().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    if answer.error_code() != Some("NoSuchPublicAccessBlockConfiguration")
        && answer.aws_context(&closing)?.public_access_block_configuration.as_ref() == Some(&wanted)
    {
        return Ok(false);
    }
    let request = aws.s3.put_public_access_block().bucket(bucket.name).expected_bucket_owner(bucket.account);
    request.public_access_block_configuration(wanted).send().await.aws_context(&closing)?;
    Ok(true)
}

/// Turns off the access control lists of the bucket and its objects.
async fn restore_ownership(aws: &Aws, bucket: OwnBucket<'_>) -> Result<bool> {
    let enforcing = format!("turn off the access control lists of the bucket {}", bucket.name);
    let request =
        aws.s3.get_bucket_ownership_controls().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    if answer.error_code() != Some("OwnershipControlsNotFoundError") {
        let controls = answer.aws_context(&enforcing)?.ownership_controls;
        let mut rules = controls.iter().flat_map(OwnershipControls::rules);
        if rules.any(|rule| rule.object_ownership == ObjectOwnership::BucketOwnerEnforced) {
            return Ok(false);
        }
    }
    let wanted = build_ownership_controls().context("cannot build the ownership controls")?;
    let request =
        aws.s3.put_bucket_ownership_controls().bucket(bucket.name).expected_bucket_owner(bucket.account);
    request.ownership_controls(wanted).send().await.aws_context(&enforcing)?;
    Ok(true)
}

fn build_ownership_controls() -> std::result::Result<OwnershipControls, BuildError> {
    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
    OwnershipControls::builder().rules(rule.build()?).build()
}

async fn restore_policy(aws: &Aws, bucket: OwnBucket<'_>, partition: &str) -> Result<bool> {
    let restoring = format!("restore the policy of the bucket {}", bucket.name);
    let request = aws.s3.get_bucket_policy().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    let existing = match answer.error_code() {
        Some("NoSuchBucketPolicy") => Value::Null,
        _ => {
            let text = answer.aws_context(&restoring)?.policy.unwrap_or_default();
            serde_json::from_str(&text).context(format!("cannot {restoring}"))?
        }
    };
    let Some(wanted) = policy::find_correction(&existing, bucket.name, partition) else { return Ok(false) };
    let request = aws.s3.put_bucket_policy().bucket(bucket.name).expected_bucket_owner(bucket.account);
    request.policy(wanted.to_string()).send().await.aws_context(&restoring)?;
    Ok(true)
}

/// Turns versioning on, unless it is. For some minutes after the first time, S3 may not find objects that are written then
/// ("Enabling versioning on buckets"), so this comes after the objects that are needed at once.
pub(crate) async fn enable_versioning(aws: &Aws, bucket: OwnBucket<'_>) -> Result<()> {
    let enabling = format!("turn on the versioning of the bucket {}", bucket.name);
    let request = aws.s3.get_bucket_versioning().bucket(bucket.name).expected_bucket_owner(bucket.account);
    if request.send().await.aws_context(&enabling)?.status == Some(BucketVersioningStatus::Enabled) {
        return Ok(());
    }
    let wanted = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let request = aws.s3.put_bucket_versioning().bucket(bucket.name).expected_bucket_owner(bucket.account);
    request.versioning_configuration(wanted).send().await.aws_context(&enabling)?;
    Ok(())
}

/// Restores the rules for unfinished uploads and old versions, and leaves other rules alone.
async fn restore_lifecycle(aws: &Aws, bucket: OwnBucket<'_>) -> Result<bool> {
    let restoring = format!("restore the lifecycle rules of the bucket {}", bucket.name);
    let request =
        aws.s3.get_bucket_lifecycle_configuration().bucket(bucket.name).expected_bucket_owner(bucket.account);
    let answer = request.send().await;
    let mut rules = match answer.error_code() {
        Some("NoSuchLifecycleConfiguration") => Vec::new(),
        _ => answer.aws_context(&restoring)?.rules.unwrap_or_default(),
    };
    let wanted = build_lifecycle_rules().context("cannot build the lifecycle rules")?;
    if wanted.iter().all(|wanted| rules.iter().any(|rule| does_the_same(rule, wanted))) {
        return Ok(false);
    }
    rules.retain(|rule| wanted.iter().all(|wanted| wanted.id != rule.id));
    rules.extend(wanted);
    let wanted = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
    let wanted = wanted.context("cannot build the lifecycle rules")?;
    let request =
        aws.s3.put_bucket_lifecycle_configuration().bucket(bucket.name).expected_bucket_owner(bucket.account);
    request.lifecycle_configuration(wanted).send().await.aws_context(&restoring)?;
    Ok(true)
}

fn build_lifecycle_rules() -> std::result::Result<[LifecycleRule; 2], BuildError> {
    let rule = |id: &str| {
        let everything = LifecycleRuleFilter::builder().prefix("").build();
        LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled).filter(everything)
    };
    let unfinished =
        AbortIncompleteMultipartUpload::builder().days_after_initiation(UNFINISHED_UPLOAD_DAYS).build();
    let old = NoncurrentVersionExpiration::builder().noncurrent_days(OLD_VERSION_DAYS).build();
    let deleted = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    Ok([
        rule("unfinished-uploads").abort_incomplete_multipart_upload(unfinished).build()?,
        rule("old-versions").noncurrent_version_expiration(old).expiration(deleted).build()?,
    ])
}

/// Whether S3 applies the rules alike. It adds to what it returns.
fn does_the_same(rule: &LifecycleRule, wanted: &LifecycleRule) -> bool {
    let days = |rule: &LifecycleRule| {
        let unfinished =
            rule.abort_incomplete_multipart_upload.as_ref().and_then(|it| it.days_after_initiation);
        let old = rule.noncurrent_version_expiration.as_ref().and_then(|it| it.noncurrent_days);
        (unfinished, old)
    };
    rule.id == wanted.id && rule.status == wanted.status && days(rule) == days(wanted)
}
