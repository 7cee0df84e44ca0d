//! `restctl setup`: certificate → ACM, its metadata → Secrets Manager; identity provider settings → Systems
//! Manager, client secret → Secrets Manager.

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
use crate::aws::secretsmanager::{self, CLIENT_SECRET};
use crate::aws::ssm;
use crate::certificate::Identity;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::client_secret;
use crate::identity::cognito::{self, COGNITO};
use crate::identity::discovery::{self, DiscoveryDocument};
use crate::identity::settings::{self, Settings};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};
use crate::terminal::prompt;

use import::import;

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is sent before all of it has been checked. Run again, it updates in place: what is not given stays as \
it is, and a new certificate keeps the ARN of the old one. Where ACM does not allow that, as with another kind of key, \
it gets an ARN of its own, and `restctl deploy` puts it in front and deletes the old one.

The client secret is read from --client-secret-file, from RESTCTL_CLIENT_SECRET, or from a prompt; it is never \
given on the command line. With --local, whatever is not given comes from the local cloud.

Providers: auth0, whose permissions grant scopes too; openid, any issuer whose access tokens are JWTs with iss, aud \
and scope; cognito, whose access tokens name a client and no audience. Not given, it stays as it is for an issuer that \
stays, and is told by the host of a new one.

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

    /// The certificates that issued it, from its issuer upwards, PEM
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    chain: Option<PathBuf>,

    /// Make a certificate for this DNS name instead
    #[arg(long, value_name = "NAME", conflicts_with = "cert", help_heading = "Certificate")]
    self_signed: Option<String>,

    /// Kind of provider: auth0, openid or cognito
    #[arg(long, value_name = "KIND", help_heading = "Identity provider")]
    provider: Option<Provider>,

    /// Issuer, exactly as its tokens spell it (Auth0's ends with a slash)
    #[arg(long, value_name = "URL", help_heading = "Identity provider")]
    issuer: Option<String>,

    /// Audience that a token must carry (Auth0: the API's identifier). Cognito: client ids to let in, with commas
    /// between them [default: the client's id]
    #[arg(long, value_name = "AUDIENCE", help_heading = "Identity provider")]
    audience: Option<String>,

    /// Scope that a token must carry [default: read:items]
    #[arg(long, value_name = "SCOPE", help_heading = "Identity provider")]
    scope: Option<String>,

    /// Client as which `restctl token` and `restctl get` act
    #[arg(long, value_name = "ID", help_heading = "Identity provider")]
    client_id: Option<String>,

    /// File with the client's secret, or - for standard input
    #[arg(long, value_name = "FILE", help_heading = "Identity provider")]
    client_secret_file: Option<PathBuf>,

    /// cognito: leave it all to `restctl deploy`, which makes a user pool and a client in the stack
    #[arg(long, value_name = "KIND", value_parser = [COGNITO], help_heading = "Identity provider", conflicts_with_all = [
        "provider", "issuer", "audience", "scope", "client_id", "client_secret_file",
    ])]
    idp: Option<String>,
}

const DEFAULT_SCOPE: &str = "read:items";

pub(crate) async fn run(args: Setup, context: &Context) -> Result<()> {
    let interrupted = Failure::new("interrupted before all was set up").next("restctl setup, once more");
    unless_interrupted(interrupted, set_up(args, context)).await
}

async fn set_up(args: Setup, context: &Context) -> Result<()> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let before = settings::read_certificate(aws, stack).await?;
    let identity = choose_identity(&args, context, before.as_ref())?;
    let settings = Settings::read(aws, stack).await?;
    let deployed = cloudformation::find_own(aws, stack).await?;
    let is_open = context.local.is_none() && args.names_no_provider() && settings.is_empty();
    if args.takes_the_stacks_provider(context, &settings, deployed.as_ref())
        || (is_open && questions::wants_the_stacks_provider()?)
    {
        args.check_that_nothing_is_ignored()?;
        if let Some(identity) = &identity {
            import(context, identity, before.as_ref()).await?;
        }
        set_up_the_stacks_provider(context, deployed.as_ref()).await?;
        return document(context).await;
    }
    let provider = choose_provider(&args, context, &settings).await?;

    if let Some(identity) = &identity {
        import(context, identity, before.as_ref()).await?;
    }
    for setting in Setting::ALL {
        ssm::write_setting(aws, stack, setting, provider.value(setting)).await?;
    }
    output::print_message(&format!("identity provider  {}, {}", provider.kind, provider.discovery.issuer));
    if let Some(secret) = &provider.client_secret {
        secretsmanager::write_secret(aws, &stack.client_secret(), CLIENT_SECRET, secret).await?;
        output::print_message(&format!("client secret      {} in Secrets Manager", stack.client_secret()));
    }
    // A token that the former settings earned says nothing about these.
    session_cache::clear(context)?;
    let has_own = deployed.as_ref().is_some_and(cognito::stack_has_user_pool);
    output::print_message(if has_own {
        "next: restctl deploy --idp external"
    } else {
        "next: restctl deploy"
    });
    document(context).await
}

/// What has been set up, for programs.
async fn document(context: &Context) -> Result<()> {
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
    /// TokenPolicy for, or so already and nothing else asked for.
    fn takes_the_stacks_provider(
        &self,
        context: &Context,
        settings: &Settings,
        deployed: Option<&Stack>,
    ) -> bool {
        let is_so = match deployed {
            Some(stack) => cognito::stack_has_user_pool(stack),
            None => context.local.is_none() && settings.awaits_deployment(),
        };
        self.idp.is_some() || (is_so && self.names_no_provider())
    }

    fn names_no_provider(&self) -> bool {
        self.provider.is_none()
            && self.issuer.is_none()
            && self.client_id.is_none()
            && self.audience.is_none()
    }
}

impl Setup {
    fn check_that_nothing_is_ignored(&self) -> Result<()> {
        let ignored =
            [(self.scope.is_some(), "--scope"), (self.client_secret_file.is_some(), "--client-secret-file")];
        let Some((_, flag)) = ignored.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        Err(Failure::new(format!("{flag} is not for a user pool of the stack's own"))
            .exit(Exit::Usage)
            .why("the stack makes its client, with a scope and a secret of its own")
            .next("leave it out; or name another provider with --issuer URL"))
    }
}

async fn set_up_the_stacks_provider(context: &Context, deployed: Option<&Stack>) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    match deployed.filter(|stack| cognito::stack_has_user_pool(stack)) {
        Some(stack) => {
            if cognito::save_settings(aws, name, stack).await? {
                session_cache::clear(context)?;
            }
            let issuer = cognito::setting_value(stack, Setting::Issuer)?;
            output::print_message(&format!("identity provider  {issuer}, the stack's own"));
            output::print_message("next: restctl deploy");
        }
        None => {
            cognito::write_placeholders(aws, name).await?;
            output::print_message("identity provider  cognito, which the deployment makes");
            output::print_message("next: restctl deploy --idp cognito");
        }
    }
    Ok(())
}

/// The certificate to import; none where the one imported before is to stay.
fn choose_identity(
    args: &Setup,
    context: &Context,
    before: Option<&Certificate>,
) -> Result<Option<Identity>> {
    let now = SystemTime::now();
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return Identity::read(cert, key, args.chain.as_deref(), now).map(Some);
    }
    if let Some(name) = &args.self_signed {
        return Identity::self_signed(name, now).map(Some);
    }
    if let Some(certificate) = before {
        output::print_message(&format!("certificate        {} stays", certificate.name));
        return Ok(None);
    }
    match &context.local {
        // Each stack has a name of its own in front of the local cloud, and this one always means this machine
        // (RFC 6761, section 6.3).
        Some(_) => Identity::self_signed(&format!("{}.localhost", context.stack), now).map(Some),
        None => questions::certificate(now).map(Some),
    }
}

/// The identity provider's settings, complete and checked.
struct IdentityProvider {
    kind: Provider,
    discovery: DiscoveryDocument,
    audience: String,
    scope: String,
    client_id: String,
    /// Only where it is new.
    client_secret: Option<String>,
}

impl IdentityProvider {
    fn value(&self, setting: Setting) -> &str {
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

async fn choose_provider(args: &Setup, context: &Context, before: &Settings) -> Result<IdentityProvider> {
    // The local identity provider's settings are new each time it starts.
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
    let kind = args.provider.unwrap_or_else(|| kind_of(&issuer, is_local, before));
    let discovery = discovery::fetch_document(&issuer).await?;
    let client_id =
        known(&args.client_id, local.map(|local| &local.client_id), before.get(Setting::ClientId));
    let client_id = ask(client_id, "Client id", "--client-id ID")?;
    let audience = known(&args.audience, local.map(|local| &local.audience), audience_before(kind, before));
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
    Ok(IdentityProvider { kind, discovery, audience, scope, client_id, client_secret })
}

/// What kind of provider it was for an issuer that stays; else what the issuer's host tells.
fn kind_of(issuer: &str, is_local: bool, before: &Settings) -> Provider {
    if is_local {
        return Provider::Auth0;
    }
    let before =
        if before.get(Setting::Issuer) == Some(issuer) { before.get(Setting::Provider) } else { None };
    before.and_then(|kind| kind.parse().ok()).unwrap_or_else(|| discovery::provider_of_issuer(issuer))
}

/// The audience set before, where it means the same to this kind of provider: clients to Cognito, of which one that
/// was only restctl's own gives way to its successor.
fn audience_before(kind: Provider, before: &Settings) -> Option<&str> {
    let was_cognito = before.get(Setting::Provider) == Some(Provider::Cognito.name());
    let audience = before.get(Setting::Audience).filter(|_| was_cognito == (kind == Provider::Cognito));
    audience.filter(|audience| !was_cognito || before.get(Setting::ClientId) != Some(audience))
}

/// The client's secret, where it is new.
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
