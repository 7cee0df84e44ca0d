//! Access tokens by the client-credentials grant (RFC 6749, section 4.4), kept until shortly before they expire.

use std::time::Duration;

use reqwest::RequestBuilder;
use restctl_contract::stack::Setting;
use restctl_verifier::Provider;
use serde::{Deserialize, Serialize};

use crate::api::session_cache::{self, Session};
use crate::aws::secretsmanager;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::discovery;
use crate::identity::settings::Settings;
use crate::timestamp::seconds_now;

/// A token is not used in its last minute: it could expire on the way.
const MARGIN: Duration = Duration::from_secs(60);

/// Providers send tokens of a few kilobytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) access_token: String,
    /// Seconds since 1970.
    pub(crate) expires_at: u64,
}

impl Token {
    pub(crate) fn is_fresh(&self) -> bool {
        seconds_now() + MARGIN.as_secs() < self.expires_at
    }
}

/// The provider's answer (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds.
    #[serde(default)]
    expires_in: u64,
}

/// The provider's refusal (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

/// The remembered token, or a new one.
pub(crate) async fn obtain(context: &Context) -> Result<Token> {
    match Session::recall(context)?.token() {
        Some(token) => Ok(token.clone()),
        None => renew(context).await,
    }
}

/// A new token, which is remembered.
pub(crate) async fn renew(context: &Context) -> Result<Token> {
    let secret_name = context.stack.client_secret();
    let aws = context.aws().await?;
    let (settings, secret) =
        tokio::try_join!(Settings::read(aws, &context.stack), secretsmanager::read(aws, &secret_name),)?;
    // Whoever has set up nothing lacks more than a secret.
    settings.require(Setting::TokenEndpoint)?;
    let secret = secret.ok_or_else(|| {
        Failure::new(format!("the secret {secret_name} is missing"))
            .exit(Exit::Authentication)
            .next("restctl setup --client-secret-file FILE")
    })?;
    let token = grant(&settings, &secret).await?;
    session_cache::keep_token(context, &token)?;
    Ok(token)
}

/// A token that the provider grants for this secret. It is not remembered.
pub(crate) async fn grant(settings: &Settings, secret: &str) -> Result<Token> {
    let endpoint = settings.require(Setting::TokenEndpoint)?;
    let answer = fill(discovery::client(endpoint)?.post(endpoint), settings, secret).await?.send().await;
    let answer = answer.context(format!("the identity provider does not answer at {endpoint}"))?;
    let status = answer.status();
    let body = discovery::bounded_body(answer, MAX_ANSWER_BYTES).await?;
    if !status.is_success() {
        return Err(refusal(status, &body));
    }
    let granted: Granted = serde_json::from_slice(&body).context(format!("{endpoint} answers no token"))?;
    let expires_at = seconds_now().saturating_add(granted.expires_in);
    Ok(Token { access_token: granted.access_token, expires_at })
}

/// Writes the credentials and what is asked for into the request.
async fn fill(request: RequestBuilder, settings: &Settings, secret: &str) -> Result<RequestBuilder> {
    let provider = settings.provider()?;
    let client_id = settings.require(Setting::ClientId)?;
    let mut form = vec![("grant_type", "client_credentials"), ("scope", settings.require(Setting::Scope)?)];
    // Auth0 wants the audience, Cognito's tokens have none; elsewhere it is an extension that does no harm.
    if provider != Provider::Cognito {
        form.push(("audience", settings.require(Setting::Audience)?));
    }
    if in_body(provider, settings).await? {
        form.extend([("client_id", client_id), ("client_secret", secret)]);
        return Ok(request.form(&form));
    }
    Ok(request.basic_auth(encoded(client_id), Some(encoded(secret))).form(&form))
}

/// Whether the secret goes into the body; else it goes into the header (RFC 6749, section 2.3.1). Auth0 and Cognito
/// are known to take it there, any other issuer is asked.
async fn in_body(provider: Provider, settings: &Settings) -> Result<bool> {
    match provider {
        Provider::Auth0 | Provider::Cognito => Ok(true),
        Provider::OpenId => {
            Ok(discovery::discover(settings.require(Setting::Issuer)?).await?.takes_secret_in_body())
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn refusal(status: reqwest::StatusCode, body: &[u8]) -> Failure {
    let failure = Failure::new("the identity provider refuses the client").exit(Exit::Authentication);
    let failure = match serde_json::from_slice::<Refused>(body) {
        Ok(refused) => failure.why(format!(
            "{status}: {}: {}",
            refused.error,
            refused.error_description.unwrap_or_default()
        )),
        Err(_) => failure.why(status.to_string()),
    };
    failure.next(
        "check client id, secret, audience and scope with the provider, then:\n\
         restctl setup --client-id ID --client-secret-file FILE",
    )
}
