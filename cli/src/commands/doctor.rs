//! `restctl doctor`: checks everything that requests and loads depend on, from the credentials to the dead-letter queue.

mod account;
mod alarms;
mod check_names;
mod check_report;
mod clock_offset;
mod concurrency;
mod deployment;
mod drift;
mod facts;
mod handshake_fault;
mod issuer;
mod last_hour;
mod loads;
mod memo;
mod metrics;
mod setup_results;
mod tls;
mod token;

use std::future::Future;

use clap::{Args, ValueEnum};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};

use self::check_names::{
    CERTIFICATE, CHAIN, CLIENT_SECRET, CONNECTION, CREDENTIALS, EXPIRY, KEY, KEYS, NAME, REGION, SETTINGS,
    STACK, THROTTLES, TOKEN,
};
use self::check_report::{CheckError, CheckFinding, CheckVerdict, DoctorCheckReport, fail_needed_checks};
use self::facts::DoctorFacts;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output::{self, Format};
use crate::terminal::progress;
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
Checks everything that requests and loads depend on, and changes nothing. Each check is ok, a warning, failed, or \
skipped because a check that it needs failed. A warning or failure says what to type next. One check requests a new token \
from the provider to test the client secret; that token counts towards any limit of the provider, and \
Amazon Cognito charges for it.

Exit codes: 0 if no check failed; otherwise the exit code of the first failed check: 4 for credentials and tokens, 5 if \
something is missing, 1 for everything else. With --fail-on warning, also 1 if none failed but one has a warning.

Examples:
  restctl doctor
  restctl doctor --fail-on warning       in a monitoring job
  restctl doctor --output json | jq -r '.[] | select(.verdict == \"failed\") | .check'")]
pub(crate) struct Doctor {
    /// What makes the exit code nonzero: a failed check, or a warning, too
    #[arg(long, value_name = "VERDICT", value_enum, default_value_t = FailOn::Failed)]
    fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Failed,
    Warning,
}

pub(crate) async fn run(args: Doctor, context: &Context) -> Result<()> {
    let facts = DoctorFacts::new(context);
    let progress = progress::new_spinner("doctor");
    let mut reports = join_all(all_checks(&facts)).await;
    fail_needed_checks(&mut reports);
    progress.finish_and_clear();
    match output::chosen_format() {
        Format::Text => output::print_text(format_table(&reports))?,
        Format::Json => output::print_json(&reports)?,
    }
    require_no_fault(&reports, args.fail_on)
}

type RunningCheck<'a> = LocalBoxFuture<'a, DoctorCheckReport>;

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
        report_check("functions", drift::check_functions(facts)),
        report_check("drift", drift::check_resources(facts)),
        report_check("additions", drift::check_additions(facts)),
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
        report_check("concurrency", concurrency::check_concurrency(facts)),
        report_check("5xx", metrics::check_server_errors(facts)),
        report_check(THROTTLES, metrics::check_throttles(facts)),
        report_check("alarms", alarms::check_alarms(facts)),
        report_check("event rule", loads::check_event_rule(facts)),
        report_check("event source mapping", loads::check_event_source_mapping(facts)),
        report_check("dead letters", loads::check_dead_letters(facts)),
    ]
}

fn report_check<'a>(
    name: &'static str,
    check: impl Future<Output = Result<CheckFinding, CheckError>> + 'a,
) -> RunningCheck<'a> {
    check.map(move |result| DoctorCheckReport::new(name, result)).boxed_local()
}

/// Formats the reports as a table with colored verdicts. The colors are added to the finished table, which would count their
/// escape codes as letters.
fn format_table(reports: &[DoctorCheckReport]) -> Text {
    let cells = |report: &DoctorCheckReport| {
        let mut evidence = Text::from(&report.evidence);
        for (place, line) in report.next.iter().flat_map(|next| next.split('\n')).enumerate() {
            evidence.push_line(format!("{:5} {line}", if place == 0 { "next:" } else { "" }));
        }
        vec![report.verdict.to_string().into(), report.check.into(), evidence]
    };
    let table = output::new_table(&["VERDICT", "CHECK", "EVIDENCE"], reports.iter().map(cells).collect());
    let color_verdict = |line: &str| {
        let verdict = CheckVerdict::ALL.into_iter().find(|verdict| line.starts_with(&verdict.to_string()));
        let Some(verdict) = verdict else { return Text::from(line) };
        let mut colored = verdict.in_color();
        colored.push(line.strip_prefix(&verdict.to_string()).unwrap_or_default());
        colored
    };
    Text::from_lines(Text::from_table(&table).as_str().lines().map(color_verdict))
}

/// Says how many checks are ok. Fails if one of them failed or, depending on `fail_on`, has a warning.
fn require_no_fault(reports: &[DoctorCheckReport], fail_on: FailOn) -> Result<()> {
    let with_verdict = |verdict: CheckVerdict| reports.iter().filter(move |report| report.verdict == verdict);
    let count = |verdict| with_verdict(verdict).count();
    if let Some(first) = with_verdict(CheckVerdict::Failed).next() {
        let exit = match first.exit {
            exit @ (Exit::Authentication | Exit::NotFound) => exit,
            _ => Exit::Failure,
        };
        let what = format!("{} of {} checks failed", count(CheckVerdict::Failed), reports.len());
        return Err(fault_failure(what, first).exit(exit));
    }
    let Some(first) = with_verdict(CheckVerdict::Warning).next() else {
        output::print_message(match count(CheckVerdict::Skipped) {
            0 => format!("all {} checks are ok", reports.len()),
            skipped => format!("{} checks are ok, {skipped} skipped", reports.len() - skipped),
        });
        return Ok(());
    };
    let what = format!("{} of {} checks have a warning", count(CheckVerdict::Warning), reports.len());
    match fail_on {
        FailOn::Warning => Err(fault_failure(what, first)),
        FailOn::Failed => {
            output::print_message(what);
            Ok(())
        }
    }
}

fn fault_failure(what: String, first: &DoctorCheckReport) -> Failure {
    Failure::new(what)
        .why(format!("the first: {}: {}", first.check, first.evidence))
        .next(first.next.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_report(check: &'static str, exit: Exit) -> DoctorCheckReport {
        DoctorCheckReport::new(check, Err(Failure::new("it is broken").exit(exit).next("fix it").into()))
    }

    fn skipped_report(check: &'static str) -> DoctorCheckReport {
        let error = CheckError::in_check(REGION, Failure::new("no region").exit(Exit::Usage));
        DoctorCheckReport::new(check, Err(error))
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_failure() {
        let ok = || DoctorCheckReport::new("good", Ok(CheckFinding::ok("fine")));
        let warning = || DoctorCheckReport::new("old", Ok(CheckFinding::warning("expires soon", "renew it")));
        assert!(require_no_fault(&[ok(), warning()], FailOn::Failed).is_ok());
        assert!(require_no_fault(&[ok(), ok()], FailOn::Warning).is_ok());
        let failure = require_no_fault(&[ok(), warning()], FailOn::Warning).unwrap_err();
        assert_eq!((failure.exit, failure.next_step()), (Exit::Failure, Some("renew it")));
        for (reports, exit) in [
            (
                vec![ok(), failed_report("a", Exit::Authentication), failed_report("b", Exit::NotFound)],
                Exit::Authentication,
            ),
            (
                vec![warning(), failed_report("a", Exit::NotFound), failed_report("b", Exit::Failure)],
                Exit::NotFound,
            ),
            (vec![failed_report("a", Exit::Usage), skipped_report("b")], Exit::Failure),
        ] {
            for fail_on in [FailOn::Failed, FailOn::Warning] {
                let failure = require_no_fault(&reports, fail_on).unwrap_err();
                assert_eq!((failure.exit, failure.next_step()), (exit, Some("fix it")));
            }
        }
    }

    #[test]
    fn a_check_is_skipped_when_a_check_that_it_needs_failed() {
        let report = skipped_report("stack");
        assert_eq!(report.verdict, CheckVerdict::Skipped);
        assert_eq!((report.evidence.as_str(), report.next), ("needs region", None));
        assert_eq!(skipped_report(REGION).verdict, CheckVerdict::Failed);
    }

    #[test]
    fn a_check_for_which_another_one_is_skipped_is_not_ok() {
        let stack = DoctorCheckReport::new("stack", Ok(CheckFinding::ok("it is complete")));
        let denied = Failure::new("cannot list the resources").exit(Exit::Authentication);
        let rule = DoctorCheckReport::new("event rule", Err(CheckError::in_check("stack", denied)));
        let mut reports = [stack, rule];
        fail_needed_checks(&mut reports);
        assert_eq!(reports[0].verdict, CheckVerdict::Failed);
        let failure = require_no_fault(&reports, FailOn::Failed).unwrap_err();
        assert_eq!(failure.exit, Exit::Authentication);
        assert!(failure.to_string().contains("cannot list the resources"), "{failure}");
    }

    #[test]
    fn the_table_shows_the_next_step_below_the_evidence() {
        let ok = DoctorCheckReport::new("good", Ok(CheckFinding::ok("fine")));
        let reports = [ok, failed_report("bad", Exit::Failure), skipped_report("other")];
        assert_eq!(
            format_table(&reports).as_str(),
            "VERDICT  CHECK  EVIDENCE\n\
             ok       good   fine\n\
             failed   bad    it is broken\n\
             \x20               next: fix it\n\
             skipped  other  needs region"
        );
    }
}
