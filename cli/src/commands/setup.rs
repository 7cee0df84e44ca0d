//! `restctl setup`: imports the certificate and stores the identity provider's settings.

pub(super) mod import;
mod provider_args;
mod provider_choice;
mod questions;

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use restctl_contract::stack::{Certificate, Tags};
use serde_json::json;

use crate::api::session_cache;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::sts;
use crate::certificate::CertificateBundle;
use crate::cli::tag_argument::parse_tag;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::identity::cognito::{self, COGNITO};
use crate::identity::settings::{self, Settings};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};

use import::import_certificate;
use provider_args::ProviderArgs;
use provider_choice::choose_provider;

#[derive(Debug, Args)]
#[command(after_help = "\
Everything is checked before anything is sent. Run it again to update in place: what you leave out stays as it is, and a \
new certificate keeps the ARN of the old one. If ACM does not allow that, for example because the key type changes, the new \
certificate gets a new ARN; `restctl deploy` then puts it in service and deletes the old one.

The client secret comes from --client-secret-file, from RESTCTL_CLIENT_SECRET or from a prompt, never from the command \
line. With --local, the local cloud supplies what you leave out, and a self-signed certificate is also for localhost and 127.0.0.1.

What it changes is shown before it is written. An issuer that is not trusted yet replaces the one from which restctl gets \
its tokens. To move clients without refusing any, trust the new issuer first with `restctl idp add`: then both stay trusted.

Tags are kept for what is created later, such as a certificate under a new ARN. What exists keeps its own. Tags for the stack \
and the bucket for packages come from `restctl deploy --tag`.

--scope is what a token must have; --request-scope is what restctl asks the provider for.

It reads the issuer's configuration and keys, and refuses an issuer without a key that can verify tokens. It follows \
up to 3 redirects, to another host only if the keys have moved there for good (301 or 308), and stores the last address of \
the keys; the API and requests for tokens follow none. Plain HTTP is accepted only within this machine, as by the API.

Examples:
  restctl setup --self-signed api.example.com --issuer https://tenant.eu.auth0.com/ \\
      --audience https://api.example.com --client-id abc --client-secret-file secret.txt
  restctl setup --issuer https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123 \\
      --client-id abc --scope items/read --client-secret-file secret.txt
  restctl setup --issuer https://login.microsoftonline.com/TENANT/v2.0 --audience API-ID \\
      --scope items.read --request-scope api://API-ID/.default \\
      --client-id abc --client-secret-file secret.txt
  restctl setup --provider keycloak --issuer https://sso.example.com/realms/main \\
      --provider-ca ca.pem --audience items --scope read-items \\
      --client-id abc --client-secret-file secret.txt
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

    #[command(flatten)]
    provider: ProviderArgs,

    /// cognito: have `restctl deploy` create a user pool and a client in the stack
    #[arg(long, value_name = "KIND", value_parser = [COGNITO], help_heading = "Identity provider", conflicts_with_all = [
        "provider", "issuer", "audience", "scope", "grant_claim", "algorithms", "provider_ca", "client_id",
        "client_secret_file", "client_key_file", "client_key_id", "client_authentication", "request_scope", "resource",
    ])]
    idp: Option<String>,

    /// Tag for what this command and later ones create outside the stack: the certificate, parameters and secrets; can be
    /// repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag, help_heading = "Tags")]
    tags: Vec<(String, String)>,
}

pub(crate) async fn run(args: Setup, context: &Context) -> Result<()> {
    let interrupted = Failure::new("interrupted before everything was set up").next("restctl setup, again");
    unless_interrupted(interrupted, store_settings(args, context)).await
}

async fn store_settings(args: Setup, context: &Context) -> Result<()> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let before = settings::read_certificate(aws, stack).await?;
    let bundle = choose_certificate(&args, context, before.as_ref())?;
    let tags = args.choose_tags(before.as_ref());
    let settings = Settings::read(aws, stack).await?;
    let deployed = cloudformation::find_own(aws, stack).await?;
    let is_provider_undecided =
        context.local.is_none() && args.provider.names_no_provider() && settings.is_empty();
    if args.selects_stack_provider(context, &settings, deployed.as_ref())
        || (is_provider_undecided && questions::ask_for_stack_provider()?)
    {
        args.check_no_flag_is_ignored()?;
        cognito::check_partition(sts::read_caller(aws).await?.partition())?;
        store_certificate(context, bundle.as_ref(), before.as_ref(), &tags).await?;
        set_up_stack_provider(context, &settings, deployed.as_ref(), &tags).await?;
        return print_settings(context).await;
    }
    let chosen = choose_provider(&args.provider, context, &settings, deployed.as_ref()).await?;
    chosen.print_changes(&settings);

    store_certificate(context, bundle.as_ref(), before.as_ref(), &tags).await?;
    chosen.write(aws, stack, &settings, &tags).await?;
    // The cached token was granted under the former settings.
    session_cache::clear_session(context)?;
    let has_own = deployed.as_ref().is_some_and(cognito::stack_has_user_pool);
    output::print_message(if has_own {
        "next: restctl deploy --idp external, which removes the stack's own user pool; or restctl deploy --idp cognito, which \
         keeps trusting it as well"
    } else {
        "next: restctl deploy"
    });
    print_settings(context).await
}

/// Imports the new certificate, or if the current one stays, keeps the new tags for what is created later.
async fn store_certificate(
    context: &Context,
    bundle: Option<&CertificateBundle>,
    before: Option<&Certificate>,
    tags: &Tags,
) -> Result<()> {
    match (bundle, before) {
        (Some(bundle), _) => {
            import_certificate(context, bundle, before, tags.clone()).await?;
        }
        (None, Some(before)) if before.tags != *tags => {
            let certificate = Certificate { tags: tags.clone(), ..before.clone() };
            settings::write_certificate(context.aws().await?, &context.stack, &certificate).await?;
        }
        (None, _) => {}
    }
    Ok(())
}

/// Prints the stored settings as JSON if that is the output format.
async fn print_settings(context: &Context) -> Result<()> {
    if output::chosen_format() == Format::Text {
        return Ok(());
    }
    let (aws, stack) = (context.aws().await?, &context.stack);
    let settings = Settings::read(aws, stack).await?;
    let certificate = settings::read_certificate(aws, stack).await?;
    output::print_json(&json!({
        "stack": stack.as_str(),
        "certificate": certificate,
        "issuers": settings.issuers(),
        "client": settings.client(),
    }))
}

impl Setup {
    /// Returns the tags of an earlier setup and the given ones, which take precedence.
    fn choose_tags(&self, before: Option<&Certificate>) -> Tags {
        let earlier = before.map(|certificate| certificate.tags.clone()).unwrap_or_default();
        earlier.into_iter().chain(self.tags.iter().cloned()).collect()
    }

    /// Whether the stack gets its own provider: either --idp asks for it, or the stack has or expects one already and no other
    /// provider is named.
    fn selects_stack_provider(
        &self,
        context: &Context,
        settings: &Settings,
        deployed: Option<&Stack>,
    ) -> bool {
        let is_current = match deployed {
            Some(stack) => {
                cognito::stack_has_user_pool(stack)
                    && (settings.client().is_none() || cognito::settings_name_user_pool(settings, stack))
            }
            None => context.local.is_none() && settings.awaits_deployment(),
        };
        self.idp.is_some() || (is_current && self.provider.names_no_provider())
    }

    fn check_no_flag_is_ignored(&self) -> Result<()> {
        if self.provider.is_empty() {
            return Ok(());
        }
        Err(Failure::usage("the flags of an identity provider do not apply to the stack's own user pool")
            .why("the stack creates the client with its own scope and secret")
            .next("leave them out, or name another provider with --issuer URL"))
    }
}

async fn set_up_stack_provider(
    context: &Context,
    settings: &Settings,
    deployed: Option<&Stack>,
    tags: &Tags,
) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    match deployed.filter(|stack| cognito::stack_has_user_pool(stack)) {
        Some(stack) => {
            if cognito::save_client(aws, name, stack, tags).await? {
                session_cache::clear_session(context)?;
            }
            let issuer = cognito::user_pool(stack)?.issuer;
            output::print_message(format!("identity provider  {issuer}, the stack's own"));
            output::print_message("next: restctl deploy");
        }
        None => {
            if settings.is_empty() {
                settings::write_issuers(aws, name, &[], tags).await?;
            }
            output::print_message("identity provider  cognito, created by the deployment");
            for issuer in settings.issuers() {
                output::print_message(format!("still trusted      {}, {}", issuer.provider, issuer.issuer));
            }
            if settings.client().is_some() {
                output::print_message(
                    "note: once it is deployed, restctl gets its tokens from the user pool; restctl idp remove URL then ends the trust in \
                     another issuer",
                );
            }
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
        return CertificateBundle::generate_self_signed(name, context.local_names(), now).map(Some);
    }
    if let Some(certificate) = before {
        output::print_message(format!("certificate        {} is kept", certificate.name));
        return Ok(None);
    }
    match &context.local {
        // Load balancers refuse a certificate for `localhost` alone. Names under .localhost always mean this machine, too
        // (RFC 6761, section 6.3).
        Some(_) => {
            let name = format!("{}.localhost", context.stack);
            CertificateBundle::generate_self_signed(&name, context.local_names(), now).map(Some)
        }
        None => questions::ask_for_certificate(now).map(Some),
    }
}
