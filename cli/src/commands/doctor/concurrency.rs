//! A check of the concurrency that the functions have.

use restctl_contract::template::output as stack_output;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::lambda::concurrency::{self, AccountConcurrency, RAISE_QUOTA};
use crate::deployment::concurrency::LOW_CONCURRENCY;
use crate::deployment::drift::REVERT;
use crate::failure::Failure;

/// A function and the concurrency that it reserves.
struct FunctionConcurrency {
    what: &'static str,
    reserved: Option<u32>,
}

/// Checks that each function may run, and that the account has concurrency for it. The check of the functions compares the
/// reservations with the template.
pub(super) async fn check_concurrency(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (aws, stack) = (facts.authenticated_clients().await?, facts.deployed_stack().await?);
    let (api, ingest, account) = tokio::try_join!(
        concurrency::read_reserved_concurrency(aws, stack.output(stack_output::API_FUNCTION)?),
        concurrency::read_reserved_concurrency(aws, stack.output(stack_output::INGEST_FUNCTION)?),
        concurrency::read_account_concurrency(aws),
    )?;
    let functions = [
        FunctionConcurrency { what: "API", reserved: api },
        FunctionConcurrency { what: "ingest", reserved: ingest },
    ];
    // The local cloud has as much as this machine has memory for.
    judge_concurrency(&functions, facts.context.local.is_none().then_some(&account))
}

fn judge_concurrency(
    functions: &[FunctionConcurrency],
    account: Option<&AccountConcurrency>,
) -> Result<CheckFinding, CheckError> {
    if let Some(stopped) = functions.iter().find(|function| function.reserved == Some(0)) {
        let failure = Failure::new(format!("the {} function has a reserved concurrency of 0", stopped.what));
        return Err(failure.why("Lambda refuses each of its invocations").next(REVERT).into());
    }
    let mut evidence: Vec<String> = functions.iter().map(describe_reservation).collect();
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

fn describe_reservation(function: &FunctionConcurrency) -> String {
    let reserved = function.reserved.map_or_else(|| "none".to_owned(), |number| number.to_string());
    format!("the {} function reserves {reserved}", function.what)
}

#[cfg(test)]
mod tests {
    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    fn judged(
        api: Option<u32>,
        ingest: Option<u32>,
        total: u32,
        unreserved: u32,
    ) -> (CheckVerdict, String, String) {
        let functions = [
            FunctionConcurrency { what: "API", reserved: api },
            FunctionConcurrency { what: "ingest", reserved: ingest },
        ];
        let account = AccountConcurrency { total, unreserved };
        let report = DoctorCheckReport::new("concurrency", judge_concurrency(&functions, Some(&account)));
        (report.verdict, report.evidence, report.next.unwrap_or_default())
    }

    #[test]
    fn a_function_that_may_not_run_fails_the_check() {
        let (verdict, evidence, next) = judged(Some(0), None, 1000, 1000);
        assert_eq!(verdict, CheckVerdict::Failed);
        assert!(evidence.starts_with("the API function has a reserved concurrency of 0"), "{evidence}");
        assert_eq!(next, REVERT);
        assert_eq!(judged(Some(450), Some(0), 1000, 550).0, CheckVerdict::Failed);
    }

    #[test]
    fn a_small_pool_is_a_warning() {
        let (verdict, evidence, next) = judged(None, None, 10, 10);
        assert_eq!(verdict, CheckVerdict::Warning);
        assert!(evidence.starts_with("only 10 of the account's 10"), "{evidence}");
        assert!(next.contains("Service Quotas"), "{next}");
        assert_eq!(judged(Some(450), None, 1000, 550).0, CheckVerdict::Ok);
    }
}
