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
pub(crate) struct Token {}

pub(crate) async fn run(Token {}: Token, context: &Context) -> Result<()> {
    output::data(&token::obtain(context).await?)
}
