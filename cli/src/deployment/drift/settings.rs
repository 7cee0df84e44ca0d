//! Compares the environment of the live API version with the current settings.

use restctl_contract::issuer;
use restctl_contract::template::{output as stack_output, variable};

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, lambda};
use crate::failure::Result;
use crate::identity::changes::{self, Change};
use crate::identity::settings::Settings;

/// Returns what of the settings has changed since the deployment. Reads the environment from the function itself: after a
/// rollback, CloudFormation has the settings of another version.
pub(crate) async fn compare_settings(aws: &Aws, stack: &Stack, settings: &Settings) -> Result<Vec<Change>> {
    let function = stack.output(stack_output::API_FUNCTION)?;
    let live = lambda::read_live_alias(aws, function).await?;
    let deployed = lambda::read_environment(aws, function, Some(&live.version)).await?;
    let deployed = deployed.get(variable::ISSUERS).map_or("", String::as_str);
    Ok(match issuer::from_json(deployed) {
        Ok(issuers) => changes::compare_issuers(&issuers, settings.issuers()),
        // An earlier version of restctl wrote it, or someone changed it by hand.
        Err(_) => vec![Change {
            what: format!("the variable {}", variable::ISSUERS),
            before: Some(deployed.to_owned()).filter(|deployed| !deployed.is_empty()),
            after: Some(issuer::to_json(settings.issuers())),
        }],
    })
}
