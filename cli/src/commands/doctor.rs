//! `restctl doctor`: the whole chain from the credentials to the loads, link by link.

mod account;
mod check_report;
mod deployment;
mod facts;
mod issuer;
mod loads;
mod memo;
mod setup_results;
mod tls;
mod token;

use std::future::Future;

use clap::Args;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};

use self::check_report::{Finding, Row, Trouble, Verdict};
use self::facts::Facts;
use self::memo::{CERTIFICATE, CLIENT_SECRET, CONNECTION, CREDENTIALS, KEYS, REGION, SETTINGS, STACK, TOKEN};
use self::tls::{CHAIN, EXPIRY, KEY, NAME};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Looks at everything that a request and a load need, and changes nothing. Each check is ok, warning, failed, or skipped \
because one that it needs has failed; what is wrong says what to type. It asks the provider for one new token, so that the \
client secret is known to be good: where tokens are counted, that is one of them.

Exit codes: 0 where all is well, or warnings only; else that of the first check that failed: 4 for credentials and tokens, \
5 for what is missing, 1 for the rest.

Examples:
  restctl doctor
  restctl doctor --output json | jq -r '.[] | select(.verdict == \"failed\") | .check'")]
pub(crate) struct Doctor {}

type Check<'a> = LocalBoxFuture<'a, Row>;

/// What comes later needs what comes before, or nothing of it.
fn chain<'a>(facts: &'a Facts<'a>) -> Vec<Check<'a>> {
    vec![
        check(REGION, account::region(facts)),
        check(CREDENTIALS, account::credentials(facts)),
        check("clock", account::clock(facts)),
        check(SETTINGS, setup_results::settings(facts)),
        check(CLIENT_SECRET, setup_results::client_secret(facts)),
        check(CERTIFICATE, setup_results::certificate(facts)),
        check(STACK, deployment::stack(facts)),
        check("deployed settings", deployment::settings(facts)),
        check(CONNECTION, tls::connection(facts)),
        check(KEY, tls::key(facts)),
        check(CHAIN, tls::chain(facts)),
        check(NAME, tls::name(facts)),
        check(EXPIRY, tls::expiry(facts)),
        check("fingerprint", tls::fingerprint(facts)),
        check("issuer", issuer::issuer(facts)),
        check(KEYS, issuer::keys(facts)),
        check(TOKEN, token::granted(facts)),
        check("claims", token::claims(facts)),
        check("access", token::access(facts)),
        check("target", deployment::target(facts)),
        check("event rule", loads::rule(facts)),
        check("event source mapping", loads::mapping(facts)),
        check("dead letters", loads::dead_letters(facts)),
    ]
}

fn check<'a>(name: &'static str, look: impl Future<Output = Result<Finding, Trouble>> + 'a) -> Check<'a> {
    look.map(move |found| Row::of(name, found)).boxed_local()
}

pub(crate) async fn run(_: Doctor, context: &Context) -> Result<()> {
    let facts = Facts::new(context);
    let progress = output::spinner("doctor");
    let rows = join_all(chain(&facts)).await;
    progress.finish_and_clear();
    match output::chosen_format() {
        Format::Text => output::print_line(&text(&rows))?,
        Format::Json => output::print_json(&rows)?,
    }
    judge(&rows)
}

/// A table whose verdicts have their colours: put in afterwards, for a table counts them as letters.
fn text(rows: &[Row]) -> String {
    let cells = |row: &Row| {
        let next = row.next.iter().map(|next| format!("\nnext: {}", next.replace('\n', "\n      ")));
        let evidence = format!("{}{}", row.evidence, next.collect::<String>());
        vec![row.verdict.to_string(), row.check.to_owned(), evidence]
    };
    let table = output::new_table(&["VERDICT", "CHECK", "EVIDENCE"], rows.iter().map(cells).collect());
    let colour = |line: &str| {
        let verdict = Verdict::ALL.into_iter().find(|verdict| line.starts_with(&verdict.to_string()));
        verdict.map_or(line.to_owned(), |verdict| {
            line.replacen(&verdict.to_string(), &verdict.styled().to_string(), 1)
        })
    };
    table.trim_fmt().lines().map(colour).collect::<Vec<_>>().join("\n")
}

fn judge(rows: &[Row]) -> Result<()> {
    let of = |verdict: Verdict| rows.iter().filter(move |row| row.verdict == verdict);
    let Some(first) = of(Verdict::Failed).next() else {
        match of(Verdict::Warning).count() {
            0 => output::print_message(&format!("all {} checks are ok", rows.len())),
            warnings => output::print_message(&format!("{warnings} of {} checks warn", rows.len())),
        }
        return Ok(());
    };
    let failed = of(Verdict::Failed).count();
    let exit = match first.exit {
        exit @ (Exit::Authentication | Exit::NotFound) => exit,
        _ => Exit::Failure,
    };
    Err(Failure::new(format!("{failed} of {} checks failed", rows.len()))
        .why(format!("the first: {}: {}", first.check, first.evidence))
        .next(first.next.as_deref().unwrap_or_default())
        .exit(exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(check: &'static str, exit: Exit) -> Row {
        Row::of(check, Err(Failure::new("it is broken").exit(exit).next("mend it").into()))
    }

    fn skipped(check: &'static str) -> Row {
        Row::of(check, Err(Trouble::with(REGION, Failure::new("no region").exit(Exit::Usage))))
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_failure() {
        let good = || Row::of("good", Ok(Finding::ok("fine")));
        let warning = || Row::of("old", Ok(Finding::warning("soon over", "renew it")));
        assert!(judge(&[good(), warning()]).is_ok());
        for (rows, exit) in [
            (
                vec![good(), failed("a", Exit::Authentication), failed("b", Exit::NotFound)],
                Exit::Authentication,
            ),
            (vec![warning(), failed("a", Exit::NotFound), failed("b", Exit::Failure)], Exit::NotFound),
            (vec![failed("a", Exit::Usage), skipped("b")], Exit::Failure),
        ] {
            let failure = judge(&rows).unwrap_err();
            assert_eq!(failure.exit, exit);
            assert_eq!(failure.advice(), Some("mend it"));
        }
    }

    #[test]
    fn what_needs_a_check_that_failed_is_skipped() {
        let row = skipped("stack");
        assert_eq!((row.verdict, row.evidence.as_str(), row.next), (Verdict::Skipped, "needs region", None));
        assert_eq!(skipped(REGION).verdict, Verdict::Failed);
    }

    #[test]
    fn the_table_says_what_to_type_below_the_evidence() {
        let rows = [Row::of("good", Ok(Finding::ok("fine"))), failed("bad", Exit::Failure), skipped("other")];
        assert_eq!(
            text(&rows),
            "VERDICT  CHECK  EVIDENCE\n\
             ok       good   fine\n\
             failed   bad    it is broken\n\
             \x20               next: mend it\n\
             skipped  other  needs region"
        );
    }
}
