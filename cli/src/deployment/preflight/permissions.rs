//! What the caller may do, by IAM's policy simulator: CloudFormation acts with the caller's permissions. The simulator does
//! not know all that their conditions ask for, nor what a resource's own policy forbids, so that it ends a deployment only where
//! both are certain: the denial, and that the deployment needs it.

mod needed;

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};

use super::{Deployment, Finding};
use crate::aws::Aws;
use crate::aws::iam::{self, Denial, Question};
use crate::aws::sts::Caller;
use crate::context::Context;
use crate::failure::Result;

use needed::{NEEDED, Need};

/// IAM throttles who asks for more at a time.
const AT_ONCE: usize = 8;

pub(super) async fn check(context: &Context, aws: &Aws, deployment: &Deployment<'_>) -> Vec<Finding> {
    let caller = deployment.caller;
    if caller.is_root() {
        return Vec::new();
    }
    let principal = match principal(aws, caller).await {
        Ok(Some(principal)) => principal,
        Ok(None) => return vec![not_asked(caller, "it is neither a user nor a role")],
        Err(failure) => return vec![not_asked(caller, &failure.to_single_line())],
    };
    let asked: Vec<_> = NEEDED
        .iter()
        .filter_map(|needed| {
            let need = needed.need(deployment)?;
            let resource = needed.resource(&context.stack, &aws.region, deployment);
            let question = Question { principal: &principal, caller, actions: needed.actions, resource };
            Some(async move { (need, iam::find_denials(aws, question).await) })
        })
        .collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    judge(caller, answers)
}

fn not_asked(caller: &Caller, why: &str) -> Finding {
    Finding::Note(format!("what {} may do was not simulated: {why}", caller.arn))
}

/// Actions, each once.
#[derive(Default)]
struct Actions(Vec<String>);

impl Actions {
    fn add(&mut self, action: String) {
        if !self.0.contains(&action) {
            self.0.push(action);
        }
    }

    /// None where there are none.
    fn listed(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join(", "))
    }
}

fn judge(caller: &Caller, answers: Vec<(Need, Result<Vec<Denial>>)>) -> Vec<Finding> {
    let (mut missing, mut dispensable) = (Actions::default(), Actions::default());
    let mut doubtful: BTreeMap<String, Actions> = BTreeMap::new();
    let mut failed = None;
    for (need, answer) in answers {
        let denials = match answer {
            Ok(denials) => denials,
            Err(failure) => {
                failed.get_or_insert(failure);
                continue;
            }
        };
        for Denial { action, doubt } in denials {
            match (need, doubt) {
                (_, Some(doubt)) => doubtful.entry(doubt).or_default().add(action),
                (Need::Certain, None) => missing.add(action),
                (Need::Possible, None) => dispensable.add(action),
            }
        }
    }
    let arn = &caller.arn;
    let problem = missing.listed().map(|actions| Finding::Problem {
        what: format!("{arn} may not {actions}"),
        next: "ask for these permissions, or use another --profile".to_owned(),
    });
    let doubtful = doubtful.iter().filter_map(|(doubt, actions)| {
        Some(Finding::Note(format!("{arn} perhaps may not {}: {doubt}", actions.listed()?)))
    });
    let dispensable = dispensable
        .listed()
        .map(|actions| Finding::Note(format!("{arn} may not {actions}, which this deployment may need")));
    let failed = failed.map(|failure| not_asked(caller, &failure.to_single_line()));
    problem.into_iter().chain(doubtful).chain(dispensable).chain(failed).collect()
}

/// The user or role whose policies count; none for what is neither, such as a federated user.
async fn principal(aws: &Aws, caller: &Caller) -> Result<Option<String>> {
    if let Some(role) = caller.role() {
        return iam::role_arn(aws, role).await.map(Some);
    }
    Ok(caller.is_user().then(|| caller.arn.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn denial(action: &str, doubt: Option<&str>) -> Result<Vec<Denial>> {
        Ok(vec![Denial { action: action.to_owned(), doubt: doubt.map(str::to_owned) }])
    }

    fn found(answers: Vec<(Need, Result<Vec<Denial>>)>) -> Vec<String> {
        let caller = Caller { account: "123456789012".to_owned(), arn: "me".to_owned() };
        let findings = judge(&caller, answers).into_iter().map(|finding| match finding {
            Finding::Problem { what, .. } => format!("problem: {what}"),
            Finding::Note(note) => note,
        });
        findings.collect()
    }

    #[test]
    fn only_what_is_certain_ends_a_deployment() {
        let answers = vec![
            (Need::Certain, denial("s3:CreateBucket", None)),
            (Need::Certain, denial("s3:CreateBucket", None)),
            (
                Need::Certain,
                denial("iam:CreateRole", Some("the simulator does not know aws:MultiFactorAuthPresent")),
            ),
            (
                Need::Certain,
                denial("iam:PassRole", Some("the simulator does not know aws:MultiFactorAuthPresent")),
            ),
            (Need::Possible, denial("cloudformation:DeleteStack", None)),
        ];
        assert_eq!(
            found(answers),
            [
                "problem: me may not s3:CreateBucket",
                "me perhaps may not iam:CreateRole, iam:PassRole: the simulator does not know aws:MultiFactorAuthPresent",
                "me may not cloudformation:DeleteStack, which this deployment may need",
            ]
        );
        assert!(found(vec![(Need::Certain, Ok(Vec::new()))]).is_empty());
    }

    #[test]
    fn a_failure_is_told_in_its_own_words_and_hides_no_denial() {
        let throttled =
            || Err(Failure::new("cannot simulate what may be done").why("Throttling: Rate exceeded"));
        let answers = vec![
            (Need::Certain, throttled()),
            (Need::Certain, denial("s3:CreateBucket", None)),
            (Need::Certain, throttled()),
        ];
        assert_eq!(
            found(answers),
            [
                "problem: me may not s3:CreateBucket",
                "what me may do was not simulated: cannot simulate what may be done: Throttling: Rate exceeded",
            ]
        );
    }
}
