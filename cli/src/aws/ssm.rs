//! AWS Systems Manager Parameter Store: the identity provider's settings.

use aws_sdk_ssm::error::BuildError;
use aws_sdk_ssm::types::{ParameterType, Tag};
use restctl_contract::stack::{Setting, StackName, Tags};

use super::Aws;
use super::error::{ACCESS_DENIED, AwsContext};
use crate::failure::{FailureContext, Result};

/// Returns the value of each setting, in the order of [`Setting::ALL`]. `None` if it is not set.
pub(crate) async fn read_settings(
    aws: &Aws,
    stack: &StackName,
) -> Result<[Option<String>; Setting::ALL.len()]> {
    let names = Setting::ALL.map(|setting| stack.setting_parameter(setting));
    let request = aws.ssm.get_parameters().set_names(Some(names.to_vec()));
    let answer = request.send().await.aws_context("read the stack's settings from Systems Manager")?;
    Ok(names.map(|name| {
        let found = answer.parameters().iter().find(|parameter| parameter.name() == Some(&name));
        found.and_then(|parameter| parameter.value.clone())
    }))
}

/// Returns the names of the settings of all stacks.
pub(crate) async fn list_settings(aws: &Aws) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut pages =
        aws.ssm.get_parameters_by_path().path("/restctl/").recursive(true).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("list the settings in Systems Manager")?;
        names.extend(page.parameters.unwrap_or_default().into_iter().filter_map(|parameter| parameter.name));
    }
    Ok(names)
}

/// Creates the parameter with these tags, or changes its value.
pub(crate) async fn write_setting(
    aws: &Aws,
    stack: &StackName,
    setting: Setting,
    value: &str,
    tags: &Tags,
) -> Result<()> {
    let name = stack.setting_parameter(setting);
    let writing = format!("write the parameter {name}");
    let put = || aws.ssm.put_parameter().name(&name).value(value).r#type(ParameterType::String);
    if !tags.is_empty() {
        // Systems Manager refuses tags together with `overwrite`.
        let tags = build_tags(tags).context("cannot build the parameter's tags")?;
        let created = put().set_tags(Some(tags)).send().await;
        match created.error_code() {
            Some("ParameterAlreadyExists") => {}
            // The caller may lack the permission for tags, which an existing parameter does not need.
            Some(code) if ACCESS_DENIED.contains(&code) && is_set(aws, &name).await? => {}
            _ => {
                created.aws_context(&writing)?;
                return Ok(());
            }
        }
    }
    put().overwrite(true).send().await.aws_context(&writing)?;
    Ok(())
}

async fn is_set(aws: &Aws, name: &str) -> Result<bool> {
    let answer = aws.ssm.get_parameters().names(name).send().await;
    Ok(!answer.aws_context(&format!("read the parameter {name}"))?.parameters().is_empty())
}

fn build_tags(tags: &Tags) -> std::result::Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Deletes every setting of the stack. A setting that does not exist counts as deleted.
pub(crate) async fn delete_settings(aws: &Aws, stack: &StackName) -> Result<()> {
    let names = Setting::ALL.map(|setting| stack.setting_parameter(setting)).to_vec();
    let request = aws.ssm.delete_parameters().set_names(Some(names));
    request.send().await.aws_context("delete the stack's settings from Systems Manager")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::http::{HeaderMap, StatusCode};

    use super::*;
    use crate::aws::test_server;

    /// Writes a setting with tags as a caller who may not add tags.
    async fn write_with_denied_tags(found: &'static str) -> Result<()> {
        let aws = test_server::connect(move |headers: HeaderMap, body: String| {
            let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap();
            ready(match operation {
                "GetParameters" => (StatusCode::OK, found),
                _ if body.contains("\"Overwrite\":true") => (StatusCode::OK, "{}"),
                _ => (StatusCode::BAD_REQUEST, r#"{"__type":"AccessDeniedException"}"#),
            })
        })
        .await;
        let tags = Tags::from([("team".to_owned(), "data".to_owned())]);
        write_setting(&aws, &"restctl".parse().unwrap(), Setting::Client, "null", &tags).await
    }

    #[tokio::test]
    async fn only_a_new_parameter_needs_the_permission_for_tags() {
        let existing = r#"{"Parameters":[{"Name":"/restctl/restctl/client"}]}"#;
        assert!(write_with_denied_tags(existing).await.is_ok());
        let refusal = write_with_denied_tags(r#"{"Parameters":[]}"#).await.unwrap_err();
        assert!(refusal.to_single_line().contains("AccessDeniedException"), "{}", refusal.to_single_line());
    }
}
