//! The access token for the API: the remembered one, or a new one.

use restctl_contract::stack::Setting;

use crate::api::session_cache::{self, SessionCache};
use crate::aws::secretsmanager;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::grant::{self, AccessToken};
use crate::identity::settings::Settings;

/// Returns the remembered token, or a new one.
pub(crate) async fn obtain_token(context: &Context) -> Result<AccessToken> {
    remembered_or_new_token(context, SessionCache::read(context)?.unexpired_token()).await
}

/// [`obtain_token`], with a session cache that has been read already.
pub(crate) async fn remembered_or_new_token(
    context: &Context,
    remembered: Option<&AccessToken>,
) -> Result<AccessToken> {
    match remembered {
        Some(token) => Ok(token.clone()),
        None => renew_token(context).await,
    }
}

/// Requests a new token and remembers it.
pub(crate) async fn renew_token(context: &Context) -> Result<AccessToken> {
    let secret_name = context.stack.client_secret();
    let aws = context.aws().await?;
    let (settings, secret) = tokio::try_join!(
        Settings::read(aws, &context.stack),
        secretsmanager::read_secret(aws, &secret_name),
    )?;
    // If nothing is set up, more is missing than a secret.
    settings.require(Setting::TokenEndpoint)?;
    let secret = secret.ok_or_else(|| {
        Failure::new(format!("the secret {secret_name} is missing"))
            .exit(Exit::Authentication)
            .next("restctl setup --client-secret-file FILE")
    })?;
    let token = grant::request_token(&settings, &secret).await?;
    session_cache::store_token(context, &token)?;
    Ok(token)
}
