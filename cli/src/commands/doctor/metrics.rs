//! Checks of what CloudWatch counted in the last hour.

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use super::last_hour::LastHour;
use crate::aws::lambda::concurrency::add_concurrency;

pub(super) const READ_API_LOG: &str = "restctl logs api --since 1h";

/// An on-demand table takes twice its former peak at once, and more within 30 minutes ("On-demand capacity mode", Amazon DynamoDB
/// Developer Guide).
pub(super) const SPREAD_REQUESTS: &str =
    "spread the requests over time: DynamoDB adapts to more of them within 30 minutes; then restctl status";

/// Checks that nothing was throttled in the last hour.
pub(super) async fn check_throttles(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    Ok(judge_throttles(facts.last_hour().await?))
}

fn judge_throttles(hour: &LastHour) -> CheckFinding {
    let of_functions = [
        (hour.api_throttles, "invocations of the API function"),
        (hour.ingest_throttles, "invocations of the ingest function"),
    ];
    let of_table =
        [(hour.read_throttles, "reads of the table"), (hour.write_throttles, "writes of the table")];
    let functions = list_counts(&of_functions);
    let table = list_counts(&of_table);
    let next = match (functions.is_empty(), table.is_empty()) {
        (true, true) => return CheckFinding::ok("none of the functions and the table in the last hour"),
        (false, true) => add_concurrency(),
        (true, false) => SPREAD_REQUESTS.to_owned(),
        (false, false) => format!("{}\n{SPREAD_REQUESTS}", add_concurrency()),
    };
    let counts = [functions, table].concat().join(", ");
    CheckFinding::warning(format!("in the last hour: {counts}"), next)
}

/// Checks that no request was answered with 5xx in the last hour.
///
/// The API's own metric of errors would not tell: it also counts refused tokens and ids that are not found.
pub(super) async fn check_server_errors(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let hour = facts.last_hour().await?;
    let finding = judge_server_errors(hour);
    // The local cloud has metrics of functions only.
    let has_looked = facts.context.local.is_none() || hour.failed_invocations > 0;
    Ok(if has_looked {
        finding
    } else {
        CheckFinding::skipped("the local cloud does not count the answers of the load balancer")
    })
}

fn judge_server_errors(hour: &LastHour) -> CheckFinding {
    let counts = list_counts(&[
        (hour.balancer_errors, "answers 5xx of the load balancer itself"),
        (hour.api_errors, "answers 5xx of the API"),
        (hour.failed_invocations, "invocations of the API function without an answer"),
    ]);
    if counts.is_empty() {
        return CheckFinding::ok(format!("none in the last hour, of {} requests", hour.requests));
    }
    CheckFinding::warning(
        format!("in the last hour: {}; of {} requests", counts.join(", "), hour.requests),
        READ_API_LOG,
    )
}

/// Returns the counts that are not zero, in words.
fn list_counts(counts: &[(u64, &str)]) -> Vec<String> {
    counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    const QUIET: LastHour = LastHour {
        api_throttles: 0,
        ingest_throttles: 0,
        read_throttles: 0,
        write_throttles: 0,
        balancer_errors: 0,
        api_errors: 0,
        failed_invocations: 0,
        requests: 120,
    };

    fn report(finding: CheckFinding) -> (CheckVerdict, String, Option<String>) {
        let report = DoctorCheckReport::new("metric", Ok(finding));
        (report.verdict, report.evidence, report.next)
    }

    #[test]
    fn throttles_name_what_was_throttled() {
        assert_eq!(report(judge_throttles(&QUIET)).0, CheckVerdict::Ok);
        let functions = LastHour { api_throttles: 3, ingest_throttles: 1, ..QUIET };
        let (verdict, evidence, next) = report(judge_throttles(&functions));
        assert_eq!(verdict, CheckVerdict::Warning);
        assert_eq!(
            evidence,
            "in the last hour: 3 invocations of the API function, 1 invocations of the ingest function"
        );
        assert_eq!(next, Some(add_concurrency()));
        let table = LastHour { write_throttles: 7, ..QUIET };
        let (_, evidence, next) = report(judge_throttles(&table));
        assert_eq!(
            (evidence.as_str(), next.as_deref()),
            ("in the last hour: 7 writes of the table", Some(SPREAD_REQUESTS))
        );
    }

    #[test]
    fn server_errors_name_who_answered() {
        let (verdict, evidence, next) = report(judge_server_errors(&QUIET));
        assert_eq!((verdict, next), (CheckVerdict::Ok, None));
        assert_eq!(evidence, "none in the last hour, of 120 requests");
        let hour = LastHour { balancer_errors: 2, api_errors: 1, ..QUIET };
        let (verdict, evidence, next) = report(judge_server_errors(&hour));
        assert_eq!((verdict, next.as_deref()), (CheckVerdict::Warning, Some(READ_API_LOG)));
        assert_eq!(
            evidence,
            "in the last hour: 2 answers 5xx of the load balancer itself, 1 answers 5xx of the API; of 120 requests"
        );
    }
}
