//! `restctl token`: prints an access token, from the cache or from the identity provider.

mod explain;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::api::token;
use crate::context::Context;
use crate::failure::Result;
use crate::identity::grant::AccessToken;
use crate::terminal::output::{self, Format};
use crate::timestamp;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The token is cached until shortly before it expires, because providers count the tokens that they issue. Only you can read the \
cache. A token is not cached if neither the provider's answer nor the token says when it expires. A cached token that is five \
minutes old is replaced if the provider no longer publishes the key that signed it.

Examples:
  curl -H \"Authorization: Bearer $(restctl token)\" https://api.example.com/v1/items/42
  restctl token explain"
)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Option<TokenCommand>,

    /// Get a new token, even if one is cached
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Run the API's checks on a token and print the result of each
    Explain(explain::Explain),
}

pub(crate) async fn run(args: Token, context: &Context) -> Result<()> {
    match args.command {
        Some(TokenCommand::Explain(args)) => explain::run(args, context).await,
        None if args.fresh => print_token(&token::renew_token(context).await?),
        None => print_token(&token::obtain_token_to_print(context).await?),
    }
}

fn print_token(token: &AccessToken) -> Result<()> {
    match output::chosen_format() {
        Format::Text => output::print_text(&token.access_token),
        Format::Json => {
            let expires_at = token.expires_at.and_then(timestamp::from_seconds);
            output::print_json(&json!({ "access_token": token.access_token, "expires_at": expires_at }))
        }
    }
}
