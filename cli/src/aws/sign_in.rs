//! How a profile of the AWS CLI signs in, and what to do if that fails.

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, Profile, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::error::{ConnectorError, ErrorMetadata};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::error::{ACCESS_DENIED, ASK_FOR_PERMISSION, GET_CREDENTIALS, find_cause};
use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};

/// The profile that is used if none is named. It need not exist.
const DEFAULT: &str = "default";

/// Reads the AWS CLI's files. `chosen` is that of `--profile`, which overrides `AWS_PROFILE`.
///
/// # Errors
/// If the profile does not exist. The SDK would go on to the credentials of the instance, which may be for another account.
pub(super) async fn load_profiles(chosen: Option<&str>) -> Result<ProfileSet> {
    let chosen = chosen.map(|name| name.to_owned().into());
    let loaded = profile::load(&Default::default(), &Default::default(), &Default::default(), chosen).await;
    let profiles = loaded.context("cannot read the AWS CLI's profiles").map_err(|failure| {
        failure
            .exit(Exit::Usage)
            .next("fix the file, or name another one: export AWS_CONFIG_FILE=/path/to/file")
    })?;
    let name = profiles.selected_profile();
    if name == DEFAULT || profiles.get_profile(name).is_some() {
        return Ok(profiles);
    }
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let why = if known.is_empty() {
        "they contain none".to_owned()
    } else {
        format!("they contain {}", known.join(", "))
    };
    Err(Failure::usage(format!("the AWS CLI's files have no profile {name}"))
        .why(why)
        .next("name another one with --profile, or create it: aws configure --profile NAME"))
}

/// Returns the credentials of a profile that the command line names, or else those of its container or instance. As with the
/// AWS CLI, it takes precedence over an access key in the environment ("Configuration settings and precedence", AWS CLI User
/// Guide), which the SDK's own chain prefers.
pub(super) fn credentials_of_profile(
    name: &str,
    config: &SdkConfig,
    http_client: SharedHttpClient,
) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_use_fips(config.use_fips())
        .with_use_dual_stack(config.use_dual_stack())
        .with_http_client(http_client);
    let profile = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    let instance = ImdsCredentialsProvider::builder().configure(&config).build();
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try("Profile", profile)
            .or_else("EcsContainer", container)
            .or_else("Ec2InstanceMetadata", instance),
    )
}

/// Credentials whose errors say what to type next.
#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) provider: SharedCredentialsProvider,
    /// The profiles, of which one is selected.
    pub(super) profiles: ProfileSet,
}

impl SignIn {
    /// Says why there are no credentials, unless it is the network, which has nothing to do with the profile.
    fn explain(&self, error: CredentialsError) -> CredentialsError {
        if find_cause::<ConnectorError>(&error).is_some() {
            return error;
        }
        let failure = Failure::new("no AWS credentials").exit(Exit::Authentication);
        let refusal =
            find_cause::<ErrorMetadata>(&error).and_then(|refusal| refusal.code().zip(refusal.message()));
        let is_denied = refusal.is_some_and(|(code, _)| ACCESS_DENIED.contains(&code));
        let failure = match refusal {
            Some((code, message)) => failure.why(format!("{code}: {message}")),
            None => failure.because(&error),
        };
        CredentialsError::provider_error(failure.next(advice_for(&self.profiles, is_denied)))
    }
}

impl ProvideCredentials for SignIn {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let provided = self.provider.provide_credentials();
        future::ProvideCredentials::new(async { provided.await.map_err(|error| self.explain(error)) })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

/// Says what to do if the selected profile does not sign in.
fn advice_for(profiles: &ProfileSet, is_denied: bool) -> String {
    let chain = source_profiles(profiles);
    let argument = |profile: &Profile| shell_argument(profile.name(), "NAME");
    let needs_code =
        |profile: &&&Profile| has_any(profile, &["role_arn"]) && has_any(profile, &["mfa_serial"]);
    if let Some(profile) = chain.iter().find(needs_code) {
        let selected = shell_argument(profiles.selected_profile(), "NAME");
        return format!(
            "profile {} needs an MFA code (mfa_serial), for which only the AWS CLI can ask:\n\
             eval \"$(aws configure export-credentials --profile {selected} --format env)\"\n\
             then the same command without --profile",
            argument(profile)
        );
    }
    if is_denied {
        return ASK_FOR_PERMISSION.to_owned();
    }
    match chain.last() {
        Some(profile) if has_any(profile, &["sso_session", "sso_start_url"]) => {
            format!("aws sso login --profile {}", argument(profile))
        }
        Some(profile) if has_any(profile, &["login_session"]) => {
            format!("aws login --profile {}", argument(profile))
        }
        Some(profile) if has_any(profile, &["credential_process", "web_identity_token_file", "role_arn"]) => {
            format!(
                "correct profile {0}, until this works: aws sts get-caller-identity --profile {0}",
                argument(profile)
            )
        }
        _ => GET_CREDENTIALS.to_owned(),
    }
}

/// Returns the selected profile, the one that it names as its source, and so on.
fn source_profiles(profiles: &ProfileSet) -> Vec<&Profile> {
    let mut chain: Vec<&Profile> = Vec::new();
    let mut next = profiles.get_profile(profiles.selected_profile());
    while let Some(profile) = next.filter(|next| chain.iter().all(|known| known.name() != next.name())) {
        chain.push(profile);
        next = profile.get("source_profile").and_then(|name| profiles.get_profile(name));
    }
    chain
}

fn has_any(profile: &Profile, settings: &[&str]) -> bool {
    settings.iter().any(|name| profile.get(name).is_some())
}
