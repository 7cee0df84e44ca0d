//! Known failures of AWS services, and what to do about each.

struct KnownFailure {
    /// The prefix of the resource types that can fail this way.
    kind: &'static str,
    /// A part of the reason, in lower case.
    reason: &'static str,
    advice: &'static str,
}

const fn known(kind: &'static str, reason: &'static str, advice: &'static str) -> KnownFailure {
    KnownFailure { kind, reason, advice }
}

/// What to do about a cause that passes.
pub(super) const AGAIN: &str = "run the same command again; the cause is temporary";
const HOOK: &str = "ask the administrator of the Hook named above (CloudFormation Hooks, AWS Control Tower) what it requires, or for an exception";
const TAGS: &str =
    "if the policy demands tags on what is created: restctl setup or deploy with --tag KEY=VALUE";
const ELB: &str = "AWS::ElasticLoadBalancingV2::";
const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const EC2: &str = "AWS::EC2::";
const OTHER_ZONES: &str = "restctl deploy --zones ZONE,ZONE, with other availability zones than those named above;\nor with subnets in other zones: --vpc ID --subnets ID,ID";
/// A private network can also be added to a deployed stack, whose subnets are there already.
const ZONES_OF_NEW_STACK: &str = "restctl deploy --zones ZONE,ZONE, with other availability zones; a deployed stack keeps its zones, so use another --stack then";

/// Specific failures come before general ones.
#[rustfmt::skip]
const KNOWN: &[KnownFailure] = &[
    // Certificate
    known(LISTENER, "certificate arn", "restctl setup --cert FILE --key FILE or --self-signed NAME, which imports a certificate into this region; then: restctl deploy"),
    known(LISTENER, "unsupportedcertificate", "use a certificate that load balancers accept (RSA 2048 to 4096 or ECDSA P-256 to P-521, a full name): restctl setup --cert FILE --key FILE"),
    known(LISTENER, "must have a fully-qualified domain name", "use a certificate that load balancers accept (RSA 2048 to 4096 or ECDSA P-256 to P-521, a full name): restctl setup --cert FILE --key FILE"),
    known(LISTENER, "certificate 'arn", "restctl setup --cert FILE --key FILE or --self-signed NAME, which imports a certificate into this region; then: restctl deploy"),
    known("", "secrets manager can't find the specified secret", "restctl setup, which writes it; then: restctl deploy"),
    known("", "scheduled for deletion", "aws secretsmanager restore-secret or delete-secret --force-delete-without-recovery on the one named above; then: restctl deploy"),
    known("", "unable to fetch parameters", "restctl setup, which writes them; then: restctl deploy"),
    // Quotas
    known("AWS::EC2::VPC", "maximum number of vpcs", "raise the quota \"VPCs per Region\" (vpc, L-F678F1CE) in Service Quotas,\nor use an existing VPC: restctl deploy --vpc ID --subnets ID,ID"),
    known(EC2, "maximum number of internet gateways", "raise the quota \"Internet gateways per Region\" (vpc, L-A4707A72) in Service Quotas,\nor use an existing VPC: restctl deploy --vpc ID --subnets ID,ID"),
    known(EC2, "maximum number of addresses", "raise the quota \"EC2-VPC Elastic IPs\" (ec2, L-0263D0A3) in Service Quotas, or: restctl deploy --private-network off"),
    known("AWS::EC2::NatGateway", "limit of", "raise the quota \"NAT gateways per Availability Zone\" (vpc, L-FE5A380F) in Service Quotas, or: restctl deploy --private-network off"),
    known(EC2, "maximum number of vpc endpoints", "raise the quota \"Gateway VPC endpoints per Region\" (vpc, L-1B52E74A) in Service Quotas, or: restctl deploy --private-network off"),
    known(ELB, "maximum number of load balancers", "raise the quota \"Application Load Balancers per Region\" (elasticloadbalancing, L-53DA6B97) in Service Quotas"),
    known("AWS::IAM::Role", "rolesperaccount", "raise the quota \"Roles per account\" (iam, L-FE177D64) in Service Quotas, or delete unused roles"),
    known("AWS::Lambda::", "code storage limit", "delete unused function versions, or raise the quota \"Function and layer storage\" (lambda, L-2ACBD22F)"),
    known("AWS::Lambda::", "below its minimum value", "restctl deploy --api-concurrency with a lower number, or none, so that the others keep the minimum named above;\nor raise the quota \"Concurrent executions\" (lambda, L-B99A9384) in Service Quotas"),
    known("AWS::S3::Bucket", "more buckets than allowed", "raise the quota \"General purpose buckets\" (s3, L-DC2B2D3D) in Service Quotas, or delete unused buckets"),
    known("AWS::DynamoDB::Table", "tables per subscriber", "raise the quota \"Maximum number of tables\" (dynamodb, L-F98FE922) in Service Quotas, or delete unused tables"),
    known("AWS::DynamoDB::Table", "subscriber limit exceeded", "wait until the account's other tables are created, then: restctl deploy"),
    // Names that are taken
    known("AWS::S3::Bucket", "already exists", "choose another --stack name: all of AWS shares the names of buckets"),
    known("AWS::S3::Bucket", "requested bucket name is not available", "choose another --stack name: all of AWS shares the names of buckets"),
    known("AWS::Logs::LogGroup", "already exists", "aws logs delete-log-group on the one named above, which an earlier stack left behind; then: restctl deploy"),
    known("AWS::CloudWatch::Dashboard", "already exists", "aws cloudwatch delete-dashboards on the one named above, or choose another --stack name"),
    known("AWS::Cognito::UserPoolDomain", "already associated with another user pool", "wait a few minutes if you have just destroyed this stack; otherwise choose another --stack name: the whole region shares the domains of user pools"),
    // The handler of the type gives no other reason.
    known("AWS::Cognito::UserPoolDomain", "invalid request provided", "choose another --stack name: the whole region shares the domains of user pools"),
    known("AWS::Lambda::EventSourceMapping", "already exists", "aws lambda delete-event-source-mapping --uuid with the UUID named above, which was left behind; then: restctl deploy"),
    known("AWS::Lambda::Function", "already exists", AGAIN),
    known("AWS::Route53::RecordSet", "already exists", "delete the existing record, or deploy without one: --domain \"\" --hosted-zone \"\""),
    known("AWS::Route53::RecordSet", "no hosted zone", "find the id with aws route53 list-hosted-zones; then: restctl deploy --domain NAME --hosted-zone ID,\nor without a record: restctl deploy --domain \"\" --hosted-zone \"\""),
    known("AWS::Route53::RecordSet", "is not permitted in zone", "use the hosted zone of that domain: restctl deploy --domain NAME --hosted-zone ID"),
    known("AWS::SQS::Queue", "must wait 60 seconds", "wait a minute, then: restctl deploy"),
    // Network
    known(ELB, "two different availability zones", "use subnets in two availability zones: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "cannot be associated with a load balancer", OTHER_ZONES),
    known(ELB, "is constrained and cannot be used together with", OTHER_ZONES),
    known("AWS::EC2::Subnet", "subnets can currently only be created in", "restctl deploy --zones ZONE,ZONE, with two of the availability zones named above"),
    known("AWS::EC2::NatGateway", "not available in this availability zone", ZONES_OF_NEW_STACK),
    known("AWS::Lambda::", "availability zone lambda doesn't support", ZONES_OF_NEW_STACK),
    known(ELB, "does not support creating load balancers", "open a case with AWS Support (\"Account and billing\", which every account may) and ask to allow load balancers in this account;\nthen: restctl deploy"),
    known(ELB, "multiple subnets in the same availability zone", "use subnets in two availability zones: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "has no internet gateway", "use public subnets, whose VPC has an internet gateway: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "not enough ip space", "use subnets with eight free addresses each: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "is currently in use by a listener or a rule", AGAIN),
    known(EC2, "has a dependent object", "wait up to 40 minutes until the network interfaces of the functions are deleted; then: restctl destroy"),
    known(EC2, "has dependencies and cannot be deleted", "wait up to 40 minutes until the network interfaces of the functions are deleted; then: restctl destroy"),
    known(EC2, "mapped public address", "wait a few minutes until the load balancer's addresses are free; then: restctl destroy"),
    // Functions
    known("AWS::Lambda::", "nosuchkey", "restctl deploy, which uploads the package again"),
    known("AWS::Lambda::", "nosuchbucket", "restctl deploy, which creates the bucket and uploads the package again"),
    known("AWS::Lambda::", "cannot be assumed by lambda", AGAIN),
    known("AWS::Lambda::EventSourceMapping", "does not have permissions to call", AGAIN),
    known("AWS::Lambda::", "an update is in progress", AGAIN),
    known("AWS::Lambda::", "does not have permissions to call createnetworkinterface", AGAIN),
    // Data
    known("AWS::S3::Bucket", "is not empty", "restctl destroy --delete-data, which empties it first"),
    known("AWS::S3::Bucket", "conflicting conditional operation", "wait a minute, then run the same command again: S3 is still working on a bucket of that name"),
    known("AWS::DynamoDB::Table", "which is still in use", AGAIN),
    known("", "deletion protection is ", "restctl destroy, which turns the protection off"),
    // The caller
    known("", "security token included in the request is expired", "sign in again, for a session that outlasts the deployment; then run the same command again"),
    known("AWS::IAM::", "security token included in the request is invalid", "use credentials of a role or of IAM Identity Center (--profile), or sign in with MFA: IAM refuses other temporary credentials"),
    // The organization and the region
    known("", "hook(s) failed", HOOK),
    known("", "found by the hook ", HOOK),
    known("", "encountered unsupported propert", "use another --region: this one does not offer what the template needs"),
    known("", "not supported in this region", "use another --region: this one does not offer what the template needs"),
    // Any
    known("", "action denied by stack policy", "if the change is intended, allow it with aws cloudformation set-stack-policy; then: restctl deploy"),
    known("", "rate exceeded", AGAIN),
    known("", "request limit exceeded", AGAIN),
    known("", "throttling", AGAIN),
    known("", "exceeded attempts to wait", AGAIN),
    known("", "timed out waiting for completion", AGAIN),
    known("", "internal failure", AGAIN),
    known("", "internalfailure", AGAIN),
    known("", "servicelimitexceeded", "raise the quota named above in Service Quotas, in this region; then: restctl deploy"),
    known("", "limitexceeded", "raise the quota named above in Service Quotas, in this region; then: restctl deploy"),
];

/// The policies that deny an action although another policy of the caller may allow it.
const LIMITING_POLICIES: [&str; 5] = [
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
];

/// Returns what to do about a failure. `kind` is the type of the failed resource, or the empty string.
pub(crate) fn find_advice(kind: &str, reason: &str) -> Option<String> {
    if let Some(action) = missing_permission(reason) {
        let denies = |policy: &&&str| reason.contains(&format!("explicit deny in a {policy}"));
        let advice = match LIMITING_POLICIES.iter().find(denies) {
            Some(policy) => format!(
                "ask the administrator of the {policy} to allow {action}, or use another --profile or --region; then run the same \
                 command again"
            ),
            None => format!(
                "ask for the permission {action}, or use another --profile; then run the same command again"
            ),
        };
        let may_demand_tags = reason.contains("explicit deny") && is_creation(action);
        return Some(if may_demand_tags { format!("{advice};\n{TAGS}") } else { advice });
    }
    let reason = reason.to_lowercase();
    let known = KNOWN.iter().find(|known| kind.starts_with(known.kind) && reason.contains(known.reason));
    known.map(|known| known.advice.to_owned())
}

/// Returns the action that was denied, from the words of IAM ("… is not authorized to perform: iam:CreateRole on resource: …"), or
/// of CloudFormation ("API: ec2:CreateVpc You are not authorized to perform this operation.", "API: s3:PutBucketPolicy Access
/// Denied").
fn missing_permission(reason: &str) -> Option<&str> {
    let is_denied = reason.contains("not authorized") || reason.contains("Access Denied");
    let (before, after) = reason
        .split_once("is not authorized to perform: ")
        .or_else(|| reason.split_once("API: ").filter(|_| is_denied))?;
    // The execution role of a function is created in the same deployment, and takes effect after a while.
    if before.contains("execution role") {
        return None;
    }
    after.split_whitespace().next().filter(|action| is_action(action))
}

/// Whether the action creates something, on which a policy can demand tags.
fn is_creation(action: &str) -> bool {
    let name = action.split_once(':').map_or("", |(_, name)| name);
    ["Allocate", "Create", "Import", "Put"].iter().any(|verb| name.starts_with(verb))
}

/// Whether this is a name such as `iam:CreateRole`. Only such a text becomes part of the advice.
fn is_action(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    text.split_once(':').is_some_and(|(service, name)| is_name(service) && is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_is_named_that_a_service_needs_for_its_own_call() {
        let role =
            "role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing";
        let reason = format!(
            "API: elasticloadbalancingv2:CreateLoadBalancer User: arn:aws:iam::123456789012:user/ada is not authorized to perform: \
             iam:CreateServiceLinkedRole on resource: arn:aws:iam::123456789012:{role}"
        );
        let advice = find_advice("AWS::ElasticLoadBalancingV2::LoadBalancer", &reason).unwrap();
        assert!(advice.contains("ask for the permission iam:CreateServiceLinkedRole"), "{advice}");
    }

    #[test]
    fn a_policy_that_may_demand_tags_is_recognized() {
        let denial = |action: &str, policy: &str| {
            let user = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform";
            format!("{user}: {action} on resource: * with an explicit deny in a {policy}")
        };
        let advice = |action| find_advice("", &denial(action, "service control policy")).unwrap();
        for action in
            ["acm:ImportCertificate", "s3:CreateBucket", "secretsmanager:CreateSecret", "ssm:PutParameter"]
        {
            let advice = advice(action);
            assert!(advice.contains("--tag KEY=VALUE") && advice.contains("administrator"), "{advice}");
        }
        assert!(!advice("acm:DeleteCertificate").contains("--tag"));
    }
}
