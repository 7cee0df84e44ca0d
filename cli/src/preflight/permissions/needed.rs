//! What the resources of `templates/stack.yaml` take to make, change and remove, by the handlers of their types
//! ("permissions" in the schemas of the CloudFormation registry), and what restctl itself calls.

use restctl_contract::template::parameter;

use crate::aws::sts::Caller;
use crate::context::Context;
use crate::preflight::Deployment;

pub(super) struct Needed {
    /// The types of resources for which it is needed.
    #[cfg_attr(not(test), expect(dead_code, reason = "the test holds it against the template"))]
    pub(super) kinds: &'static [&'static str],
    /// The parameter without which there are none of them, and the value that it has then.
    unless: Option<(&'static str, &'static str)>,
    /// An ARN such as they will have, with `{…}` for what only the account knows.
    resource: &'static str,
    pub(super) actions: &'static [&'static str],
}

#[rustfmt::skip]
pub(super) const NEEDED: &[Needed] = &[
    Needed {
        kinds: &[], unless: None,
        resource: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/preflight",
        actions: &[
            "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet",
            "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:UpdateTerminationProtection",
        ],
    },
    Needed {
        kinds: &[], unless: None,
        resource: "arn:{partition}:ssm:{region}:{account}:parameter/restctl/{stack}/issuer",
        actions: &["ssm:GetParameters"],
    },
    Needed {
        kinds: &[
            "AWS::EC2::VPC", "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::Subnet",
            "AWS::EC2::RouteTable", "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation",
        ],
        unless: Some((parameter::EXISTING_VPC, "")),
        resource: "*",
        actions: &[
            "ec2:CreateVpc", "ec2:ModifyVpcAttribute", "ec2:DescribeVpcs", "ec2:CreateInternetGateway", "ec2:AttachInternetGateway",
            "ec2:CreateSubnet", "ec2:DescribeSubnets", "ec2:CreateRouteTable", "ec2:CreateRoute", "ec2:AssociateRouteTable",
            "ec2:DescribeRouteTables", "ec2:DescribeAvailabilityZones", "ec2:CreateTags",
        ],
    },
    Needed {
        kinds: &["AWS::EC2::SecurityGroup"], unless: None,
        resource: "*",
        actions: &[
            "ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupEgress", "ec2:DescribeSecurityGroups",
        ],
    },
    Needed {
        kinds: &["AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint"],
        unless: Some((parameter::PRIVATE_NETWORK, "on")),
        resource: "*",
        actions: &[
            "ec2:AllocateAddress", "ec2:DescribeAddresses", "ec2:CreateNatGateway", "ec2:DescribeNatGateways",
            "ec2:CreateVpcEndpoint", "ec2:DescribeVpcEndpoints",
        ],
    },
    Needed {
        kinds: &[
            "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener",
            "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::ListenerRule",
        ],
        unless: None,
        resource: "*",
        actions: &[
            "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RegisterTargets",
            "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:AddTags",
        ],
    },
    Needed {
        kinds: &["AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::Permission"], unless: None,
        resource: "arn:{partition}:lambda:{region}:{account}:function:{stack}-ApiFunction-preflight",
        actions: &[
            "lambda:CreateFunction", "lambda:GetFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
            "lambda:PublishVersion", "lambda:CreateAlias", "lambda:GetAlias", "lambda:UpdateAlias", "lambda:AddPermission",
            "lambda:InvokeFunction", "lambda:TagResource",
        ],
    },
    Needed {
        kinds: &["AWS::Lambda::EventSourceMapping"], unless: None,
        resource: "*",
        actions: &["lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping"],
    },
    Needed {
        kinds: &["AWS::IAM::Role"], unless: None,
        resource: "arn:{partition}:iam::{account}:role/{stack}-ApiRole-preflight",
        actions: &["iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:TagRole", "iam:PassRole"],
    },
    Needed {
        kinds: &["AWS::Logs::LogGroup"], unless: None,
        resource: "arn:{partition}:logs:{region}:{account}:log-group:/restctl/{stack}/api:*",
        actions: &["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
    },
    Needed {
        kinds: &["AWS::SecretsManager::Secret"], unless: None,
        resource: "arn:{partition}:secretsmanager:{region}:{account}:secret:restctl/{stack}/certificate-abcdef",
        actions: &["secretsmanager:GetSecretValue"],
    },
    Needed {
        kinds: &["AWS::S3::Bucket", "AWS::S3::BucketPolicy"], unless: None,
        resource: "arn:{partition}:s3:::{stack}-databucket-preflight",
        actions: &[
            "s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketOwnershipControls", "s3:PutLifecycleConfiguration", "s3:PutBucketNotification", "s3:PutBucketPolicy",
            "s3:PutBucketTagging",
        ],
    },
    Needed {
        kinds: &[], unless: None,
        resource: "arn:{partition}:s3:::{artifacts}/package.zip",
        actions: &["s3:PutObject", "s3:GetObject"],
    },
    Needed {
        kinds: &["AWS::Events::Rule"], unless: None,
        resource: "arn:{partition}:events:{region}:{account}:rule/{stack}-ObjectCreatedRule-preflight",
        actions: &["events:PutRule", "events:PutTargets", "events:DescribeRule"],
    },
    Needed {
        kinds: &["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"], unless: None,
        resource: "arn:{partition}:sqs:{region}:{account}:{stack}-LoadQueue-preflight.fifo",
        actions: &["sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:GetQueueAttributes", "sqs:TagQueue"],
    },
    Needed {
        kinds: &["AWS::DynamoDB::Table"], unless: None,
        resource: "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-ItemsTable-preflight",
        actions: &[
            "dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateContinuousBackups",
            "dynamodb:DescribeContinuousBackups", "dynamodb:TagResource",
        ],
    },
    Needed {
        kinds: &["AWS::CloudWatch::Alarm"], unless: None,
        resource: "arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-ApiErrorsAlarm-preflight",
        actions: &["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"],
    },
    Needed {
        kinds: &["AWS::CloudWatch::Dashboard"], unless: None,
        resource: "arn:{partition}:cloudwatch::{account}:dashboard/restctl-{stack}",
        actions: &["cloudwatch:PutDashboard", "cloudwatch:GetDashboard"],
    },
    Needed {
        kinds: &["AWS::Route53::RecordSet"],
        unless: Some((parameter::DOMAIN, "NAME")),
        resource: "arn:{partition}:route53:::hostedzone/{hosted zone}",
        actions: &["route53:ChangeResourceRecordSets"],
    },
    Needed {
        kinds: &[
            "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolDomain", "AWS::Cognito::UserPoolResourceServer",
            "AWS::Cognito::UserPoolClient",
        ],
        unless: Some((parameter::IDP, "cognito")),
        resource: "*",
        actions: &[
            "cognito-idp:CreateUserPool", "cognito-idp:CreateUserPoolDomain", "cognito-idp:CreateResourceServer",
            "cognito-idp:CreateUserPoolClient", "cognito-idp:DescribeUserPoolClient",
        ],
    },
];

impl Needed {
    /// Whether there will be such resources; `value` tells the value of a parameter.
    pub(super) fn applies<'a>(&self, value: impl Fn(&'static str) -> &'a str) -> bool {
        match self.unless {
            None => true,
            // Any name will do.
            Some((name @ parameter::DOMAIN, _)) => !value(name).is_empty(),
            Some((name, wanted)) => value(name) == wanted,
        }
    }

    pub(super) fn resource(&self, context: &Context, caller: &Caller, deployment: &Deployment<'_>) -> String {
        let fill = |text: String, (name, value): &(&str, &str)| text.replace(name, value);
        let known = [
            ("{partition}", caller.partition()),
            ("{region}", context.aws.region.as_str()),
            ("{account}", caller.account.as_str()),
            ("{stack}", context.stack.as_str()),
            ("{artifacts}", deployment.artifacts.name),
            ("{hosted zone}", deployment.parameter(parameter::HOSTED_ZONE)),
        ];
        known.iter().fold(self.resource.to_owned(), fill)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_type_of_the_template_says_what_it_takes() {
        let template = include_str!("../../../../templates/stack.yaml");
        let types = template.lines().filter_map(|line| line.strip_prefix("    Type: AWS::"));
        let types: BTreeSet<_> = types.filter(|kind| !kind.starts_with("SSM::Parameter")).collect();
        let known: BTreeSet<_> = NEEDED.iter().flat_map(|needed| needed.kinds).copied().collect();
        let known: BTreeSet<_> = known.iter().filter_map(|kind| kind.strip_prefix("AWS::")).collect();
        assert_eq!(types, known);
    }

    #[test]
    fn what_is_not_asked_for_is_not_needed() {
        let count = |set: &[(&str, &str)]| {
            let value =
                |name: &str| set.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
            NEEDED.iter().filter(|needed| needed.applies(value)).count()
        };
        let plain = count(&[]);
        assert_eq!(count(&[(parameter::EXISTING_VPC, "vpc-1")]), plain - 1);
        assert_eq!(count(&[(parameter::PRIVATE_NETWORK, "off"), (parameter::IDP, "external")]), plain);
        for (name, value) in [
            (parameter::PRIVATE_NETWORK, "on"),
            (parameter::IDP, "cognito"),
            (parameter::DOMAIN, "a.example.com"),
        ] {
            assert_eq!(count(&[(name, value)]), plain + 1, "{name}");
        }
    }
}
