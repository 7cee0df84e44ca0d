//! The failures that are known, and what to do about each.

/// A failure that is known.
struct Known {
    /// The types of resources that have it begin with this.
    kind: &'static str,
    /// Words of the reason, in lower case.
    says: &'static str,
    advice: &'static str,
}

const fn known(kind: &'static str, says: &'static str, advice: &'static str) -> Known {
    Known { kind, says, advice }
}

const AGAIN: &str = "the same command again; it passes by itself";
const ELB: &str = "AWS::ElasticLoadBalancingV2::";
const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const EC2: &str = "AWS::EC2::";

/// The special before the general.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    // Certificate
    known(LISTENER, "certificate arn", "restctl setup --cert … or --self-signed …, which imports a certificate into this region; then: restctl deploy"),
    known(LISTENER, "unsupportedcertificate", "a certificate that a load balancer takes (RSA 2048 to 4096 or ECDSA P-256 to P-521, a full name): restctl setup --cert …"),
    known(LISTENER, "must have a fully-qualified domain name", "a certificate that a load balancer takes (RSA 2048 to 4096 or ECDSA P-256 to P-521, a full name): restctl setup --cert …"),
    known("", "secrets manager can't find the specified secret", "restctl setup, which writes it; then: restctl deploy"),
    known("", "scheduled for deletion", "aws secretsmanager restore-secret or delete-secret --force-delete-without-recovery on the one named above; then: restctl deploy"),
    known("", "unable to fetch parameters", "restctl setup, which writes them; then: restctl deploy"),
    // Quotas
    known("AWS::EC2::VPC", "maximum number of vpcs", "raise the quota \"VPCs per Region\" (vpc, L-F678F1CE) in Service Quotas,\nor use a VPC that is there: restctl deploy --vpc ID --subnets ID,ID"),
    known(EC2, "maximum number of internet gateways", "raise the quota \"Internet gateways per Region\" (vpc, L-A4707A72) in Service Quotas,\nor use a VPC that is there: restctl deploy --vpc ID --subnets ID,ID"),
    known(EC2, "maximum number of addresses", "raise the quota \"EC2-VPC Elastic IPs\" (ec2, L-0263D0A3) in Service Quotas, or: restctl deploy --private-network off"),
    known("AWS::EC2::NatGateway", "limit of", "raise the quota \"NAT gateways per Availability Zone\" (vpc, L-FE5A380F) in Service Quotas, or: restctl deploy --private-network off"),
    known(EC2, "maximum number of vpc endpoints", "raise the quota \"Gateway VPC endpoints per Region\" (vpc, L-1B52E74A) in Service Quotas, or: restctl deploy --private-network off"),
    known(ELB, "maximum number of load balancers", "raise the quota \"Application Load Balancers per Region\" (elasticloadbalancing, L-53DA6B97) in Service Quotas"),
    known("AWS::IAM::Role", "rolesperaccount", "raise the quota \"Roles per account\" (iam, L-FE177D64) in Service Quotas, or delete roles that nobody needs"),
    known("AWS::Lambda::", "code storage limit", "delete function versions that nobody needs, or raise the quota \"Function and layer storage\" (lambda, L-2ACBD22F)"),
    known("AWS::DynamoDB::Table", "subscriber limit exceeded", "wait until the account's other tables are made, then: restctl deploy"),
    // Names that are taken
    known("AWS::S3::Bucket", "already exists", "another --stack name: bucket names are shared by all of AWS"),
    known("AWS::S3::Bucket", "requested bucket name is not available", "another --stack name: bucket names are shared by all of AWS"),
    known("AWS::Logs::LogGroup", "already exists", "aws logs delete-log-group on the one named above, left over from a former stack; then: restctl deploy"),
    known("AWS::CloudWatch::Dashboard", "already exists", "aws cloudwatch delete-dashboards on the one named above, or another --stack name"),
    known("AWS::Cognito::UserPoolDomain", "already associated with another user pool", "another --stack name: domains of user pools are shared by the whole region"),
    known("AWS::Route53::RecordSet", "already exists", "delete the record that is there, or deploy without it: --domain \"\" --hosted-zone \"\""),
    known("AWS::Route53::RecordSet", "no hosted zone", "aws route53 list-hosted-zones tells the ids; then: restctl deploy --domain NAME --hosted-zone ID,\nor without a record: restctl deploy --domain \"\" --hosted-zone \"\""),
    known("AWS::Route53::RecordSet", "is not permitted in zone", "the hosted zone of that very domain; then: restctl deploy --domain NAME --hosted-zone ID"),
    known("AWS::SQS::Queue", "must wait 60 seconds", "wait a minute, then: restctl deploy"),
    // Network
    known(ELB, "two different availability zones", "subnets in two availability zones: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "multiple subnets in the same availability zone", "subnets in two availability zones: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "has no internet gateway", "public subnets, whose VPC has an internet gateway: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "not enough ip space", "subnets with eight free addresses each: restctl deploy --vpc ID --subnets ID,ID"),
    known(ELB, "is currently in use by a listener or a rule", AGAIN),
    known(EC2, "has a dependent object", "wait: network interfaces of the functions take up to 40 minutes to go; then: restctl destroy"),
    known(EC2, "has dependencies and cannot be deleted", "wait: network interfaces of the functions take up to 40 minutes to go; then: restctl destroy"),
    known(EC2, "mapped public address", "wait a few minutes until the load balancer's addresses are free; then: restctl destroy"),
    // Functions
    known("AWS::Lambda::", "nosuchkey", "restctl deploy, which uploads the package again"),
    known("AWS::Lambda::", "nosuchbucket", "restctl deploy, which makes the bucket and uploads the package again"),
    known("AWS::Lambda::", "cannot be assumed by lambda", AGAIN),
    known("AWS::Lambda::EventSourceMapping", "does not have permissions to call", AGAIN),
    known("AWS::Lambda::", "an update is in progress", AGAIN),
    known("AWS::Lambda::", "does not have permissions to call createnetworkinterface", AGAIN),
    // Data
    known("AWS::S3::Bucket", "is not empty", "restctl destroy --delete-data, which empties it first"),
    known("AWS::S3::Bucket", "conflicting conditional operation", "wait a minute, then again: S3 is still busy with a bucket of that name"),
    known("AWS::DynamoDB::Table", "which is still in use", AGAIN),
    // Any
    known("", "action denied by stack policy", "aws cloudformation set-stack-policy, where the change is meant; then: restctl deploy"),
    known("", "rate exceeded", AGAIN),
    known("", "throttling", AGAIN),
    known("", "exceeded attempts to wait", AGAIN),
    known("", "timed out waiting for completion", AGAIN),
    known("", "internal failure", AGAIN),
    known("", "internalfailure", AGAIN),
    known("", "servicelimitexceeded", "raise the quota named above in Service Quotas, in this region; then: restctl deploy"),
    known("", "limitexceeded", "raise the quota named above in Service Quotas, in this region; then: restctl deploy"),
];

pub(crate) fn advice(kind: &str, reason: &str) -> Option<String> {
    if let Some(action) = missing_permission(reason) {
        return Some(format!(
            "ask for the permission {action}, or use another --profile; then the same command again"
        ));
    }
    let reason = reason.to_lowercase();
    let known = KNOWN.iter().find(|known| kind.starts_with(known.kind) && reason.contains(known.says));
    known.map(|known| known.advice.to_owned())
}

/// The action that the caller may not do: as IAM words it ("… is not authorized to perform: iam:CreateRole on resource: …"), or
/// as CloudFormation words it for Amazon EC2 ("API: ec2:CreateVpc You are not authorized to perform this operation.").
fn missing_permission(reason: &str) -> Option<&str> {
    let (before, after) = reason
        .split_once("is not authorized to perform: ")
        .or_else(|| reason.split_once("API: ").filter(|_| reason.contains("not authorized")))?;
    // The execution role of a function is made in the same deployment, and IAM takes its time.
    if before.contains("execution role") {
        return None;
    }
    after.split_whitespace().next()
}
