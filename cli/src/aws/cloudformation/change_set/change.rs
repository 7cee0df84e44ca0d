//! One resource that a change set adds, changes or removes.

use std::fmt;

use aws_sdk_cloudformation::types::{
    ChangeAction, EvaluationType, PolicyAction, Replacement, RequiresRecreation, ResourceChange,
    ResourceChangeDetail,
};
use serde_json::{Value, json};

/// Resources of these types hold what cannot be made again.
const HOLDERS_OF_DATA: [&str; 2] = ["AWS::DynamoDB::Table", "AWS::S3::Bucket"];

pub(crate) struct Change(ResourceChange);

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Added,
    Changed,
    Removed,
    Replaced,
    /// CloudFormation will know only while it runs.
    PerhapsReplaced,
    Other,
}

impl Fate {
    fn sign(self) -> char {
        match self {
            Fate::Added => '+',
            Fate::Changed => '~',
            Fate::Removed => '-',
            Fate::Replaced | Fate::PerhapsReplaced => '!',
            Fate::Other => '?',
        }
    }

    fn words(self) -> &'static str {
        match self {
            Fate::Added => "add",
            Fate::Changed => "change",
            Fate::Removed => "REMOVE",
            Fate::Replaced => "REPLACE",
            Fate::PerhapsReplaced => "perhaps REPLACE",
            Fate::Other => "touch",
        }
    }
}

impl Change {
    pub(crate) fn new(change: ResourceChange) -> Self {
        Self(change)
    }

    /// The name of the resource in the template.
    pub(crate) fn resource(&self) -> &str {
        self.0.logical_resource_id().unwrap_or_default()
    }

    /// The resource that holds data now will not hold it afterwards.
    pub(crate) fn parts_with_data(&self) -> bool {
        let holds_data = self.0.resource_type().is_some_and(|kind| HOLDERS_OF_DATA.contains(&kind));
        holds_data && matches!(self.fate(), Fate::Removed | Fate::Replaced | Fate::PerhapsReplaced)
    }

    pub(crate) fn is_addition(&self) -> bool {
        self.fate() == Fate::Added
    }

    /// As [`fmt::Display`] says it, for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "action": self.fate().words().to_lowercase(),
            "resource": self.resource(),
            "resource_type": self.0.resource_type(),
            "physical_id": self.0.physical_resource_id(),
            "old_is_kept": self.keeps_the_old_one(),
            "properties": self.details().map(|detail| json!({
                "name": name(detail),
                "requires_replacement": recreation(detail).map_or("Never", RequiresRecreation::as_str).to_lowercase(),
            })).collect::<Vec<_>>(),
        })
    }

    fn fate(&self) -> Fate {
        match (self.0.action(), self.0.replacement()) {
            (Some(ChangeAction::Add), _) => Fate::Added,
            (Some(ChangeAction::Remove), _) => Fate::Removed,
            (Some(ChangeAction::Modify), Some(Replacement::True)) => Fate::Replaced,
            (Some(ChangeAction::Modify), Some(Replacement::Conditional)) => Fate::PerhapsReplaced,
            (Some(ChangeAction::Modify), _) => Fate::Changed,
            _ => Fate::Other,
        }
    }

    /// By its deletion or replacement policy, the old resource stays in the account.
    fn keeps_the_old_one(&self) -> bool {
        matches!(self.0.policy_action(), Some(PolicyAction::Retain | PolicyAction::ReplaceAndRetain))
    }

    /// Each property once; one that certainly changes before the same one as a mere consequence.
    fn details(&self) -> impl Iterator<Item = &ResourceChangeDetail> {
        let mut details: Vec<_> = self.0.details().iter().collect();
        details.sort_by_key(|detail| (name(detail), detail.evaluation() != Some(&EvaluationType::Static)));
        details.dedup_by_key(|detail| name(detail));
        details.into_iter()
    }
}

/// A line for the resource, and below it one for each property that changes.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = self.fate();
        let kind = self.0.resource_type().unwrap_or_default();
        write!(f, "  {} {:<7} {} ({kind})", fate.sign(), fate.words(), self.resource())?;
        if self.keeps_the_old_one() {
            f.write_str(", the old one stays in the account")?;
        }
        let mut details = self.details().peekable();
        while let Some(detail) = details.next() {
            let branch = if details.peek().is_some() { '├' } else { '└' };
            let note = match recreation(detail) {
                Some(RequiresRecreation::Always) => ", which needs a new resource",
                Some(RequiresRecreation::Conditionally) => ", which may need a new resource",
                _ => "",
            };
            write!(f, "\n      {branch} {}{note}", name(detail))?;
        }
        Ok(())
    }
}

/// The property, or `Tags` and the like where it is none.
fn name(detail: &ResourceChangeDetail) -> &str {
    let target = detail.target();
    let attribute = || Some(target?.attribute()?.as_str());
    target.and_then(|target| target.name()).or_else(attribute).unwrap_or_default()
}

fn recreation(detail: &ResourceChangeDetail) -> Option<&RequiresRecreation> {
    detail.target()?.requires_recreation()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::ResourceTargetDefinition;

    use super::*;

    fn change(action: ChangeAction, replacement: Option<Replacement>, kind: &str) -> Change {
        let change = ResourceChange::builder().action(action).set_replacement(replacement);
        Change(change.resource_type(kind).logical_resource_id("It").build())
    }

    #[test]
    fn whoever_holds_data_and_goes_is_told_from_the_rest() {
        use ChangeAction::{Add, Modify, Remove};
        use Replacement::{Conditional, False, True};
        for (action, replacement, goes) in [
            (Add, None, false),
            (Modify, Some(False), false),
            (Modify, Some(Conditional), true),
            (Modify, Some(True), true),
            (Remove, None, true),
        ] {
            for holder in HOLDERS_OF_DATA {
                let change = change(action.clone(), replacement.clone(), holder);
                assert_eq!(change.parts_with_data(), goes, "{change}");
            }
            assert!(!change(action, replacement, "AWS::SQS::Queue").parts_with_data());
        }
    }

    #[test]
    fn a_replacement_is_in_plain_sight() {
        let detail = |name: &str, recreation, evaluation| {
            let target = ResourceTargetDefinition::builder().name(name).requires_recreation(recreation);
            ResourceChangeDetail::builder().target(target.build()).evaluation(evaluation).build()
        };
        let change = ResourceChange::builder()
            .action(ChangeAction::Modify)
            .replacement(Replacement::True)
            .policy_action(PolicyAction::ReplaceAndRetain)
            .logical_resource_id("ItemsTable")
            .resource_type("AWS::DynamoDB::Table")
            .details(detail("KeySchema", RequiresRecreation::Conditionally, EvaluationType::Dynamic))
            .details(detail("KeySchema", RequiresRecreation::Always, EvaluationType::Static))
            .details(detail("AttributeDefinitions", RequiresRecreation::Never, EvaluationType::Static));
        let change = Change(change.build());
        assert_eq!(
            change.to_string(),
            "  ! REPLACE ItemsTable (AWS::DynamoDB::Table), the old one stays in the account\n      \
                 ├ AttributeDefinitions\n      \
                 └ KeySchema, which needs a new resource"
        );
        assert_eq!(change.json()["action"], "replace");
        assert_eq!(change.json()["properties"][1]["requires_replacement"], "always");
    }
}
