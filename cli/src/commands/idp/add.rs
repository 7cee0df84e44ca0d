//! `restctl idp add`: trusts one more issuer.

use clap::Args;
use restctl_contract::stack::Tags;

use super::issuer_args::{IssuerArgs, IssuerDefaults};
use super::planned_changes::print_changes;
use super::show;
use crate::api::session_cache;
use crate::aws::cloudformation;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::identity::settings::{self, Settings};
use crate::identity::{changes, cognito};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::{output, prompt};

#[derive(Debug, Args)]
#[command(after_help = "\
The API accepts the tokens of every issuer that it trusts, each verified with the keys, the audience, the scope and the claims \
of its own issuer. So clients can move from one provider to another while both work:

  restctl idp add --issuer https://new.example.com/ --audience https://api.example.com
  restctl deploy
  # move the clients, then restctl itself:
  restctl setup --issuer https://new.example.com/ --client-id ID --client-secret-file FILE
  restctl idp remove https://old.example.com/
  restctl deploy

If the issuer is trusted already, this changes what the flags name, and reads the address of its keys again. Redirects are \
followed as by restctl setup.

Exit codes: 0 done; 1 the issuer is unavailable, or has no key that can verify tokens; 5 nothing has been set up.")]
pub(crate) struct Add {
    #[command(flatten)]
    issuer: IssuerArgs,
}

pub(super) async fn run(args: Add, context: &Context) -> Result<()> {
    let interrupted = Failure::new("interrupted; nothing was changed").next("restctl idp add, again");
    unless_interrupted(interrupted, trust_issuer(args, context)).await
}

async fn trust_issuer(args: Add, context: &Context) -> Result<()> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let settings = Settings::read(aws, stack).await?;
    settings.require_client()?;
    let url = match args.issuer.issuer.clone() {
        Some(url) => url,
        None => prompt::ask_text("Issuer to trust", "--issuer URL")?,
    };
    let deployed = cloudformation::find_own(aws, stack).await?;
    cognito::check_not_user_pool(&url, deployed.as_ref())?;
    let same = settings.issuers().iter().find(|issuer| issuer.issuer == url);
    let defaults = IssuerDefaults { same, ..IssuerDefaults::default() };
    let described = args.issuer.describe_issuer(&url, &defaults).await?;
    described.print_published();
    let issuers = settings::with_issuer(settings.issuers(), described.issuer, None)?;
    print_changes(&changes::compare_issuers(settings.issuers(), &issuers));
    settings::write_issuers(aws, stack, &issuers, &Tags::new()).await?;
    // The cached token may have been granted for another audience.
    session_cache::clear_session(context)?;
    output::print_message("next: restctl deploy");
    show::print_if_json(context).await
}
