//! Chooses the parameters, the tags and the packages of the stack, and checks for anything that would stop the deployment halfway.

use restctl_contract::stack::{Certificate, Setting};
use restctl_contract::template::parameter;

use super::options::identity_provider::choose_identity_provider;
use super::options::support::check_supported;
use super::request::DeployRequest;
use super::template::TEMPLATE;
use super::{edge_jwt, rolled_back};
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::change_set::{self, ChangeSet, Desired};
use crate::aws::s3::OwnBucket;
use crate::aws::sts::{self, Caller};
use crate::context::Context;
use crate::deployment::concurrency;
use crate::deployment::packages::{Packages, Place};
use crate::deployment::preflight::{self, Deployment};
use crate::failure::Result;

/// What was chosen for the stack.
pub(super) struct StackChoices {
    pub(super) caller: Caller,
    artifacts: String,
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) packages: Packages,
    /// Whether the deployment makes other versions live than the last rollback has.
    pub(super) ends_rollback: bool,
}

impl StackChoices {
    pub(super) fn artifact_bucket(&self) -> OwnBucket<'_> {
        OwnBucket { name: &self.artifacts, account: &self.caller.account }
    }

    /// Creates the change set that makes or updates the stack. Returns `None` if nothing would change.
    pub(super) async fn create_change_set(
        &self,
        request: &DeployRequest<'_>,
        existing: Option<&Stack>,
        stopped: impl Future<Output = Result<()>>,
    ) -> Result<Option<ChangeSet>> {
        let Self { parameters, tags, .. } = self;
        let desired = Desired { template: TEMPLATE, parameters, tags, imports: Vec::new() };
        change_set::create_change_set(request.aws, &request.context.stack, existing, desired, stopped).await
    }
}

pub(super) async fn make_choices(request: &DeployRequest<'_>) -> Result<StackChoices> {
    let DeployRequest { args, context, aws, start, settings, certificate, .. } = request;
    let (name, options, deployed) = (&context.stack, &args.options, start.stack_with_options());
    let idp = choose_identity_provider(options, settings, deployed)?;
    let caller = sts::read_caller(aws).await?;
    check_supported(request, idp, caller.partition())?;
    let artifacts = name.artifact_bucket(&caller.account, &aws.region);
    let mut parameters = options.template_parameters(deployed);
    parameters.push((parameter::IDP, idp.to_owned()));
    if let Some(adoption) = &request.adoption {
        adoption.set_key(&mut parameters);
    }
    parameters.extend(edge_jwt::read_parameters(options.edge_jwt(deployed), idp, settings).await?);
    parameters.extend(choose_concurrency(request, &parameters).await);
    let deployment = Deployment {
        certificate,
        existing: start.stack.as_ref(),
        artifacts: OwnBucket { name: &artifacts, account: &caller.account },
        caller: &caller,
        parameters: &parameters,
    };
    preflight::check_deployment(context, &deployment).await?;
    let packages = find_packages(request)?;
    parameters.extend(fixed_parameters(context, &artifacts, &packages, certificate));
    let tags = options.stack_tags(name, deployed);
    let ends_rollback = match &start.stack {
        Some(stack) => rolled_back::announce_end_of_rollback(aws, stack).await?,
        None => false,
    };
    Ok(StackChoices { caller, artifacts, parameters, tags, packages, ends_rollback })
}

/// Returns the parameter of the API's concurrency unless it is among `parameters`. The local cloud ignores it.
async fn choose_concurrency(
    request: &DeployRequest<'_>,
    parameters: &[(&'static str, String)],
) -> Option<(&'static str, String)> {
    let is_chosen = parameters.iter().any(|(name, _)| *name == parameter::API_CONCURRENCY);
    if is_chosen || request.context.local.is_some() {
        return None;
    }
    let reservation = match request.start.stack_with_options() {
        None => concurrency::choose_reservation(request.aws).await,
        Some(_) => concurrency::leave_unreserved(),
    };
    Some((parameter::API_CONCURRENCY, reservation))
}

fn find_packages(request: &DeployRequest<'_>) -> Result<Packages> {
    let place = if request.context.local.is_some() { Place::Local } else { Place::Aws };
    let stack = request.start.stack_with_options();
    let architecture = stack.and_then(|stack| stack.parameter(parameter::ARCHITECTURE)?.parse().ok());
    Packages::find(request.args.lambdas.as_deref(), place, architecture)
}

/// Returns the parameters that are not options.
fn fixed_parameters(
    context: &Context,
    artifacts: &str,
    packages: &Packages,
    certificate: &Certificate,
) -> Vec<(&'static str, String)> {
    vec![
        (parameter::ARTIFACT_BUCKET, artifacts.to_owned()),
        (parameter::ARCHITECTURE, packages.architecture.name().to_owned()),
        (parameter::API_PACKAGE, packages.api.key.clone()),
        (parameter::INGEST_PACKAGE, packages.ingest.key.clone()),
        // Not a dynamic reference to the secret: CloudFormation would not notice that its value has changed.
        (parameter::CERTIFICATE_ARN, certificate.arn.clone()),
        (parameter::ISSUERS, context.stack.setting_parameter(Setting::Issuers)),
    ]
}
