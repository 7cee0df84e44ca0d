//! `restctl idp remove`: no longer trusts an issuer.

use clap::Args;
use restctl_contract::stack::Tags;

use super::planned_changes::print_changes;
use super::show;
use crate::aws::cloudformation::{self, Stack};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::settings::{self, Settings};
use crate::identity::{changes, cognito};
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
After the next deployment, the API refuses the issuer's tokens. The issuer from which restctl gets its own tokens cannot be \
removed. First choose another one: restctl setup --issuer URL --client-id ID.

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
            .next("restctl setup --issuer URL --client-id ID with another issuer, which replaces this one unless it is trusted \
                already; then this command again, if it is still trusted"));
    }
    let (removed, kept): (Vec<_>, Vec<_>) =
        settings.issuers().iter().cloned().partition(|issuer| issuer.issuer == args.issuer);
    if removed.is_empty() {
        let deployed = cloudformation::find_own(aws, stack).await?;
        return Err(not_trusted_failure(&args.issuer, &settings, deployed.as_ref()));
    }
    print_changes(&changes::compare_issuers(settings.issuers(), &kept));
    settings::write_issuers(aws, stack, &kept, &Tags::new()).await?;
    output::print_message("next: restctl deploy");
    show::print_if_json(context).await
}

fn not_trusted_failure(issuer: &str, settings: &Settings, deployed: Option<&Stack>) -> Failure {
    let own = deployed.and_then(|stack| cognito::user_pool(stack).ok());
    if own.is_some_and(|own| own.issuer == issuer) {
        return Failure::usage(format!("{issuer} is the stack's own user pool"))
            .why("the stack trusts it as long as it has it")
            .next("restctl deploy --idp external, which removes the user pool and its clients");
    }
    let known: Vec<&str> = settings.issuers().iter().map(|issuer| issuer.issuer.as_str()).collect();
    let why = match known.as_slice() {
        [] => "no issuer is trusted besides the stack's own user pool".to_owned(),
        known => format!("trusted are: {}", known.join(", ")),
    };
    Failure::new(format!("{issuer:?} is not among the trusted issuers"))
        .exit(Exit::NotFound)
        .why(why)
        .next("restctl idp remove URL, with one of them spelled exactly like that")
}
