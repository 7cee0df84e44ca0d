//! AWS Systems Manager Parameter Store: the identity provider's settings.

use aws_sdk_ssm::error::BuildError;
use aws_sdk_ssm::types::{ParameterType, Tag};
use restctl_contract::stack::{Setting, StackName, Tags};

use super::Aws;
use super::error::AwsContext;
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
        if created.error_code() != Some("ParameterAlreadyExists") {
            created.aws_context(&writing)?;
            return Ok(());
        }
    }
    put().overwrite(true).send().await.aws_context(&writing)?;
    Ok(())
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
