//! Compares both functions, their live versions and their aliases with the deployment.

use restctl_contract::template::{LIVE, output as stack_output, parameter, variable};
use serde_json::{Map, Value, json};

use super::comparison::{compare_properties, find_unexpected_variables};
use super::resources::counts;
use super::{Difference, ResourceDrift};
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::compare_resource;
use crate::aws::lambda::configuration::{
    CODE_SHA_256, DEFAULT_STORAGE_MB, RESERVED_CONCURRENCY, read_function_properties,
};
use crate::deployment::function_version::{LiveBy, LiveVersion};
use crate::digest;
use crate::failure::{Failure, Result};

pub(crate) const FUNCTION: &str = "AWS::Lambda::Function";
pub(crate) const VERSION: &str = "AWS::Lambda::Version";
pub(crate) const ALIAS: &str = "AWS::Lambda::Alias";

/// A function of the template.
struct TemplateFunction {
    resource: &'static str,
    alias: &'static str,
    output: &'static str,
    /// The parameter with the key of its package.
    package: &'static str,
    /// The parameter with its reserved concurrency.
    concurrency: Option<&'static str>,
    /// Variables, and the outputs of the stack that have the same value.
    variables_in_outputs: &'static [(&'static str, &'static str)],
    /// Variables, and the parameters that have the same value.
    variables_in_parameters: &'static [(&'static str, &'static str)],
}

static API: TemplateFunction = TemplateFunction {
    resource: "ApiFunction",
    alias: "ApiAlias",
    output: stack_output::API_FUNCTION,
    package: parameter::API_PACKAGE,
    concurrency: Some(parameter::API_CONCURRENCY),
    variables_in_outputs: &[
        (variable::ITEMS_TABLE, stack_output::ITEMS_TABLE),
        (variable::KEY_NAME, stack_output::KEY_NAME),
        (variable::KEY_TYPE, stack_output::KEY_TYPE),
    ],
    variables_in_parameters: &[(variable::OPENAPI, parameter::OPENAPI)],
};

static INGEST: TemplateFunction = TemplateFunction {
    resource: "IngestFunction",
    alias: "IngestAlias",
    output: stack_output::INGEST_FUNCTION,
    package: parameter::INGEST_PACKAGE,
    concurrency: None,
    variables_in_outputs: &[
        (variable::ITEMS_TABLE, stack_output::ITEMS_TABLE),
        (variable::LEDGER_TABLE, stack_output::LEDGER_TABLE),
        (variable::LOAD_QUEUE, stack_output::LOAD_QUEUE),
        (variable::DEAD_LETTER_QUEUE, stack_output::DEAD_LETTER_QUEUE),
        (variable::KEY_NAME, stack_output::KEY_NAME),
        (variable::KEY_TYPE, stack_output::KEY_TYPE),
    ],
    variables_in_parameters: &[],
};

/// Properties that Lambda keeps for the function, and those that do not change what runs.
const NOT_OF_A_VERSION: [&str; 2] = [RESERVED_CONCURRENCY, "Description"];

/// A function as it was deployed and as it is.
pub(crate) struct ComparedFunction {
    /// Its name in the template.
    pub(crate) resource: &'static str,
    alias: &'static str,
    /// Its physical id, which is its name.
    pub(crate) function: String,
    /// The properties that restctl reads, as the deployment has set them, and `CodeSha256`. What the template leaves out is
    /// null or Lambda's default.
    pub(crate) expected: Value,
    /// The properties of the unpublished function. `None` if the function was deleted.
    pub(crate) actual: Option<Value>,
    /// What differs between the two.
    pub(crate) differences: Vec<Difference>,
    /// `None` if the alias or its version was deleted.
    pub(crate) live: Option<ComparedVersion>,
}

/// The live version of a function.
pub(crate) struct ComparedVersion {
    pub(crate) version: LiveVersion,
    /// What differs between its properties and the expected ones.
    pub(crate) differences: Vec<Difference>,
}

impl ComparedFunction {
    /// Returns what was changed without restctl: of the function, its live version and its alias.
    pub(crate) fn drifts(&self) -> Vec<ResourceDrift> {
        [self.function_drift(), self.version_drift(), self.alias_drift()].into_iter().flatten().collect()
    }

    /// Returns the version to which `restctl rollback` has returned.
    pub(crate) fn rolled_back_to(&self) -> Option<&str> {
        let version = &self.live.as_ref()?.version;
        (version.by() == LiveBy::Rollback).then(|| version.version())
    }

    pub(crate) fn function_drift(&self) -> Option<ResourceDrift> {
        let is_gone = self.actual.is_none();
        (is_gone || !self.differences.is_empty()).then(|| ResourceDrift {
            resource: self.resource.to_owned(),
            kind: FUNCTION.to_owned(),
            physical_id: self.function.clone(),
            differences: self.differences.clone(),
            expected: self.expected.clone(),
            remove: None,
        })
    }

    /// The version to which a rollback has returned is of another deployment, and differs as it should.
    fn version_drift(&self) -> Option<ResourceDrift> {
        let live = self.live.as_ref()?;
        (live.version.by() != LiveBy::Rollback && !live.differences.is_empty()).then(|| ResourceDrift {
            resource: format!("live version of {}", self.resource),
            kind: VERSION.to_owned(),
            physical_id: format!("{}:{}", self.function, live.version.version()),
            differences: live.differences.clone(),
            expected: self.expected.clone(),
            remove: None,
        })
    }

    pub(crate) fn alias_drift(&self) -> Option<ResourceDrift> {
        self.actual.as_ref()?;
        let drift = |differences| ResourceDrift {
            resource: self.alias.to_owned(),
            kind: ALIAS.to_owned(),
            physical_id: format!("{}:{}", self.function, LIVE),
            differences,
            expected: Value::Null,
            remove: None,
        };
        let Some(ComparedVersion { version, .. }) = &self.live else { return Some(drift(Vec::new())) };
        let moved = (version.by() == LiveBy::Hand).then(|| Difference {
            property: "FunctionVersion".to_owned(),
            expected: Some("a version that restctl made live".to_owned()),
            actual: Some(version.version().to_owned()),
        });
        let shared = (!version.additional_versions().is_empty()).then(|| Difference {
            property: "RoutingConfig".to_owned(),
            expected: None,
            actual: Some(format!("a share of the calls for {}", version.additional_versions().join(", "))),
        });
        let differences: Vec<_> = moved.into_iter().chain(shared).collect();
        (!differences.is_empty()).then(|| drift(differences))
    }
}

/// Compares both functions with everything that the template sets, and with what it leaves out. CloudFormation must be able to
/// compare resources of the stack: see [`can_compare`](crate::aws::cloudformation::drift::can_compare).
pub(crate) async fn compare_functions(aws: &Aws, stack: &Stack) -> Result<[ComparedFunction; 2]> {
    compare_functions_with(aws, stack, LiveVersion::find_both(aws, stack).await?).await
}

/// [`compare_functions`] if the live versions have been read already.
pub(crate) async fn compare_functions_with(
    aws: &Aws,
    stack: &Stack,
    [api, ingest]: [Option<LiveVersion>; 2],
) -> Result<[ComparedFunction; 2]> {
    let (api, ingest) = tokio::try_join!(
        compare_function(aws, stack, &API, api),
        compare_function(aws, stack, &INGEST, ingest)
    )?;
    Ok([api, ingest])
}

/// Compares what Lambda and DescribeStacks alone show, without a comparison by CloudFormation, which takes seconds: the code, what
/// the template leaves out, and those variables that are outputs or parameters of the stack.
pub(crate) async fn compare_functions_quickly(aws: &Aws, stack: &Stack) -> Result<[ComparedFunction; 2]> {
    let [api, ingest] = LiveVersion::find_both(aws, stack).await?;
    let (api, ingest) = tokio::try_join!(
        ReadFunction::read(aws, stack, &API, api),
        ReadFunction::read(aws, stack, &INGEST, ingest)
    )?;
    Ok([api, ingest].map(|read| {
        let known = known_variables(stack, read.function);
        read.compare(stack, known, compare_properties)
    }))
}

async fn compare_function(
    aws: &Aws,
    stack: &Stack,
    function: &'static TemplateFunction,
    live: Option<LiveVersion>,
) -> Result<ComparedFunction> {
    let compared = compare_resource(aws, stack, function.resource).await?.ok_or_else(|| {
        Failure::new(format!("cannot compare the resource {} with the template", function.resource))
            .why("CloudFormation does not compare functions here")
    })?;
    let compare = |expected: &Value, actual: &Value| {
        let mut differences = compare_properties(expected, actual);
        differences.append(&mut find_unexpected_variables(expected, actual));
        differences
    };
    let read = ReadFunction::read(aws, stack, function, live).await?;
    let mut read = read.compare(stack, compared.expected, compare);
    // What restctl does not read, only CloudFormation compares.
    let is_read = |difference: &Difference| read.expected.get(difference.top_property()).is_some();
    let others = compared.differences.into_iter().filter(|difference| !is_read(difference));
    let mut others: Vec<_> = others.filter(|difference| counts(function.resource, difference)).collect();
    read.differences.append(&mut others);
    Ok(read)
}

/// A function as Lambda has it.
struct ReadFunction {
    function: &'static TemplateFunction,
    name: String,
    actual: Option<Value>,
    /// The live version and its properties.
    live: Option<(LiveVersion, Value)>,
    is_emulated: bool,
}

impl ReadFunction {
    async fn read(
        aws: &Aws,
        stack: &Stack,
        function: &'static TemplateFunction,
        live: Option<LiveVersion>,
    ) -> Result<Self> {
        let name = stack.output(function.output)?.to_owned();
        let read_live = async {
            let Some(live) = live else { return Ok(None) };
            let properties = read_function_properties(aws, &name, Some(live.version())).await?;
            Ok(properties.map(|properties| (live, properties)))
        };
        let (actual, live) = tokio::try_join!(read_function_properties(aws, &name, None), read_live)?;
        Ok(Self { function, name, actual, live, is_emulated: aws.endpoint_url.is_some() })
    }

    /// Compares the function and its live version with the `expected` properties and with what the template leaves out.
    fn compare(
        self,
        stack: &Stack,
        mut expected: Value,
        compare: impl Fn(&Value, &Value) -> Vec<Difference>,
    ) -> ComparedFunction {
        let mut differences = Vec::new();
        if let Some(actual) = &self.actual {
            complete_expected(&mut expected, stack, self.function);
            if let Value::Object(expected) = &mut expected {
                expected.retain(|name, _| actual.get(name).is_some());
            }
            // An emulator may ignore reservations.
            if self.is_emulated && actual[RESERVED_CONCURRENCY].is_null() {
                expected[RESERVED_CONCURRENCY] = Value::Null;
            }
            differences = compare(&expected, actual);
        }
        let live = self.live.map(|(version, properties)| {
            let mut differences = compare(&expected, &properties);
            differences.retain(|difference| !NOT_OF_A_VERSION.contains(&difference.property.as_str()));
            ComparedVersion { version, differences }
        });
        let TemplateFunction { resource, alias, .. } = *self.function;
        ComparedFunction {
            resource,
            alias,
            function: self.name,
            expected,
            actual: self.actual,
            differences,
            live,
        }
    }
}

/// Adds what CloudFormation does not compare: the package, and the properties that the template leaves out, with Lambda's defaults
/// ("CreateFunction", AWS Lambda API Reference).
fn complete_expected(expected: &mut Value, stack: &Stack, function: &TemplateFunction) {
    for unset in ["Layers", "FileSystemConfigs", "DeadLetterConfig", "KmsKeyArn"] {
        expected[unset] = Value::Null;
    }
    expected["EphemeralStorage"] = json!({ "Size": DEFAULT_STORAGE_MB });
    expected["SnapStart"] = json!({ "ApplyOn": "None" });
    if stack.parameter(parameter::PRIVATE_NETWORK) != Some("on") {
        expected["VpcConfig"] = Value::Null;
    }
    let reserved = function
        .concurrency
        .and_then(|parameter| stack.parameter(parameter))
        .filter(|number| !number.is_empty());
    expected[RESERVED_CONCURRENCY] = json!(reserved);
    if let Some(digest) = stack.parameter(function.package).and_then(package_digest) {
        expected[CODE_SHA_256] = json!(digest);
    }
    // The value that CloudFormation read from Systems Manager at the deployment.
    let variables = &mut expected["Environment"]["Variables"];
    if let (Some(issuers), true) =
        (stack.resolved_parameter(parameter::ISSUERS), variables.get(variable::ISSUERS).is_some())
    {
        variables[variable::ISSUERS] = json!(issuers);
    }
}

/// Returns the digest that is part of the package's key, in Base64.
fn package_digest(key: &str) -> Option<String> {
    let (_, digest) = key.strip_suffix(".zip")?.rsplit_once('-')?;
    digest::hex_to_base64(digest)
}

/// Returns the properties that DescribeStacks shows.
fn known_variables(stack: &Stack, function: &TemplateFunction) -> Value {
    let outputs = function.variables_in_outputs.iter();
    let mut variables: Map<String, Value> = outputs
        .filter_map(|(name, output)| Some(((*name).to_owned(), json!(stack.output(output).ok()?))))
        .collect();
    let parameters = function.variables_in_parameters.iter();
    variables.extend(
        parameters
            .filter_map(|(name, parameter)| Some(((*name).to_owned(), json!(stack.parameter(parameter)?)))),
    );
    json!({ "Environment": { "Variables": variables } })
}

#[cfg(test)]
mod tests;
