//! AWS Secrets Manager: the certificate's metadata and the client secret.

use std::time::Duration;

use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::create_secret::{CreateSecretError, CreateSecretOutput};
use aws_sdk_secretsmanager::types::Tag;
use restctl_contract::stack::Tags;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Failure, Result};
use crate::timestamp;

/// The description of the client secret.
pub(crate) const CLIENT_SECRET_DESCRIPTION: &str = "Client secret with which restctl gets tokens";

/// Returns the text of a secret. `None` if there is no such secret, or if it is scheduled for deletion.
pub(crate) async fn read_secret(aws: &Aws, name: &str) -> Result<Option<String>> {
    let answer = aws.secretsmanager.get_secret_value().secret_id(name).send().await;
    if let Err(error) = &answer
        && let Some(error) = error.as_service_error()
        // A secret that is scheduled for deletion answers InvalidRequestException.
        && (error.is_resource_not_found_exception() || error.is_invalid_request_exception())
    {
        return Ok(None);
    }
    let answer = answer.aws_context(&format!("read the secret {name}"))?;
    answer
        .secret_string
        .map(Some)
        .ok_or_else(|| Failure::new(format!("the secret {name} is binary, not text")).next("restctl setup"))
}

/// Returns when the secret was last changed. `None` if there is no such secret, or if it is scheduled for deletion.
pub(crate) async fn last_changed(aws: &Aws, name: &str) -> Result<Option<String>> {
    let answer = aws.secretsmanager.describe_secret().secret_id(name).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let secret = answer.aws_context(&format!("describe the secret {name}"))?;
    let changed = secret.last_changed_date.or(secret.created_date).filter(|_| secret.deleted_date.is_none());
    Ok(changed.as_ref().and_then(timestamp::from_sdk))
}

/// Creates the secret with these tags, or gives it a new version. A secret that is scheduled for deletion is restored first.
pub(crate) async fn write_secret(
    aws: &Aws,
    name: &str,
    description: &str,
    text: &str,
    tags: &Tags,
) -> Result<()> {
    let secrets = &aws.secretsmanager;
    let what = format!("write the secret {name}");
    let put = || secrets.put_secret_value().secret_id(name).secret_string(text).send();
    let answer = put().await;
    match answer.as_ref().err().and_then(|error| error.as_service_error()) {
        Some(error) if error.is_resource_not_found_exception() => {
            create_secret(aws, name, description, text, tags).await.aws_context(&what)?;
        }
        Some(error) if error.is_invalid_request_exception() => {
            secrets.restore_secret().secret_id(name).send().await.aws_context(&what)?;
            put().await.aws_context(&what)?;
        }
        _ => {
            answer.aws_context(&what)?;
        }
    }
    Ok(())
}

/// Creates the secret. Waits until its name is free, which takes a while after a deletion.
async fn create_secret(
    aws: &Aws,
    name: &str,
    description: &str,
    text: &str,
    tags: &Tags,
) -> Result<CreateSecretOutput, SdkError<CreateSecretError>> {
    const TRIES: u32 = 15;
    let tags: Vec<_> = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let tags = Some(tags).filter(|tags| !tags.is_empty());
    let mut attempt = 1;
    loop {
        let request = aws.secretsmanager.create_secret().name(name).description(description);
        let answer = request.secret_string(text).set_tags(tags.clone()).send().await;
        let error = answer.as_ref().err().and_then(|error| error.as_service_error());
        if attempt == TRIES || !error.is_some_and(CreateSecretError::is_invalid_request_exception) {
            return answer;
        }
        attempt += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Deletes the secret without a recovery window, which would block the name for the next setup.
pub(crate) async fn delete_secret(aws: &Aws, name: &str) -> Result<()> {
    let request = aws.secretsmanager.delete_secret().secret_id(name).force_delete_without_recovery(true);
    let answer = request.send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(());
    }
    answer.aws_context(&format!("delete the secret {name}"))?;
    Ok(())
}
