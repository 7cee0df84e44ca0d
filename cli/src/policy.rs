//! What the API asks of a token: as it was deployed, or else as it is set up.

use restctl_contract::stack::Setting;
use restctl_contract::template::parameter;
use restctl_verifier::Policy;

use crate::aws::cloudformation;
use crate::cognito;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::settings::Settings;

pub(crate) struct Asked {
    pub(crate) policy: Policy,
    /// Where the keys are that sign the tokens.
    pub(crate) jwks_uri: String,
    /// The settings are others than those of the last deployment.
    pub(crate) has_changed: bool,
}

/// Reads what the deployed stack goes by; the settings where there is none, or where CloudFormation does not tell.
pub(crate) async fn asked(context: &Context) -> Result<Asked> {
    let (settings, stack) = tokio::try_join!(
        Settings::read(context.aws().await?, &context.stack),
        cloudformation::find_own(context.aws().await?, &context.stack),
    )?;
    let mut has_changed = false;
    let mut value = |setting, parameter| {
        let set_up = settings.require(setting)?;
        // The API has these from the pool itself.
        if let Some(stack) = stack.as_ref().filter(|stack| cognito::is_part_of(stack)) {
            let own = cognito::value(stack, setting)?;
            has_changed |= own != set_up;
            return Ok(own.to_owned());
        }
        let deployed = stack.as_ref().and_then(|stack| stack.resolved(parameter)).unwrap_or(set_up);
        has_changed |= deployed != set_up;
        Ok::<String, Failure>(deployed.to_owned())
    };
    let provider = value(Setting::Provider, parameter::PROVIDER)?;
    let policy = Policy {
        provider: provider.parse().map_err(|why: String| {
            Failure::new("the stack's provider is unknown").why(why).next("restctl setup --provider KIND")
        })?,
        issuer: value(Setting::Issuer, parameter::ISSUER)?,
        audience: value(Setting::Audience, parameter::AUDIENCE)?,
        scope: value(Setting::Scope, parameter::SCOPE)?,
    };
    let jwks_uri = value(Setting::JwksUri, parameter::JWKS_URI)?;
    Ok(Asked { policy, jwks_uri, has_changed })
}
