//! Executes a deployment: updates the stack, makes the new versions live, and does what remains after that.

use aws_sdk_cloudformation::types::ResourceStatus;

use super::choices::StackChoices;
use super::endpoint::serve_at_endpoint;
use super::go_live::{self, LiveVersions, VersionShift};
use super::preparation::ReadyDeployment;
use super::request::DeployRequest;
use super::revert_drift::{self, StackState};
use super::{DeployOutcome, superseded_certificate, superseded_packages};
use crate::api::session_cache;
use crate::aws::cloudformation::change_set::{self, ChangeSet};
use crate::aws::cloudformation::events::Event;
use crate::aws::cloudformation::{self, Stack};
use crate::cli::completion_cache;
use crate::deployment::drift::ResourceDrift;
use crate::deployment::operation::Operation;
use crate::deployment::packages::Packages;
use crate::deployment::protection;
use crate::failure::{Failure, Result, unless_stopped};
use crate::identity::cognito;
use crate::terminal::interrupt::postpone_during;
use crate::terminal::output::{self, Format};

pub(super) async fn execute_deployment(
    request: &DeployRequest<'_>,
    choices: &StackChoices,
    ready: ReadyDeployment,
) -> Result<DeployOutcome> {
    let ReadyDeployment { update, mut reverted } = ready;
    let executed = match update {
        Some((change_set, operation)) => {
            execute_change_set(request, &change_set, operation).await?;
            Some(change_set)
        }
        None => None,
    };
    let preparing = prepare_versions(request, &choices.packages, executed.as_ref(), &mut reverted);
    let next = "restctl deploy, which continues from there";
    let (stack, shifts) = request.deadline.limit("the new versions were live", next, preparing).await?;
    // From now on, because a Ctrl-C that comes while they go live takes effect afterwards.
    let undone = "the deployment was complete; its versions are live";
    let stopped = request.deadline.wait_for_stop(undone, "restctl deploy, which does what remains");
    let versions = go_live::go_live(request.aws, &shifts).await?;
    let is_unchanged = executed.is_none() && reverted.is_empty() && !versions.have_changed;
    if is_unchanged {
        request.print_no_change();
    }
    let completing = Box::pin(complete_deployment(request, &stack));
    let endpoint = unless_stopped(stopped, Failure::interrupted(), completing).await?;
    let LiveVersions { api, ingest, .. } = versions;
    let [api_version, ingest_version] = [api, ingest].map(|live| live.version().to_owned());
    let changes = executed.map_or(0, |change_set| change_set.changes.len().max(1)) + reverted.len();
    Ok(DeployOutcome::Deployed { is_unchanged, changes, endpoint, api_version, ingest_version })
}

async fn execute_change_set(
    request: &DeployRequest<'_>,
    change_set: &ChangeSet,
    mut operation: Operation,
) -> Result<()> {
    let DeployRequest { context, aws, report, deadline, .. } = *request;
    let mut unprotected = Vec::new();
    let executing = async {
        unprotected = protection::unprotect_deleted(aws, &change_set.changes).await?;
        let executed = change_set::execute_change_set(aws, &context.stack, change_set).await;
        if executed.is_err() {
            protection::restore_protection(aws, &unprotected).await;
        }
        executed
    };
    match operation.run_to_end(aws, deadline, report, executing).await? {
        ResourceStatus::CreateComplete | ResourceStatus::UpdateComplete => {
            for Event { resource, kind, id, .. } in operation.undeleted_resources() {
                output::print_message(format!(
                    "note: {resource} ({kind}) could not be removed and remains outside the stack: {}",
                    id.as_deref().unwrap_or_default()
                ));
            }
            Ok(())
        }
        ended => {
            // The rollback keeps what the update was to delete.
            postpone_during(protection::restore_protection(aws, &unprotected)).await;
            Err(operation.to_failure(aws, "the deployment failed", &ended).await)
        }
    }
}

/// Reverts what someone changed without restctl, and prepares the versions to go live, even if CloudFormation changed nothing: an
/// earlier deployment may have been interrupted before this.
async fn prepare_versions(
    request: &DeployRequest<'_>,
    packages: &Packages,
    executed: Option<&ChangeSet>,
    reverted: &mut Vec<ResourceDrift>,
) -> Result<(Stack, [VersionShift; 2])> {
    let (aws, name) = (request.aws, &request.context.stack);
    let find_idle = || cloudformation::find_idle(aws, name, executed.map(|change_set| &change_set.stack));
    let mut stack = find_idle().await?;
    if !stack.has_termination_protection {
        cloudformation::set_termination_protection(aws, &stack, true).await?;
        stack = find_idle().await?;
    }
    completion_cache::remember_loads(name, []);
    let state = if executed.is_some() { StackState::Updated } else { StackState::Unchanged };
    if request.must_compare_after_update() {
        reverted.append(&mut revert_drift::revert_resources(request, &stack, state).await?);
    }
    let (functions, mut drifts) = revert_drift::revert_functions(request, &stack, state, packages).await?;
    reverted.append(&mut drifts);
    let shifts = go_live::prepare_versions(aws, name, &stack, &functions).await?;
    Ok((stack, shifts))
}

/// Does what remains after the new versions went live, and returns the base URL.
async fn complete_deployment(request: &DeployRequest<'_>, stack: &Stack) -> Result<String> {
    let DeployRequest { context, aws, settings, certificate, .. } = request;
    let (name, before) = (&context.stack, request.start.stack.as_ref());
    // The API accepts the pool's tokens only from now on. A client of another issuer that was set up since stays.
    let is_new_pool = !before.is_some_and(cognito::stack_has_user_pool);
    let client_is_of_pool = settings.client().is_none() || cognito::settings_name_user_pool(settings, stack);
    if cognito::stack_has_user_pool(stack)
        && (is_new_pool || client_is_of_pool)
        && cognito::save_client(aws, name, stack, &certificate.tags).await?
    {
        output::print_message(
            "the stack's own identity provider is set up; its client secret is in Secrets Manager",
        );
    }
    // The cached token may come from another provider, and the cached endpoint may lead elsewhere.
    session_cache::clear_session(context)?;
    let endpoint = serve_at_endpoint(request, stack).await?;
    if output::chosen_format() == Format::Text {
        output::print_text(&endpoint)?;
    }
    // Last, because the endpoint works even if these fail.
    protection::protect_stack(aws, stack).await?;
    superseded_packages::delete_superseded_packages(aws, before, stack).await;
    superseded_certificate::delete_superseded_certificates(context, stack, certificate).await?;
    Ok(endpoint)
}
