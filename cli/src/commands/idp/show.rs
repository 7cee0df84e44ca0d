//! `restctl idp show`

use clap::Args;
use restctl_contract::stack::Setting;
use restctl_verifier::KeySet;
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
Never prints the client secret. Keys that cannot be had are said to be so, and are no error here: restctl doctor says more.

Exit codes: 0 done; 5 where nothing was set up.

Examples:
  restctl idp show
  restctl idp show --output json | jq -r .issuer")]
pub(crate) struct Show {}

/// What there is to tell, for programs.
#[derive(Serialize)]
struct Report {
    /// `auth0`, `openid` or `cognito`.
    kind: String,
    issuer: String,
    audience: String,
    scope: String,
    client_id: String,
    token_endpoint: String,
    jwks_uri: String,
    /// Of signatures that the API can verify; none where they cannot be had.
    keys: Option<Vec<Key>>,
    keys_error: Option<String>,
    client_secret: ClientSecret,
    /// None before the first deployment.
    deployed: Option<Deployed>,
}

#[derive(Serialize)]
struct Key {
    kid: Option<String>,
    algorithms: Vec<String>,
}

#[derive(Serialize)]
struct ClientSecret {
    /// Of the secret in Secrets Manager.
    name: String,
    is_set: bool,
    last_changed: Option<String>,
}

#[derive(Serialize)]
struct Deployed {
    /// The live version of the API goes by these settings.
    is_same: bool,
    /// The variables in its environment that say something else.
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
    let asked = TokenPolicy::from_settings(&settings, None)?;
    let keys = asked.fetch_keys().await;
    let deployed = match stack.filter(|stack| !stack.is_in_review()) {
        Some(stack) => Some(Deployed::of(drift::find_differences(aws, &stack, &settings).await?)),
        None => None,
    };
    let value = |setting| settings.require(setting).map(str::to_owned);
    let report = Report {
        kind: value(Setting::Provider)?,
        issuer: value(Setting::Issuer)?,
        audience: value(Setting::Audience)?,
        scope: value(Setting::Scope)?,
        client_id: value(Setting::ClientId)?,
        token_endpoint: value(Setting::TokenEndpoint)?,
        jwks_uri: asked.jwks_uri,
        keys_error: keys.as_ref().err().map(|failure| failure.to_single_line()),
        keys: keys.ok().as_ref().map(described),
        client_secret: ClientSecret { name: secret_name, is_set: last_changed.is_some(), last_changed },
        deployed,
    };
    match output::chosen_format() {
        Format::Text => output::print_line(&output::align_values(&report.lines())),
        Format::Json => output::print_json(&report),
    }
}

fn described(keys: &KeySet) -> Vec<Key> {
    let keys = keys.describe().into_iter();
    keys.map(|key| Key { kid: key.kid, algorithms: key.algorithms }).collect()
}

impl Deployed {
    fn of(differences: Vec<SettingDifference>) -> Self {
        let different: Vec<_> = differences.iter().map(|difference| difference.variable).collect();
        Self { is_same: different.is_empty(), different }
    }
}

impl Report {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("kind", self.kind.clone()),
            ("issuer", self.issuer.clone()),
            ("audience", self.audience.clone()),
            ("scope", self.scope.clone()),
            ("client id", self.client_id.clone()),
            ("token endpoint", self.token_endpoint.clone()),
            ("JWKS", self.jwks_uri.clone()),
        ];
        lines.extend(self.keys.iter().flatten().map(|key| {
            let kid = key.kid.as_deref().unwrap_or("without an id");
            ("key", format!("{kid} ({})", key.algorithms.join(", ")))
        }));
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
                Some(Deployed { is_same: true, .. }) => "yes, with these settings".to_owned(),
                Some(Deployed { different, .. }) => {
                    format!("with other settings: {}; restctl deploy", different.join(", "))
                }
            },
        ));
        lines
    }
}
