//! Checks of the stack, its settings and its function behind the load balancer.

use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;
use restctl_contract::template::{output as stack_output, parameter};

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::aws::elasticloadbalancing::{self, TargetHealth};
use crate::deployment::drift;
use crate::failure::{Exit, Failure, shell_argument};

pub(super) async fn check_stack(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let stack = facts.deployed_stack().await?;
    let state = format!("{} in {}", facts.context.stack, stack.status.as_str());
    Ok(match stack.status {
        StackStatus::UpdateRollbackComplete | StackStatus::UpdateRollbackCompleteCleanupInProgress => {
            CheckFinding::warning(
                format!("{state}: CloudFormation undid the last deployment"),
                "restctl deploy",
            )
        }
        _ if stack.is_busy() && stack.status != StackStatus::UpdateCompleteCleanupInProgress => {
            CheckFinding::warning(state, "restctl doctor, when the deployment has ended")
        }
        _ => CheckFinding::ok(state),
    })
}

/// Checks that the settings and the certificate have not changed since the last deployment.
pub(super) async fn check_deployed_settings(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (stack, settings) = (facts.deployed_stack().await?, facts.complete_settings().await?);
    let differences =
        drift::settings::compare_settings(facts.authenticated_clients().await?, stack, settings).await?;
    if let Some(first) = differences.first() {
        let failure = Failure::new("the settings have changed since the deployment");
        return Err(failure.why(first.describe()).next("restctl deploy").into());
    }
    let certificate = facts.imported_certificate().await?;
    if stack.parameter(parameter::CERTIFICATE_ARN).is_some_and(|arn| arn != certificate.arn) {
        let failure = Failure::new(format!("the certificate {} is not deployed yet", certificate.arn));
        return Err(failure.next("restctl deploy").into());
    }
    Ok(CheckFinding::ok("the live version of the API has these settings"))
}

/// Checks that the API function is registered with the load balancer, and healthy if an earlier template checks that.
pub(super) async fn check_target(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let stack = facts.deployed_stack().await?;
    let target_group = stack.output(stack_output::TARGET_GROUP)?;
    let function = stack.output(stack_output::API_ALIAS)?;
    let health =
        elasticloadbalancing::read_target_health(facts.authenticated_clients().await?, target_group).await?;
    let Some(target) = health.iter().find(|health| health.target == function) else {
        return Err(Failure::new(format!("{function} is not registered with the load balancer"))
            .exit(Exit::NotFound)
            .next(format!(
                "aws elbv2 register-targets --target-group-arn {} --targets Id={}",
                shell_argument(target_group, "ARN"),
                shell_argument(function, "ARN")
            ))
            .into());
    };
    judge_health(target)
}

fn judge_health(target: &TargetHealth) -> Result<CheckFinding, CheckError> {
    let evidence = match target.reason.as_str() {
        "" => target.state.as_str().to_owned(),
        reason => format!("{}: {reason}", target.state.as_str()),
    };
    match target.state {
        TargetHealthStateEnum::Healthy => Ok(CheckFinding::ok(evidence)),
        TargetHealthStateEnum::Initial => {
            Ok(CheckFinding::warning(evidence, "restctl doctor, after the first health check"))
        }
        // The health checks are disabled ("TargetHealth", Elastic Load Balancing API Reference).
        TargetHealthStateEnum::Unavailable => {
            Ok(CheckFinding::ok(format!("{} is registered; health checks are off", target.target)))
        }
        _ => Err(Failure::new(evidence).next("restctl logs, which shows what the function logged").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::check_report::{CheckVerdict, DoctorCheckReport};

    /// The states of `DescribeTargetHealth`. Stacks of earlier versions check the health.
    #[test]
    fn a_target_without_health_checks_is_fine() {
        for (state, reason, verdict, evidence) in [
            (
                "unavailable",
                "Target.HealthCheckDisabled",
                CheckVerdict::Ok,
                "arn is registered; health checks are off",
            ),
            ("healthy", "", CheckVerdict::Ok, "healthy"),
            (
                "initial",
                "Elb.InitialHealthChecking",
                CheckVerdict::Warning,
                "initial: Elb.InitialHealthChecking",
            ),
            ("unhealthy", "Target.Timeout", CheckVerdict::Failed, "unhealthy: Target.Timeout"),
        ] {
            let target = TargetHealth {
                target: "arn".to_owned(),
                state: TargetHealthStateEnum::from(state),
                reason: reason.to_owned(),
            };
            let report = DoctorCheckReport::new("target", judge_health(&target));
            assert_eq!((report.verdict, report.evidence.as_str()), (verdict, evidence));
        }
    }
}
