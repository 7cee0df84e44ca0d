//! Reverts the unpublished functions.

use restctl_contract::template::{output as stack_output, parameter};

use super::cannot_revert;
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::lambda::configuration::{CODE_SHA_256, RESERVED_CONCURRENCY};
use crate::aws::lambda::update;
use crate::aws::s3::{self, OwnBucket};
use crate::deployment::drift::ResourceDrift;
use crate::deployment::drift::functions::{ComparedFunction, compare_functions};
use crate::deployment::packages::{Package, Packages};
use crate::failure::{Failure, Result};

/// An unpublished function, compared with the deployment.
pub(in super::super) struct CheckedFunction {
    compared: ComparedFunction,
    /// Its revision before the comparison. While the function has it, the comparison holds.
    revision: Option<String>,
}

impl CheckedFunction {
    /// Publishes the function as it was compared, and returns the version.
    pub(in super::super) async fn publish(&self, aws: &Aws) -> Result<String> {
        let digest = self.compared.expected[CODE_SHA_256].as_str();
        update::publish_version(aws, &self.compared.function, self.revision.as_deref(), digest).await
    }

    pub(in super::super) fn name(&self) -> &str {
        &self.compared.function
    }
}

/// Compares both unpublished functions with the template and the packages, reverts what differs, and compares them again. Fails
/// if anything still differs. Returns them with what differed.
pub(super) async fn revert_functions(
    aws: &Aws,
    stack: &Stack,
    packages: &Packages,
) -> Result<([CheckedFunction; 2], Vec<ResourceDrift>)> {
    let functions = check_functions(aws, stack).await?;
    let drifts = find_drifts(&functions);
    if drifts.is_empty() {
        return Ok((functions, drifts));
    }
    if drifts.iter().any(ResourceDrift::is_deleted) {
        return Err(cannot_revert(&drifts));
    }
    for (function, package) in functions.iter().zip([&packages.api, &packages.ingest]) {
        revert_function(aws, stack, function, package).await?;
    }
    let functions = check_functions(aws, stack).await?;
    let left = find_drifts(&functions);
    if left.is_empty() { Ok((functions, drifts)) } else { Err(cannot_revert(&left)) }
}

async fn check_functions(aws: &Aws, stack: &Stack) -> Result<[CheckedFunction; 2]> {
    let (api, ingest) = tokio::try_join!(
        read_revision(aws, stack, stack_output::API_FUNCTION),
        read_revision(aws, stack, stack_output::INGEST_FUNCTION),
    )?;
    let [compared_api, compared_ingest] = compare_functions(aws, stack).await?;
    Ok([
        CheckedFunction { compared: compared_api, revision: api },
        CheckedFunction { compared: compared_ingest, revision: ingest },
    ])
}

async fn read_revision(aws: &Aws, stack: &Stack, output: &str) -> Result<Option<String>> {
    update::wait_until_updated(aws, stack.output(output)?).await
}

/// Returns what must be reverted before a version is published. An alias that leads elsewhere is not part of it: it leads to the new
/// version as soon as that has been tested.
fn find_drifts(functions: &[CheckedFunction; 2]) -> Vec<ResourceDrift> {
    let aliases = functions.iter().filter_map(|function| function.compared.alias_drift());
    let deleted_aliases = aliases.filter(ResourceDrift::is_deleted);
    let functions = functions.iter().filter_map(|function| function.compared.function_drift());
    functions.chain(deleted_aliases).collect()
}

/// Gives each property that differs its expected value. What no call can change still differs afterwards.
async fn revert_function(
    aws: &Aws,
    stack: &Stack,
    function: &CheckedFunction,
    package: &Package,
) -> Result<()> {
    let CheckedFunction { compared, revision } = function;
    let name = &compared.function;
    let Some(drift) = compared.function_drift() else { return Ok(()) };
    let (mut configuration, mut has_other_code) = (Vec::new(), false);
    for property in drift.properties() {
        let expected = &compared.expected[property];
        match property {
            CODE_SHA_256 | "Architectures" => has_other_code = true,
            RESERVED_CONCURRENCY => update::set_reserved_concurrency(aws, name, expected).await?,
            _ => configuration.push((property, expected)),
        }
    }
    let mut revision = revision.clone();
    if has_other_code {
        revert_code(aws, stack, compared, revision.as_deref(), package).await?;
        revision = update::wait_until_updated(aws, name).await?;
    }
    if !configuration.is_empty() {
        update::update_configuration(aws, name, revision.as_deref(), &configuration).await?;
    }
    Ok(())
}

async fn revert_code(
    aws: &Aws,
    stack: &Stack,
    function: &ComparedFunction,
    revision: Option<&str>,
    package: &Package,
) -> Result<()> {
    let known = |name| {
        let unknown =
            || Failure::new(format!("cannot revert the code of the function {}", function.function));
        stack.parameter(name).ok_or_else(|| unknown().why(format!("the stack has no parameter {name}")))
    };
    let (bucket, architecture) = (known(parameter::ARTIFACT_BUCKET)?, known(parameter::ARCHITECTURE)?);
    // A deployment that changes nothing has uploaded nothing.
    let own_bucket = OwnBucket { name: bucket, account: stack.account() };
    s3::ensure_object(aws, own_bucket, &package.key, &package.zip).await?;
    let object = (bucket, package.key.as_str());
    update::update_code(aws, &function.function, revision, object, architecture).await
}
