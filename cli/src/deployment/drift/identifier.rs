//! The identifiers of resources in the Cloud Control API.

use restctl_contract::template::output as stack_output;

use crate::aws::cloudformation::Stack;
use crate::aws::eventbridge::RULE;

const PERMISSION: &str = "AWS::Lambda::Permission";
const BUCKET_POLICY: &str = "AWS::S3::BucketPolicy";
const QUEUE_POLICY: &str = "AWS::SQS::QueuePolicy";

/// Returns the primary identifier of a resource, which most types have as their physical id, too. The others are those of the
/// schemas in the CloudFormation registry. `None` if the API cannot read such a resource.
pub(crate) fn cloud_control_id(stack: &Stack, kind: &str, physical_id: &str) -> Option<String> {
    match kind {
        RULE => Some(stack.arn_beside("events", &format!("rule/{physical_id}"))),
        PERMISSION => Some(format!("{}|{physical_id}", stack.output(stack_output::API_ALIAS).ok()?)),
        BUCKET_POLICY => stack.output(stack_output::DATA_BUCKET).ok().map(str::to_owned),
        // Its schema has no read handler.
        QUEUE_POLICY => None,
        _ => Some(physical_id.to_owned()),
    }
}

/// Whether the Cloud Control API can change a resource of this type. Each property of a permission is fixed at its creation.
pub(crate) fn is_updatable(kind: &str) -> bool {
    ![PERMISSION, QUEUE_POLICY].contains(&kind)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{Output, Stack as SdkStack};

    use super::*;
    use crate::aws::cloudformation;

    #[test]
    fn some_types_are_identified_by_something_else_than_their_physical_id() {
        let output = |name: &str, value: &str| Output::builder().output_key(name).output_value(value).build();
        let stack = cloudformation::from_sdk(
            SdkStack::builder()
                .stack_id("arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/restctl/1")
                .outputs(output(stack_output::API_ALIAS, "arn:live"))
                .outputs(output(stack_output::DATA_BUCKET, "data"))
                .build(),
        );
        for (kind, id) in [
            (RULE, Some("arn:aws-cn:events:cn-north-1:123456789012:rule/r-1")),
            (PERMISSION, Some("arn:live|r-1")),
            (BUCKET_POLICY, Some("data")),
            (QUEUE_POLICY, None),
            ("AWS::SQS::Queue", Some("r-1")),
        ] {
            assert_eq!(cloud_control_id(&stack, kind, "r-1").as_deref(), id, "{kind}");
        }
    }
}
