//! The stack, what it was deployed with, and its function behind the load balancer.

use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;
use restctl_contract::template::{output as stack_output, parameter};

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use crate::aws::elasticloadbalancing;
use crate::deployment::drift;
use crate::failure::{Exit, Failure};

pub(super) async fn stack(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let stack = facts.stack().await?;
    let state = format!("{} in {}", facts.context.stack, stack.status.as_str());
    Ok(match stack.status {
        StackStatus::UpdateRollbackComplete | StackStatus::UpdateRollbackCompleteCleanupInProgress => {
            Finding::warning(format!("{state}: the last deployment was undone"), "restctl deploy")
        }
        _ if stack.is_busy() && stack.status != StackStatus::UpdateCompleteCleanupInProgress => {
            Finding::warning(state, "restctl doctor, once the deployment has ended")
        }
        _ => Finding::ok(state),
    })
}

/// The settings and the certificate are those of the last deployment.
pub(super) async fn settings(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (stack, settings) = (facts.stack().await?, facts.settings().await?);
    let differences = drift::find_differences(facts.aws().await?, stack, settings).await?;
    if let Some(first) = differences.first() {
        let failure = Failure::new(format!("{} has changed since the deployment", first.variable));
        let (deployed, set_up) = (&first.deployed, &first.set_up);
        return Err(failure
            .why(format!("deployed {deployed:?}, set up {set_up:?}"))
            .next("restctl deploy")
            .into());
    }
    let certificate = facts.certificate().await?;
    if stack.parameter(parameter::CERTIFICATE_ARN).is_some_and(|arn| arn != certificate.arn) {
        let failure = Failure::new(format!("the certificate {} is not deployed yet", certificate.arn));
        return Err(failure.next("restctl deploy").into());
    }
    Ok(Finding::ok("the live version of the API has these settings"))
}

/// The load balancer has the API function, and calls it good.
pub(super) async fn target(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let stack = facts.stack().await?;
    let target_group = stack.output(stack_output::TARGET_GROUP)?;
    let function = stack.output(stack_output::API_ALIAS)?;
    let health = elasticloadbalancing::read_target_health(facts.aws().await?, target_group).await?;
    let Some(target) = health.iter().find(|health| health.target == function) else {
        return Err(Failure::new(format!("{function} is not registered with the load balancer"))
            .exit(Exit::NotFound)
            .next(format!(
                "aws elbv2 register-targets --target-group-arn {target_group} --targets Id={function}"
            ))
            .into());
    };
    let evidence = match target.reason.as_str() {
        "" => target.state.as_str().to_owned(),
        reason => format!("{}: {reason}", target.state.as_str()),
    };
    match target.state {
        TargetHealthStateEnum::Healthy => Ok(Finding::ok(evidence)),
        TargetHealthStateEnum::Initial => {
            Ok(Finding::warning(evidence, "restctl doctor, once it has been looked at"))
        }
        // Somebody has switched off the health checks.
        TargetHealthStateEnum::Unavailable => Ok(Finding::warning(evidence, "restctl deploy")),
        _ => Err(Failure::new(evidence).next("restctl logs, which has what the function says").into()),
    }
}
