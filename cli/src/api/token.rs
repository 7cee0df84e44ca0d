//! The access token for the API: the remembered one, or a new one.

use restctl_contract::issuer::TrustedIssuer;
use restctl_verifier::Check;

use crate::api::session_cache::{self, SessionCache};
use crate::aws::{cloudformation, secretsmanager};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::cognito;
use crate::identity::grant::{self, AccessToken};
use crate::identity::policy;
use crate::identity::settings::Settings;
use crate::timestamp::seconds_now;

/// Returns the remembered token, or a new one.
pub(crate) async fn obtain_token(context: &Context) -> Result<AccessToken> {
    remembered_or_new_token(context, SessionCache::read(context)?.unexpired_token()).await
}

/// [`obtain_token`] for other programs, which get no new token when the API refuses this one: a remembered token whose key
/// the issuer no longer publishes is replaced.
pub(crate) async fn obtain_token_to_print(context: &Context) -> Result<AccessToken> {
    let session = SessionCache::read(context)?;
    match (session.unexpired_token(), session.issuer_to_ask_again()) {
        (Some(token), Some(issuer)) if is_key_gone(token, issuer).await => renew_token(context).await,
        (token, _) => remembered_or_new_token(context, token).await,
    }
}

/// Whether the issuer answers with its keys, and none of them verifies the token.
async fn is_key_gone(token: &AccessToken, issuer: &TrustedIssuer) -> bool {
    let Ok(keys) = policy::fetch_keys(issuer).await else { return false };
    let explanation = restctl_verifier::explain(&token.access_token, &keys, issuer, seconds_now());
    let failed = explanation.first_failure().map(|(report, _)| report.check);
    matches!(failed, Some(Check::Key | Check::Signature))
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
    session_cache::store_token(context, &token, &issuer)?;
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
