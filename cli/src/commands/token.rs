//! `restctl token`: an access token, from the cache or from the identity provider.

use clap::Args;

use crate::context::Context;
use crate::failure::Result;
use crate::{output, token};

#[derive(Debug, Args)]
#[command(after_help = "\
The token is cached, readable by you alone, until shortly before it expires: providers count the tokens they issue.

Example:
  curl -H \"Authorization: Bearer $(restctl token)\" https://api.example.com/v1/items/42")]
pub(crate) struct Token {
    /// Get a new token even if the cached one is still good
    #[arg(long)]
    refresh: bool,
}

pub(crate) async fn run(args: Token, context: &Context) -> Result<()> {
    if args.refresh {
        token::forget(context)?;
    }
    output::data(&token::obtain(context).await?)
}
