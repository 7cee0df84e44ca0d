//! Checks of what CloudWatch counted in the last hour.

use restctl_contract::template::output as stack_output;

use super::check_report::{CheckError, CheckFinding};
use super::concurrency::add_concurrency;
use super::facts::DoctorFacts;
use crate::aws::Aws;
use crate::aws::cloudformation::{Resource, Stack};
use crate::aws::cloudwatch::{self, Periods, Series};
use crate::failure::Result;

pub(super) const READ_API_LOG: &str = "restctl logs api --since 1h";

/// An on-demand table takes twice its former peak at once, and more within 30 minutes ("On-demand capacity mode", Amazon DynamoDB
/// Developer Guide).
pub(super) const SPREAD_REQUESTS: &str =
    "spread the requests over time: DynamoDB adapts to more of them within 30 minutes; then restctl status";

/// What was counted in the last hour. A metric without values counts nothing.
pub(super) struct LastHour {
    api_throttles: u64,
    ingest_throttles: u64,
    read_throttles: u64,
    write_throttles: u64,
    /// Answers of the load balancer itself.
    balancer_errors: u64,
    /// Answers of the API that the load balancer passed on.
    api_errors: u64,
    /// Invocations of the API function that ended without an answer.
    failed_invocations: u64,
    requests: u64,
}

impl LastHour {
    /// Reads all metrics with one call.
    pub(super) async fn read(aws: &Aws, stack: &Stack, resources: &[Resource]) -> Result<Self> {
        let series = |namespace, metric, dimension| Series { namespace, metric, dimension, statistic: "Sum" };
        let api = ("FunctionName", stack.output(stack_output::API_FUNCTION)?);
        let ingest = ("FunctionName", stack.output(stack_output::INGEST_FUNCTION)?);
        let table = ("TableName", stack.output(stack_output::ITEMS_TABLE)?);
        let load_balancer = ("LoadBalancer", load_balancer_name(resources));
        let series = [
            series("AWS/Lambda", "Throttles", api),
            series("AWS/Lambda", "Throttles", ingest),
            series("AWS/DynamoDB", "ReadThrottleEvents", table),
            series("AWS/DynamoDB", "WriteThrottleEvents", table),
            series("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", load_balancer),
            series("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", load_balancer),
            series("AWS/Lambda", "Errors", api),
            series("AWS/ApplicationELB", "RequestCount", load_balancer),
        ];
        let read = cloudwatch::read_metrics(aws, series, Periods::last_hour()).await?;
        let [
            api_throttles,
            ingest_throttles,
            read_throttles,
            write_throttles,
            balancer_errors,
            api_errors,
            failed_invocations,
            requests,
        ] = read.map(|values| values.into_iter().flatten().sum::<f64>() as u64);
        Ok(Self {
            api_throttles,
            ingest_throttles,
            read_throttles,
            write_throttles,
            balancer_errors,
            api_errors,
            failed_invocations,
            requests,
        })
    }
}

/// Returns the name in the metrics, `app/NAME/ID`, which is the end of the ARN ("CloudWatch metrics for your Application Load
/// Balancer", User Guide for Application Load Balancers).
fn load_balancer_name(resources: &[Resource]) -> &str {
    let load_balancer = Resource::find(resources, "AWS::ElasticLoadBalancingV2::LoadBalancer");
    load_balancer.and_then(|resource| resource.id.split_once(":loadbalancer/")).map_or("", |(_, name)| name)
}

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

    #[test]
    fn the_metrics_name_a_load_balancer_by_the_end_of_its_arn() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/orders-LoadB-1/5";
        let (name, kind) =
            ["LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer"].map(str::to_owned).into();
        assert_eq!(
            load_balancer_name(&[Resource { name, kind, id: arn.to_owned() }]),
            "app/orders-LoadB-1/5"
        );
    }
}
