//! Which resource of the template a retained resource was.

use std::collections::HashMap;

use restctl_contract::template::output::DATA_BUCKET;

/// CloudFormation's own tags with the name of a resource in its template and with the name of the stack. Nobody else can set
/// them, and they outlive the stack ("CloudFormation resource tagging", AWS CloudFormation User Guide).
pub(super) const TEMPLATE_NAME_TAG: &str = "aws:cloudformation:logical-id";
pub(super) const STACK_NAME_TAG: &str = "aws:cloudformation:stack-name";

/// Which resource of the template something is.
pub(super) struct Role {
    pub(super) template_name: Option<&'static str>,
    pub(super) is_certain: bool,
    /// Whether neither a tag of CloudFormation nor the name says which resource it is.
    pub(super) is_unnamed: bool,
}

impl Role {
    /// Finds the role by CloudFormation's tags, or by the name, which CloudFormation makes of both names. `name_suffices` if
    /// CloudFormation sets no tags of its own.
    pub(super) fn find(
        name: &str,
        stack: &str,
        tags: &HashMap<String, String>,
        resources: &[&'static str],
        name_suffices: bool,
    ) -> Self {
        let tag = tags.get(TEMPLATE_NAME_TAG);
        let name = name.to_lowercase();
        let has_name = |resource: &str| {
            let resource = resource.to_lowercase();
            name.starts_with(&format!("{stack}-{resource}-"))
                || name.ends_with(&format!("/{stack}/{resource}"))
        };
        let template_name = resources.iter().copied().find(|resource| match tag {
            Some(tag) => tag == resource,
            None => has_name(resource),
        });
        let is_of_stack = match (tag, tags.get(STACK_NAME_TAG)) {
            (Some(_), Some(made_for)) => made_for == stack,
            _ => name_suffices,
        };
        Self {
            template_name,
            is_certain: template_name.is_some() && is_of_stack,
            is_unnamed: template_name.is_none() && tag.is_none(),
        }
    }
}

/// Returns the stack that CloudFormation has named a data bucket after. The name ends with letters and digits.
pub(super) fn stack_of_bucket(name: &str) -> Option<&str> {
    let (stack, rest) = name.rsplit_once(&format!("-{}-", DATA_BUCKET.to_lowercase()))?;
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(stack)
}
