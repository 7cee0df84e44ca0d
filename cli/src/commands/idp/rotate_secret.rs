//! `restctl idp rotate-secret`: tries a new client secret or private key, then writes it to Secrets Manager.

use std::path::PathBuf;

use clap::Args;
use restctl_contract::issuer::Provider;
use restctl_contract::stack::Tags;
use restctl_contract::template::output as stack_output;
use restctl_contract::timestamp;
use serde::Serialize;

use super::local_secret::rotate_local_secret;
use crate::api::session_cache;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::secretsmanager::{self, CLIENT_SECRET_DESCRIPTION};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::identity::grant::{self, GrantFailure};
use crate::identity::policy::{self, TokenPolicy};
use crate::identity::settings::{self, Settings};
use crate::identity::token_client::TokenClient;
use crate::identity::{client_secret, cognito};
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Create the new secret at the provider, or register the new key there, then give it here. restctl writes it to Secrets Manager only after the provider has granted \
a token for it that the API would accept; otherwise nothing changes. The API does not use the secret and is not deployed again.

The secret is read from --client-secret-file, from RESTCTL_CLIENT_SECRET, or from a prompt. It is never an argument, and never \
printed. With --local, the development identity provider creates the secret if none is given.

A client that authenticates with a private key needs --client-key-file, and --client-key-id if the provider knows the new \
key by another id. The key signs on this machine and is not sent to the provider.

Exit codes: 0 done; 4 the provider refuses the secret or key, or the API would refuse the token; 5 nothing has been set up.

Examples:
  restctl idp rotate-secret --client-secret-file secret.txt
  auth0 apps show ID --reveal-secrets --json | jq -r .client_secret |
      restctl idp rotate-secret --client-secret-file -
  restctl idp rotate-secret --client-key-file new-key.pem --client-key-id key-2
  restctl --local idp rotate-secret")]
pub(crate) struct RotateSecret {
    /// File with the client's new secret, or - for standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// File with the client's new private key (PEM or JWK), or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_file")]
    client_key_file: Option<PathBuf>,

    /// Id (kid) of that key at the provider; empty: none
    #[arg(long, value_name = "KID", requires = "client_key_file")]
    client_key_id: Option<String>,
}

/// A secret or a private key to try, and the client that has it.
struct NewCredential {
    client: TokenClient,
    text: String,
}

/// The JSON output.
#[derive(Serialize)]
struct RotationReport {
    outcome: &'static str,
    client_id: String,
    /// The secret's name in Secrets Manager.
    secret_name: String,
    last_changed: String,
}

pub(super) async fn run(args: RotateSecret, context: &Context) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let (settings, stack) = tokio::try_join!(Settings::read(aws, name), cloudformation::find_own(aws, name))?;
    let client = settings.require_client()?;
    if let Some(stack) = stack.as_ref().filter(|stack| cognito::settings_name_user_pool(&settings, stack)) {
        return Err(own_user_pool_failure(stack, client));
    }
    // Check that a new secret can be tried before it is created or asked for.
    let policy = TokenPolicy::from_settings(&settings, stack.as_ref())?;
    let issuer = policy.client_issuer()?;
    let keys = policy::fetch_keys(issuer).await?;

    let new = obtain_new_credential(&args, context, client, issuer.provider).await?;
    let kind = if client.authentication.uses_key() { "key" } else { "secret" };
    let retry = |failure: Failure| {
        let failure = failure.then_repeat("the same command again");
        failure.and(Some(Failure::new(format!("the current {kind} stays in use"))))
    };
    let granted = grant::request_token(&new.client, issuer, &new.text).await;
    let granted = granted.map_err(|refusal| with_advice_to_retry(refusal, client, issuer.provider, retry))?;
    let accepted = policy.explain_with_keys(&granted.access_token, issuer, &keys).require_accepted();
    accepted.map_err(retry)?;

    let secret_name = name.client_secret();
    let no_tags = Tags::new();
    secretsmanager::write_secret(aws, &secret_name, CLIENT_SECRET_DESCRIPTION, &new.text, &no_tags).await?;
    if new.client != *client {
        settings::write_client(aws, name, &new.client, &no_tags).await?;
    }
    // A cached token was granted for the old secret and proves nothing about the new one.
    session_cache::clear_session(context)?;
    let report = RotationReport {
        outcome: "rotated",
        client_id: client.client_id.clone(),
        secret_name,
        last_changed: timestamp::now(),
    };
    match output::chosen_format() {
        Format::Text => output::print_message(format!(
            "{:<18} {} in Secrets Manager: a token was granted for it, and the API would accept it",
            format!("client {kind}"),
            report.secret_name
        )),
        Format::Json => output::print_json(&report)?,
    }
    Ok(())
}

/// Returns what to try. Its kind is that of the current one: how the client authenticates is a setting.
async fn obtain_new_credential(
    args: &RotateSecret,
    context: &Context,
    client: &TokenClient,
    provider: Provider,
) -> Result<NewCredential> {
    let file = args.client_key_file.as_deref();
    match (client.authentication.uses_key(), file) {
        (false, None) => {
            let text = obtain_new_secret(args, context, client).await?;
            Ok(NewCredential { client: client.clone(), text })
        }
        (true, Some(file)) => {
            let key = client_secret::read_private_key(file, provider)?;
            let given = args.client_key_id.clone().map(|id| Some(id).filter(|id| !id.is_empty()));
            // The id of the former key is not that of a key with an id of its own.
            let kept = client.key_id.clone().filter(|_| key.key_id.is_none());
            let client = TokenClient { key_id: given.unwrap_or(kept), ..client.clone() };
            Ok(NewCredential { client, text: key.text })
        }
        (true, None) => Err(Failure::usage("the client authenticates with a private key, not with a secret")
            .next("restctl idp rotate-secret --client-key-file FILE; or restctl setup --client-secret-file FILE")),
        (false, Some(_)) => Err(Failure::usage("the client authenticates with a secret, not with a private key")
            .next("restctl idp rotate-secret --client-secret-file FILE; or restctl setup --client-key-file FILE")),
    }
}

/// Returns the secret to try. In the local cloud, its identity provider can create one.
async fn obtain_new_secret(args: &RotateSecret, context: &Context, client: &TokenClient) -> Result<String> {
    if let Some(secret) = client_secret::read_given_secret(args.client_secret_file.as_deref())? {
        return Ok(secret);
    }
    match context.local.as_ref().filter(|local| client.issuer == local.identity_provider.issuer) {
        Some(local) => rotate_local_secret(local).await,
        None => client_secret::prompt_for_secret(),
    }
}

/// Replaces the advice if the provider refused the secret or key: there is no need to run setup again.
fn with_advice_to_retry(
    refusal: GrantFailure,
    client: &TokenClient,
    provider: Provider,
    retry: impl FnOnce(Failure) -> Failure,
) -> Failure {
    let refuses_credential = refusal.refuses_credential;
    let failure = Failure::from(refusal);
    if !refuses_credential {
        return retry(failure);
    }
    if client.authentication.uses_key() {
        return failure.next(
            "register the public half of the new key for the client, with the same algorithm and kid; compare the clocks\n\
             then: restctl idp rotate-secret --client-key-file FILE --client-key-id KID; until then the current one stays in use",
        );
    }
    let waiting_time = match provider {
        // "Rotate Client Secrets", Auth0 docs.
        Provider::Auth0 => ", about 30 s after it was created",
        _ => "",
    };
    failure.next(format!(
        "restctl idp rotate-secret with the client's new secret{waiting_time}; until then the current one stays in use"
    ))
}

/// The client and its secret are resources of the stack.
fn own_user_pool_failure(stack: &Stack, client: &TokenClient) -> Failure {
    let pool = shell_argument(client.issuer.rsplit('/').next().unwrap_or_default(), "POOL");
    let client_id = shell_argument(&client.client_id, "CLIENT");
    let secret = stack.output(stack_output::COGNITO_CLIENT_SECRET).unwrap_or_default();
    let secret = shell_argument(secret, "SECRET");
    Failure::new("the client secret belongs to the stack's own user pool")
        .exit(Exit::Usage)
        .why("setup and deploy read it from a secret of the stack")
        .next(format!(
            "aws cognito-idp add-user-pool-client-secret --user-pool-id {pool} --client-id {client_id}\n\
             write its ClientSecretValue to a file without a newline, then to the stack's secret:\n\
             aws secretsmanager put-secret-value --secret-id {secret} --secret-string file://FILE\n\
             restctl setup\n\
             last, remove the old secret: aws cognito-idp delete-user-pool-client-secret"
        ))
}
