//! What the caller may do, by IAM's policy simulator: CloudFormation acts with the caller's permissions. The simulator does
//! not see what an organisation's policies or a resource's own policy forbid.

mod needed;

use futures_util::future::join_all;

use super::{Deployment, Finding};
use crate::aws::sts::Caller;
use crate::aws::{Aws, iam};
use crate::context::Context;
use crate::failure::Result;

use needed::{NEEDED, Needed};

pub(super) async fn check(context: &Context, deployment: &Deployment<'_>) -> Vec<Finding> {
    let caller = deployment.caller;
    if caller.is_root() {
        return Vec::new();
    }
    let not_asked =
        |why: String| vec![Finding::Note(format!("what {} may do was not simulated: {why}", caller.arn))];
    let principal = match principal(&context.aws, caller).await {
        Ok(Some(principal)) => principal,
        Ok(None) => return not_asked("it is neither a user nor a role".to_owned()),
        Err(_) => return not_asked("its role may not be looked at (iam:GetRole)".to_owned()),
    };
    let applies = |needed: &&Needed| needed.applies(|name| deployment.parameter(name));
    let asked = NEEDED.iter().filter(applies).map(|needed| {
        let resource = needed.resource(context, caller, deployment);
        let principal = &principal;
        async move { iam::denied(&context.aws, principal, needed.actions, &resource).await }
    });
    let answers: Result<Vec<_>> = join_all(asked).await.into_iter().collect();
    let Ok(denied) = answers else {
        return not_asked("it may not ask (iam:SimulatePrincipalPolicy)".to_owned());
    };
    let denied: Vec<String> = denied.into_iter().flatten().collect();
    if denied.is_empty() {
        return Vec::new();
    }
    vec![Finding::Problem {
        what: format!("{} may not {}", caller.arn, denied.join(", ")),
        next: "ask for these permissions, or use another --profile".to_owned(),
    }]
}

/// The user or role whose policies count; none for what is neither, such as a federated user.
async fn principal(aws: &Aws, caller: &Caller) -> Result<Option<String>> {
    if let Some(role) = caller.role() {
        return iam::role_arn(aws, role).await.map(Some);
    }
    Ok(caller.is_user().then(|| caller.arn.clone()))
}
