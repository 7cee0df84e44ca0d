//! `restctl setup`: imports the certificate and stores the identity provider's settings.

pub(super) mod import;
mod questions;

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_contract::stack::{Certificate, StackName};
use serde_json::json;

use crate::api::session_cache;
use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::secretsmanager::{self, CLIENT_SECRET_DESCRIPTION};
use crate::certificate::CertificateBundle;
use crate::commands::idp::issuer_args::{DescribedIssuer, IssuerArgs, IssuerDefaults};
use crate::commands::idp::planned_changes::print_changes;
use crate::context::Context;
use crate::failure::{Failure, Result, shell_argument};
use crate::identity::changes::{self, Change};
use crate::identity::client_secret::{self, GivenCredential};
use crate::identity::cognito::{self, COGNITO};
use crate::identity::settings::{self, Settings};
use crate::identity::token_client::{ClientAuthentication, TokenClient};
use crate::local::LocalIdentityProvider;
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

What it changes is shown before it is written. If the issuer is another one, it replaces the one that restctl gets its \
tokens from; `restctl idp add` trusts one more, so that clients can move to another provider without being refused.

--scope is what a token must have; --request-scope is what restctl asks the provider for. Without it, restctl asks for \
AUDIENCE/.default at entra, for nothing at keycloak, and otherwise for the scope.

It reads the issuer's configuration and keys, and refuses an issuer without a key that can verify tokens. Redirects are \
followed here, at most 3 and over HTTPS only, and the last address of the keys is stored; the API and requests for tokens \
follow none. Plain HTTP is accepted only within this machine, as by the API.

Examples:
  restctl setup --self-signed api.example.com --issuer https://tenant.eu.auth0.com/ \\
      --audience https://api.example.com --client-id abc --client-secret-file secret.txt
  restctl setup --issuer https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123 \\
      --client-id abc --scope items/read --client-secret-file secret.txt
  restctl setup --issuer https://login.microsoftonline.com/TENANT/v2.0 --audience API-ID \\
      --scope items.read --request-scope api://API-ID/.default --client-id abc --client-secret-file secret.txt
  restctl setup --issuer https://sso.example.com/realms/main --provider keycloak --provider-ca ca.pem \\
      --audience items --scope read-items --client-id abc --client-secret-file secret.txt
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
    issuer: IssuerArgs,

    /// Id of the client that requests tokens for `restctl token` and `restctl get`
    #[arg(long, value_name = "ID", help_heading = "Identity provider")]
    client_id: Option<String>,

    /// File with the client's secret, or - for standard input
    #[arg(long, value_name = "FILE", help_heading = "Identity provider")]
    client_secret_file: Option<PathBuf>,

    /// File with the client's private key (PEM or JWK), or - for standard input: it signs assertions instead of sending a
    /// secret (private_key_jwt)
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Identity provider",
        conflicts_with = "client_secret_file"
    )]
    client_key_file: Option<PathBuf>,

    /// Id (kid) of that key at the provider; empty: none
    #[arg(long, value_name = "KID", help_heading = "Identity provider")]
    client_key_id: Option<String>,

    /// How the client authenticates [default: what the provider supports]
    #[arg(long, value_name = "METHOD", help_heading = "Identity provider")]
    client_authentication: Option<ClientAuthentication>,

    /// Scope to ask for, if it is not the one that is required; empty: none [default for entra: AUDIENCE/.default]
    #[arg(long, value_name = "SCOPE", help_heading = "Identity provider")]
    request_scope: Option<String>,

    /// Resource to ask for (RFC 8707); empty: none
    #[arg(long, value_name = "URI", help_heading = "Identity provider")]
    resource: Option<String>,

    /// cognito: have `restctl deploy` create a user pool and a client in the stack
    #[arg(long, value_name = "KIND", value_parser = [COGNITO], help_heading = "Identity provider", conflicts_with_all = [
        "provider", "issuer", "audience", "scope", "grant_claim", "algorithms", "provider_ca", "client_id",
        "client_secret_file", "client_key_file", "client_key_id", "client_authentication", "request_scope", "resource",
    ])]
    idp: Option<String>,
}

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
        set_up_stack_provider(context, &settings, deployed.as_ref()).await?;
        return print_settings(context).await;
    }
    let chosen = choose_provider(&args, context, &settings).await?;
    chosen.print_changes(&settings);

    if let Some(bundle) = &bundle {
        import_certificate(context, bundle, before.as_ref()).await?;
    }
    chosen.write(aws, stack).await?;
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
        self.idp.is_some() || (is_current && self.names_no_provider())
    }

    fn names_no_provider(&self) -> bool {
        self.issuer.provider.is_none()
            && self.issuer.issuer.is_none()
            && self.client_id.is_none()
            && self.issuer.audience.is_empty()
    }

    fn check_no_flag_is_ignored(&self) -> Result<()> {
        let is_any_given = !self.issuer.is_empty()
            || self.client_secret_file.is_some()
            || self.client_key_file.is_some()
            || self.client_key_id.is_some()
            || self.client_authentication.is_some()
            || self.request_scope.is_some()
            || self.resource.is_some();
        if !is_any_given {
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
) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    match deployed.filter(|stack| cognito::stack_has_user_pool(stack)) {
        Some(stack) => {
            if cognito::save_client(aws, name, stack).await? {
                session_cache::clear_session(context)?;
            }
            let issuer = cognito::user_pool(stack)?.issuer;
            output::print_message(format!("identity provider  {issuer}, the stack's own"));
            output::print_message("next: restctl deploy");
        }
        None => {
            if settings.is_empty() {
                settings::write_issuers(aws, name, &[]).await?;
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

/// The complete, checked settings of the identity providers.
struct ChosenSettings {
    described: DescribedIssuer,
    issuers: Vec<TrustedIssuer>,
    client: TokenClient,
    secret: ChosenSecret,
    /// The issuer that is no longer trusted.
    replaced: Option<String>,
}

/// What happens to the stored secret or private key of the client.
enum ChosenSecret {
    Stays,
    /// It stays, although the client is another one.
    StaysForOtherClient,
    Written(GivenCredential),
}

impl ChosenSettings {
    /// Prints what is about to be written.
    fn print_changes(&self, before: &Settings) {
        let issuer = &self.described.issuer;
        output::print_message(format!("identity provider  {}, {}", issuer.provider, issuer.issuer));
        self.described.print_published();
        let kind = self.secret_kind();
        if before.is_empty() {
            output::print_message(format!("audience           {}", issuer.audiences.join(", ")));
            output::print_message(format!("scope              {}", issuer.scope));
            output::print_message(format!("client             {}", self.client.client_id));
        } else {
            let known = before.client().map(changes::client_members).unwrap_or_default();
            let mut changes = changes::compare_issuers(before.issuers(), &self.issuers);
            changes.extend(changes::compare_members("", &known, &changes::client_members(&self.client)));
            if matches!(self.secret, ChosenSecret::Written(_)) {
                changes.push(Change {
                    what: format!("client {kind}"),
                    before: Some("the stored one".to_owned()),
                    after: Some("the given one".to_owned()),
                });
            }
            print_changes(&changes);
        }
        if let Some(replaced) = &self.replaced {
            output::print_message(format!(
                "note: the API accepts the tokens of {replaced} until the next deployment. To accept both while its clients \
                 move, before restctl deploy: restctl idp add --issuer {}",
                shell_argument(replaced, "URL")
            ));
        }
        if matches!(self.secret, ChosenSecret::StaysForOtherClient) {
            output::print_message(format!(
                "note: the stored client {kind} stays; if this client has another: restctl setup --client-{kind}-file FILE"
            ));
        }
    }

    /// Returns `key` or `secret`.
    fn secret_kind(&self) -> &'static str {
        if uses_key(self.client.authentication) { "key" } else { "secret" }
    }

    /// Writes the client last: until then, the same command again completes what was interrupted.
    async fn write(&self, aws: &Aws, stack: &StackName) -> Result<()> {
        if let ChosenSecret::Written(secret) = &self.secret {
            let name = stack.client_secret();
            secretsmanager::write_secret(aws, &name, CLIENT_SECRET_DESCRIPTION, &secret.text).await?;
            let label = format!("client {}", self.secret_kind());
            output::print_message(format!("{label:<18} {name} in Secrets Manager"));
        }
        settings::write_issuers(aws, stack, &self.issuers).await?;
        settings::write_client(aws, stack, &self.client).await
    }
}

fn uses_key(method: ClientAuthentication) -> bool {
    method == ClientAuthentication::PrivateKeyJwt
}

async fn choose_provider(args: &Setup, context: &Context, before: &Settings) -> Result<ChosenSettings> {
    let local = context.local.as_ref().map(|local| &local.identity_provider);
    let client = before.client();
    let known = |given: &Option<String>, before: Option<&String>, local: Option<&String>| {
        given.clone().or_else(|| before.cloned()).or_else(|| local.cloned())
    };
    let ask = |known: Option<String>, question, flag| match known {
        Some(value) => Ok(value),
        None => prompt::ask_text(question, flag),
    };
    let url =
        known(&args.issuer.issuer, client.map(|client| &client.issuer), local.map(|local| &local.issuer));
    let url = ask(url, "Issuer of the identity provider", "--issuer URL")?;
    // The settings of the local cloud's identity provider apply to that one only.
    let local = local.filter(|local| local.issuer == url);
    let same = before.issuers().iter().find(|issuer| issuer.issuer == url);
    let replaced = before.client_issuer().filter(|issuer| issuer.issuer != url && same.is_none());
    let own_client = client.filter(|client| client.issuer == url);
    let own_client_id = own_client.or(client.filter(|_| local.is_none())).map(|client| &client.client_id);
    let client_id = known(&args.client_id, own_client_id, local.map(|local| &local.client_id));
    let client_id = ask(client_id, "Client id", "--client-id ID")?;
    if client_id.trim().is_empty() {
        return Err(Failure::usage("--client-id is empty"));
    }
    let defaults = IssuerDefaults {
        same,
        replaced: replaced.filter(|_| local.is_none()),
        provider: local.map(|_| Provider::Auth0),
        audience: local.map(|local| local.audience.as_str()),
        scope: local.map(|local| local.scope.as_str()),
        client_id: Some(&client_id),
        previous_client_id: client.map(|client| client.client_id.as_str()),
    };
    let described = args.issuer.describe_issuer(&url, &defaults).await?;
    let authentication = choose_authentication(args, &described, own_client)?;
    let or_before =
        |given: &Option<String>, before: Option<&String>| given.clone().or_else(|| before.cloned());
    let former_key_id = own_client.and_then(|client| client.key_id.as_ref());
    let mut chosen = TokenClient {
        issuer: url,
        token_endpoint: described.discovery.token_endpoint.clone(),
        client_id,
        authentication,
        key_id: or_before(&args.client_key_id, former_key_id)
            .filter(|key_id| uses_key(authentication) && !key_id.is_empty()),
        request_scope: or_before(
            &args.request_scope,
            own_client.and_then(|client| client.request_scope.as_ref()),
        ),
        resource: or_before(&args.resource, own_client.and_then(|client| client.resource.as_ref()))
            .filter(|resource| !resource.is_empty()),
    };
    let provider = described.issuer.provider;
    let secret = choose_secret(args, context, client, &chosen, provider, local).await?;
    // The id of the former key is not that of a key with an id of its own.
    if matches!(&secret, ChosenSecret::Written(given) if given.key_id.is_some())
        && args.client_key_id.is_none()
    {
        chosen.key_id = None;
    }
    let issuers = settings::with_issuer(before.issuers(), described.issuer.clone(), replaced)?;
    let replaced = replaced.map(|issuer| issuer.issuer.clone());
    Ok(ChosenSettings { described, issuers, client: chosen, secret, replaced })
}

/// Returns how the client authenticates: as the flags say, as before, or by the simplest method that the provider supports.
fn choose_authentication(
    args: &Setup,
    described: &DescribedIssuer,
    before: Option<&TokenClient>,
) -> Result<ClientAuthentication> {
    let before = before.map(|client| client.authentication);
    let key_method = args.client_key_file.as_ref().map(|_| ClientAuthentication::PrivateKeyJwt);
    let given = args.client_authentication.or(key_method);
    let method =
        match given.or(before.filter(|method| args.client_secret_file.is_none() || !uses_key(*method))) {
            Some(method) => method,
            None => usual_authentication(described)?,
        };
    let ignored = match uses_key(method) {
        true => args.client_secret_file.as_ref().map(|_| "--client-secret-file"),
        false if args.client_key_file.is_some() => Some("--client-key-file"),
        false => args.client_key_id.as_ref().map(|_| "--client-key-id"),
    };
    match ignored {
        None => Ok(method),
        Some(flag) => Err(Failure::usage(format!("{flag} does not apply to {method}"))
            .why("a client authenticates either by a secret or by a private key")
            .next(
                "leave it out; or choose the other way: --client-key-file FILE or --client-secret-file FILE",
            )),
    }
}

/// Returns the simplest method that the provider supports.
fn usual_authentication(described: &DescribedIssuer) -> Result<ClientAuthentication> {
    // Both take the secret in the body, where Cognito's discovery document does not say so.
    if matches!(described.issuer.provider, Provider::Auth0 | Provider::Cognito) {
        return Ok(ClientAuthentication::ClientSecretPost);
    }
    let supported = described.discovery.client_authentications();
    match supported.iter().find(|method| !uses_key(**method)) {
        Some(method) => Ok(*method),
        // Some announce no method that they take. Basic authentication is what a provider takes that says nothing.
        None if supported.is_empty() => Ok(ClientAuthentication::ClientSecretBasic),
        None => Err(Failure::usage("the provider takes no client secrets")
            .why("it announces private_key_jwt only, with which a key signs an assertion")
            .next("restctl setup --client-key-file FILE with the private key of the client")),
    }
}

/// Returns what happens to the client's secret or private key. The local cloud supplies that of its own client if none is
/// stored for it.
async fn choose_secret(
    args: &Setup,
    context: &Context,
    before: Option<&TokenClient>,
    client: &TokenClient,
    provider: Provider,
    local: Option<&LocalIdentityProvider>,
) -> Result<ChosenSecret> {
    let needs_key = uses_key(client.authentication);
    if needs_key {
        if let Some(file) = &args.client_key_file {
            return client_secret::read_private_key(file, provider).map(ChosenSecret::Written);
        }
    } else if let Some(secret) = client_secret::read_given_secret(args.client_secret_file.as_deref())? {
        return Ok(ChosenSecret::Written(GivenCredential::from_secret(secret)));
    }
    let stored = secretsmanager::read_secret(context.aws().await?, &context.stack.client_secret()).await?;
    let is_same =
        |before: &TokenClient| before.issuer == client.issuer && before.client_id == client.client_id;
    let is_same_client = before.is_none_or(is_same);
    let local = local.filter(|local| local.client_id == client.client_id && !needs_key);
    if let Some(local) = local.filter(|_| stored.is_none() || !before.is_some_and(is_same)) {
        let secret = local.client_secret.clone();
        return Ok(ChosenSecret::Written(GivenCredential::from_secret(secret)));
    }
    if stored.is_some() && before.is_none_or(|before| uses_key(before.authentication) == needs_key) {
        return Ok(if is_same_client { ChosenSecret::Stays } else { ChosenSecret::StaysForOtherClient });
    }
    if needs_key {
        return Err(Failure::usage("the client's private key is missing")
            .next("restctl setup --client-key-file FILE"));
    }
    client_secret::prompt_for_secret().map(GivenCredential::from_secret).map(ChosenSecret::Written)
}
