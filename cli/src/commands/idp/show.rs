//! `restctl idp show`: shows the identity providers' settings and keys, and whether the API uses them.

use clap::Args;
use restctl_contract::issuer::TrustedIssuer;
use restctl_verifier::KeyReport;
use serde::Serialize;

use crate::aws::{cloudformation, secretsmanager};
use crate::context::Context;
use crate::deployment::drift;
use crate::failure::Result;
use crate::identity::authorities::describe_authority;
use crate::identity::changes::Change;
use crate::identity::settings::Settings;
use crate::identity::token_client::TokenClient;
use crate::identity::{cognito, policy};
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Shows each trusted issuer, then the client with which restctl gets its tokens. Never prints the client's secret or key. Keys that are \
unavailable are reported, but are not an error here: restctl doctor says more.

Exit codes: 0 done; 5 nothing has been set up.

Examples:
  restctl idp show
  restctl idp show --output json | jq -r '.issuers[0].issuer'")]
pub(crate) struct Show {}

/// The JSON output.
#[derive(Serialize)]
struct ProvidersReport {
    issuers: Vec<IssuerReport>,
    client: Option<TokenClient>,
    client_secret: ClientSecretReport,
    /// `None` before the first deployment.
    deployed: Option<DeployedSettings>,
}

#[derive(Serialize)]
struct IssuerReport {
    #[serde(flatten)]
    issuer: TrustedIssuer,
    /// The published keys, and why the API cannot use some of them. `None` if they are unavailable.
    keys: Option<Vec<KeyReport>>,
    keys_error: Option<String>,
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
    /// What differs, in words.
    different: Vec<String>,
}

pub(super) async fn run(_: Show, context: &Context) -> Result<()> {
    let report = ProvidersReport::read(context).await?;
    match output::chosen_format() {
        Format::Text => output::print_text(output::align_values(&report.named_values())),
        Format::Json => output::print_json(&report),
    }
}

/// Prints the report if the output format is JSON. Commands that change the settings end with it.
pub(super) async fn print_if_json(context: &Context) -> Result<()> {
    match output::chosen_format() {
        Format::Text => Ok(()),
        Format::Json => output::print_json(&ProvidersReport::read(context).await?),
    }
}

impl ProvidersReport {
    async fn read(context: &Context) -> Result<Self> {
        let (aws, name) = (context.aws().await?, &context.stack);
        let secret_name = name.client_secret();
        let (settings, stack, last_changed) = tokio::try_join!(
            Settings::read(aws, name),
            cloudformation::find_own(aws, name),
            secretsmanager::last_changed(aws, &secret_name),
        )?;
        settings.check_complete()?;
        let mut trusted = settings.issuers().to_vec();
        if let Some(stack) = stack.as_ref().filter(|stack| cognito::stack_has_user_pool(stack)) {
            trusted.push(cognito::user_pool(stack)?);
        }
        let mut issuers = Vec::new();
        for issuer in trusted {
            let keys = policy::fetch_keys(&issuer).await;
            issuers.push(IssuerReport {
                issuer,
                keys_error: keys.as_ref().err().map(|failure| failure.to_single_line()),
                keys: keys.ok().map(|keys| keys.reports().to_vec()),
            });
        }
        let deployed = match stack.filter(|stack| !stack.is_in_review()) {
            Some(stack) => {
                let differences = drift::settings::compare_settings(aws, &stack, &settings).await?;
                let different: Vec<String> = differences.iter().map(Change::describe).collect();
                Some(DeployedSettings { is_same: different.is_empty(), different })
            }
            None => None,
        };
        Ok(Self {
            issuers,
            client: settings.client().cloned(),
            client_secret: ClientSecretReport {
                name: secret_name,
                is_set: last_changed.is_some(),
                last_changed,
            },
            deployed,
        })
    }

    fn named_values(&self) -> Vec<(&'static str, String)> {
        let mut lines: Vec<_> = self.issuers.iter().flat_map(IssuerReport::named_values).collect();
        if let Some(client) = &self.client {
            lines.extend([
                ("client id", client.client_id.clone()),
                ("client of", client.issuer.clone()),
                ("token endpoint", client.token_endpoint.clone()),
                ("authentication", client.authentication.to_string()),
            ]);
            lines.extend(client.request_scope.iter().map(|scope| ("request scope", scope.clone())));
            lines.extend(client.resource.iter().map(|resource| ("resource", resource.clone())));
        }
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
                Some(_) => "with other settings: restctl deploy".to_owned(),
            },
        ));
        let different = self.deployed.iter().flat_map(|deployed| &deployed.different);
        lines.extend(different.map(|change| ("not deployed", change.clone())));
        lines
    }
}

impl IssuerReport {
    fn named_values(&self) -> Vec<(&'static str, String)> {
        let issuer = &self.issuer;
        let mut lines = vec![("issuer", issuer.issuer.clone()), ("kind", issuer.provider.to_string())];
        lines.extend(issuer.audiences.iter().map(|audience| ("audience", audience.clone())));
        lines.push(("scope", issuer.scope.clone()));
        lines.extend(issuer.grant_claims.iter().map(|path| ("grant claim", path.to_string())));
        let algorithms = issuer.algorithms.iter().map(|algorithm| algorithm.name());
        lines.push(("algorithms", algorithms.collect::<Vec<_>>().join(", ")));
        lines.push(("JWKS", issuer.jwks_uri.clone()));
        let authorities = issuer.authorities.iter().map(|authority| describe_authority(authority));
        lines.extend(authorities.map(|authority| ("provider CA", authority)));
        lines.extend(self.keys.iter().flatten().map(|key| ("key", key.to_string())));
        lines.extend(self.keys_error.iter().map(|why| ("keys", why.clone())));
        lines
    }
}
