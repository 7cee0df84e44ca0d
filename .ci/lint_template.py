"""Checks that the services allow the texts and names of the template. Many of these limits stand only in the prose
of AWS's documentation: neither CloudFormation's schemas, and so cfn-lint, nor emulators know them.

    lint_template.py TEMPLATE FOLDER

FOLDER is what resolve_template.py made. A text that no rule covers fails, and so does a rule that covers nothing. Each
rule must also refuse its bad example in place of a text that it covers. Needs cfn-lint.
"""

import copy
import json
import pathlib
import re
import sys
from functools import partial
from typing import NamedTuple

from cfnlint.decode.cfn_yaml import load

# What stands for the name of a resource. No user pool has a longer id ("UserPoolType", Amazon Cognito API Reference).
RESOURCE = "x" * 55

ANY = r"(?s:.*)"
COGNITO = r"[\w\s+=,.@-]+"
DOMAIN = r"(?!.*(aws|amazon|cognito))[a-z0-9]([a-z0-9-]*[a-z0-9])?"
EC2 = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*"
PATH = r"""[A-Za-z0-9_.$/~"'@:+&;*?-]+"""
TAG = r"(?!(?i:aws):)[\w .:/=+@-]*"
VARIABLE = r"(?!AWS_|LAMBDA_TASK_ROOT$|LAMBDA_RUNTIME_DIR$)[a-zA-Z][a-zA-Z0-9_]+"
# The attributes of a load balancer for HTTP, of its listeners, and of a group whose target is a function.
BALANCER = (
    r"((access|connection|health_check)_logs\.s3\.(bucket|enabled|prefix)|client_keep_alive\.seconds"
    r"|deletion_protection\.enabled|idle_timeout\.timeout_seconds|load_balancing\.cross_zone\.enabled"
    r"|routing\.http\.(desync_mitigation_mode|drop_invalid_header_fields\.enabled|preserve_host_header\.enabled"
    r"|x_amzn_tls_version_and_cipher_suite\.enabled|xff_client_port\.enabled|xff_header_processing\.mode)"
    r"|routing\.http2\.enabled|waf\.fail_open\.enabled|zonal_shift\.config\.enabled|ipv6\.deny_all_igw_traffic)"
)
LISTENER = (
    r"routing\.http\.(request\.x_amzn_(mtls_clientcert(_serial_number|_issuer|_subject|_validity|_leaf)?"
    r"|tls_(version|cipher_suite))\.header_name|response\.(server\.enabled|(strict_transport_security"
    r"|access_control_(allow_(origin|methods|headers|credentials)|expose_headers|max_age)|content_security_policy"
    r"|x_content_type_options|x_frame_options)\.header_value))"
)
TARGET = r"lambda\.multi_value_headers\.enabled"


class Rule(NamedTuple):
    # The type of the resource without `AWS::`, or a section of the template.
    kind: str
    # `*` is each member of a list or a map, `**` any number of steps, and `keys` the names in a map.
    path: str
    allowed: str
    # In bytes.
    longest: int
    # The page of the documentation that says so.
    source: str
    # What it must refuse.
    example: str


LONG = "x" * 5000
ELB = "ElasticLoadBalancingV2"
JWT = "DefaultActions.*.JwtValidationConfig"
SERVER = "Cognito::UserPoolResourceServer"
RULES = [
    Rule("Description", "", ANY, 1024, "Template Reference, Description", LONG),
    Rule("Parameters", "*.Description", ANY, 4000, "Template Reference, Parameters", LONG),
    Rule("Outputs", "*.Description", ANY, 1024, "Template Reference, Outputs", LONG),
    Rule("*", "Tags.*.Key", TAG, 128, "AWS General Reference, Tagging your AWS resources", "aws:stack"),
    Rule("*", "Tags.*.Value", TAG, 256, "AWS General Reference, Tagging your AWS resources", "the stack's"),
    Rule("*", "**.Statement.*.Sid", r"[A-Za-z0-9]*", 100, "IAM JSON policy elements: Sid", "Read items"),
    Rule("CloudWatch::Alarm", "AlarmDescription", ANY, 1024, "PutMetricAlarm", LONG),
    Rule("CloudWatch::Alarm", "Dimensions.*.Name", r"(?!:)[ -~]+", 255, "CloudWatch API, Dimension", ":name"),
    Rule("CloudWatch::Alarm", "MetricName", r"[ -~]+", 255, "PutMetricAlarm", LONG),
    Rule("CloudWatch::Dashboard", "DashboardName", r"[A-Za-z0-9_-]+", 255, "PutDashboard", "of restctl"),
    Rule("Cognito::UserPool", "UserPoolName", COGNITO, 128, "CreateUserPool", "pool: items"),
    Rule("Cognito::UserPoolClient", "ClientName", COGNITO, 128, "CreateUserPoolClient", "client's"),
    Rule("Cognito::UserPoolDomain", "Domain", DOMAIN, 63, "Configuring a user pool domain", "cognito-items"),
    Rule(SERVER, "Identifier", r"[!#-\[\]-~]+", 256, "CreateResourceServer", "the items"),
    Rule(SERVER, "Name", COGNITO, 256, "CreateResourceServer", "items/"),
    Rule(SERVER, "Scopes.*.ScopeDescription", r".+", 256, "ResourceServerScopeType", LONG),
    Rule(SERVER, "Scopes.*.ScopeName", r"[!#-.0-\[\]-~]+", 256, "ResourceServerScopeType", "items/read"),
    Rule("DynamoDB::Table", "AttributeDefinitions.*.AttributeName", ANY, 255, "AttributeDefinition", LONG),
    Rule("DynamoDB::Table", "KeySchema.*.AttributeName", ANY, 255, "KeySchemaElement", LONG),
    Rule("EC2::SecurityGroup", "GroupDescription", EC2, 255, "CreateSecurityGroup", "the API's"),
    Rule("EC2::SecurityGroup", "SecurityGroupEgress.*.Description", EC2, 255, "IpRange", "the provider's keys"),
    Rule("EC2::SecurityGroup", "SecurityGroupIngress.*.Description", EC2, 255, "IpRange", "HTTPS – clients"),
    Rule(f"{ELB}::Listener", f"{JWT}.Issuer", r".+", 256, "JwtValidationActionConfig", LONG),
    Rule(f"{ELB}::Listener", f"{JWT}.JwksEndpoint", r"https://.+/.+", 256, "JwtValidationActionConfig", "http://a/b"),
    Rule(f"{ELB}::Listener", "ListenerAttributes.*.Key", LISTENER, 256, "ListenerAttribute", "routing.http.hsts"),
    Rule(f"{ELB}::ListenerRule", "Conditions.*.PathPatternConfig.Values.*", PATH, 128, "Path conditions", "/v1/{id}"),
    Rule(f"{ELB}::LoadBalancer", "LoadBalancerAttributes.*.Key", BALANCER, 256, "LoadBalancerAttribute", "http2"),
    Rule(f"{ELB}::TargetGroup", "TargetGroupAttributes.*.Key", TARGET, 256, "TargetGroupAttribute", "stickiness.type"),
    Rule("Events::Rule", "Description", ANY, 512, "PutRule", LONG),
    Rule("Events::Rule", "Targets.*.Id", r"[.\-_A-Za-z0-9]+", 64, "EventBridge API, Target", "new loads"),
    Rule("Events::Rule", "Targets.*.SqsParameters.MessageGroupId", r"[!-~]+", 100, "SqsParameters", "new items"),
    Rule("IAM::Role", "Policies.*.PolicyName", r"[\w+=,.@-]+", 128, "PutRolePolicy", "of the API"),
    Rule("Lambda::Alias", "Name", r"(?!\d+$)[a-zA-Z0-9_-]+", 128, "CreateAlias", "2026"),
    Rule("Lambda::Function", "Description", ANY, 256, "CreateFunction", LONG),
    Rule("Lambda::Function", "Environment.Variables.keys", VARIABLE, 256, "Lambda environment variables", "AWS_REGION"),
    Rule("Route53::RecordSet", "Name", r"[!-~]+", 255, "DNS domain name format", LONG),
    Rule("S3::Bucket", "LifecycleConfiguration.Rules.*.Id", r"[ -~]+", 255, "LifecycleRule", LONG),
    Rule("SecretsManager::Secret", "Description", ANY, 2048, "CreateSecret", LONG),
]

# Members that are a text or a name of our own. Each needs a rule.
OURS = re.compile(r"(Description|(?<!Service)Name|Sid|^Id|Identifier)$")


def places(value, steps, place=()):
    """Yields where a path leads, as tuples of keys."""
    if not steps:
        yield place
        return
    step, *rest = steps
    if step == "keys":
        yield from ((*place, "keys", name) for name in value)
        return
    if step == "**":
        yield from places(value, rest, place)
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        if step in ("*", "**", key):
            yield from places(member, steps if step == "**" else rest, (*place, key))


def covered_by(rule, document):
    """Yields the places of a document that the rule covers."""
    if rule.kind in document:
        yield from places(document, [rule.kind, *filter(None, rule.path.split("."))])
    for name, resource in document["Resources"].items():
        if rule.kind == "*" or resource["Type"] == f"AWS::{rule.kind}":
            found = places(resource.get("Properties", {}), rule.path.split("."))
            yield from (("Resources", name, "Properties", *place) for place in found)


def text_at(document, place):
    """Returns the text, with something long for what CloudFormation puts into it. None if it comes from there whole."""
    for key in place:
        if key == "keys":
            return place[-1]
        document = document[key]
    if isinstance(document, dict) and "Fn::Sub" in document:
        return re.sub(r"\$\{[\w.]+\}", RESOURCE, document["Fn::Sub"])
    return document if isinstance(document, str) else None


def put(document, place, text):
    """Puts a text in place of another."""
    *way, last = place
    for key in way:
        if key == "keys":
            document[text] = document.pop(last)
            return
        document = document[key]
    document[last] = text


def refusals(rule, document):
    """Yields what is wrong with the texts that the rule covers."""
    for place in covered_by(rule, document):
        text = text_at(document, place)
        if text is None:
            continue
        where = ".".join(map(str, place))
        if len(text.encode()) > rule.longest:
            yield f"{where} has {len(text.encode())} bytes, and {rule.longest} are allowed ({rule.source})"
        elif not re.fullmatch(rule.allowed, text):
            yield f"{where}: {text!r} has what is not allowed ({rule.source})"


def uncovered(document):
    """Yields the texts that no rule covers."""
    covered = {place for rule in RULES for place in covered_by(rule, document)}
    for place in places(document["Resources"], ["*", "Properties", "**"], ("Resources",)):
        ours = OURS.search(str(place[-1])) and text_at(document, place) is not None
        if ours and place not in covered:
            yield f"{'.'.join(map(str, place))} has no rule in {__file__}"


def check_dashboards(document):
    """Yields what keeps CloudWatch from showing a dashboard ("Dashboard body structure and syntax")."""
    for name, resource in document["Resources"].items():
        if resource["Type"] != "AWS::CloudWatch::Dashboard":
            continue
        try:
            widgets = json.loads(text_at(resource, ("Properties", "DashboardBody")))["widgets"]
        except ValueError as error:
            yield f"{name}: its body is not JSON: {error}"
            continue
        for widget in widgets:
            known = widget["type"] in ("alarm", "metric") and widget["properties"].get("title")
            if not known or widget["x"] + widget["width"] > 24 or widget["height"] < 1:
                yield f"{name}: {json.dumps(widget)[:80]} is not within the 24 columns, or has no title"


def check_sids(document):
    """Yields the policies in which two statements have one Sid, which IAM refuses ("IAM JSON policy elements: Sid")."""
    for place in places(document["Resources"], ["**", "Statement"]):
        statements = document["Resources"]
        for key in place:
            statements = statements[key]
        sids = [statement["Sid"] for statement in statements if "Sid" in statement]
        if len(sids) != len(set(sids)):
            yield f"{'.'.join(map(str, place))} has a Sid twice"


# A bad example for each check: what to put where.
EXAMPLES = [
    (uncovered, ("ApiFunction", "Properties", "NewDescription"), "Items"),
    (check_dashboards, ("Dashboard", "Properties", "DashboardBody"), '{"widgets":[}'),
    (
        check_dashboards,
        ("Dashboard", "Properties", "DashboardBody"),
        '{"widgets":[{"type":"alarm","x":20,"width":8,"height":3,"properties":{"title":"Alarms"}}]}',
    ),
    (check_sids, ("DataBucketPolicy", "Properties", "PolicyDocument", "Statement", 1, "Sid"), "RefusePlainHttp"),
]


def check_examples(document):
    """Yields the rules and the checks that do not refuse their bad example."""
    examples = [(check, ("Resources", *place), text) for check, place, text in EXAMPLES]
    for rule in RULES:
        place = next(covered_by(rule, document), None)
        if place:
            examples.append((partial(refusals, rule), place, rule.example))
    for check, place, text in examples:
        bad = copy.deepcopy(document)
        put(bad, place, text)
        if not any(check(bad)):
            yield f"{'.'.join(map(str, place))}: {text!r} is not refused"


def main(template, folder):
    sections = json.loads(json.dumps(load(template)))
    found = []
    documents = []
    for variant in "default", "options":
        resolved = json.loads((pathlib.Path(folder) / f"{variant}.json").read_text())
        documents.append({name: sections[name] for name in ("Description", "Parameters", "Outputs")} | resolved)
    for document in documents:
        for check in uncovered, check_dashboards, check_sids, check_examples:
            found.extend(check(document))
        for rule in RULES:
            found.extend(refusals(rule, document))
    for rule in RULES:
        if not any(place for document in documents for place in covered_by(rule, document)):
            found.append(f"the rule {rule.kind} {rule.path} covers nothing")
    for line in dict.fromkeys(found):
        print(line)
    if found:
        sys.exit(1)
    print(f"{len(RULES)} rules cover the texts and names of {template}")


main(*sys.argv[1:])
