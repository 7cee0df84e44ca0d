//! One resource that a change set adds, changes or removes.

use aws_sdk_cloudformation::types::{
    ChangeAction, EvaluationType, PolicyAction, Replacement, RequiresRecreation, ResourceChange,
    ResourceChangeDetail,
};
use serde_json::{Value, json};

/// Resources of these types hold data that cannot be recreated.
const DATA_RESOURCE_TYPES: [&str; 2] = ["AWS::DynamoDB::Table", "AWS::S3::Bucket"];

pub(crate) struct Change(ResourceChange);

/// What a change does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disposition {
    Added,
    Changed,
    Removed,
    Replaced,
    /// It exists and becomes part of the stack.
    Imported,
    /// CloudFormation decides it while it executes the change set.
    PerhapsReplaced,
    Other,
}

impl Disposition {
    fn sign(self) -> char {
        match self {
            Disposition::Added => '+',
            Disposition::Changed => '~',
            Disposition::Imported => '=',
            Disposition::Removed => '-',
            Disposition::Replaced | Disposition::PerhapsReplaced => '!',
            Disposition::Other => '?',
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Disposition::Added => "add",
            Disposition::Changed => "change",
            Disposition::Imported => "adopt",
            Disposition::Removed => "REMOVE",
            Disposition::Replaced => "REPLACE",
            Disposition::PerhapsReplaced => "perhaps REPLACE",
            Disposition::Other => "touch",
        }
    }
}

impl Change {
    pub(crate) fn new(change: ResourceChange) -> Self {
        Self(change)
    }

    /// Returns the name of the resource in the template.
    pub(crate) fn resource_name(&self) -> &str {
        self.0.logical_resource_id().unwrap_or_default()
    }

    /// Whether a resource that holds data is removed or replaced.
    pub(crate) fn loses_data(&self) -> bool {
        let holds_data = self.0.resource_type().is_some_and(|kind| DATA_RESOURCE_TYPES.contains(&kind));
        holds_data
            && match self.disposition() {
                Disposition::Removed | Disposition::Replaced => true,
                Disposition::PerhapsReplaced => !self.changes_only_lifecycle(),
                _ => false,
            }
    }

    /// Whether only the lifecycle rules of a bucket change, which never replaces it ("AWS::S3::Bucket", CloudFormation Template
    /// Reference). The local CloudFormation says that it may.
    fn changes_only_lifecycle(&self) -> bool {
        let mut names = self.0.details().iter().map(property_name).peekable();
        names.peek().is_some() && names.all(|name| name == "LifecycleConfiguration")
    }

    /// Returns the type and the physical id of a resource that is, or may be, deleted: one that is removed or replaced, unless
    /// its policy keeps it.
    pub(crate) fn deleted_resource(&self) -> Option<(&str, &str)> {
        let may_be_deleted = matches!(
            self.disposition(),
            Disposition::Removed | Disposition::Replaced | Disposition::PerhapsReplaced
        );
        let is_deleted = may_be_deleted && !self.retains_old_resource();
        is_deleted.then(|| Some((self.0.resource_type()?, self.0.physical_resource_id()?)))?
    }

    pub(crate) fn is_addition(&self) -> bool {
        self.disposition() == Disposition::Added
    }

    pub(crate) fn is_removal(&self) -> bool {
        self.disposition() == Disposition::Removed
    }

    /// Returns a type such as `AWS::S3::Bucket`.
    pub(crate) fn resource_type(&self) -> &str {
        self.0.resource_type().unwrap_or_default()
    }

    /// Describes the change in a line, and each property that it changes in a line below.
    pub(crate) fn to_lines(&self) -> Vec<String> {
        let disposition = self.disposition();
        let kind = self.resource_type();
        let retained = if self.retains_old_resource() { ", the old one stays in the account" } else { "" };
        let name = self.resource_name();
        let mut lines =
            vec![format!("  {} {:<7} {name} ({kind}){retained}", disposition.sign(), disposition.verb())];
        let mut details = self.changed_properties().peekable();
        while let Some(detail) = details.next() {
            let branch = if details.peek().is_some() { '├' } else { '└' };
            let note = match required_recreation(detail) {
                Some(RequiresRecreation::Always) => ", which needs a new resource",
                Some(RequiresRecreation::Conditionally) => ", which may need a new resource",
                _ => "",
            };
            lines.push(format!("      {branch} {}{note}", property_name(detail)));
        }
        lines
    }

    /// Returns the same content as [`Change::to_lines`].
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "action": self.disposition().verb().to_lowercase(),
            "resource": self.resource_name(),
            "resource_type": self.0.resource_type(),
            "physical_id": self.0.physical_resource_id(),
            "old_is_kept": self.retains_old_resource(),
            "properties": self.changed_properties().map(|detail| json!({
                "name": property_name(detail),
                "requires_replacement": required_recreation(detail).map_or("Never", RequiresRecreation::as_str).to_lowercase(),
            })).collect::<Vec<_>>(),
        })
    }

    fn disposition(&self) -> Disposition {
        match (self.0.action(), self.0.replacement()) {
            (Some(ChangeAction::Add), _) => Disposition::Added,
            (Some(ChangeAction::Remove), _) => Disposition::Removed,
            (Some(ChangeAction::Modify), Some(Replacement::True)) => Disposition::Replaced,
            (Some(ChangeAction::Modify), Some(Replacement::Conditional))
            | (Some(ChangeAction::Dynamic), _) => Disposition::PerhapsReplaced,
            (Some(ChangeAction::Modify), _) => Disposition::Changed,
            (Some(ChangeAction::Import), _) => Disposition::Imported,
            _ => Disposition::Other,
        }
    }

    /// Whether the old resource stays in the account, by its deletion or replacement policy.
    fn retains_old_resource(&self) -> bool {
        matches!(self.0.policy_action(), Some(PolicyAction::Retain | PolicyAction::ReplaceAndRetain))
    }

    /// Returns each property that changes, once. A certain change of a property takes precedence over a possible one.
    fn changed_properties(&self) -> impl Iterator<Item = &ResourceChangeDetail> {
        let mut details: Vec<_> = self.0.details().iter().collect();
        details.sort_by_key(|detail| {
            (property_name(detail), detail.evaluation() != Some(&EvaluationType::Static))
        });
        details.dedup_by_key(|detail| property_name(detail));
        details.into_iter()
    }
}

/// Returns the name of the property, or of the attribute, such as `Tags`.
fn property_name(detail: &ResourceChangeDetail) -> &str {
    let target = detail.target();
    let attribute = || Some(target?.attribute()?.as_str());
    target.and_then(|target| target.name()).or_else(attribute).unwrap_or_default()
}

fn required_recreation(detail: &ResourceChangeDetail) -> Option<&RequiresRecreation> {
    detail.target()?.requires_recreation()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::ResourceTargetDefinition;

    use super::*;

    fn new_change(action: ChangeAction, replacement: Option<Replacement>, kind: &str) -> Change {
        let change = ResourceChange::builder().action(action).set_replacement(replacement);
        Change(change.resource_type(kind).logical_resource_id("It").build())
    }

    #[test]
    fn only_resources_that_hold_data_can_lose_it() {
        use ChangeAction::{Add, Dynamic, Import, Modify, Remove, SyncWithActual};
        use Replacement::{Conditional, False, True};
        for (action, replacement, loses_data) in [
            (Add, None, false),
            (Modify, Some(False), false),
            (Modify, Some(Conditional), true),
            (Modify, Some(True), true),
            (Remove, None, true),
            (Dynamic, None, true),
            (Import, None, false),
            (SyncWithActual, None, false),
            // With property values, AWS answers this for additions, too.
            (Add, Some(True), false),
        ] {
            for kind in DATA_RESOURCE_TYPES {
                let change = new_change(action.clone(), replacement.clone(), kind);
                assert_eq!(change.loses_data(), loses_data, "{:?}", change.to_lines());
            }
            assert!(!new_change(action, replacement, "AWS::SQS::Queue").loses_data());
        }
    }

    #[test]
    fn new_lifecycle_rules_keep_a_bucket() {
        let change = |replacement, properties: &[&str]| {
            let detail = |name: &&str| {
                let target = ResourceTargetDefinition::builder().name(*name);
                ResourceChangeDetail::builder().target(target.build()).build()
            };
            let change = ResourceChange::builder().action(ChangeAction::Modify).replacement(replacement);
            let change = change.resource_type("AWS::S3::Bucket");
            Change(change.set_details(Some(properties.iter().map(detail).collect())).build())
        };
        assert!(!change(Replacement::Conditional, &["LifecycleConfiguration"]).loses_data());
        for (replacement, properties) in [
            (Replacement::True, &["LifecycleConfiguration"][..]),
            (Replacement::Conditional, &["LifecycleConfiguration", "BucketName"]),
            (Replacement::Conditional, &[]),
        ] {
            assert!(change(replacement, properties).loses_data(), "{properties:?}");
        }
    }

    #[test]
    fn a_replacement_is_shown_with_its_properties() {
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
            change.to_lines().join("\n"),
            "  ! REPLACE ItemsTable (AWS::DynamoDB::Table), the old one stays in the account\n      \
                 ├ AttributeDefinitions\n      \
                 └ KeySchema, which needs a new resource"
        );
        assert_eq!(change.to_json()["action"], "replace");
        assert_eq!(change.to_json()["properties"][1]["requires_replacement"], "always");
    }
}
