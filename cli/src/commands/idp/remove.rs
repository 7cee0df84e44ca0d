//! `restctl idp remove`: trusts an issuer no longer.

use clap::Args;

use super::show;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::identity::changes;
use crate::identity::settings::{self, Settings};
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
After the next deployment, the API refuses the issuer's tokens. The issuer that restctl gets its own tokens from cannot be \
removed: restctl setup --issuer URL replaces it.

Exit codes: 0 done; 5 no such issuer is trusted, or nothing has been set up.

Example:
  restctl idp remove https://old.example.com/")]
pub(crate) struct Remove {
    /// The issuer, as restctl idp show prints it
    #[arg(value_name = "URL")]
    issuer: String,
}

pub(super) async fn run(args: Remove, context: &Context) -> Result<()> {
    let (aws, stack) = (context.aws().await?, &context.stack);
    let settings = Settings::read(aws, stack).await?;
    settings.check_complete()?;
    if settings.client().is_some_and(|client| client.issuer == args.issuer) {
        return Err(Failure::usage("restctl gets its own tokens from this issuer")
            .why("without it, restctl get and restctl token would no longer work")
            .next("restctl setup --issuer URL --client-id ID, with the issuer to use instead"));
    }
    let (removed, kept): (Vec<_>, Vec<_>) =
        settings.issuers().iter().cloned().partition(|issuer| issuer.issuer == args.issuer);
    if removed.is_empty() {
        let known = settings.issuers().iter().map(|issuer| shell_argument(&issuer.issuer, "an issuer"));
        return Err(Failure::new(format!("{:?} is not among the trusted issuers", args.issuer))
            .exit(Exit::NotFound)
            .why(format!("they are: {}", known.collect::<Vec<_>>().join(", ")))
            .next("restctl idp show"));
    }
    for change in changes::compare_issuers(settings.issuers(), &kept) {
        output::print_message(format!("change             {}", change.describe()));
    }
    settings::write_issuers(aws, stack, &kept).await?;
    output::print_message("next: restctl deploy");
    show::print_if_json(context).await
}
