//! What this machine remembers about a stack: its token, and where its API is. An API call that finds both here sends no
//! request to AWS.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use restctl_contract::issuer::TrustedIssuer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::api::endpoint::Location;
use crate::cli::target::TargetArgs;
use crate::context::Context;
use crate::digest::to_hex;
use crate::directories;
use crate::failure::{FailureContext, Result};
use crate::identity::grant::AccessToken;
use crate::timestamp::seconds_now;

/// The variables that select the AWS account and region, apart from the arguments.
const VARIABLES: [&str; 8] = [
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_ENDPOINT_URL",
];

/// The files that select them too: the variable that names each file, and its default path.
const CONFIGURATION_FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")];

/// A location is looked up again after a day even if it still answers: its trust anchor may have been replaced on another
/// machine because it is no longer trusted.
const LOCATION_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A token is not used in its last minute: it could expire on the way.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// A token is printed without asking for the issuer's keys if it was granted within this time.
const KEYS_TRUSTED_FOR: Duration = Duration::from_secs(5 * 60);

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct SessionCache {
    /// Sizes and times of the configuration files that were in effect.
    #[serde(default)]
    configuration: String,
    #[serde(default)]
    token: Option<AccessToken>,
    /// Who granted the token.
    #[serde(default)]
    token_issuer: Option<TrustedIssuer>,
    /// When the token was granted, in seconds since 1970.
    #[serde(default)]
    token_granted_at: u64,
    #[serde(default)]
    location: Option<Location>,
    /// When the location was looked up, in seconds since 1970.
    #[serde(default)]
    located_at: u64,
}

impl SessionCache {
    /// Reads the cache of the stack. Returns an empty one if there is none, or if it is stale.
    pub(crate) fn read(context: &Context) -> Result<Self> {
        let Some(bytes) = directories::read_private_file(&cache_file(context)?)? else {
            return Ok(Self::empty_for(context));
        };
        // A file of another version, or one that is incomplete, counts as none.
        let session = serde_json::from_slice::<Self>(&bytes).ok();
        let session = session.filter(|session| session.configuration == configuration_state(context));
        Ok(session.unwrap_or_else(|| Self::empty_for(context)))
    }

    fn empty_for(context: &Context) -> Self {
        Self { configuration: configuration_state(context), ..Self::default() }
    }

    /// Returns the token, unless it is about to expire.
    pub(crate) fn unexpired_token(&self) -> Option<&AccessToken> {
        let is_fresh = |expires_at| seconds_now() + TOKEN_MARGIN.as_secs() < expires_at;
        self.token.as_ref().filter(|token| token.expires_at.is_some_and(is_fresh))
    }

    /// Returns the issuer of the token if it was granted a while ago, so that the issuer may have replaced its keys since.
    pub(crate) fn issuer_to_ask_again(&self) -> Option<&TrustedIssuer> {
        let age = seconds_now().checked_sub(self.token_granted_at);
        self.token_issuer.as_ref().filter(|_| age.is_none_or(|age| age >= KEYS_TRUSTED_FOR.as_secs()))
    }

    /// Returns the location, unless it is a day old.
    pub(crate) fn recent_location(&self) -> Option<&Location> {
        let age = seconds_now().checked_sub(self.located_at)?;
        self.location.as_ref().filter(|_| age < LOCATION_LIFETIME.as_secs())
    }

    fn write(&self, context: &Context) -> Result<()> {
        let text = serde_json::to_vec(self).context("cannot encode the token")?;
        directories::write_private_file(&cache_file(context)?, &text)
    }
}

/// Stores the token in the place of the former one, or removes only that if nobody knows how long the new one is valid.
pub(crate) fn store_token(context: &Context, token: &AccessToken, issuer: &TrustedIssuer) -> Result<()> {
    let token = Some(token).filter(|token| token.expires_at.is_some()).cloned();
    let (token_issuer, token_granted_at) = (Some(issuer.clone()), seconds_now());
    let session = SessionCache::read(context)?;
    SessionCache { token, token_issuer, token_granted_at, ..session }.write(context)
}

pub(crate) fn store_location(context: &Context, location: &Location) -> Result<()> {
    let (location, located_at) = (Some(location.clone()), seconds_now());
    SessionCache { location, located_at, ..SessionCache::read(context)? }.write(context)
}

/// Deletes the cache of the stack. Callers do so after they have changed the settings.
pub(crate) fn clear_session(context: &Context) -> Result<()> {
    let file = cache_file(context)?;
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the path of the cache. Its name is a digest of all that selects the account, the region and the stack.
fn cache_file(context: &Context) -> Result<PathBuf> {
    let mut digest = Sha256::new();
    let TargetArgs { stack, profile, region, .. } = &context.target;
    for part in [Some(stack.as_str()), profile.as_deref(), region.as_deref()] {
        digest.update(part.unwrap_or_default());
        digest.update([0]);
    }
    for variable in VARIABLES {
        digest.update(env::var(variable).unwrap_or_default());
        digest.update([0]);
    }
    let name = to_hex(&digest.finalize()[..16]);
    let folder = match &context.local {
        Some(local) => local.token_folder()?,
        None => directories::state_folder()?.join("tokens"),
    };
    Ok(folder.join(format!("{name}.json")))
}

/// Describes the state of the configuration files: a profile's region or account may change while its name stays. The local
/// cloud has no profiles.
fn configuration_state(context: &Context) -> String {
    if context.local.is_some() {
        return String::new();
    }
    let states = CONFIGURATION_FILES.map(|(variable, usual)| {
        let named = env::var_os(variable).map(PathBuf::from);
        let path = named.or_else(|| Some(env::home_dir()?.join(usual)));
        match path.and_then(|path| fs::metadata(path).ok()) {
            Some(file) => format!("{} bytes of {}.{:09}", file.len(), file.mtime(), file.mtime_nsec()),
            None => "none".to_owned(),
        }
    });
    states.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_and_locations_expire() {
        let session = |located_at: u64, expires_at: u64| {
            let location = json!({
                "name": "api.example.com", "host": "lb.example.com", "port": 443, "anchor": "", "fingerprint": "",
                "key": "id", "awaits_deployment": false,
            });
            let token = json!({ "access_token": "t", "expires_at": expires_at });
            let session = json!({ "token": token, "location": location, "located_at": located_at });
            serde_json::from_value::<SessionCache>(session).unwrap()
        };
        let now = seconds_now();
        assert!(session(now, now + 600).unexpired_token().is_some());
        assert!(session(now, now + 30).unexpired_token().is_none(), "it could expire on the way");
        assert!(session(now - 3600, 0).recent_location().is_some());
        assert!(session(now - 25 * 3600, 0).recent_location().is_none());
        assert!(session(now + 3600, 0).recent_location().is_none(), "the clock was set back");
        let unknown = json!({ "token": { "access_token": "t", "expires_at": null } });
        let unknown: SessionCache = serde_json::from_value(unknown).unwrap();
        assert!(unknown.unexpired_token().is_none());
        let former: SessionCache =
            serde_json::from_value(json!({ "access_token": "t", "expires_at": now })).unwrap();
        assert!(former.unexpired_token().is_none() && former.recent_location().is_none());
    }
}
