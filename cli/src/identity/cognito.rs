//! The identity provider that a deployment can create: a Cognito user pool in the stack.

use restctl_contract::stack::{Setting, StackName};
use restctl_contract::template::{output as stack_output, parameter};
use restctl_verifier::Provider;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, secretsmanager, ssm};
use crate::failure::{Failure, Result};
use crate::identity::settings::{PLACEHOLDER, Settings};

/// The value of the parameter `Idp` with which the template creates the user pool.
pub(crate) const COGNITO: &str = "cognito";

pub(crate) fn stack_has_user_pool(stack: &Stack) -> bool {
    stack.parameter(parameter::IDP) == Some(COGNITO)
}

/// Whether the settings name the stack's own user pool.
pub(crate) fn settings_name_user_pool(settings: &Settings, stack: &Stack) -> bool {
    let own = stack.output(stack_output::COGNITO_ISSUER).ok();
    own.is_some() && settings.get(Setting::Issuer) == own
}

/// Returns the value of a setting for the stack's own user pool.
pub(crate) fn setting_value(stack: &Stack, setting: Setting) -> Result<&str> {
    match setting {
        Setting::Issuer => stack.output(stack_output::COGNITO_ISSUER),
        Setting::Audience | Setting::ClientId => stack.output(stack_output::COGNITO_CLIENT_ID),
        Setting::JwksUri => stack.output(stack_output::COGNITO_JWKS_URI),
        Setting::TokenEndpoint => stack.output(stack_output::COGNITO_TOKEN_ENDPOINT),
        Setting::Scope => stack.output(stack_output::COGNITO_SCOPE),
        Setting::Provider => Ok(Provider::Cognito.name()),
    }
}

/// Saves the settings of the stack's user pool, and returns whether anything has changed.
pub(crate) async fn save_settings(aws: &Aws, name: &StackName, stack: &Stack) -> Result<bool> {
    let settings = Settings::read(aws, name).await?;
    let mut has_changed = false;
    for setting in Setting::ALL {
        let value = setting_value(stack, setting)?;
        if settings.get(setting) != Some(value) {
            ssm::write_setting(aws, name, setting, value).await?;
            has_changed = true;
        }
    }
    let made = stack.output(stack_output::COGNITO_CLIENT_SECRET)?;
    let (secret, known) = tokio::try_join!(async { secretsmanager::read_secret(aws, made).await }, async {
        secretsmanager::read_secret(aws, &name.client_secret()).await
    },)?;
    let secret = secret.ok_or_else(|| {
        Failure::new(format!("the stack's secret {made} no longer exists"))
            .why("it holds the client secret of the stack's user pool")
            .next("restctl destroy, then setup and deploy")
    })?;
    if known.as_deref() != Some(&secret) {
        secretsmanager::write_secret(
            aws,
            &name.client_secret(),
            secretsmanager::CLIENT_SECRET_DESCRIPTION,
            &secret,
        )
        .await?;
        has_changed = true;
    }
    Ok(has_changed)
}

/// Writes placeholders until the deployment creates the user pool: the template requires the parameters to exist.
pub(crate) async fn write_placeholders(aws: &Aws, name: &StackName) -> Result<()> {
    for setting in Setting::ALL {
        ssm::write_setting(aws, name, setting, PLACEHOLDER).await?;
    }
    Ok(())
}
