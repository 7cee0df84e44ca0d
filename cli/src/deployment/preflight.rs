//! Finds what would make a deployment fail halfway, before its first change: missing permissions, an unusable certificate, a
//! bucket name that is taken, and exhausted quotas.

mod certificate;
mod permissions;
mod quotas;

use restctl_contract::stack::Certificate;

use crate::aws::cloudformation::Stack;
use crate::aws::s3::{self, OwnBucket, OwnBucketState};
use crate::aws::sts;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output;

/// The planned deployment.
pub(crate) struct Deployment<'a> {
    pub(crate) certificate: &'a Certificate,
    pub(crate) existing: Option<&'a Stack>,
    pub(crate) artifacts: OwnBucket<'a>,
    pub(crate) caller: &'a sts::Caller,
    /// The template's parameters that are known so far.
    pub(crate) parameters: &'a [(&'static str, String)],
}

impl Deployment<'_> {
    /// Returns the value of a parameter, or the empty string for the template's default.
    fn parameter(&self, name: &str) -> &str {
        let value = self.parameters.iter().find(|(parameter, _)| *parameter == name);
        value.map_or("", |(_, value)| value.as_str())
    }

    /// Whether there is no stack yet.
    fn is_new(&self) -> bool {
        self.deployed_stack().is_none()
    }

    /// Whether the existing stack was deployed with this value of a parameter. A parameter that its template did not have is empty.
    fn was_deployed_with(&self, name: &str, value: &str) -> bool {
        self.deployed_stack().is_some_and(|stack| stack.parameter(name).unwrap_or_default() == value)
    }

    fn deployed_stack(&self) -> Option<&Stack> {
        self.existing.filter(|stack| !stack.is_in_review() && !stack.has_only_adopted_data())
    }
}

/// The result of a check.
#[derive(Debug)]
enum PreflightFinding {
    /// It would make the deployment fail.
    Problem { what: String, next: String },
    /// It does not stop the deployment.
    Note(String),
}

/// Makes all checks at the same time. A failure names all problems together.
pub(crate) async fn check_deployment(context: &Context, deployment: &Deployment<'_>) -> Result<()> {
    let aws = context.aws().await?;
    let (certificate, bucket, permissions, quotas) = tokio::join!(
        certificate::check_certificate(context, deployment),
        check_bucket(context, deployment),
        permissions::check_permissions(context, aws, deployment),
        quotas::check_quotas(context, aws, deployment),
    );
    let findings = [certificate?, bucket?, permissions, quotas];
    let (mut problems, mut next_steps) = (Vec::new(), Vec::new());
    for finding in findings.into_iter().flatten() {
        match finding {
            PreflightFinding::Note(note) => output::print_message(format!("note: {note}")),
            PreflightFinding::Problem { what, next } => {
                problems.push(what);
                next_steps.push(next);
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    next_steps.dedup();
    Err(Failure::new("this cannot be deployed; nothing was changed")
        .exit(Exit::Usage)
        .why_lines(problems)
        .next(next_steps.join("\n")))
}

/// Checks that the bucket of the packages can be used: all accounts share the names of buckets.
async fn check_bucket(context: &Context, deployment: &Deployment<'_>) -> Result<Vec<PreflightFinding>> {
    let is_refused =
        s3::read_bucket_state(context.aws().await?, deployment.artifacts).await? == OwnBucketState::Refused;
    let bucket = deployment.artifacts.name;
    let found = is_refused.then(|| PreflightFinding::Problem {
        what: format!("the bucket {bucket} exists and cannot be used: it belongs to another account, or a policy denies access"),
        next: "choose another name: --stack NAME".to_owned(),
    });
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod fixture {
    use aws_sdk_cloudformation::types::{Parameter, Stack, StackStatus};

    use super::*;
    use crate::aws::cloudformation;

    type Parameters<'a> = &'a [(&'static str, &'a str)];

    /// Passes a deployment of these parameters to `look`. `before` are the parameters of the existing stack, if there is one.
    pub(super) fn with_deployment<T>(
        parameters: Parameters<'_>,
        before: Option<Parameters<'_>>,
        look: impl FnOnce(&Deployment<'_>) -> T,
    ) -> T {
        let certificate = Certificate {
            arn: String::new(),
            supersedes: Vec::new(),
            tags: restctl_contract::stack::Tags::new(),
            name: String::new(),
            names: Vec::new(),
            anchor: String::new(),
            fingerprint: String::new(),
            not_after: String::new(),
            self_signed: false,
        };
        let caller = sts::Caller { account: "123456789012".to_owned(), arn: String::new() };
        let parameters: Vec<_> =
            parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let existing = before.map(existing_stack);
        look(&Deployment {
            certificate: &certificate,
            existing: existing.as_ref(),
            artifacts: OwnBucket { name: "artifacts", account: &caller.account },
            caller: &caller,
            parameters: &parameters,
        })
    }

    fn existing_stack(parameters: Parameters<'_>) -> cloudformation::Stack {
        let parameters = parameters
            .iter()
            .map(|(name, value)| Parameter::builder().parameter_key(*name).parameter_value(*value).build());
        let stack = Stack::builder().stack_status(StackStatus::CreateComplete);
        cloudformation::from_sdk(stack.set_parameters(Some(parameters.collect())).build())
    }
}
