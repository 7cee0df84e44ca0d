//! AWS Secrets Manager: the certificate's metadata and the client secret.

use std::time::Duration;

use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::create_secret::{CreateSecretError, CreateSecretOutput};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
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

/// Returns the names of the secrets of all stacks.
pub(crate) async fn list_secrets(aws: &Aws) -> Result<Vec<String>> {
    const PREFIX: &str = "restctl/";
    let mut names = Vec::new();
    let of_stacks = Filter::builder().key(FilterNameStringType::Name).values(PREFIX).build();
    let mut pages = aws.secretsmanager.list_secrets().filters(of_stacks).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("list the secrets")?;
        names.extend(page.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name));
    }
    names.retain(|name| name.starts_with(PREFIX));
    Ok(names)
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
            let restored = secrets.restore_secret().secret_id(name).send().await;
            // It was deleted without a recovery window, as `destroy` does, and its deletion has just ended.
            if restored.error_code() == Some(RESOURCE_NOT_FOUND) {
                create_secret(aws, name, description, text, tags).await.aws_context(&what)?;
            } else {
                restored.aws_context(&what)?;
                put().await.aws_context(&what)?;
            }
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
        aws.clock.sleep(Duration::from_secs(2)).await;
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

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::{Arc, Mutex};

    use axum::http::{HeaderMap, StatusCode};

    use super::*;
    use crate::aws::test_server;

    /// `setup` follows `destroy` before Secrets Manager has deleted the secret.
    #[tokio::test]
    async fn a_secret_whose_deletion_is_ending_is_created_again() {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let aws = test_server::connect(move |headers: HeaderMap| {
            let call = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
            let mut seen = seen.lock().unwrap();
            seen.push(call.clone());
            let code = match (call.as_str(), seen.len()) {
                ("CreateSecret", 6) => return ready((StatusCode::OK, "{}".to_owned())),
                ("RestoreSecret", _) => RESOURCE_NOT_FOUND,
                _ => "InvalidRequestException",
            };
            ready((StatusCode::BAD_REQUEST, format!(r#"{{"__type":"{code}"}}"#)))
        })
        .await;
        write_secret(&aws, "restctl/restctl/certificate", "", "{}", &Tags::new()).await.unwrap();
        assert_eq!(calls.lock().unwrap()[..3], ["PutSecretValue", "RestoreSecret", "CreateSecret"]);
        assert_eq!(aws.clock.slept(), Duration::from_secs(6));
    }
}
