//! Access tokens by the client-credentials grant (RFC 6749, section 4.4), kept until shortly before they expire.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, io};

use reqwest::RequestBuilder;
use restctl_contract::stack::Setting;
use restctl_verifier::Provider;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::aws::secretsmanager;
use crate::context::Context;
use crate::directories;
use crate::discovery;
use crate::failure::{During, Exit, Failure, Result};
use crate::hexadecimal::hexadecimal;
use crate::settings::Settings;
use crate::target::Target;

/// A token is not used in its last minute: it could expire on the way.
const MARGIN: Duration = Duration::from_secs(60);

/// What decides, beside the arguments, whose settings are read.
const VARIABLES: [&str; 7] = [
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_ENDPOINT_URL",
];

/// Providers send tokens of a few kilobytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What the cache file holds.
#[derive(Serialize, Deserialize)]
struct Cached {
    access_token: String,
    /// Seconds since 1970.
    expires_at: u64,
}

/// The provider's answer (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

/// The provider's refusal (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

/// The cached token, or a new one.
pub(crate) async fn obtain(context: &Context) -> Result<String> {
    match read_cache(context)? {
        Some(token) => Ok(token),
        None => request(context).await,
    }
}

/// Forgets the cached token.
pub(crate) fn forget(context: &Context) -> Result<()> {
    let file = cache_file(context)?;
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).during(format!("{} cannot be removed", file.display()))
        }
        _ => Ok(()),
    }
}

async fn request(context: &Context) -> Result<String> {
    let secret_name = context.stack.client_secret();
    let aws = context.aws().await?;
    let (settings, secret) =
        tokio::try_join!(Settings::read(aws, &context.stack), secretsmanager::read(aws, &secret_name),)?;
    let endpoint = settings.require(Setting::TokenEndpoint)?;
    let secret = secret.ok_or_else(|| {
        Failure::new(format!("the secret {secret_name} is missing"))
            .exit(Exit::Authentication)
            .next("restctl setup --client-secret-file FILE")
    })?;
    let answer = fill(discovery::client(endpoint)?.post(endpoint), &settings, &secret).await?.send().await;
    let answer = answer.during(format!("the identity provider does not answer at {endpoint}"))?;
    let status = answer.status();
    let body = discovery::bounded_body(answer, MAX_ANSWER_BYTES).await?;
    if !status.is_success() {
        return Err(refusal(status, &body));
    }
    let granted: Granted = serde_json::from_slice(&body).during(format!("{endpoint} answers no token"))?;
    let cached =
        Cached { expires_at: seconds_now() + granted.expires_in, access_token: granted.access_token };
    let text = serde_json::to_vec(&cached).during("the token cannot be kept")?;
    directories::write_private(&cache_file(context)?, &text)?;
    Ok(cached.access_token)
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

fn read_cache(context: &Context) -> Result<Option<String>> {
    let file = cache_file(context)?;
    let bytes = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.during(format!("{} cannot be read", file.display()))?,
    };
    // A file that another version wrote, or that broke off, is as good as none.
    let Ok(cached) = serde_json::from_slice::<Cached>(&bytes) else { return Ok(None) };
    let fresh = seconds_now() + MARGIN.as_secs() < cached.expires_at;
    Ok(fresh.then_some(cached.access_token))
}

/// One file for each place that a token may come from: what decides whose settings are read is in its name.
fn cache_file(context: &Context) -> Result<PathBuf> {
    let mut digest = Sha256::new();
    let Target { stack, profile, region, .. } = &context.target;
    for part in [Some(stack.as_str()), profile.as_deref(), region.as_deref()] {
        digest.update(part.unwrap_or_default());
        digest.update([0]);
    }
    for variable in VARIABLES {
        digest.update(env::var(variable).unwrap_or_default());
        digest.update([0]);
    }
    let name = hexadecimal(&digest.finalize()[..16]);
    let folder = match &context.local {
        Some(local) => local.tokens()?,
        None => directories::state()?.join("tokens"),
    };
    Ok(folder.join(format!("{name}.json")))
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
