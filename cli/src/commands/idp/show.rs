//! `restctl idp show`: shows the identity provider's settings and keys, and whether the API uses them.

use clap::Args;
use restctl_contract::stack::Setting;
use restctl_verifier::DescribedKey;
use serde::Serialize;

use crate::aws::{cloudformation, secretsmanager};
use crate::context::Context;
use crate::deployment::drift::{self, SettingDifference};
use crate::failure::Result;
use crate::identity::policy::TokenPolicy;
use crate::identity::settings::Settings;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Never prints the client secret. Keys that are unavailable are reported, but are not an error here: restctl doctor says more.

Exit codes: 0 done; 5 nothing has been set up.

Examples:
  restctl idp show
  restctl idp show --output json | jq -r .issuer")]
pub(crate) struct Show {}

/// The JSON output.
#[derive(Serialize)]
struct ProviderReport {
    /// `auth0`, `openid` or `cognito`.
    kind: String,
    issuer: String,
    audience: String,
    scope: String,
    client_id: String,
    token_endpoint: String,
    jwks_uri: String,
    /// The keys of signatures that the API can verify. `None` if they are unavailable.
    keys: Option<Vec<DescribedKey>>,
    keys_error: Option<String>,
    client_secret: ClientSecretReport,
    /// `None` before the first deployment.
    deployed: Option<DeployedSettings>,
}

#[derive(Serialize)]
struct ClientSecretReport {
    /// The secret's name in Secrets Manager.
    name: String,
    is_set: bool,
    last_changed: Option<String>,
}

#[derive(Serialize)]
struct DeployedSettings {
    /// Whether the live version of the API uses these settings.
    is_same: bool,
    /// The variables of its environment that differ.
    different: Vec<&'static str>,
}

pub(super) async fn run(_: Show, context: &Context) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let secret_name = name.client_secret();
    let (settings, stack, last_changed) = tokio::try_join!(
        Settings::read(aws, name),
        cloudformation::find_own(aws, name),
        secretsmanager::last_changed(aws, &secret_name),
    )?;
    let policy = TokenPolicy::from_settings(&settings, None)?;
    let keys = policy.fetch_keys().await;
    let deployed = match stack.filter(|stack| !stack.is_in_review()) {
        Some(stack) => {
            Some(DeployedSettings::from_differences(drift::find_differences(aws, &stack, &settings).await?))
        }
        None => None,
    };
    let value = |setting| settings.require(setting).map(str::to_owned);
    let report = ProviderReport {
        kind: value(Setting::Provider)?,
        issuer: value(Setting::Issuer)?,
        audience: value(Setting::Audience)?,
        scope: value(Setting::Scope)?,
        client_id: value(Setting::ClientId)?,
        token_endpoint: value(Setting::TokenEndpoint)?,
        jwks_uri: policy.jwks_uri,
        keys_error: keys.as_ref().err().map(|failure| failure.to_single_line()),
        keys: keys.ok().map(|keys| keys.describe_keys()),
        client_secret: ClientSecretReport { name: secret_name, is_set: last_changed.is_some(), last_changed },
        deployed,
    };
    match output::chosen_format() {
        Format::Text => output::print_text(output::align_values(&report.named_values())),
        Format::Json => output::print_json(&report),
    }
}

impl DeployedSettings {
    fn from_differences(differences: Vec<SettingDifference>) -> Self {
        let different: Vec<_> = differences.iter().map(|difference| difference.variable).collect();
        Self { is_same: different.is_empty(), different }
    }
}

impl ProviderReport {
    fn named_values(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("kind", self.kind.clone()),
            ("issuer", self.issuer.clone()),
            ("audience", self.audience.clone()),
            ("scope", self.scope.clone()),
            ("client id", self.client_id.clone()),
            ("token endpoint", self.token_endpoint.clone()),
            ("JWKS", self.jwks_uri.clone()),
        ];
        lines.extend(self.keys.iter().flatten().map(|key| ("key", key.to_string())));
        lines.extend(self.keys_error.iter().map(|why| ("keys", why.clone())));
        lines.push((
            "client secret",
            match &self.client_secret.last_changed {
                Some(changed) => format!("set, changed {changed}"),
                None => "not set".to_owned(),
            },
        ));
        lines.push((
            "deployed",
            match &self.deployed {
                None => "not yet".to_owned(),
                Some(DeployedSettings { is_same: true, .. }) => "yes, with these settings".to_owned(),
                Some(DeployedSettings { different, .. }) => {
                    format!("with other settings: {}; restctl deploy", different.join(", "))
                }
            },
        ));
        lines
    }
}
