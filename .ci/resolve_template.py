"""Writes the template as CloudFormation sees it: with its parameters and conditions resolved.

The tools that inspect it (checkov, cfn-guard, parliament) cannot resolve conditions: what an `Fn::If` chooses would
stay unseen, or be reported although it is right.

    resolve_template.py TEMPLATE FOLDER

makes FOLDER/default.json, what `restctl deploy` deploys without options in an account with the default quotas, and
FOLDER/options.json, with every option that adds something. Each policy of a role, bucket, queue or endpoint is also a
file of its own, such as FOLDER/policies/default.DataBucketPolicy.0.json, with the ARNs of resources in it.
"""

import json
import pathlib
import re
import sys

from cfnlint.decode.cfn_yaml import load

ACCOUNT = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "restctl",
    "AWS::URLSuffix": "amazonaws.com",
}
DEFAULT = {
    "ApiConcurrency": "450",
    "Architecture": "arm64",
    "ArtifactBucket": "restctl-restctl-123456789012-us-east-1",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
}
OPTIONS = DEFAULT | {
    "AlarmTopic": "arn:aws:sns:us-east-1:123456789012:alarms",
    "AllowCidr1": "203.0.113.0/24",
    "AllowCidr2": "198.51.100.0/24",
    "Domain": "api.example.com",
    "EdgeJwt": "on",
    "HostedZone": "Z0123456789ABCDEFGHIJ",
    "Idp": "cognito",
    "List": "on",
    "OpenApi": "open",
    "PrivateNetwork": "on",
    # The longest names, for the limits that lint_template.py checks.
    "AWS::Region": "ap-southeast-1",
    "AWS::StackName": "restctl-of-24-characters",
}
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/{}",
    "AWS::Events::Rule": "arn:aws:events:us-east-1:123456789012:rule/{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:{}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:{}",
}
NO_VALUE = object()


class Resolver:
    def __init__(self, template, chosen):
        self.template = template
        defaults = {name: parameter.get("Default", name) for name, parameter in template["Parameters"].items()}
        self.values = ACCOUNT | defaults | chosen

    def condition(self, name):
        return self.test(self.template["Conditions"][name])

    def test(self, expression):
        [(function, arguments)] = expression.items()
        if function == "Condition":
            return self.condition(arguments)
        if function == "Fn::Equals":
            left, right = (self.resolve(argument) for argument in arguments)
            return left == right
        results = [self.test(argument) for argument in arguments]
        return {"Fn::And": all(results), "Fn::Or": any(results), "Fn::Not": not results[0]}[function]

    def resolve(self, value):
        """Returns the value without conditions and without references to parameters. References to resources stay."""
        if isinstance(value, list):
            items = (self.resolve(item) for item in value)
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if value.get("Ref") == "AWS::NoValue":
            return NO_VALUE
        if "Fn::If" in value:
            condition, yes, no = value["Fn::If"]
            return self.resolve(yes if self.condition(condition) else no)
        if value.get("Ref") in self.values:
            return self.values[value["Ref"]]
        if isinstance(value.get("Fn::Sub"), str):
            text = value["Fn::Sub"]
            for name, replacement in self.values.items():
                text = text.replace("${" + name + "}", str(replacement))
            return {"Fn::Sub": text} if "${" in text else text
        members = {name: self.resolve(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not NO_VALUE}

    def section(self, name):
        """Yields the members of Resources or Outputs whose condition holds."""
        for name, member in self.template[name].items():
            if "Condition" not in member or self.condition(member["Condition"]):
                yield name, self.resolve({key: part for key, part in member.items() if key != "Condition"})


def policies(resource):
    """Returns the policies of a resource, without the trust policies of roles, which name no resources."""
    properties = resource.get("Properties", {})
    own = [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    return own + [policy["PolicyDocument"] for policy in properties.get("Policies", [])]


def with_arns(value, resources):
    """Returns a policy with ARNs instead of references to resources."""

    def arn(name):
        return ARNS[resources[name]["Type"]].format(f"restctl-{name.lower()}")

    if isinstance(value, list):
        return [with_arns(item, resources) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::GetAtt" in value:
        return arn(value["Fn::GetAtt"][0])
    if "Fn::Sub" in value:
        return re.sub(r"\$\{(\w+)\.Arn\}", lambda found: arn(found[1]), value["Fn::Sub"])
    return {key: with_arns(member, resources) for key, member in value.items()}


def main(template, folder):
    template = load(template)
    folder = pathlib.Path(folder)
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    for variant, chosen in ("default", DEFAULT), ("options", OPTIONS):
        resources = dict(Resolver(template, chosen).section("Resources"))
        for name, resource in resources.items():
            for number, policy in enumerate(policies(resource)):
                policy["Statement"] = with_arns(policy["Statement"], resources)
                (folder / "policies" / f"{variant}.{name}.{number}.json").write_text(json.dumps(policy))
        resolved = {"AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"], "Resources": resources}
        (folder / f"{variant}.json").write_text(json.dumps(resolved, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
