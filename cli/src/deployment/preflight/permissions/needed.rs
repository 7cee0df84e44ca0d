//! The permissions that a deployment needs: those of the handlers that make the resources of `templates/stack.yaml`
//! ("permissions" in the schemas of the CloudFormation registry), and those of restctl's own calls.
//!
//! Each action is simulated with a resource of a type that it supports ("Actions, resources, and condition keys for AWS
//! services"): a policy that allows it for one region or the ARNs of one account denies it for "*". If it supports several
//! types, one of them is used, which is never stricter than AWS.

use restctl_contract::template::parameter;

use crate::deployment::preflight::Deployment;
use restctl_contract::stack::StackName;

pub(super) struct Needed {
    /// The types of resources whose handlers need the actions. Empty if restctl itself makes the calls.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with the template"))]
    pub(super) kinds: &'static [&'static str],
    when: When,
    /// An ARN like those of the real resources, with `{…}` for the parts that depend on the deployment. "*" for actions that
    /// support no resources.
    resource: &'static str,
    /// Actions of one service.
    pub(super) actions: &'static [&'static str],
}

/// Which deployments need the actions.
enum When {
    /// Every deployment.
    Always,
    /// A deployment that creates the stack. An update needs them only if such a resource changes.
    Created,
    /// A deployment that gives this parameter this value. If the value is not new, only if such a resource changes.
    Set(&'static str, &'static str),
    /// Like [`When::Set`], for any value.
    Named(&'static str),
    /// A deployment that takes an unusual course.
    Sometimes,
}

/// How certain it is that a deployment needs an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Necessity {
    Certain,
    Possible,
}

#[rustfmt::skip]
pub(super) const NEEDED: &[Needed] = &[
    Needed {
        kinds: &[], when: When::Always,
        resource: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/preflight",
        actions: &["cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:DescribeStacks"],
    },
    Needed {
        kinds: &[], when: When::Created,
        resource: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/preflight",
        actions: &[
            "cloudformation:ExecuteChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:UpdateTerminationProtection",
        ],
    },
    // A change set without warnings does not need it, and what it tells of a failure is only more than the stack's events do.
    Needed {
        kinds: &[], when: When::Sometimes,
        resource: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/preflight",
        actions: &["cloudformation:DescribeEvents"],
    },
    // The resources that are protected from deletion when the stack is complete.
    Needed {
        kinds: &[], when: When::Always,
        resource: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/preflight",
        actions: &["cloudformation:ListStackResources"],
    },
    Needed {
        kinds: &[], when: When::Always,
        resource: "*",
        actions: &["elasticloadbalancing:DescribeLoadBalancerAttributes"],
    },
    Needed {
        kinds: &[], when: When::Always,
        resource: "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-ItemsTable-preflight",
        actions: &["dynamodb:DescribeTable"],
    },
    Needed {
        kinds: &[], when: When::Created,
        resource: "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-ItemsTable-preflight",
        actions: &["dynamodb:UpdateTable"],
    },
    Needed {
        kinds: &[], when: When::Set(parameter::IDP, "cognito"),
        resource: "*",
        actions: &["cloudformation:GetResource", "cloudformation:UpdateResource", "cloudformation:GetResourceRequestStatus"],
    },
    // A change set that is not executed is deleted, together with a stack that it made.
    Needed {
        kinds: &[], when: When::Sometimes,
        resource: "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/preflight",
        actions: &["cloudformation:DeleteChangeSet", "cloudformation:DeleteStack"],
    },
    Needed {
        kinds: &[], when: When::Always,
        resource: "arn:{partition}:ssm:{region}:{account}:parameter/restctl/{stack}/issuer",
        actions: &["ssm:GetParameters"],
    },
    Needed {
        kinds: &[], when: When::Set(parameter::IDP, "cognito"),
        resource: "arn:{partition}:ssm:{region}:{account}:parameter/restctl/{stack}/issuer",
        actions: &["ssm:PutParameter"],
    },
    Needed {
        kinds: &["AWS::EC2::VPC"], when: When::Set(parameter::EXISTING_VPC, ""),
        resource: "arn:{partition}:ec2:{region}:{account}:vpc/vpc-preflight",
        actions: &["ec2:CreateVpc", "ec2:ModifyVpcAttribute", "ec2:CreateTags"],
    },
    Needed {
        kinds: &["AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment"], when: When::Set(parameter::EXISTING_VPC, ""),
        resource: "arn:{partition}:ec2:{region}:{account}:internet-gateway/igw-preflight",
        actions: &["ec2:CreateInternetGateway", "ec2:AttachInternetGateway", "ec2:CreateTags"],
    },
    Needed {
        kinds: &["AWS::EC2::Subnet"], when: When::Set(parameter::EXISTING_VPC, ""),
        resource: "arn:{partition}:ec2:{region}:{account}:subnet/subnet-preflight",
        actions: &["ec2:CreateSubnet", "ec2:CreateTags"],
    },
    Needed {
        kinds: &["AWS::EC2::RouteTable", "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation"],
        when: When::Set(parameter::EXISTING_VPC, ""),
        resource: "arn:{partition}:ec2:{region}:{account}:route-table/rtb-preflight",
        actions: &["ec2:CreateRouteTable", "ec2:CreateRoute", "ec2:AssociateRouteTable", "ec2:CreateTags"],
    },
    Needed {
        kinds: &[
            "AWS::EC2::VPC", "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::Subnet",
            "AWS::EC2::RouteTable", "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation",
        ],
        when: When::Set(parameter::EXISTING_VPC, ""),
        resource: "*",
        actions: &[
            "ec2:DescribeVpcs", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeRouteTables",
            "ec2:DescribeNetworkInterfaces", "ec2:DescribeAvailabilityZones",
        ],
    },
    Needed {
        kinds: &["AWS::EC2::SecurityGroup"], when: When::Created,
        resource: "arn:{partition}:ec2:{region}:{account}:security-group/sg-preflight",
        actions: &[
            "ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupEgress", "ec2:CreateTags",
        ],
    },
    Needed {
        kinds: &["AWS::EC2::SecurityGroup"], when: When::Created,
        resource: "*",
        actions: &["ec2:DescribeSecurityGroups"],
    },
    Needed {
        kinds: &["AWS::EC2::EIP"], when: When::Set(parameter::PRIVATE_NETWORK, "on"),
        resource: "arn:{partition}:ec2:{region}:{account}:elastic-ip/eipalloc-preflight",
        actions: &["ec2:AllocateAddress", "ec2:CreateTags"],
    },
    Needed {
        kinds: &["AWS::EC2::NatGateway"], when: When::Set(parameter::PRIVATE_NETWORK, "on"),
        resource: "arn:{partition}:ec2:{region}:{account}:natgateway/nat-preflight",
        actions: &["ec2:CreateNatGateway", "ec2:CreateTags"],
    },
    Needed {
        kinds: &["AWS::EC2::VPCEndpoint"], when: When::Set(parameter::PRIVATE_NETWORK, "on"),
        resource: "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/vpce-preflight",
        actions: &["ec2:CreateVpcEndpoint", "ec2:CreateTags"],
    },
    // Lambda reads the subnets of a function's network with the caller's permissions.
    Needed {
        kinds: &["AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::Lambda::Function"],
        when: When::Set(parameter::PRIVATE_NETWORK, "on"),
        resource: "*",
        actions: &[
            "ec2:DescribeAddresses", "ec2:DescribeNatGateways", "ec2:DescribeVpcEndpoints", "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs",
        ],
    },
    Needed {
        kinds: &["AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener"], when: When::Created,
        resource: "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{stack}-LoadBalancer-preflight/preflight",
        actions: &[
            "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:CreateListener", "elasticloadbalancing:AddTags",
        ],
    },
    Needed {
        kinds: &["AWS::ElasticLoadBalancingV2::Listener"], when: When::Created,
        resource: "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{stack}-LoadBalancer-preflight/preflight/preflight",
        actions: &["elasticloadbalancing:ModifyListenerAttributes"],
    },
    Needed {
        kinds: &["AWS::ElasticLoadBalancingV2::Listener"], when: When::Sometimes,
        resource: "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{stack}-LoadBalancer-preflight/preflight/preflight",
        actions: &["elasticloadbalancing:ModifyListener"],
    },
    Needed {
        kinds: &["AWS::EC2::VPCEndpoint"], when: When::Sometimes,
        resource: "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/vpce-preflight",
        actions: &["ec2:ModifyVpcEndpoint"],
    },
    Needed {
        kinds: &["AWS::ElasticLoadBalancingV2::TargetGroup"], when: When::Created,
        resource: "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{stack}-TargetGroup-preflight/preflight",
        actions: &[
            "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:AddTags",
        ],
    },
    Needed {
        kinds: &[
            "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener",
            "AWS::ElasticLoadBalancingV2::TargetGroup",
        ],
        when: When::Created,
        resource: "*",
        actions: &[
            "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
            "elasticloadbalancing:DescribeListenerAttributes",
        ],
    },
    Needed {
        kinds: &["AWS::ElasticLoadBalancingV2::ListenerRule"], when: When::Set(parameter::EDGE_JWT, "on"),
        resource: "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{stack}-LoadBalancer-preflight/preflight/preflight",
        actions: &["elasticloadbalancing:CreateRule"],
    },
    Needed {
        kinds: &["AWS::ElasticLoadBalancingV2::ListenerRule"], when: When::Set(parameter::EDGE_JWT, "on"),
        resource: "*",
        actions: &["elasticloadbalancing:DescribeRules"],
    },
    // The new version of each function is invoked before the alias points at it.
    Needed {
        kinds: &[], when: When::Always,
        resource: "arn:{partition}:lambda:{region}:{account}:function:{stack}-ApiFunction-preflight",
        actions: &[
            "lambda:PublishVersion", "lambda:GetFunctionConfiguration", "lambda:GetAlias", "lambda:InvokeFunction",
        ],
    },
    Needed {
        kinds: &["AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::Permission"], when: When::Created,
        resource: "arn:{partition}:lambda:{region}:{account}:function:{stack}-ApiFunction-preflight",
        actions: &[
            "lambda:CreateFunction", "lambda:GetFunction", "lambda:CreateAlias", "lambda:AddPermission", "lambda:TagResource",
        ],
    },
    Needed {
        kinds: &["AWS::Lambda::Function"], when: When::Sometimes,
        resource: "arn:{partition}:lambda:{region}:{account}:function:{stack}-ApiFunction-preflight",
        actions: &[
            "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:UpdateAlias",
            "lambda:DeleteFunctionConcurrency",
        ],
    },
    Needed {
        kinds: &["AWS::Lambda::Function"], when: When::Named(parameter::API_CONCURRENCY),
        resource: "arn:{partition}:lambda:{region}:{account}:function:{stack}-ApiFunction-preflight",
        actions: &["lambda:PutFunctionConcurrency"],
    },
    Needed {
        kinds: &["AWS::Lambda::EventSourceMapping"], when: When::Created,
        resource: "*",
        actions: &["lambda:CreateEventSourceMapping"],
    },
    Needed {
        kinds: &["AWS::Lambda::EventSourceMapping"], when: When::Created,
        resource: "arn:{partition}:lambda:{region}:{account}:event-source-mapping:preflight",
        actions: &["lambda:GetEventSourceMapping", "lambda:TagResource"],
    },
    Needed {
        kinds: &["AWS::IAM::Role"], when: When::Created,
        resource: "arn:{partition}:iam::{account}:role/{stack}-ApiRole-preflight",
        actions: &["iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:TagRole"],
    },
    // Simulated by itself, because it has condition keys of its own.
    Needed {
        kinds: &["AWS::Lambda::Function"], when: When::Created,
        resource: "arn:{partition}:iam::{account}:role/{stack}-ApiRole-preflight",
        actions: &["iam:PassRole"],
    },
    Needed {
        kinds: &["AWS::Logs::LogGroup"], when: When::Created,
        resource: "arn:{partition}:logs:{region}:{account}:log-group:{stack}-ApiLogs-preflight:*",
        actions: &["logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy", "logs:TagResource"],
    },
    Needed {
        kinds: &[], when: When::Always,
        resource: "arn:{partition}:secretsmanager:{region}:{account}:secret:restctl/{stack}/certificate-abcdef",
        actions: &["secretsmanager:GetSecretValue"],
    },
    Needed {
        kinds: &["AWS::SecretsManager::Secret"], when: When::Set(parameter::LIST, "on"),
        resource: "arn:{partition}:secretsmanager:{region}:{account}:secret:CursorKey-preflight-abcdef",
        actions: &["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
    },
    Needed {
        kinds: &["AWS::SecretsManager::Secret"], when: When::Set(parameter::LIST, "on"),
        resource: "*",
        actions: &["secretsmanager:GetRandomPassword"],
    },
    Needed {
        kinds: &["AWS::SecretsManager::Secret"], when: When::Set(parameter::IDP, "cognito"),
        resource: "arn:{partition}:secretsmanager:{region}:{account}:secret:CognitoClientSecret-preflight-abcdef",
        actions: &["secretsmanager:CreateSecret", "secretsmanager:TagResource", "secretsmanager:GetSecretValue"],
    },
    // The client secret is read, and saved where `setup` would save it.
    Needed {
        kinds: &[], when: When::Set(parameter::IDP, "cognito"),
        resource: "arn:{partition}:secretsmanager:{region}:{account}:secret:restctl/{stack}/client-secret-abcdef",
        actions: &["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
    },
    Needed {
        kinds: &["AWS::S3::Bucket", "AWS::S3::BucketPolicy"], when: When::Created,
        resource: "arn:{partition}:s3:::{stack}-databucket-preflight",
        actions: &[
            "s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketOwnershipControls", "s3:PutLifecycleConfiguration", "s3:PutBucketNotification", "s3:GetBucketPolicy",
            "s3:PutBucketPolicy", "s3:PutBucketTagging",
        ],
    },
    // Without s3:ListBucket, S3 answers 403 instead of 404 for a missing package.
    Needed {
        kinds: &[], when: When::Created,
        resource: "arn:{partition}:s3:::{artifacts}",
        actions: &[
            "s3:CreateBucket", "s3:ListBucket", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
            "s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls", "s3:GetBucketPolicy", "s3:PutBucketPolicy",
            "s3:GetBucketVersioning", "s3:PutBucketVersioning", "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration",
        ],
    },
    Needed {
        kinds: &[], when: When::Created,
        resource: "arn:{partition}:s3:::{artifacts}/package.zip",
        actions: &["s3:PutObject", "s3:GetObject"],
    },
    // The packages of the previous deployment.
    Needed {
        kinds: &[], when: When::Sometimes,
        resource: "arn:{partition}:s3:::{artifacts}/package.zip",
        actions: &["s3:DeleteObject"],
    },
    Needed {
        kinds: &["AWS::Events::Rule"], when: When::Created,
        resource: "arn:{partition}:events:{region}:{account}:rule/{stack}-ObjectCreatedRule-preflight",
        actions: &["events:PutRule", "events:PutTargets", "events:DescribeRule", "events:TagResource"],
    },
    Needed {
        kinds: &["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"], when: When::Created,
        resource: "arn:{partition}:sqs:{region}:{account}:{stack}-LoadQueue-preflight.fifo",
        actions: &["sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:GetQueueAttributes", "sqs:TagQueue"],
    },
    Needed {
        kinds: &["AWS::DynamoDB::Table"], when: When::Created,
        resource: "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-ItemsTable-preflight",
        actions: &[
            "dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateContinuousBackups",
            "dynamodb:DescribeContinuousBackups", "dynamodb:TagResource",
        ],
    },
    Needed {
        kinds: &["AWS::CloudWatch::Alarm"], when: When::Created,
        resource: "arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-ApiErrorsAlarm-preflight",
        actions: &["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:TagResource"],
    },
    Needed {
        kinds: &["AWS::CloudWatch::Dashboard"], when: When::Created,
        resource: "arn:{partition}:cloudwatch::{account}:dashboard/restctl-{stack}-{region}",
        actions: &["cloudwatch:PutDashboard", "cloudwatch:GetDashboard", "cloudwatch:TagResource"],
    },
    Needed {
        kinds: &["AWS::Route53::RecordSet"], when: When::Named(parameter::DOMAIN),
        resource: "arn:{partition}:route53:::hostedzone/{hosted zone}",
        actions: &["route53:ChangeResourceRecordSets"],
    },
    Needed {
        kinds: &["AWS::Route53::RecordSet"], when: When::Named(parameter::DOMAIN),
        resource: "arn:{partition}:route53:::change/preflight",
        actions: &["route53:GetChange"],
    },
    Needed {
        kinds: &["AWS::Cognito::UserPool", "AWS::Cognito::UserPoolDomain"], when: When::Set(parameter::IDP, "cognito"),
        resource: "*",
        actions: &["cognito-idp:CreateUserPool", "cognito-idp:DescribeUserPoolDomain"],
    },
    Needed {
        kinds: &[
            "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolDomain", "AWS::Cognito::UserPoolResourceServer",
            "AWS::Cognito::UserPoolClient",
        ],
        when: When::Set(parameter::IDP, "cognito"),
        resource: "arn:{partition}:cognito-idp:{region}:{account}:userpool/{region}_preflight",
        actions: &[
            "cognito-idp:DescribeUserPool", "cognito-idp:CreateUserPoolDomain", "cognito-idp:CreateResourceServer",
            "cognito-idp:CreateUserPoolClient", "cognito-idp:DescribeUserPoolClient", "cognito-idp:TagResource",
            "cognito-idp:UpdateUserPool", "cognito-idp:GetUserPoolMfaConfig", "cognito-idp:ListTagsForResource",
        ],
    },
];

impl Needed {
    /// Returns how certain it is that the deployment needs the actions. `None` if it does not need them.
    pub(super) fn necessity_for(&self, deployment: &Deployment<'_>) -> Option<Necessity> {
        let (is_needed, had_it_before) = match self.when {
            When::Always => (true, false),
            When::Sometimes => (true, true),
            When::Created => (true, !deployment.is_new()),
            When::Set(name, value) => {
                (deployment.parameter(name) == value, deployment.was_deployed_with(name, value))
            }
            When::Named(name) => (
                !deployment.parameter(name).is_empty(),
                !deployment.is_new() && !deployment.was_deployed_with(name, ""),
            ),
        };
        is_needed.then_some(if had_it_before { Necessity::Possible } else { Necessity::Certain })
    }

    /// Returns the resource with the parts that depend on the deployment filled in.
    pub(super) fn resource_arn(
        &self,
        stack: &StackName,
        region: &str,
        deployment: &Deployment<'_>,
    ) -> String {
        let fill = |text: String, (name, value): &(&str, &str)| text.replace(name, value);
        let known = [
            ("{partition}", deployment.caller.partition()),
            ("{region}", region),
            ("{account}", deployment.caller.account.as_str()),
            ("{stack}", stack.as_str()),
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
    use crate::deployment::preflight::fixture::with_deployment;

    #[test]
    fn each_type_of_the_template_lists_its_permissions() {
        let template = include_str!("../../../../../templates/stack.yaml");
        let types = template.lines().filter_map(|line| line.strip_prefix("    Type: AWS::"));
        let types: BTreeSet<_> = types.filter(|kind| !kind.starts_with("SSM::Parameter")).collect();
        let known: BTreeSet<_> = NEEDED.iter().flat_map(|needed| needed.kinds).copied().collect();
        let known: BTreeSet<_> = known.iter().filter_map(|kind| kind.strip_prefix("AWS::")).collect();
        assert_eq!(types, known);
    }

    /// The condition keys of a question are those of one service.
    #[test]
    fn each_question_is_about_one_service() {
        for needed in NEEDED {
            let services: BTreeSet<_> =
                needed.actions.iter().map(|action| action.split(':').next()).collect();
            assert_eq!(services.len(), 1, "{services:?}");
            let is_of = needed.resource == "*" || services.contains(&needed.resource.split(':').nth(2));
            assert!(is_of, "{} is asked about {services:?}", needed.resource);
        }
    }

    #[test]
    fn only_actions_without_resources_are_simulated_for_all() {
        let supports_no_resource = |action: &str| {
            action.starts_with("ec2:Describe")
                || action.starts_with("elasticloadbalancing:Describe")
                || [
                    "lambda:CreateEventSourceMapping",
                    "secretsmanager:GetRandomPassword",
                    "cognito-idp:CreateUserPool",
                    "cognito-idp:DescribeUserPoolDomain",
                    // The Cloud Control API.
                    "cloudformation:GetResource",
                    "cloudformation:UpdateResource",
                    "cloudformation:GetResourceRequestStatus",
                ]
                .contains(&action)
        };
        for needed in NEEDED {
            for action in needed.actions {
                assert_eq!(
                    needed.resource == "*",
                    supports_no_resource(action),
                    "{action} on {}",
                    needed.resource
                );
            }
        }
    }

    /// Returns the actions that a deployment of these parameters certainly needs.
    fn certain_actions(
        parameters: &[(&'static str, &str)],
        before: Option<&[(&'static str, &str)]>,
    ) -> BTreeSet<&'static str> {
        with_deployment(parameters, before, |deployment| {
            let certain =
                NEEDED.iter().filter(|needed| needed.necessity_for(deployment) == Some(Necessity::Certain));
            certain.flat_map(|needed| needed.actions).copied().collect()
        })
    }

    /// Whether a deployment of these parameters may need it.
    fn may_need(parameters: &[(&'static str, &str)], action: &str) -> bool {
        with_deployment(parameters, None, |deployment| {
            let mut asked = NEEDED.iter().filter(|needed| needed.necessity_for(deployment).is_some());
            asked.any(|needed| needed.actions.contains(&action))
        })
    }

    #[test]
    fn unused_options_need_no_permissions() {
        let unset: &[&str] = &["", "off", "external"];
        for ((name, value), without, action) in [
            ((parameter::PRIVATE_NETWORK, "on"), unset, "ec2:AllocateAddress"),
            ((parameter::EDGE_JWT, "on"), unset, "elasticloadbalancing:CreateRule"),
            ((parameter::IDP, "cognito"), unset, "cognito-idp:CreateUserPool"),
            ((parameter::IDP, "cognito"), unset, "secretsmanager:CreateSecret"),
            ((parameter::LIST, "on"), unset, "secretsmanager:CreateSecret"),
            ((parameter::DOMAIN, "a.example.com"), &[""], "route53:ChangeResourceRecordSets"),
            ((parameter::API_CONCURRENCY, "450"), &[""], "lambda:PutFunctionConcurrency"),
        ] {
            assert!(certain_actions(&[(name, value)], None).contains(action), "{action}");
            for value in without {
                assert!(!may_need(&[(name, value)], action), "{action} with {name} {value:?}");
            }
        }
        assert!(
            may_need(&[], "ec2:CreateVpc")
                && !may_need(&[(parameter::EXISTING_VPC, "vpc-1")], "ec2:CreateVpc")
        );
    }

    #[test]
    fn an_existing_stack_needs_permissions_for_what_is_added() {
        let plain = [(parameter::LIST, "off")];
        assert!(certain_actions(&plain, None).contains("iam:CreateRole"));
        let unchanged = certain_actions(&plain, Some(&plain));
        assert!(!unchanged.contains("iam:CreateRole") && unchanged.contains("lambda:PublishVersion"));
        let listed = [(parameter::LIST, "on")];
        let added = certain_actions(&listed, Some(&plain));
        let added: BTreeSet<_> = added.difference(&unchanged).copied().collect();
        let secret =
            ["secretsmanager:CreateSecret", "secretsmanager:GetRandomPassword", "secretsmanager:TagResource"];
        assert_eq!(added, BTreeSet::from(secret));
        assert_eq!(certain_actions(&listed, Some(&listed)), unchanged);
        let named = [(parameter::DOMAIN, "a.example.com")];
        assert!(certain_actions(&named, Some(&plain)).contains("route53:GetChange"));
        assert!(!certain_actions(&named, Some(&named)).contains("route53:GetChange"));
    }

    #[test]
    fn unusual_calls_are_never_certain() {
        for action in ["cloudformation:DeleteStack", "cloudformation:DeleteChangeSet", "lambda:UpdateAlias"] {
            assert!(may_need(&[], action) && !certain_actions(&[], None).contains(action), "{action}");
        }
    }
}
