//! `restctl idp add`: trusts one more issuer.

use clap::Args;

use super::issuer_args::{IssuerArgs, IssuerDefaults};
use super::show;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::identity::changes;
use crate::identity::settings::{self, Settings};
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
The API accepts the tokens of every issuer that it trusts, each verified with the keys, the audience, the scope and the claims \
of its own issuer. So clients can move from one provider to another while both work:

  restctl idp add --issuer https://new.example.com/ --audience https://api.example.com
  restctl deploy
  # move the clients; restctl itself: restctl setup --issuer https://new.example.com/ --client-id ID
  restctl idp remove https://old.example.com/
  restctl deploy

If the issuer is trusted already, this changes what the flags name.

Exit codes: 0 done; 1 the issuer publishes nothing with which tokens can be verified; 5 nothing has been set up.")]
pub(crate) struct Add {
    #[command(flatten)]
    issuer: IssuerArgs,
}

pub(super) async fn run(args: Add, context: &Context) -> Result<()> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let Some(url) = &args.issuer.issuer else {
        return Err(Failure::usage("--issuer is missing").next("restctl idp add --issuer URL"));
    };
    let settings = Settings::read(aws, stack).await?;
    settings.check_complete()?;
    let same = settings.issuers().iter().find(|issuer| issuer.issuer == *url);
    let defaults = IssuerDefaults { same, ..IssuerDefaults::default() };
    let described = args.issuer.describe_issuer(url, &defaults).await?;
    output::print_message(format!("keys               {}", described.keys.summary()));
    let issuers = settings::with_issuer(settings.issuers(), described.issuer, None);
    for change in changes::compare_issuers(settings.issuers(), &issuers) {
        output::print_message(format!("change             {}", change.describe()));
    }
    settings::write_issuers(aws, stack, &issuers).await?;
    output::print_message("next: restctl deploy");
    show::print_if_json(context).await
}
