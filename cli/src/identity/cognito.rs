//! The identity provider that a deployment makes: a Cognito user pool of the stack's own.

use restctl_contract::stack::{Setting, StackName};
use restctl_contract::template::{output as stack_output, parameter};
use restctl_verifier::Provider;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, secretsmanager, ssm};
use crate::failure::{Failure, Result};
use crate::identity::settings::{PLACEHOLDER, Settings};

/// The value of the parameter `Idp` with which the template makes it.
pub(crate) const COGNITO: &str = "cognito";

pub(crate) fn stack_has_user_pool(stack: &Stack) -> bool {
    stack.parameter(parameter::IDP) == Some(COGNITO)
}

/// Whether these settings are the stack's own provider.
pub(crate) fn settings_name_user_pool(settings: &Settings, stack: &Stack) -> bool {
    let own = stack.output(stack_output::COGNITO_ISSUER).ok();
    own.is_some() && settings.get(Setting::Issuer) == own
}

/// The value of a setting that the stack's own provider has.
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

/// Reads the provider back into the settings; answers whether they have changed by that.
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
        Failure::new(format!("the secret {made} of the stack is gone"))
            .why("the client of the stack's user pool has its secret there")
            .next("restctl destroy, then setup and deploy")
    })?;
    if known.as_deref() != Some(&secret) {
        secretsmanager::write_secret(aws, &name.client_secret(), secretsmanager::CLIENT_SECRET, &secret)
            .await?;
        has_changed = true;
    }
    Ok(has_changed)
}

/// Leaves the settings to the deployment that is to come: the template asks for them, whatever they are.
pub(crate) async fn write_placeholders(aws: &Aws, name: &StackName) -> Result<()> {
    for setting in Setting::ALL {
        ssm::write_setting(aws, name, setting, PLACEHOLDER).await?;
    }
    Ok(())
}
