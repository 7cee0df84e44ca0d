"""Writes which policy must allow which recorded calls, as cases for simulate_policies.mjs.

    recorded_permissions.py RECORD TEMPLATE_FOLDER FILE

RECORD has the requests that the tests made (record_requests.py). A function's must be allowed by its role, and by the
endpoints of the private network; TEMPLATE_FOLDER has these policies (resolve_template.py). Those of a command must be
allowed by what the pages say that it needs. Needs the Python packages of replay_requests.py.
"""

import collections
import json
import pathlib
import re
import sys

import yaml
from replay_requests import NOT_RECORDED, TABLES, parse_request, qualified_name

ROOT = pathlib.Path(__file__).parent.parent
ACTIONS = json.loads((ROOT / "cli/tests/it/pages/actions_of_operations.json").read_text())
# The reasons for actions of operations that no recorded request calls.
NOT_CALLED = {action: reason for name, reason in NOT_RECORDED.items() for action in ACTIONS.get(name, [name])}
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# The statements of a command of which each action must be needed by a call. The others are those of every command and of
# CloudFormation's handlers.
CHECKED = {"Own", "Deployment"}
# What the creation of something with tags needs besides (the service authorization reference).
TAGGING = {
    "acm:ImportCertificate": "acm:AddTagsToCertificate",
    "cloudformation:CreateChangeSet": "cloudformation:TagResource",
    "s3:CreateBucket": "s3:TagResource",
    "secretsmanager:CreateSecret": "secretsmanager:TagResource",
    "ssm:PutParameter": "ssm:AddTagsToResource",
}


def recorded_calls(folder):
    """Returns the calls of each caller: pairs of an action and a resource."""
    calls, known = collections.defaultdict(set), set()
    for path in sorted(pathlib.Path(folder).glob("*.ndjson")):
        for line in map(json.loads, path.open()):
            # Thousands of requests differ only in their bodies.
            target = line["headers"].get("x-amz-target"), line["body"] and line["body"][:200]
            shape = line["caller"], line["status"], line["method"], line["path"], line["query"], *target
            if line["caller"] != "test" and shape not in known:
                known.add(shape)
                calls[line["caller"]].update(calls_of(line))
    return calls


def calls_of(line):
    if line["body"] is None and line["service"] != "s3":
        return  # It was too large to be recorded.
    service, operation, parameters = parse_request(line)
    name = qualified_name(service, operation.name)
    service = name.split(":")[0]
    resources = resources_of(service, parameters)
    for action in ACTIONS.get(name, [name]):
        if action == "s3:GetObject" and "VersionId" in parameters:
            action = "s3:GetObjectVersion"
        yield from ((action, resource) for resource in resources)
    if parameters.get("Tags") or parameters.get("CreateBucketConfiguration", {}).get("Tags"):
        yield TAGGING[name], None
    if service == "s3" and "Key" in parameters and line["status"] == 404:
        # S3 answers 404 only to callers who may list the bucket, and 403 to others ("HeadObject").
        yield "s3:ListBucket", bucket_arn(parameters["Bucket"])


def resources_of(service, parameters):
    """Returns the resources of a call, as resolve_template.py names them. None is one that only commands use."""
    if service == "dynamodb" and parameters.keys() & {"TableName", "RequestItems"}:
        tables = parameters.get("RequestItems") or [parameters["TableName"]]
        return [arn("dynamodb", f"table/{logical_name(table)}") for table in tables]
    if service == "s3" and "Key" in parameters:
        # To the simulator, some characters are wildcards, and its "*" does not match a line break.
        key = re.sub(r"[^\w./-]", "_", parameters["Key"])
        return [f"{bucket_arn(parameters['Bucket'])}/{key}"]
    if service == "sqs" and "QueueUrl" in parameters:
        return [arn("sqs", logical_name(parameters["QueueUrl"].rsplit("/", 1)[1]))]
    if service == "secretsmanager" and parameters.get("SecretId", "").startswith("arn:"):
        name = parameters["SecretId"].rsplit(":", 1)[1].rsplit("-", 1)[0]
        return [arn("secretsmanager", f"secret:{logical_name(name)}")]
    return [None]


def arn(service, resource):
    return f"arn:aws:{service}:us-east-1:123456789012:{resource}"


def bucket_arn(bucket):
    return f"arn:aws:s3:::{logical_name(bucket)}"


def logical_name(name):
    """Returns `restctl-loadqueue` for `restctl-LoadQueue-FF0D6169B4AE2.fifo`."""
    return re.sub(r"^.+?-([A-Za-z]+)-[0-9A-Fa-f]+(\.fifo)?$", lambda found: f"restctl-{found[1].lower()}", name)


def case(name, calls, policies, checked):
    """Returns a case: each of the policies, of which the first is that of the caller, must allow the calls.

    Each action of the statements `checked` must be used by a call, or be in recorded_permissions.yaml.
    """
    excused = not_recorded(policies[-1], checked) | {
        f"{entry['statement']} {action}": entry["reason"]
        for entry in TABLES["not_needed"].get(name, [])
        for action in entry["actions"]
    }
    calls = [{"action": action, "resource": resource} for action, resource in sorted(calls, key=str)]
    return {"name": name, "calls": calls, "policies": policies, "checked": sorted(checked), "excused": excused}


def not_recorded(policy, checked):
    """Returns the reasons for the actions of the statements `checked` whose operations no recorded request calls."""
    statements = [statement for statement in policy["Statement"] if statement["Sid"] in checked]
    return {
        f"{statement['Sid']} {action}": NOT_CALLED[action]
        for statement in statements
        for action in NOT_CALLED.keys() & actions_in(json.dumps(statement["Action"]))
    }


def role_cases(folder, calls):
    """Yields the cases of the roles, and those of the network's endpoints, which both functions use."""

    def policy(name):
        return json.loads((pathlib.Path(folder) / f"policies/options.{name}.0.json").read_text())

    made = {
        name: {call for caller in calls if f"-{name}Function-" in caller for call in calls[caller]}
        for name in ("Api", "Ingest")
    }
    for name, its in made.items():
        yield case(f"{name}Role", its, [policy(f"{name}Role")], allowing(policy(f"{name}Role")))
    for name, service in ("S3Endpoint", "s3"), ("DynamoDbEndpoint", "dynamodb"):
        through = {call for its in made.values() for call in its if call[0].startswith(f"{service}:")}
        yield case(name, through, [ALLOW_ALL, policy(name)], allowing(policy(name)))


def allowing(policy):
    return {statement["Sid"] for statement in policy["Statement"] if statement["Effect"] == "Allow"}


def command_cases(calls):
    """Yields a case for each command that is on a page, or that a test has run."""
    every, rows = read_pages()
    called = collections.defaultdict(set)
    for caller in calls:
        role, *words = caller.split()
        if role == "command" and words:
            names = " ".join(words[:2]), words[0]
            command = next((name for name in names if name in rows), words[0])
            called[command] |= {(action, None) for action, _ in calls[caller]}
    if not_called := every - {action for its in called.values() for action, _ in its}:
        sys.exit(f"no recorded command calls {', '.join(not_called)}")
    for command in sorted(rows | called):
        statements = {"Every": every} | rows.get(command, {})
        policy = [
            {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
            for sid, actions in statements.items()
            if actions
        ]
        policy = {"Version": "2012-10-17", "Statement": policy}
        yield case(f"restctl {command}", called[command], [policy], CHECKED & statements.keys())


def read_pages():
    """Returns the actions that every command needs, and those that a command needs besides, by statements."""
    page = (ROOT / "cli/docs/iam-permissions.md").read_text()
    _, deploy, destroy = map(actions_in, re.split(r"\n## To .*\n", page)[1:])
    every = actions_in(page.split("\n|---|---|\n")[0])
    rows = {}
    for commands, actions in re.findall(r"^\| (`[a-z].*) \| (`.*) \|$", page, re.MULTILINE):
        rows |= {command: {"Own": actions_in(actions)} for command in re.findall(r"`([a-z -]+?)(?: --.*?)?`", commands)}
    handlers = actions_in((ROOT / "templates/permissions.json").read_text())
    rows["deploy"] = {"Own": deploy, "Deployment": own_calls() - deploy - every}
    rows["destroy"] = {"Own": destroy}
    for statements in (rows["deploy"], rows["destroy"]):
        statements["Handlers"] = handlers.difference(every, *statements.values())
    return every, rows


def own_calls():
    entries = yaml.safe_load((ROOT / ".ci/permissions.yaml").read_text())["calls"]
    return {action for entry in entries for use in ("always", "create", "sometimes") for action in entry.get(use, [])}


def actions_in(text):
    return set(re.findall(r'[`"]([a-z0-9-]+:[A-Z]\w+)[`"]', text))


def main(record, folder, file):
    calls = recorded_calls(record)
    cases = [*role_cases(folder, calls), *command_cases(calls)]
    pathlib.Path(file).write_text(json.dumps(cases, indent=1))


main(*sys.argv[1:])
