//! The access token for the API: the remembered one, or a new one.

use restctl_contract::issuer::TrustedIssuer;

use crate::api::session_cache::{self, SessionCache};
use crate::aws::{cloudformation, secretsmanager};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::cognito;
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
    let client = settings.require_client()?;
    let secret = secret.ok_or_else(|| {
        Failure::new(format!("the secret {secret_name} is missing"))
            .exit(Exit::Authentication)
            .next("restctl setup --client-secret-file FILE, or --client-key-file FILE for a private key")
    })?;
    let issuer = issuer_of_client(context, &settings).await?;
    let token = grant::request_token(client, &issuer, &secret).await?;
    session_cache::store_token(context, &token)?;
    Ok(token)
}

/// Returns the issuer that grants the client its tokens: one of the settings, or the user pool of the stack.
pub(crate) async fn issuer_of_client(context: &Context, settings: &Settings) -> Result<TrustedIssuer> {
    if let Some(issuer) = settings.client_issuer() {
        return Ok(issuer.clone());
    }
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    match cognito::stack_has_user_pool(&stack) {
        true => cognito::user_pool(&stack),
        false => Err(Failure::new("the settings do not trust the issuer that grants restctl its tokens")
            .exit(Exit::Authentication)
            .next("restctl setup --issuer URL with the issuer to get tokens from; restctl idp show lists the trusted ones")),
    }
}
