//! A check of the concurrency that the functions have.

use restctl_contract::template::{output as stack_output, parameter};

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::lambda::{self, AccountConcurrency};
use crate::deployment::concurrency::{LOW_CONCURRENCY, RAISE_QUOTA};
use crate::failure::{Failure, shell_argument};

/// Returns what to do if a function is throttled.
pub(super) fn add_concurrency() -> String {
    format!(
        "restctl deploy --api-concurrency N, which changes the share of the API function; or {RAISE_QUOTA}"
    )
}

/// A function and the concurrency that it reserves.
struct FunctionConcurrency<'a> {
    what: &'static str,
    name: &'a str,
    reserved: Option<u32>,
    /// What the template reserves. `None` for no reservation.
    declared: Option<u32>,
}

/// Checks that each function may run, with the concurrency that the template reserves.
pub(super) async fn check_concurrency(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (aws, stack) = (facts.authenticated_clients().await?, facts.deployed_stack().await?);
    let api = stack.output(stack_output::API_FUNCTION)?;
    let ingest = stack.output(stack_output::INGEST_FUNCTION)?;
    let (api_reserved, ingest_reserved, account) = tokio::try_join!(
        lambda::read_reserved_concurrency(aws, api),
        lambda::read_reserved_concurrency(aws, ingest),
        lambda::read_account_concurrency(aws),
    )?;
    let declared = stack.parameter(parameter::API_CONCURRENCY).and_then(|number| number.parse().ok());
    // The local cloud leaves out the reservation of a template, and its account has as much as this machine has memory for.
    let (declared, account) = match facts.context.local {
        None => (declared, Some(&account)),
        Some(_) => (declared.filter(|_| api_reserved.is_some()), None),
    };
    let functions = [
        FunctionConcurrency { what: "API", name: api, reserved: api_reserved, declared },
        FunctionConcurrency { what: "ingest", name: ingest, reserved: ingest_reserved, declared: None },
    ];
    judge_concurrency(&functions, account)
}

fn judge_concurrency(
    functions: &[FunctionConcurrency<'_>],
    account: Option<&AccountConcurrency>,
) -> Result<CheckFinding, CheckError> {
    if let Some(stopped) = functions.iter().find(|function| function.reserved == Some(0)) {
        let failure = Failure::new(format!("the {} function has a reserved concurrency of 0", stopped.what));
        let failure = failure.why("Lambda refuses each of its invocations");
        return Err(failure.next(restore_command(stopped)).into());
    }
    if let Some(changed) = functions.iter().find(|function| function.reserved != function.declared) {
        let evidence = format!(
            "the {} function reserves {}, but the template {}",
            changed.what,
            describe_reservation(changed.reserved),
            describe_reservation(changed.declared)
        );
        return Ok(CheckFinding::warning(evidence, restore_command(changed)));
    }
    let mut evidence: Vec<String> = functions
        .iter()
        .map(|function| {
            format!("the {} function reserves {}", function.what, describe_reservation(function.reserved))
        })
        .collect();
    if let Some(AccountConcurrency { total, unreserved }) = account {
        let pool = format!("{unreserved} of the account's {total} concurrent invocations are unreserved");
        if *unreserved < LOW_CONCURRENCY {
            let evidence = format!("only {pool}, which loads and other functions share");
            return Ok(CheckFinding::warning(evidence, format!("{RAISE_QUOTA}, in this region")));
        }
        evidence.push(pool);
    }
    Ok(CheckFinding::ok(evidence.join(", ")))
}

fn describe_reservation(reserved: Option<u32>) -> String {
    reserved.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

/// Returns the command that restores the template's reservation. A deployment would not: CloudFormation changes only what the
/// template changes.
fn restore_command(function: &FunctionConcurrency<'_>) -> String {
    let name = shell_argument(function.name, "NAME");
    match function.declared {
        Some(number) => format!(
            "aws lambda put-function-concurrency --function-name {name} --reserved-concurrent-executions {number}"
        ),
        None => format!("aws lambda delete-function-concurrency --function-name {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    fn judged(
        api: (Option<u32>, Option<u32>),
        ingest: Option<u32>,
        total: u32,
        unreserved: u32,
    ) -> (CheckVerdict, String, String) {
        let functions = [
            FunctionConcurrency { what: "API", name: "a-Api", reserved: api.0, declared: api.1 },
            FunctionConcurrency { what: "ingest", name: "a-Ingest", reserved: ingest, declared: None },
        ];
        let account = AccountConcurrency { total, unreserved };
        let report = DoctorCheckReport::new("concurrency", judge_concurrency(&functions, Some(&account)));
        (report.verdict, report.evidence, report.next.unwrap_or_default())
    }

    #[test]
    fn a_function_that_may_not_run_fails_the_check() {
        let (verdict, evidence, next) = judged((Some(0), Some(450)), None, 1000, 1000);
        assert_eq!(verdict, CheckVerdict::Failed);
        assert!(evidence.starts_with("the API function has a reserved concurrency of 0"), "{evidence}");
        assert_eq!(
            next,
            "aws lambda put-function-concurrency --function-name a-Api --reserved-concurrent-executions 450"
        );
        let (verdict, _, next) = judged((Some(450), Some(450)), Some(0), 1000, 550);
        assert_eq!(verdict, CheckVerdict::Failed);
        assert_eq!(next, "aws lambda delete-function-concurrency --function-name a-Ingest");
    }

    #[test]
    fn a_reservation_that_is_not_the_templates_is_a_warning() {
        let (verdict, evidence, next) = judged((Some(5), Some(450)), None, 1000, 995);
        assert_eq!(verdict, CheckVerdict::Warning);
        assert_eq!(evidence, "the API function reserves 5, but the template 450");
        assert!(next.ends_with("--reserved-concurrent-executions 450"), "{next}");
        assert_eq!(judged((None, None), Some(3), 1000, 997).0, CheckVerdict::Warning);
    }

    #[test]
    fn a_small_pool_is_a_warning() {
        let (verdict, evidence, next) = judged((None, None), None, 10, 10);
        assert_eq!(verdict, CheckVerdict::Warning);
        assert!(evidence.starts_with("only 10 of the account's 10"), "{evidence}");
        assert!(next.contains("Service Quotas"), "{next}");
        assert_eq!(judged((Some(450), Some(450)), None, 1000, 550).0, CheckVerdict::Ok);
    }
}
