//! Checks the caller's permissions with IAM's policy simulator: CloudFormation acts with the permissions of the caller. The simulator
//! does not know all condition keys, nor what a resource's own policy denies. A denial therefore ends a deployment only if it
//! is certain, and if the deployment certainly needs the action.

mod needed;

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};

use super::{Deployment, PreflightFinding};
use crate::aws::Aws;
use crate::aws::iam::{self, Denial, Question};
use crate::aws::sts::Caller;
use crate::context::Context;
use crate::failure::{Failure, Result};

use needed::Necessity;

/// IAM throttles callers that send more requests at a time.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// The denials that an answer of the simulator contains.
type Denials = Vec<(Necessity, Denial)>;

pub(super) async fn check_permissions(
    context: &Context,
    aws: &Aws,
    deployment: &Deployment<'_>,
) -> Vec<PreflightFinding> {
    let caller = deployment.caller;
    if caller.is_root() {
        return Vec::new();
    }
    match simulate_needed(context, aws, deployment).await {
        Ok(answers) => summarize_denials(caller, answers),
        Err(failure) => vec![not_simulated(caller, &failure)],
    }
}

async fn simulate_needed(
    context: &Context,
    aws: &Aws,
    deployment: &Deployment<'_>,
) -> Result<Vec<Result<Denials>>> {
    let caller = deployment.caller;
    let principal = &find_principal(aws, caller).await?;
    let needed = needed::find_needed(deployment, &context.stack, &aws.region)?;
    let asked = needed.into_iter().map(|(resource, necessities)| async move {
        let actions: Vec<_> = necessities.keys().copied().collect();
        let question = Question { principal, caller, actions: &actions, resource };
        let denials = iam::find_denials(aws, question).await?.into_iter();
        let necessity = |action: &str| necessities.get(action).copied().unwrap_or(Necessity::Possible);
        Ok(denials.map(|denial| (necessity(&denial.action), denial)).collect())
    });
    Ok(stream::iter(asked).buffered(MAX_CONCURRENT_REQUESTS).collect().await)
}

fn not_simulated(caller: &Caller, why: &Failure) -> PreflightFinding {
    let why = why.to_single_line();
    PreflightFinding::Note(format!("the permissions of {} were not simulated: {why}", caller.arn))
}

/// A list of actions without duplicates.
#[derive(Default)]
struct Actions(Vec<String>);

impl Actions {
    fn add_action(&mut self, action: String) {
        if !self.0.contains(&action) {
            self.0.push(action);
        }
    }

    /// Returns the actions, separated by commas. `None` if there are none.
    fn to_list(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join(", "))
    }
}

fn summarize_denials(caller: &Caller, answers: Vec<Result<Denials>>) -> Vec<PreflightFinding> {
    let (mut missing, mut dispensable) = (Actions::default(), Actions::default());
    let mut doubtful: BTreeMap<String, Actions> = BTreeMap::new();
    let mut failed = None;
    for answer in answers {
        let denials = match answer {
            Ok(denials) => denials,
            Err(failure) => {
                failed.get_or_insert(failure);
                continue;
            }
        };
        for (necessity, Denial { action, doubt }) in denials {
            match (necessity, doubt) {
                (_, Some(doubt)) => doubtful.entry(doubt).or_default().add_action(action),
                (Necessity::Certain, None) => missing.add_action(action),
                (Necessity::Possible, None) => dispensable.add_action(action),
            }
        }
    }
    // Needed for one resource, and perhaps for another.
    dispensable.0.retain(|action| !missing.0.contains(action));
    let arn = &caller.arn;
    let problem = missing.to_list().map(|actions| PreflightFinding::Problem {
        what: format!("{arn} lacks permission for {actions}"),
        next: "ask for these permissions, or use another --profile".to_owned(),
    });
    let doubtful = doubtful.iter().filter_map(|(doubt, actions)| {
        Some(PreflightFinding::Note(format!("{arn} may lack permission for {}: {doubt}", actions.to_list()?)))
    });
    let dispensable = dispensable.to_list().map(|actions| {
        PreflightFinding::Note(format!(
            "{arn} lacks permission for {actions}, which this deployment may need"
        ))
    });
    let failed = failed.map(|failure| not_simulated(caller, &failure));
    problem.into_iter().chain(doubtful).chain(dispensable).chain(failed).collect()
}

/// Returns the user or role whose policies are evaluated. Other callers, such as a federated user, have none.
async fn find_principal(aws: &Aws, caller: &Caller) -> Result<String> {
    match caller.role_name() {
        Some(role) => iam::role_arn(aws, role).await,
        None if caller.is_user() => Ok(caller.arn.clone()),
        None => Err(Failure::new("it is neither a user nor a role")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial_answer(necessity: Necessity, action: &str, doubt: Option<&str>) -> Result<Denials> {
        Ok(vec![(necessity, Denial { action: action.to_owned(), doubt: doubt.map(str::to_owned) })])
    }

    fn summarize_as_text(answers: Vec<Result<Denials>>) -> Vec<String> {
        let caller = Caller { account: "123456789012".to_owned(), arn: "me".to_owned() };
        let findings = summarize_denials(&caller, answers).into_iter().map(|finding| match finding {
            PreflightFinding::Problem { what, .. } => format!("problem: {what}"),
            PreflightFinding::Note(note) => note,
        });
        findings.collect()
    }

    #[test]
    fn only_certain_denials_end_a_deployment() {
        let unknown = Some("the simulator does not know aws:MultiFactorAuthPresent");
        let answers = vec![
            denial_answer(Necessity::Certain, "s3:CreateBucket", None),
            denial_answer(Necessity::Certain, "s3:CreateBucket", None),
            denial_answer(Necessity::Certain, "iam:CreateRole", unknown),
            denial_answer(Necessity::Certain, "iam:PassRole", unknown),
            denial_answer(Necessity::Possible, "cloudformation:DeleteStack", None),
            denial_answer(Necessity::Possible, "s3:CreateBucket", None),
        ];
        assert_eq!(
            summarize_as_text(answers),
            [
                "problem: me lacks permission for s3:CreateBucket",
                "me may lack permission for iam:CreateRole, iam:PassRole: the simulator does not know aws:MultiFactorAuthPresent",
                "me lacks permission for cloudformation:DeleteStack, which this deployment may need",
            ]
        );
        assert!(summarize_as_text(vec![Ok(Vec::new())]).is_empty());
    }

    #[test]
    fn a_failure_is_noted_and_hides_no_denial() {
        let throttled =
            || Err(Failure::new("cannot simulate the permissions").why("Throttling: Rate exceeded"));
        let answers =
            vec![throttled(), denial_answer(Necessity::Certain, "s3:CreateBucket", None), throttled()];
        assert_eq!(
            summarize_as_text(answers),
            [
                "problem: me lacks permission for s3:CreateBucket",
                "the permissions of me were not simulated: cannot simulate the permissions: Throttling: Rate exceeded",
            ]
        );
    }
}
