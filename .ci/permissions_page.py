"""Writes the permissions of a deployment as policies on a page."""

import json
import sys
import textwrap

# The actions that the policies allow only for one value of a condition key.
LIMITED = {
    "iam:CreateServiceLinkedRole": ("iam:AWSServiceName", "elasticloadbalancing.amazonaws.com"),
    "iam:PassRole": ("iam:PassedToService", "lambda.amazonaws.com"),
}
# The longest managed policy, in characters without spaces ("IAM and AWS STS quotas").
MAX_POLICY = 6144

PAGE = """# Permissions of a deployment

`restctl deploy` and `restctl destroy` act with the caller's permissions, and so does CloudFormation. These policies
allow what `deploy` and CloudFormation's handlers need. What `destroy` and the
[other commands](../cli/docs/iam-permissions.md) need besides is on another page.

`.ci/permissions.py` derives the policies from the [template](stack.yaml), the schemas of the CloudFormation registry
and the service authorization reference. [`permissions.json`](permissions.json), from which `deploy` reads what to
simulate, also tells apart which actions create, read, update and delete resources.

| statement | allows to deploy |
|---|---|
{rows}

Each policy has fewer than 6,144 characters without spaces, as a managed policy must. To limit `Resource` as well, read
about [names](../cli/docs/iam-permissions.md#policies-limited-by-name).

## Every stack

```json
{every}
```

## Network and options

```json
{options}
```
"""


def to_page(actions, meanings):
    """Returns the page. `actions` and `meanings` have the statements' names as their keys."""
    if actions.keys() != meanings.keys():
        sys.exit(f"permissions.yaml: meaning_of_condition should have {', '.join(sorted(actions))}")
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in meanings.items())
    every = actions["Every"]
    options = {name: actions[name] - every for name in meanings if name != "Every"}
    return PAGE.format(rows=rows, every=to_policy({"Every": every}), options=to_policy(options))


def to_policy(actions_by_sid):
    """Returns a policy as JSON, with as many actions in a line as fit."""
    statements = []
    for sid, actions in actions_by_sid.items():
        names = ", ".join(json.dumps(action) for action in sorted(actions - LIMITED.keys()))
        lines = textwrap.fill(names, 120, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        statements.append(f'{{"Sid": "{sid}", "Effect": "Allow", "Resource": "*", "Action": [\n{lines}]}}')
        for action in sorted(actions & LIMITED.keys()):
            key, value = LIMITED[action]
            head = f'{{"Sid": "{sid}{action.split(":")[1]}", "Effect": "Allow", "Resource": "*", "Action": "{action}"'
            statements.append(f'{head},\n  "Condition": {{"StringEquals": {{"{key}": "{value}"}}}}}}')
    policy = '{"Version": "2012-10-17", "Statement": [\n' + ",\n".join(statements) + "\n]}"
    size = len(json.dumps(json.loads(policy), separators=(",", ":")))
    if size > MAX_POLICY:
        sys.exit(f"the policy of {', '.join(actions_by_sid)} has {size} characters, {MAX_POLICY} at most")
    return policy
