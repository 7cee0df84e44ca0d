//! The settings of the identity providers that result from the flags, from what was set up before, and from what the provider
//! publishes.

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use restctl_contract::stack::{StackName, Tags};

use super::provider_args::ProviderArgs;
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::secretsmanager;
use crate::commands::idp::issuer_args::{DescribedIssuer, IssuerDefaults};
use crate::commands::idp::planned_changes::print_changes;
use crate::context::Context;
use crate::failure::{Failure, Result, shell_argument};
use crate::identity::changes::{self, Change};
use crate::identity::client_secret::{self, GivenCredential};
use crate::identity::cognito;
use crate::identity::settings::{self, Settings};
use crate::identity::token_client::{ClientAuthentication, TokenClient};
use crate::local::LocalIdentityProvider;
use crate::terminal::{output, prompt};

/// The complete, checked settings of the identity providers.
pub(super) struct ChosenSettings {
    described: DescribedIssuer,
    issuers: Vec<TrustedIssuer>,
    client: TokenClient,
    secret: ChosenSecret,
    /// The issuer that is no longer trusted.
    replaced: Option<TrustedIssuer>,
}

/// What happens to the stored secret or private key of the client.
enum ChosenSecret {
    Stays,
    /// It stays, although the client is another one of the same issuer.
    StaysForOtherClient,
    Written(GivenCredential),
}

impl ChosenSettings {
    /// Prints what is about to be written.
    pub(super) fn print_changes(&self, before: &Settings) {
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
                "note: the API accepts the tokens of {} until the next deployment; to accept both while its clients move, run \
                 this before restctl deploy: {}",
                replaced.issuer,
                command_that_adds(replaced)
            ));
        }
        if matches!(self.secret, ChosenSecret::StaysForOtherClient) {
            output::print_message(format!(
                "note: the client {kind} of the former client at this issuer stays; if this client has another: restctl setup --client-{kind}-file FILE"
            ));
        }
    }

    /// Returns `key` or `secret`.
    fn secret_kind(&self) -> &'static str {
        if self.client.authentication.uses_key() { "key" } else { "secret" }
    }

    /// Writes the client last: until then, the same command again completes what was interrupted. What is created gets these tags.
    pub(super) async fn write(
        &self,
        aws: &Aws,
        stack: &StackName,
        before: &Settings,
        tags: &Tags,
    ) -> Result<()> {
        settings::write_issuers(aws, stack, &self.issuers, tags).await?;
        let secret = match &self.secret {
            ChosenSecret::Written(given) => Some(given.text.as_str()),
            ChosenSecret::Stays | ChosenSecret::StaysForOtherClient => None,
        };
        settings::replace_client(aws, stack, before.client(), &self.client, secret, tags).await?;
        if secret.is_some() {
            let label = format!("client {}", self.secret_kind());
            output::print_message(format!("{label:<18} {} in Secrets Manager", stack.client_secret()));
        }
        Ok(())
    }
}

/// Returns the command after which the issuer is trusted as it is now.
fn command_that_adds(issuer: &TrustedIssuer) -> String {
    let mut command = "restctl idp add".to_owned();
    let mut push = |flag: &str, value: &str| {
        command.push_str(&format!(" {flag} {}", shell_argument(value, "VALUE")));
    };
    push("--issuer", &issuer.issuer);
    push("--provider", issuer.provider.name());
    issuer.audiences.iter().for_each(|audience| push("--audience", audience));
    push("--scope", &issuer.scope);
    issuer.grant_claims.iter().for_each(|claim| push("--grant-claim", &claim.to_string()));
    if issuer.algorithms != Algorithm::defaults() {
        let names: Vec<&str> = issuer.algorithms.iter().map(|algorithm| algorithm.name()).collect();
        push("--algorithms", &names.join(","));
    }
    // The settings have the certificates, but not the file that they came from.
    if !issuer.authorities.is_empty() {
        push("--provider-ca", "FILE");
    }
    command
}

/// Chooses the settings by the flags, by what was set up before, and by what the provider publishes.
pub(super) async fn choose_provider(
    args: &ProviderArgs,
    context: &Context,
    before: &Settings,
    deployed: Option<&Stack>,
) -> Result<ChosenSettings> {
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
    cognito::check_not_user_pool(&url, deployed)?;
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
            .filter(|key_id| authentication.uses_key() && !key_id.is_empty()),
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
    Ok(ChosenSettings { described, issuers, client: chosen, secret, replaced: replaced.cloned() })
}

/// Returns how the client authenticates: as the flags say, as before, or by the simplest method that the provider supports.
fn choose_authentication(
    args: &ProviderArgs,
    described: &DescribedIssuer,
    before: Option<&TokenClient>,
) -> Result<ClientAuthentication> {
    let before = before.map(|client| client.authentication);
    let key_method = args.client_key_file.as_ref().map(|_| ClientAuthentication::PrivateKeyJwt);
    let given = args.client_authentication.or(key_method);
    let method =
        match given.or(before.filter(|method| args.client_secret_file.is_none() || !method.uses_key())) {
            Some(method) => method,
            None => usual_authentication(described)?,
        };
    let ignored = match method.uses_key() {
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
    match supported.iter().find(|method| !method.uses_key()) {
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
    args: &ProviderArgs,
    context: &Context,
    before: Option<&TokenClient>,
    client: &TokenClient,
    provider: Provider,
    local: Option<&LocalIdentityProvider>,
) -> Result<ChosenSecret> {
    let needs_key = client.authentication.uses_key();
    if needs_key {
        if let Some(file) = &args.client_key_file {
            return client_secret::read_private_key(file, provider).map(ChosenSecret::Written);
        }
    } else if let Some(secret) = client_secret::read_given_secret(args.client_secret_file.as_deref())? {
        return Ok(ChosenSecret::Written(GivenCredential::from_secret(secret)));
    }
    // What is stored belongs to the client before, and must not go to another issuer than that one's.
    let before = before.filter(|before| before.issuer == client.issuer);
    let name = context.stack.client_secret();
    let stored = secretsmanager::read_secret(context.aws().await?, &name).await?;
    let before = before.filter(|_| stored.is_some());
    let is_same_client = before.is_some_and(|before| before.client_id == client.client_id);
    let local = local.filter(|local| local.client_id == client.client_id && !needs_key);
    if let Some(local) = local.filter(|_| !is_same_client) {
        let secret = local.client_secret.clone();
        return Ok(ChosenSecret::Written(GivenCredential::from_secret(secret)));
    }
    if before.is_some_and(|before| before.authentication.uses_key() == needs_key) {
        return Ok(if is_same_client { ChosenSecret::Stays } else { ChosenSecret::StaysForOtherClient });
    }
    if needs_key {
        return Err(Failure::usage("the client's private key is missing")
            .next("restctl setup --client-key-file FILE"));
    }
    client_secret::prompt_for_secret().map(GivenCredential::from_secret).map(ChosenSecret::Written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_adds_an_issuer_again_has_all_that_it_is_trusted_for() {
        let mut issuer = TrustedIssuer {
            issuer: "https://id.example.com".to_owned(),
            provider: Provider::Okta,
            audiences: vec!["one".to_owned(), "two".to_owned()],
            scope: "read:items".to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: "https://id.example.com/jwks".to_owned(),
            authorities: Vec::new(),
        };
        let usual = "restctl idp add --issuer https://id.example.com --provider okta --audience one --audience two \
                     --scope read:items";
        assert_eq!(command_that_adds(&issuer), usual);
        issuer.grant_claims = ["roles", "realm_access.roles"].map(|claim| claim.parse().unwrap()).to_vec();
        issuer.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa];
        issuer.authorities = vec!["AAAA".to_owned()];
        assert_eq!(
            command_that_adds(&issuer),
            format!(
                "{usual} --grant-claim /roles --grant-claim /realm_access/roles --algorithms ES256,EdDSA --provider-ca FILE"
            )
        );
    }
}
