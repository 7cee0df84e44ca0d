//! Compares the environment of the live API version with the current settings.

use restctl_contract::stack::Setting;
use restctl_contract::template::{output as stack_output, variable};

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, lambda};
use crate::failure::Result;
use crate::identity::settings::Settings;

/// The settings that are in the API's environment.
const DEPLOYED: [(Setting, &str); 5] = [
    (Setting::Issuer, variable::ISSUER),
    (Setting::Audience, variable::AUDIENCE),
    (Setting::JwksUri, variable::JWKS_URI),
    (Setting::Scope, variable::SCOPE),
    (Setting::Provider, variable::PROVIDER),
];

/// A setting whose value in the live version of the API is out of date.
pub(crate) struct SettingDifference {
    pub(crate) variable: &'static str,
    pub(crate) deployed: String,
    pub(crate) set_up: String,
}

/// Returns the settings whose deployed values are out of date. Reads the environment from the function itself: after a
/// rollback, CloudFormation has the settings of another version.
pub(crate) async fn find_differences(
    aws: &Aws,
    stack: &Stack,
    settings: &Settings,
) -> Result<Vec<SettingDifference>> {
    let function = stack.output(stack_output::API_FUNCTION)?;
    let live = lambda::read_live_alias(aws, function).await?;
    let deployed = lambda::read_environment(aws, function, Some(&live.version)).await?;
    let mut differences = Vec::new();
    for (setting, variable) in DEPLOYED {
        let set_up = settings.require(setting)?;
        let deployed = deployed.get(variable).map_or("", String::as_str);
        if deployed != set_up {
            differences.push(SettingDifference {
                variable,
                deployed: deployed.to_owned(),
                set_up: set_up.to_owned(),
            });
        }
    }
    Ok(differences)
}
