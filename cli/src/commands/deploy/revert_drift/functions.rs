//! Reverts the unpublished functions.

use restctl_contract::template::{output as stack_output, parameter};

use super::{StackState, cannot_revert};
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::lambda::configuration::{CODE_SHA_256, RESERVED_CONCURRENCY};
use crate::aws::lambda::update::{self, EndedUpdate};
use crate::aws::s3::{self, OwnBucket};
use crate::deployment::drift::ResourceDrift;
use crate::deployment::drift::functions::{ComparedFunction, compare_functions};
use crate::deployment::function_version::LiveVersion;
use crate::deployment::packages::{Package, Packages};
use crate::failure::{AwsCause, Failure, Result};

/// An unpublished function, compared with the deployment.
pub(in super::super) struct CheckedFunction {
    compared: ComparedFunction,
    /// Its last update before the comparison. While the function has that revision, the comparison holds.
    update: EndedUpdate,
}

impl CheckedFunction {
    /// Returns the live version as it was compared.
    pub(in super::super) fn live_version(&self) -> Result<&LiveVersion> {
        let live = self.compared.live.as_ref().map(|live| &live.version);
        live.ok_or_else(|| Failure::new(format!("the function {} has no live version", self.name())))
    }

    async fn publish(&self, aws: &Aws) -> Result<String> {
        let digest = self.compared.expected[CODE_SHA_256].as_str();
        update::publish_version(aws, self.name(), self.update.revision(), digest).await
    }

    fn name(&self) -> &str {
        &self.compared.function
    }
}

/// Publishes both functions as they were compared, and returns the versions.
pub(in super::super) async fn publish_functions(
    aws: &Aws,
    stack: &Stack,
    functions: &[CheckedFunction; 2],
) -> Result<[String; 2]> {
    match publish_both(aws, functions).await {
        Err(refused) => {
            let functions = check_again(aws, stack, &[], refused).await?;
            check_updates(&functions)?;
            // Lambda publishes a function that has not changed only once.
            publish_both(aws, &functions).await
        }
        published => published,
    }
}

async fn publish_both(aws: &Aws, [api, ingest]: &[CheckedFunction; 2]) -> Result<[String; 2]> {
    let (api, ingest) = tokio::try_join!(api.publish(aws), ingest.publish(aws))?;
    Ok([api, ingest])
}

/// Compares both unpublished functions with the template and the packages, reverts what differs, and compares them again. Fails
/// if anything still differs, or if the last update of a function failed. Returns them with what differed.
pub(super) async fn revert_functions(
    aws: &Aws,
    stack: &Stack,
    state: StackState,
    packages: &Packages,
) -> Result<([CheckedFunction; 2], Vec<ResourceDrift>)> {
    let mut functions = check_functions(aws, stack).await?;
    let drifts = find_drifts(&functions);
    if drifts.iter().any(ResourceDrift::is_deleted) {
        return Err(cannot_revert(&drifts, state));
    }
    if !drifts.is_empty() {
        if let Err(refused) = revert_both(aws, stack, &functions, packages).await {
            let functions = check_again(aws, stack, &drifts, refused).await?;
            revert_both(aws, stack, &functions, packages).await?;
        }
        functions = check_functions(aws, stack).await?;
    }
    check_updates(&functions)?;
    let left = find_drifts(&functions);
    if left.is_empty() { Ok((functions, drifts)) } else { Err(cannot_revert(&left, state)) }
}

async fn check_functions(aws: &Aws, stack: &Stack) -> Result<[CheckedFunction; 2]> {
    // An update that failed does not stop the comparison: reverting it is another update.
    let (api, ingest) = tokio::try_join!(
        update::wait_until_updated(aws, stack.output(stack_output::API_FUNCTION)?),
        update::wait_until_updated(aws, stack.output(stack_output::INGEST_FUNCTION)?),
    )?;
    let [compared_api, compared_ingest] = compare_functions(aws, stack).await?;
    Ok([
        CheckedFunction { compared: compared_api, update: api },
        CheckedFunction { compared: compared_ingest, update: ingest },
    ])
}

fn check_updates(functions: &[CheckedFunction; 2]) -> Result<()> {
    functions.iter().try_for_each(|function| function.update.check_success())
}

/// Compares the functions again after Lambda has `refused` a change of one whose revision is not that of the comparison. Fails with
/// that refusal if anything differs that is not among the `known` differences: only then has someone else changed it.
async fn check_again(
    aws: &Aws,
    stack: &Stack,
    known: &[ResourceDrift],
    refused: Failure,
) -> Result<[CheckedFunction; 2]> {
    if refused.aws_cause != Some(AwsCause::Outdated) {
        return Err(refused);
    }
    let functions = check_functions(aws, stack).await?;
    let is_known = |drift: &ResourceDrift| {
        known.iter().any(|known| {
            let is_known = |difference| known.differences.contains(difference);
            known.resource == drift.resource && !drift.is_deleted() && drift.differences.iter().all(is_known)
        })
    };
    if find_drifts(&functions).iter().all(is_known) { Ok(functions) } else { Err(refused) }
}

/// Returns what must be reverted before a version is published. An alias that leads elsewhere is not part of it: it leads to the new
/// version as soon as that has been tested.
fn find_drifts(functions: &[CheckedFunction; 2]) -> Vec<ResourceDrift> {
    let aliases = functions.iter().filter_map(|function| function.compared.alias_drift());
    let deleted_aliases = aliases.filter(ResourceDrift::is_deleted);
    let functions = functions.iter().filter_map(|function| function.compared.function_drift());
    functions.chain(deleted_aliases).collect()
}

async fn revert_both(
    aws: &Aws,
    stack: &Stack,
    functions: &[CheckedFunction; 2],
    packages: &Packages,
) -> Result<()> {
    for (function, package) in functions.iter().zip([&packages.api, &packages.ingest]) {
        revert_function(aws, stack, function, package).await?;
    }
    Ok(())
}

/// Gives each property that differs its expected value. What no call can change still differs afterwards.
async fn revert_function(
    aws: &Aws,
    stack: &Stack,
    function: &CheckedFunction,
    package: &Package,
) -> Result<()> {
    let (compared, name) = (&function.compared, function.name());
    let Some(drift) = compared.function_drift() else { return Ok(()) };
    let (mut configuration, mut has_other_code, mut reserved) = (Vec::new(), false, None);
    for property in drift.properties() {
        let expected = &compared.expected[property];
        match property {
            CODE_SHA_256 | "Architectures" => has_other_code = true,
            RESERVED_CONCURRENCY => reserved = Some(expected),
            _ => configuration.push((property, expected)),
        }
    }
    if has_other_code {
        revert_code(aws, stack, function, package).await?;
    }
    if !configuration.is_empty() {
        let revision = match has_other_code {
            true => wait_for_success(aws, name).await?,
            false => function.update.revision().map(str::to_owned),
        };
        update::update_configuration(aws, name, revision.as_deref(), &configuration).await?;
    }
    // Last, because it takes no revision and makes a new one.
    if let Some(reserved) = reserved {
        wait_for_success(aws, name).await?;
        update::set_reserved_concurrency(aws, name, reserved).await?;
    }
    Ok(())
}

/// Waits for an update by restctl, and returns the function's revision.
async fn wait_for_success(aws: &Aws, function: &str) -> Result<Option<String>> {
    let update = update::wait_until_updated(aws, function).await?;
    update.check_success()?;
    Ok(update.revision().map(str::to_owned))
}

async fn revert_code(aws: &Aws, stack: &Stack, function: &CheckedFunction, package: &Package) -> Result<()> {
    let known = |name| {
        let unknown = || Failure::new(format!("cannot revert the code of the function {}", function.name()));
        stack.parameter(name).ok_or_else(|| unknown().why(format!("the stack has no parameter {name}")))
    };
    let (bucket, architecture) = (known(parameter::ARTIFACT_BUCKET)?, known(parameter::ARCHITECTURE)?);
    // A deployment that changes nothing has uploaded nothing.
    let own_bucket = OwnBucket { name: bucket, account: stack.account() };
    s3::ensure_object(aws, own_bucket, &package.key, &package.zip).await?;
    let object = (bucket, package.key.as_str());
    update::update_code(aws, function.name(), function.update.revision(), object, architecture).await
}
