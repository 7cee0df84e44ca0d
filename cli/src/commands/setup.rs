//! `restctl setup`: imports the certificate and stores the identity provider's settings.

pub(super) mod import;
mod questions;

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use restctl_contract::stack::{Certificate, Setting};
use restctl_verifier::Provider;
use serde_json::{Map, Value, json};

use crate::api::session_cache;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::secretsmanager::{self, CLIENT_SECRET_DESCRIPTION};
use crate::aws::ssm;
use crate::certificate::CertificateBundle;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::client_secret;
use crate::identity::cognito::{self, COGNITO};
use crate::identity::discovery::{self, DiscoveryDocument};
use crate::identity::settings::{self, Settings};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};
use crate::terminal::prompt;

use import::import_certificate;

#[derive(Debug, Args)]
#[command(after_help = "\
Everything is checked before anything is sent. Run it again to update in place: what you leave out stays as it is, and a \
new certificate keeps the ARN of the old one. If ACM does not allow that, for example because the key type changes, the new \
certificate gets a new ARN; `restctl deploy` then puts it in service and deletes the old one.

The client secret comes from --client-secret-file, from RESTCTL_CLIENT_SECRET or from a prompt, never from the command \
line. With --local, the local cloud supplies what you leave out.

Providers: auth0, whose permissions also grant scopes; openid, any issuer whose access tokens are JWTs with iss, aud and \
scope; cognito, whose access tokens name a client and no audience. Without --provider, the kind stays the same for the \
same issuer, and the host name of a new issuer decides.

Examples:
  restctl setup --self-signed api.example.com --issuer https://tenant.eu.auth0.com/ \\
      --audience https://api.example.com --client-id abc --client-secret-file secret.txt
  restctl setup --issuer https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123 \\
      --client-id abc --scope items/read --client-secret-file secret.txt
  restctl setup --cert cert.pem --key key.pem --chain chain.pem
  restctl setup --local")]
pub(crate) struct Setup {
    /// Certificate to serve, PEM
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Certificate")]
    cert: Option<PathBuf>,

    /// Its private key, PEM, not encrypted
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    key: Option<PathBuf>,

    /// Chain of the certificates that issued it, from its issuer upwards, PEM
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    chain: Option<PathBuf>,

    /// Generate a self-signed certificate for this DNS name instead
    #[arg(long, value_name = "NAME", conflicts_with = "cert", help_heading = "Certificate")]
    self_signed: Option<String>,

    /// Kind of provider: auth0, openid or cognito
    #[arg(long, value_name = "KIND", help_heading = "Identity provider")]
    provider: Option<Provider>,

    /// Issuer, spelled exactly as in its tokens (Auth0's ends with a slash)
    #[arg(long, value_name = "URL", help_heading = "Identity provider")]
    issuer: Option<String>,

    /// Audience that a token must have (Auth0: the API's identifier). Cognito: the ids of the allowed clients, separated
    /// by commas [default: the client's id]
    #[arg(long, value_name = "AUDIENCE", help_heading = "Identity provider")]
    audience: Option<String>,

    /// Scope that a token must have [default: read:items]
    #[arg(long, value_name = "SCOPE", help_heading = "Identity provider")]
    scope: Option<String>,

    /// Id of the client that requests tokens for `restctl token` and `restctl get`
    #[arg(long, value_name = "ID", help_heading = "Identity provider")]
    client_id: Option<String>,

    /// File with the client's secret, or - for standard input
    #[arg(long, value_name = "FILE", help_heading = "Identity provider")]
    client_secret_file: Option<PathBuf>,

    /// cognito: have `restctl deploy` create a user pool and a client in the stack
    #[arg(long, value_name = "KIND", value_parser = [COGNITO], help_heading = "Identity provider", conflicts_with_all = [
        "provider", "issuer", "audience", "scope", "client_id", "client_secret_file",
    ])]
    idp: Option<String>,
}

const DEFAULT_SCOPE: &str = "read:items";

pub(crate) async fn run(args: Setup, context: &Context) -> Result<()> {
    let interrupted = Failure::new("interrupted before everything was set up").next("restctl setup, again");
    unless_interrupted(interrupted, store_settings(args, context)).await
}

async fn store_settings(args: Setup, context: &Context) -> Result<()> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let before = settings::read_certificate(aws, stack).await?;
    let bundle = choose_certificate(&args, context, before.as_ref())?;
    let settings = Settings::read(aws, stack).await?;
    let deployed = cloudformation::find_own(aws, stack).await?;
    let is_provider_undecided = context.local.is_none() && args.names_no_provider() && settings.is_empty();
    if args.selects_stack_provider(context, &settings, deployed.as_ref())
        || (is_provider_undecided && questions::ask_for_stack_provider()?)
    {
        args.check_no_flag_is_ignored()?;
        if let Some(bundle) = &bundle {
            import_certificate(context, bundle, before.as_ref()).await?;
        }
        set_up_stack_provider(context, deployed.as_ref()).await?;
        return print_settings(context).await;
    }
    let provider = choose_provider(&args, context, &settings).await?;

    if let Some(bundle) = &bundle {
        import_certificate(context, bundle, before.as_ref()).await?;
    }
    for setting in Setting::ALL {
        ssm::write_setting(aws, stack, setting, provider.setting_value(setting)).await?;
    }
    output::print_message(format!("identity provider  {}, {}", provider.kind, provider.discovery.issuer));
    if let Some(secret) = &provider.client_secret {
        secretsmanager::write_secret(aws, &stack.client_secret(), CLIENT_SECRET_DESCRIPTION, secret).await?;
        output::print_message(format!("client secret      {} in Secrets Manager", stack.client_secret()));
    }
    // The cached token was granted under the former settings.
    session_cache::clear_session(context)?;
    let has_own = deployed.as_ref().is_some_and(cognito::stack_has_user_pool);
    output::print_message(if has_own {
        "next: restctl deploy --idp external"
    } else {
        "next: restctl deploy"
    });
    print_settings(context).await
}

/// Prints the stored settings as JSON if that is the output format.
async fn print_settings(context: &Context) -> Result<()> {
    if output::chosen_format() == Format::Text {
        return Ok(());
    }
    let (aws, stack) = (context.aws().await?, &context.stack);
    let settings = Settings::read(aws, stack).await?;
    let certificate = settings::read_certificate(aws, stack).await?;
    let provider: Map<String, Value> = Setting::ALL
        .into_iter()
        .map(|setting| (setting.name().replace('-', "_"), settings.get(setting).into()))
        .collect();
    output::print_json(
        &json!({ "stack": stack.as_str(), "certificate": certificate, "identity_provider": provider }),
    )
}

impl Setup {
    /// Whether the stack gets its own provider: either --idp asks for it, or the stack has or expects one already and no other
    /// provider is named.
    fn selects_stack_provider(
        &self,
        context: &Context,
        settings: &Settings,
        deployed: Option<&Stack>,
    ) -> bool {
        let is_current = match deployed {
            Some(stack) => cognito::stack_has_user_pool(stack),
            None => context.local.is_none() && settings.awaits_deployment(),
        };
        self.idp.is_some() || (is_current && self.names_no_provider())
    }

    fn names_no_provider(&self) -> bool {
        self.provider.is_none()
            && self.issuer.is_none()
            && self.client_id.is_none()
            && self.audience.is_none()
    }

    fn check_no_flag_is_ignored(&self) -> Result<()> {
        let ignored =
            [(self.scope.is_some(), "--scope"), (self.client_secret_file.is_some(), "--client-secret-file")];
        let Some((_, flag)) = ignored.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        Err(Failure::new(format!("{flag} does not apply to the stack's own user pool"))
            .exit(Exit::Usage)
            .why("the stack creates the client with its own scope and secret")
            .next("leave it out, or name another provider with --issuer URL"))
    }
}

async fn set_up_stack_provider(context: &Context, deployed: Option<&Stack>) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    match deployed.filter(|stack| cognito::stack_has_user_pool(stack)) {
        Some(stack) => {
            if cognito::save_settings(aws, name, stack).await? {
                session_cache::clear_session(context)?;
            }
            let issuer = cognito::setting_value(stack, Setting::Issuer)?;
            output::print_message(format!("identity provider  {issuer}, the stack's own"));
            output::print_message("next: restctl deploy");
        }
        None => {
            cognito::write_placeholders(aws, name).await?;
            output::print_message("identity provider  cognito, created by the deployment");
            output::print_message("next: restctl deploy --idp cognito");
        }
    }
    Ok(())
}

/// Returns the certificate to import. `None` if the current one stays.
fn choose_certificate(
    args: &Setup,
    context: &Context,
    before: Option<&Certificate>,
) -> Result<Option<CertificateBundle>> {
    let now = SystemTime::now();
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return CertificateBundle::read(cert, key, args.chain.as_deref(), now).map(Some);
    }
    if let Some(name) = &args.self_signed {
        return CertificateBundle::generate_self_signed(name, now).map(Some);
    }
    if let Some(certificate) = before {
        output::print_message(format!("certificate        {} is kept", certificate.name));
        return Ok(None);
    }
    match &context.local {
        // The local cloud tells stacks apart by name, and names under .localhost always mean this machine (RFC 6761,
        // section 6.3).
        Some(_) => {
            CertificateBundle::generate_self_signed(&format!("{}.localhost", context.stack), now).map(Some)
        }
        None => questions::ask_for_certificate(now).map(Some),
    }
}

/// The complete, checked settings of the identity provider.
struct ProviderSettings {
    kind: Provider,
    discovery: DiscoveryDocument,
    audience: String,
    scope: String,
    client_id: String,
    /// `None` if the stored secret stays.
    client_secret: Option<String>,
}

impl ProviderSettings {
    fn setting_value(&self, setting: Setting) -> &str {
        match setting {
            Setting::Issuer => &self.discovery.issuer,
            Setting::Audience => &self.audience,
            Setting::JwksUri => &self.discovery.jwks_uri,
            Setting::TokenEndpoint => &self.discovery.token_endpoint,
            Setting::ClientId => &self.client_id,
            Setting::Scope => &self.scope,
            Setting::Provider => self.kind.name(),
        }
    }
}

async fn choose_provider(args: &Setup, context: &Context, before: &Settings) -> Result<ProviderSettings> {
    // The local identity provider gets new settings each time it starts.
    let local = context.local.as_ref().map(|local| &local.identity_provider);
    let known = |given: &Option<String>, local: Option<&String>, before: Option<&str>| {
        given.clone().or_else(|| local.cloned()).or_else(|| before.map(str::to_owned))
    };
    let ask = |known: Option<String>, question, flag| match known {
        Some(value) => Ok(value),
        None => prompt::ask_text(question, flag),
    };
    let issuer = known(&args.issuer, local.map(|local| &local.issuer), before.get(Setting::Issuer));
    let issuer = ask(issuer, "Issuer of the identity provider", "--issuer URL")?;
    let is_local = local.is_some_and(|local| local.issuer == issuer);
    let kind = args.provider.unwrap_or_else(|| detect_kind(&issuer, is_local, before));
    let discovery = discovery::fetch_document(&issuer).await?;
    let client_id =
        known(&args.client_id, local.map(|local| &local.client_id), before.get(Setting::ClientId));
    let client_id = ask(client_id, "Client id", "--client-id ID")?;
    let audience = known(&args.audience, local.map(|local| &local.audience), previous_audience(kind, before));
    let audience = match kind {
        Provider::Cognito => audience.unwrap_or_else(|| client_id.clone()),
        Provider::Auth0 | Provider::OpenId => ask(audience, "Audience of the API", "--audience AUDIENCE")?,
    };
    let scope = known(&args.scope, local.map(|local| &local.scope), before.get(Setting::Scope));
    let scope = scope.unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
    for (value, flag) in [(&audience, "--audience"), (&client_id, "--client-id"), (&scope, "--scope")] {
        if value.trim().is_empty() {
            return Err(Failure::new(format!("{flag} is empty")).exit(Exit::Usage));
        }
    }
    let client_secret = choose_secret(args, context).await?;
    Ok(ProviderSettings { kind, discovery, audience, scope, client_id, client_secret })
}

/// Returns the stored kind of provider for an unchanged issuer, otherwise the kind that the issuer's host suggests.
fn detect_kind(issuer: &str, is_local: bool, before: &Settings) -> Provider {
    if is_local {
        return Provider::Auth0;
    }
    let before =
        if before.get(Setting::Issuer) == Some(issuer) { before.get(Setting::Provider) } else { None };
    before.and_then(|kind| kind.parse().ok()).unwrap_or_else(|| discovery::provider_of_issuer(issuer))
}

/// Returns the stored audience if it means the same for this kind of provider. For Cognito it lists client ids; a list with
/// only the previous client is not reused.
fn previous_audience(kind: Provider, before: &Settings) -> Option<&str> {
    let was_cognito = before.get(Setting::Provider) == Some(Provider::Cognito.name());
    let audience = before.get(Setting::Audience).filter(|_| was_cognito == (kind == Provider::Cognito));
    audience.filter(|audience| !was_cognito || before.get(Setting::ClientId) != Some(audience))
}

/// Returns the client secret to store. `None` if the stored one stays.
async fn choose_secret(args: &Setup, context: &Context) -> Result<Option<String>> {
    if let Some(secret) = client_secret::read_given_secret(args.client_secret_file.as_deref())? {
        return Ok(Some(secret));
    }
    if let Some(local) = &context.local {
        return Ok(Some(local.identity_provider.client_secret.clone()));
    }
    match secretsmanager::read_secret(context.aws().await?, &context.stack.client_secret()).await? {
        Some(_) => Ok(None),
        None => client_secret::prompt_for_secret().map(Some),
    }
}
