//! Drift: what differs between what runs and what was deployed, because someone changed it without restctl.
//!
//! CloudFormation compares a resource with the properties that the template sets. It cannot compare the code of a function, nor
//! anything that the template leaves out; restctl compares those itself.

pub(crate) mod additions;
mod comparison;
pub(crate) mod functions;
pub(crate) mod identifier;
pub(crate) mod load_path;
pub(crate) mod resources;
pub(crate) mod settings;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::additions::find_additions;
use self::functions::{ComparedFunction, compare_functions};
use self::load_path::{compare_mapping, compare_rule};
use self::resources::{ComparedResources, compare_resources};
use crate::aws::Aws;
pub(crate) use crate::aws::cloudformation::drift::{Difference, RECREATE};
use crate::aws::cloudformation::{self, Stack};
use crate::failure::Result;
use crate::terminal::advice::name_target;

/// How many characters of a value are shown.
const MAX_SHOWN: usize = 60;

/// What reverts a change.
pub(crate) const REVERT: &str = "restctl deploy, which reverts it, or says what it cannot revert";

/// How many differences are described.
const MAX_DESCRIBED: usize = 4;

/// Describes the first differences of all these resources, and says how many are left out.
pub(crate) fn describe(drifts: &[ResourceDrift]) -> Vec<String> {
    let mut lines: Vec<_> = drifts.iter().flat_map(ResourceDrift::to_lines).collect();
    let left_out = lines.len().saturating_sub(MAX_DESCRIBED);
    lines.truncate(MAX_DESCRIBED);
    lines.extend((left_out > 0).then(|| format!("and {left_out} more")));
    lines
}

/// Compares the functions, all other resources, whether loads are paused, and what was added beside the stack. CloudFormation must be able to compare resources
/// of the stack.
pub(crate) async fn compare_stack(aws: &Aws, stack: &Stack) -> Result<ComparedResources> {
    let resources = cloudformation::list_resources(aws, stack).await?;
    let (functions, mut found, mapping, rule, mut additions) = tokio::join!(
        compare_functions(aws, stack),
        compare_resources(aws, stack, &resources),
        compare_mapping(aws, &resources),
        compare_rule(aws, &resources),
        find_additions(aws, stack, &resources),
    );
    for compared in [mapping, rule] {
        found.add_load_path(compared);
    }
    found.drifts.append(&mut additions.drifts);
    found.failures.append(&mut additions.failures);
    match functions {
        Ok(functions) => {
            let drifts = functions.iter().flat_map(ComparedFunction::drifts);
            found.drifts = drifts.chain(found.drifts).collect();
        }
        Err(failure) => found.failures.insert(0, failure),
    }
    Ok(found)
}

/// A resource that differs from its deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceDrift {
    /// Its name in the template, such as `ApiFunction`.
    pub(crate) resource: String,
    /// Such as `AWS::Lambda::Function`.
    pub(crate) kind: String,
    pub(crate) physical_id: String,
    /// Empty if the resource was deleted.
    pub(crate) differences: Vec<Difference>,
    /// The properties that the template sets, as far as they are known. JSON leaves them out.
    pub(crate) expected: Value,
    /// The command that removes it, if someone added it beside the template. A deployment leaves it.
    pub(crate) remove: Option<String>,
}

impl ResourceDrift {
    pub(crate) fn is_deleted(&self) -> bool {
        self.differences.is_empty()
    }

    /// Returns the names of the properties of the resource that differ, or in which something differs.
    pub(crate) fn properties(&self) -> BTreeSet<&str> {
        self.differences.iter().map(Difference::top_property).collect()
    }

    /// Describes the drift, one line for each property.
    pub(crate) fn to_lines(&self) -> Vec<String> {
        let Self { resource, physical_id, differences, .. } = self;
        if self.is_deleted() {
            return vec![format!("{resource} ({physical_id}) was deleted")];
        }
        differences.iter().map(|difference| format!("{resource}: {}", difference.describe())).collect()
    }

    pub(crate) fn to_json(&self) -> Value {
        let Self { resource, kind, physical_id, differences, remove, .. } = self;
        json!({
            "resource": resource,
            "resource_type": kind,
            "physical_id": physical_id,
            "deleted": self.is_deleted(),
            "differences": differences.iter().map(Difference::to_json).collect::<Vec<_>>(),
            "remove": remove.as_deref().map(name_target),
        })
    }
}

impl Serialize for ResourceDrift {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Difference {
    /// Returns the name of the resource's own property in which the difference is.
    pub(crate) fn top_property(&self) -> &str {
        self.property.split('/').next().unwrap_or_default()
    }

    pub(crate) fn describe(&self) -> String {
        let (expected, actual) = self.shown_values();
        let or_nothing = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
        format!("{}: expected {}, actual {}", self.property, or_nothing(expected), or_nothing(actual))
    }

    pub(crate) fn to_json(&self) -> Value {
        let (expected, actual) = self.shown_values();
        json!({ "property": self.property, "expected": expected, "actual": actual })
    }

    /// Returns both values as they may be shown. Two long ones are shown from where they begin to differ. A variable that the
    /// template does not know may hold a secret.
    fn shown_values(&self) -> (Option<String>, Option<String>) {
        let is_unknown_variable = self.expected.is_none() && self.property.starts_with("Environment/");
        if is_unknown_variable && self.actual.is_some() {
            return (None, Some("a value that is not shown".to_owned()));
        }
        let [expected, actual] =
            [&self.expected, &self.actual].map(|value| value.as_deref().unwrap_or_default());
        let equal = expected.chars().zip(actual.chars()).take_while(|(one, other)| one == other).count();
        let excerpt = |value: &Option<String>| Some(excerpt(value.as_deref()?, equal));
        (excerpt(&self.expected), excerpt(&self.actual))
    }
}

/// Shortens a long value. The first `equal` characters are of less interest.
fn excerpt(value: &str, equal: usize) -> String {
    let length = value.chars().count();
    if length <= MAX_SHOWN {
        return value.to_owned();
    }
    let start = equal.saturating_sub(MAX_SHOWN / 3).min(length - MAX_SHOWN);
    let shown: String = value.chars().skip(start).take(MAX_SHOWN).collect();
    let dots = |is_cut: bool| if is_cut { "…" } else { "" };
    format!("{}{shown}{}", dots(start > 0), dots(start + MAX_SHOWN < length))
}

#[cfg(test)]
mod tests;
