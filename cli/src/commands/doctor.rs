//! `restctl doctor`: checks everything that requests and loads depend on, from the credentials to the dead-letter queue.

mod account;
mod check_names;
mod check_report;
mod clock_offset;
mod deployment;
mod facts;
mod handshake_fault;
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

use self::check_names::{
    CERTIFICATE, CHAIN, CLIENT_SECRET, CONNECTION, CREDENTIALS, EXPIRY, KEY, KEYS, NAME, REGION, SETTINGS,
    STACK, TOKEN,
};
use self::check_report::{CheckError, CheckFinding, CheckReport, CheckVerdict};
use self::facts::DoctorFacts;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Checks everything that requests and loads depend on, and changes nothing. Each check is ok, a warning, failed, or \
skipped because a check that it needs failed. A warning or failure says what to type next. One check requests a new token \
from the provider to test the client secret; it counts towards any limit on tokens.

Exit codes: 0 if every check is ok or a warning; otherwise the exit code of the first failed check: 4 for credentials and \
tokens, 5 if something is missing, 1 for everything else.

Examples:
  restctl doctor
  restctl doctor --output json | jq -r '.[] | select(.verdict == \"failed\") | .check'")]
pub(crate) struct Doctor {}

type RunningCheck<'a> = LocalBoxFuture<'a, CheckReport>;

/// Lists the checks. A check depends on earlier checks only.
fn all_checks<'a>(facts: &'a DoctorFacts<'a>) -> Vec<RunningCheck<'a>> {
    vec![
        report_check(REGION, account::check_region(facts)),
        report_check(CREDENTIALS, account::check_credentials(facts)),
        report_check("clock", account::check_clock(facts)),
        report_check(SETTINGS, setup_results::check_settings(facts)),
        report_check(CLIENT_SECRET, setup_results::check_client_secret(facts)),
        report_check(CERTIFICATE, setup_results::check_certificate(facts)),
        report_check(STACK, deployment::check_stack(facts)),
        report_check("deployed settings", deployment::check_deployed_settings(facts)),
        report_check(CONNECTION, tls::check_connection(facts)),
        report_check(KEY, tls::check_key(facts)),
        report_check(CHAIN, tls::check_chain(facts)),
        report_check(NAME, tls::check_name(facts)),
        report_check(EXPIRY, tls::check_expiry(facts)),
        report_check("fingerprint", tls::check_fingerprint(facts)),
        report_check("issuer", issuer::check_issuer(facts)),
        report_check(KEYS, issuer::check_keys(facts)),
        report_check(TOKEN, token::check_token_grant(facts)),
        report_check("claims", token::check_claims(facts)),
        report_check("access", token::check_access(facts)),
        report_check("target", deployment::check_target(facts)),
        report_check("event rule", loads::check_event_rule(facts)),
        report_check("event source mapping", loads::check_event_source_mapping(facts)),
        report_check("dead letters", loads::check_dead_letters(facts)),
    ]
}

fn report_check<'a>(
    name: &'static str,
    check: impl Future<Output = Result<CheckFinding, CheckError>> + 'a,
) -> RunningCheck<'a> {
    check.map(move |result| CheckReport::new(name, result)).boxed_local()
}

pub(crate) async fn run(_: Doctor, context: &Context) -> Result<()> {
    let facts = DoctorFacts::new(context);
    let progress = output::new_spinner("doctor");
    let reports = join_all(all_checks(&facts)).await;
    progress.finish_and_clear();
    match output::chosen_format() {
        Format::Text => output::print_line(&format_table(&reports))?,
        Format::Json => output::print_json(&reports)?,
    }
    conclude(&reports)
}

/// Formats the reports as a table with coloured verdicts. The colours are added afterwards because the table would count
/// their escape codes as letters.
fn format_table(reports: &[CheckReport]) -> String {
    let cells = |report: &CheckReport| {
        let next = report.next.iter().map(|next| format!("\nnext: {}", next.replace('\n', "\n      ")));
        let evidence = format!("{}{}", report.evidence, next.collect::<String>());
        vec![report.verdict.to_string(), report.check.to_owned(), evidence]
    };
    let table = output::new_table(&["VERDICT", "CHECK", "EVIDENCE"], reports.iter().map(cells).collect());
    let colour = |line: &str| {
        let verdict = CheckVerdict::ALL.into_iter().find(|verdict| line.starts_with(&verdict.to_string()));
        verdict.map_or(line.to_owned(), |verdict| {
            line.replacen(&verdict.to_string(), &verdict.styled().to_string(), 1)
        })
    };
    table.trim_fmt().lines().map(colour).collect::<Vec<_>>().join("\n")
}

/// Says how many checks are ok. Fails if one of them failed.
fn conclude(reports: &[CheckReport]) -> Result<()> {
    let with_verdict = |verdict: CheckVerdict| reports.iter().filter(move |report| report.verdict == verdict);
    let Some(first) = with_verdict(CheckVerdict::Failed).next() else {
        match with_verdict(CheckVerdict::Warning).count() {
            0 => output::print_message(&format!("all {} checks are ok", reports.len())),
            warnings => output::print_message(&format!("{warnings} of {} checks warn", reports.len())),
        }
        return Ok(());
    };
    let failed = with_verdict(CheckVerdict::Failed).count();
    let exit = match first.exit {
        exit @ (Exit::Authentication | Exit::NotFound) => exit,
        _ => Exit::Failure,
    };
    Err(Failure::new(format!("{failed} of {} checks failed", reports.len()))
        .why(format!("the first: {}: {}", first.check, first.evidence))
        .next(first.next.as_deref().unwrap_or_default())
        .exit(exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(check: &'static str, exit: Exit) -> CheckReport {
        CheckReport::new(check, Err(Failure::new("it is broken").exit(exit).next("fix it").into()))
    }

    fn skipped(check: &'static str) -> CheckReport {
        let error = CheckError::in_check(REGION, Failure::new("no region").exit(Exit::Usage));
        CheckReport::new(check, Err(error))
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_failure() {
        let ok = || CheckReport::new("good", Ok(CheckFinding::ok("fine")));
        let warning = || CheckReport::new("old", Ok(CheckFinding::warning("expires soon", "renew it")));
        assert!(conclude(&[ok(), warning()]).is_ok());
        for (reports, exit) in [
            (
                vec![ok(), failed("a", Exit::Authentication), failed("b", Exit::NotFound)],
                Exit::Authentication,
            ),
            (vec![warning(), failed("a", Exit::NotFound), failed("b", Exit::Failure)], Exit::NotFound),
            (vec![failed("a", Exit::Usage), skipped("b")], Exit::Failure),
        ] {
            let failure = conclude(&reports).unwrap_err();
            assert_eq!(failure.exit, exit);
            assert_eq!(failure.next_step(), Some("fix it"));
        }
    }

    #[test]
    fn a_check_is_skipped_when_a_check_that_it_needs_failed() {
        let report = skipped("stack");
        assert_eq!(report.verdict, CheckVerdict::Skipped);
        assert_eq!((report.evidence.as_str(), report.next), ("needs region", None));
        assert_eq!(skipped(REGION).verdict, CheckVerdict::Failed);
    }

    #[test]
    fn the_table_shows_the_next_step_below_the_evidence() {
        let ok = CheckReport::new("good", Ok(CheckFinding::ok("fine")));
        let reports = [ok, failed("bad", Exit::Failure), skipped("other")];
        assert_eq!(
            format_table(&reports),
            "VERDICT  CHECK  EVIDENCE\n\
             ok       good   fine\n\
             failed   bad    it is broken\n\
             \x20               next: fix it\n\
             skipped  other  needs region"
        );
    }
}
