//! What would end a deployment half-way, found before its first change: who asks and what they may do, the certificate, the
//! names, the quotas.

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

/// What is to be deployed, as far as it matters here.
pub(crate) struct Deployment<'a> {
    pub(crate) certificate: &'a Certificate,
    pub(crate) existing: Option<&'a Stack>,
    pub(crate) artifacts: OwnBucket<'a>,
    pub(crate) caller: &'a sts::Caller,
    /// The template's parameters, as far as they are known.
    pub(crate) parameters: &'a [(&'static str, String)],
}

impl Deployment<'_> {
    /// The value of a parameter; empty where it is the template's default.
    fn parameter(&self, name: &str) -> &str {
        let value = self.parameters.iter().find(|(parameter, _)| *parameter == name);
        value.map_or("", |(_, value)| value.as_str())
    }

    /// There is no stack yet.
    fn is_new(&self) -> bool {
        self.deployed().is_none()
    }

    /// The stack that is there was deployed with this value of a parameter; empty where its template did not have it.
    fn was(&self, name: &str, value: &str) -> bool {
        self.deployed().is_some_and(|stack| stack.parameter(name).unwrap_or_default() == value)
    }

    fn deployed(&self) -> Option<&Stack> {
        self.existing.filter(|stack| !stack.is_in_review())
    }
}

/// Something that a question found.
#[derive(Debug)]
enum Finding {
    /// It would end the deployment.
    Problem { what: String, next: String },
    /// It is worth to know.
    Note(String),
}

/// Asks everything at once; fails with all that would go wrong together.
pub(crate) async fn check(context: &Context, deployment: &Deployment<'_>) -> Result<()> {
    let aws = context.aws().await?;
    let (certificate, bucket, permissions, quotas) = tokio::join!(
        certificate::check(context, deployment),
        bucket(context, deployment),
        permissions::check(context, aws, deployment),
        quotas::check(context, aws, deployment),
    );
    let findings = [certificate?, bucket?, permissions, quotas];
    let (mut whats, mut nexts) = (Vec::new(), Vec::new());
    for finding in findings.into_iter().flatten() {
        match finding {
            Finding::Note(note) => output::print_message(&format!("note: {note}")),
            Finding::Problem { what, next } => {
                whats.push(what);
                nexts.push(next);
            }
        }
    }
    if whats.is_empty() {
        return Ok(());
    }
    nexts.dedup();
    Err(Failure::new("this cannot be deployed, and nothing was changed")
        .exit(Exit::Usage)
        .why(whats.join("\n"))
        .next(nexts.join("\n")))
}

/// Bucket names are shared by all accounts.
async fn bucket(context: &Context, deployment: &Deployment<'_>) -> Result<Vec<Finding>> {
    let is_refused =
        s3::find_own_bucket(context.aws().await?, deployment.artifacts).await? == OwnBucketState::Refused;
    let bucket = deployment.artifacts.name;
    let found = is_refused.then(|| Finding::Problem {
        what: format!("the bucket {bucket} is there and may not be used: it is somebody else's, or a policy is in the way"),
        next: "another name: --stack NAME".to_owned(),
    });
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod fixture {
    use aws_sdk_cloudformation::types::{Parameter, Stack, StackStatus};

    use super::*;
    use crate::aws::cloudformation;

    type Parameters<'a> = &'a [(&'static str, &'a str)];

    /// Looks at a deployment of these parameters, to a stack that has those of `before`, or to none.
    pub(super) fn with<T>(
        parameters: Parameters<'_>,
        before: Option<Parameters<'_>>,
        look: impl FnOnce(&Deployment<'_>) -> T,
    ) -> T {
        let certificate = Certificate {
            arn: String::new(),
            supersedes: Vec::new(),
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
        let existing = before.map(stack);
        look(&Deployment {
            certificate: &certificate,
            existing: existing.as_ref(),
            artifacts: OwnBucket { name: "artifacts", account: &caller.account },
            caller: &caller,
            parameters: &parameters,
        })
    }

    fn stack(parameters: Parameters<'_>) -> cloudformation::Stack {
        let parameters = parameters
            .iter()
            .map(|(name, value)| Parameter::builder().parameter_key(*name).parameter_value(*value).build());
        let stack = Stack::builder().stack_status(StackStatus::CreateComplete);
        cloudformation::from_sdk(stack.set_parameters(Some(parameters.collect())).build())
    }
}
