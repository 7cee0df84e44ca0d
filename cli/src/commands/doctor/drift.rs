//! Checks that what runs is what was deployed.

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::can_compare;
use crate::deployment::drift::additions::{find_additions, is_open};
use crate::deployment::drift::functions::{ComparedFunction, compare_functions};
use crate::deployment::drift::resources::{ComparedResources, compare_resources};
use crate::deployment::drift::{self, RECREATE, REVERT, ResourceDrift};
use crate::failure::{Exit, Failure};

/// Checks the functions, their live versions and their aliases.
pub(super) async fn check_functions(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let stack = facts.deployed_stack().await?;
    if !can_compare(stack) {
        return Ok(not_yet(stack));
    }
    judge_functions(&compare_functions(facts.authenticated_clients().await?, stack).await?)
}

/// Checks the other resources.
pub(super) async fn check_resources(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (stack, resources) = (facts.deployed_stack().await?, facts.resources().await?);
    if !can_compare(stack) {
        return Ok(not_yet(stack));
    }
    let found = compare_resources(facts.authenticated_clients().await?, stack, resources).await;
    judge_resources(found, facts.context.local.is_some())
}

/// Checks that nothing was added beside the stack that serves or loads something.
pub(super) async fn check_additions(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (stack, resources) = (facts.deployed_stack().await?, facts.resources().await?);
    if !can_compare(stack) {
        return Ok(not_yet(stack));
    }
    judge_additions(&find_additions(facts.authenticated_clients().await?, stack, resources).await)
}

fn not_yet(stack: &Stack) -> CheckFinding {
    let evidence = format!("CloudFormation compares nothing while the stack is in {}", stack.status.as_str());
    CheckFinding::warning(evidence, "restctl doctor, when the deployment has ended")
}

fn judge_functions(functions: &[ComparedFunction]) -> Result<CheckFinding, CheckError> {
    let drifts: Vec<_> = functions.iter().flat_map(ComparedFunction::drifts).collect();
    if !drifts.is_empty() {
        return Err(drift_failure(&drifts).into());
    }
    let rolled_back = functions.iter().filter_map(|function| {
        Some(format!("{} is rolled back to version {}", function.function, function.rolled_back_to()?))
    });
    let rolled_back: Vec<_> = rolled_back.collect();
    Ok(CheckFinding::ok(match rolled_back.as_slice() {
        [] => "both run what was deployed".to_owned(),
        some => some.join(", "),
    }))
}

/// CloudFormation sometimes reports false differences, so only a deleted resource is a failure.
fn judge_resources(found: ComparedResources, is_local: bool) -> Result<CheckFinding, CheckError> {
    let ComparedResources { drifts, failures, compared, not_comparable } = found;
    if drifts.iter().any(ResourceDrift::is_deleted) {
        return Err(drift_failure(&drifts).exit(Exit::NotFound).into());
    }
    if !drifts.is_empty() {
        return Ok(CheckFinding::warning(drift_failure(&drifts).to_single_line(), REVERT));
    }
    if let Some(first) = failures.first() {
        return Ok(not_compared(failures.len(), first));
    }
    let rest = match not_comparable {
        0 => String::new(),
        number => format!("; CloudFormation cannot compare {number} more"),
    };
    let evidence = format!("{compared} other resources are as they were deployed{rest}");
    // The local cloud compares fewer types.
    if compared == 0 && !is_local {
        return Ok(CheckFinding::warning(evidence, "restctl doctor, again in a moment"));
    }
    Ok(CheckFinding::ok(evidence))
}

/// Someone may have added it on purpose, so only what lets everyone call a function is a failure.
fn judge_additions(found: &ComparedResources) -> Result<CheckFinding, CheckError> {
    let ComparedResources { drifts, failures, .. } = found;
    if drifts.is_empty() {
        return Ok(match failures.first() {
            Some(first) => not_compared(failures.len(), first),
            None => CheckFinding::ok("nothing was added beside the stack"),
        });
    }
    let commands: Vec<_> = drifts.iter().filter_map(|drift| drift.remove.as_deref()).collect();
    let next = format!("if it is not wanted: {}", commands.join(";\n"));
    let failure = Failure::new("added beside the stack").why(drift::describe(drifts).join("; ")).next(next);
    match drifts.iter().any(is_open) {
        true => Err(failure.into()),
        false => {
            let evidence = failure.to_single_line();
            Ok(CheckFinding::warning(evidence, failure.next_step().unwrap_or_default()))
        }
    }
}

fn not_compared(number: usize, first: &Failure) -> CheckFinding {
    let failed = match number {
        1 => "a comparison failed".to_owned(),
        _ => format!("{number} comparisons failed; the first"),
    };
    let evidence = format!("{failed}: {}", first.to_single_line());
    CheckFinding::warning(evidence, first.next_step().unwrap_or("restctl doctor, again in a moment"))
}

fn drift_failure(drifts: &[ResourceDrift]) -> Failure {
    let next = if drifts.iter().any(ResourceDrift::is_deleted) { RECREATE } else { REVERT };
    Failure::new("changed without restctl").why(drift::describe(drifts).join("; ")).next(next)
}

#[cfg(test)]
mod tests {
    use super::super::check_report::{CheckVerdict, DoctorCheckReport};
    use super::*;

    #[test]
    fn a_check_that_has_compared_nothing_is_not_ok() {
        let judge = |compared, is_local| {
            let found = ComparedResources { compared, not_comparable: 9, ..ComparedResources::default() };
            let report = DoctorCheckReport::new("drift", judge_resources(found, is_local));
            (report.verdict, report.evidence)
        };
        let (verdict, evidence) = judge(14, false);
        assert_eq!(verdict, CheckVerdict::Ok);
        assert_eq!(
            evidence,
            "14 other resources are as they were deployed; CloudFormation cannot compare 9 more"
        );
        assert_eq!(judge(0, false).0, CheckVerdict::Warning);
        assert_eq!(judge(0, true).0, CheckVerdict::Ok);
    }
}
