//! Whose tokens the API accepts: those of external issuers, or also those of the stack's own user pool.

use super::{DeployOptions, EXTERNAL};
use crate::aws::cloudformation::Stack;
use crate::failure::{Failure, Result};
use crate::identity::cognito::{self, COGNITO};
use crate::identity::settings::Settings;

/// Returns whose tokens the API will accept, as the value of the template's parameter `Idp`. `--idp` comes first, then
/// what `setup` chose, then what is deployed.
pub(in super::super) fn choose_identity_provider(
    options: &DeployOptions,
    settings: &Settings,
    existing: Option<&Stack>,
) -> Result<&'static str> {
    let stack_with_pool = existing.filter(|stack| cognito::stack_has_user_pool(stack));
    let pool_by_default = settings.awaits_deployment() || stack_with_pool.is_some();
    let wants_pool = options.idp.as_ref().map_or(pool_by_default, |idp| idp == COGNITO);
    let settings_name_pool =
        stack_with_pool.is_some_and(|stack| cognito::settings_name_user_pool(settings, stack));
    if !wants_pool {
        settings.require_client()?;
        if settings_name_pool {
            return Err(Failure::usage(
                "the settings name the stack's own user pool, which this deployment would remove",
            )
            .next("restctl setup --issuer URL --client-id ID …, then: restctl deploy --idp external"));
        }
        if settings.issuers().is_empty() {
            return Err(Failure::usage("no issuer is set up besides the stack's own user pool")
                .next("restctl setup --issuer URL --client-id ID …, then: restctl deploy --idp external"));
        }
        return Ok(EXTERNAL);
    }
    if options.idp.is_none()
        && stack_with_pool.is_some()
        && !settings_name_pool
        && !settings.awaits_deployment()
    {
        return Err(Failure::usage("the settings name another identity provider, not the stack's own user pool")
            .next("to remove the user pool: restctl deploy --idp external\nto accept the tokens of both: restctl deploy --idp cognito"));
    }
    Ok(COGNITO)
}
