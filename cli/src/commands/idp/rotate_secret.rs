//! `restctl idp rotate-secret`: tried first, then written to Secrets Manager.

use std::path::PathBuf;

use clap::Args;
use restctl_contract::stack::Setting;
use restctl_contract::template::output as stack_output;
use restctl_contract::timestamp;
use restctl_verifier::Provider;
use serde::Serialize;

use super::local_secret::rotate_local_secret;
use crate::api::session_cache;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::secretsmanager::{self, CLIENT_SECRET};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::policy::TokenPolicy;
use crate::identity::settings::Settings;
use crate::identity::{client_secret, cognito, grant};
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Make the new secret at the provider, then give it here: it is written to Secrets Manager only once the provider has granted a \
token for it that the API would accept. Otherwise nothing changes. The API itself does not know the secret, and is not \
deployed again.

The secret is read from --client-secret-file, from RESTCTL_CLIENT_SECRET, or from a prompt; it is never given on the command \
line, and never printed. With --local, and without one, the development identity provider makes it.

Exit codes: 0 done; 4 where the provider refuses the secret, or the API would refuse the token; 5 where nothing was set up.

Examples:
  restctl idp rotate-secret --client-secret-file secret.txt
  auth0 apps show ID --reveal-secrets --json | jq -r .client_secret |
      restctl idp rotate-secret --client-secret-file -
  restctl --local idp rotate-secret")]
pub(crate) struct RotateSecret {
    /// File with the client's new secret, or - for standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

/// The outcome, for programs.
#[derive(Serialize)]
struct Report {
    outcome: &'static str,
    client_id: String,
    /// Of the secret in Secrets Manager.
    secret_name: String,
    last_changed: String,
}

pub(super) async fn run(args: RotateSecret, context: &Context) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let (settings, stack) = tokio::try_join!(Settings::read(aws, name), cloudformation::find_own(aws, name))?;
    let client_id = settings.require(Setting::ClientId)?;
    if let Some(stack) = stack.as_ref().filter(|stack| cognito::stack_has_user_pool(stack)) {
        return Err(of_the_stack(stack, &settings));
    }
    // Before a secret is made or asked for: what it would be tried against.
    let asked = TokenPolicy::from_settings(&settings, stack.as_ref())?;
    let keys = asked.fetch_keys().await?;

    let secret = new_secret(&args, context, &settings).await?;
    let granted =
        grant::request_token(&settings, &secret).await.map_err(|failure| unchanged(failure, &settings))?;
    let judged = asked.require_accepted(&asked.explain_token(&granted.access_token, &keys));
    judged.map_err(|failure| failure.then("the same command again; until then the present secret stays"))?;

    let secret_name = name.client_secret();
    secretsmanager::write_secret(aws, &secret_name, CLIENT_SECRET, &secret).await?;
    // A token that the former secret earned says nothing about this one.
    session_cache::clear(context)?;
    let report = Report {
        outcome: "rotated",
        client_id: client_id.to_owned(),
        secret_name,
        last_changed: timestamp::now(),
    };
    match output::chosen_format() {
        Format::Text => output::print_message(&format!(
            "client secret      {} in Secrets Manager: a token was granted for it, and is good",
            report.secret_name
        )),
        Format::Json => output::print_json(&report)?,
    }
    Ok(())
}

/// The secret to try. With the local cloud, its identity provider makes one.
async fn new_secret(args: &RotateSecret, context: &Context, settings: &Settings) -> Result<String> {
    if let Some(secret) = client_secret::read_given_secret(args.client_secret_file.as_deref())? {
        return Ok(secret);
    }
    let issuer = settings.get(Setting::Issuer);
    match context.local.as_ref().filter(|local| issuer == Some(&local.identity_provider.issuer)) {
        Some(local) => rotate_local_secret(local).await,
        None => client_secret::prompt_for_secret(),
    }
}

/// The provider's refusal, which is no reason to set anything up anew.
fn unchanged(failure: Failure, settings: &Settings) -> Failure {
    if failure.exit != Exit::Authentication {
        return failure;
    }
    let patience = match settings.provider() {
        // "Rotate Client Secrets", Auth0 docs.
        Ok(Provider::Auth0) => ", some 30 s after it was made",
        _ => "",
    };
    failure.next(format!(
        "restctl idp rotate-secret with the client's new secret{patience}; until then the present one stays"
    ))
}

/// Its client and the client's secret are resources of the stack.
fn of_the_stack(stack: &Stack, settings: &Settings) -> Failure {
    let issuer = settings.get(Setting::Issuer).unwrap_or_default();
    let pool = issuer.rsplit('/').next().unwrap_or_default();
    let client_id = settings.get(Setting::ClientId).unwrap_or_default();
    let secret = stack.output(stack_output::COGNITO_CLIENT_SECRET).unwrap_or_default();
    Failure::new("the client secret is one of the stack's own user pool")
        .exit(Exit::Usage)
        .why("the stack keeps it in a secret of its own, from which setup and deploy read it")
        .next(format!(
            "aws cognito-idp add-user-pool-client-secret --user-pool-id {pool} --client-id {client_id}\n\
             its ClientSecretValue, in a file without a newline, goes into the stack's secret:\n\
             aws secretsmanager put-secret-value --secret-id {secret} --secret-string file://FILE\n\
             restctl setup\n\
             last, aws cognito-idp delete-user-pool-client-secret takes away the former one"
        ))
}
