"""Derives the permissions that a deployment needs, and compares them with the file from which the command reads them.

    permissions.py TEMPLATE IAM_DATA FILE [write]

The page beside FILE has them as policies.

A type's handlers need the actions that its schema lists ("handlers.*.permissions"; cfn-lint ships the schemas). Each is
simulated with a resource that it supports, according to the service authorization reference, which the npm package in
the folder IAM_DATA ships: a policy that allows an action for one region, or for the ARNs of one account, denies it for
"*". If it supports several resources, one is used, which is never stricter than AWS. permissions.yaml has the rest.
"""

import collections
import fnmatch
import functools
import json
import pathlib
import re
import sys

import yaml
from cfnlint.decode.cfn_yaml import load
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from permissions_page import to_page

# A deployment lists no resources. An action has the first of the uses that need it.
HANDLERS = ["create", "delete", "read", "update"]
USES = ["always", "create", "delete", "read", "sometimes", "update"]
NO_CONDITION = ""
TABLES = yaml.safe_load(pathlib.Path(__file__).with_suffix(".yaml").read_text())


def service_of(action):
    return action.split(":")[0]


class Reference:
    """The service authorization reference: the actions of each service, and the resources that an action supports."""

    def __init__(self, package):
        self.folder = pathlib.Path(package) / "data"

    @functools.cache
    def read_service(self, kind, service):
        path = self.folder / kind / f"{service}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def read(self, kind, service, name):
        return self.read_service(kind, service).get(name.lower())

    def action(self, action):
        found = self.read("actions", *action.split(":"))
        return found or sys.exit(f"IAM has no action {action}: add it to left_out in permissions.yaml")

    def resources(self, action):
        """Returns the resources that an action supports and whose names are known. None if it supports none at all."""
        resources = {f"{service_of(action)}:{found['name']}" for found in self.action(action)["resourceTypes"]}
        if resources == {"elasticloadbalancing:loadbalancer"}:
            # The reference has the action of the same name that the Classic Load Balancer has.
            resources = {name for name in TABLES["names"] if name.startswith("elasticloadbalancing:")}
        return [name for name in TABLES["names"] if name in resources] if resources else None

    def arn(self, action, own, logical_id):
        """Returns the ARN with which an action is simulated for the resource `own`."""
        resources = self.resources(action)
        if resources is None:
            return "*"
        if not resources:
            sys.exit(f"{action} supports no resource that has a name in permissions.yaml")
        resource = own if own in resources else resources[0]
        names = iter(TABLES["names"][resource])
        known = {"Partition": "{partition}", "Region": "{region}", "Account": "{account}"}
        pattern = self.read("resourceTypes", *resource.split(":", 1))["arn"]
        arn = re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1]) or next(names), pattern)
        return arn.replace("{name}", logical_id)


def conditions_of(value, path):
    """Returns the conditions under which the template sets a property."""
    if isinstance(value, list):
        return {condition for item in value for condition in conditions_of(item, path)}
    if not isinstance(value, dict):
        return set() if path else {NO_CONDITION}
    if "Fn::If" in value:
        condition, *branches = value["Fn::If"]
        yes, no = (conditions_of(branch, path) for branch in branches)
        return {both(condition, found) for found in yes - no} | no
    if not path:
        return set() if value.get("Ref") == "AWS::NoValue" else {NO_CONDITION}
    return conditions_of(value[path[0]], path[1:]) if path[0] in value else set()


def both(outer, inner):
    if outer and inner and outer != inner:
        sys.exit(f"{outer} and {inner} together are not supported")
    return outer or inner


class Handlers:
    """The handlers of a type, and the template's resources of that type."""

    def __init__(self, name, resources):
        self.name, self.resources = name, resources
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        self.properties = schema["properties"]
        self.actions = {handler: schema["handlers"].get(handler, {}).get("permissions", []) for handler in HANDLERS}
        self.own = TABLES["resource_of_type"].get(name) or sys.exit(f"permissions.yaml: no resource_of_type {name}")
        self.matched = set()

    def lists(self, table, action):
        """Returns the keys of the type's part of a table, properties or reasons, under which it has an action."""
        for key, patterns in TABLES[table].get(self.name, {}).items():
            matching = {pattern for pattern in patterns if fnmatch.fnmatchcase(action, pattern)}
            self.matched |= {(table, key, pattern) for pattern in matching}
            if matching:
                yield key

    def check_tables(self):
        """Every entry must be about a property of the type, and about an action that a handler lists."""
        for name in TABLES["only_with"].get(self.name, {}):
            if name.split(".")[0] not in self.properties:
                sys.exit(f"permissions.yaml: only_with: {self.name} has no property {name}")
        for table in "only_with", "not_certain", "left_out":
            for key, patterns in TABLES[table].get(self.name, {}).items():
                for pattern in patterns:
                    if (table, key, pattern) not in self.matched:
                        sys.exit(f"permissions.yaml: {table}: {self.name}: {key}: no handler needs {pattern}")
                    if "*" in pattern and service_of(pattern) == service_of(self.own):
                        sys.exit(f"permissions.yaml: {table}: {self.name}: {key}: {pattern} is too wide")

    def needs(self):
        """Returns, for each action that a handler needs: its use, a condition, and the logical id of a resource."""
        for handler, actions in self.actions.items():
            for action in actions:
                properties = list(self.lists("only_with", action))
                if handler == "read" and service_of(action) == service_of(self.own):
                    properties = []
                use = "sometimes" if list(self.lists("not_certain", action)) else handler
                if not list(self.lists("left_out", action)):
                    for condition, logical_id in self.resources_with(properties):
                        yield action, use, condition, logical_id

    def resources_with(self, properties):
        """Returns the conditions under which a resource has one of the properties, or exists if there are none."""
        paths = [name.split(".") for name in properties] or [[]]
        for logical_id, resource in self.resources.items():
            for path in paths:
                for condition in conditions_of(resource.get("Properties", {}), path):
                    yield both(resource.get("Condition", NO_CONDITION), condition), logical_id


def tests_of(template, condition):
    """Returns what a condition tests: parameters, and the values that they must have or must not have."""

    def tests(expression, is_equal=True):
        [(function, arguments)] = expression.items()
        if function == "Condition":
            return tests(template["Conditions"][arguments], is_equal)
        if function == "Fn::And" and is_equal:
            return [test for argument in arguments for test in tests(argument)]
        if function == "Fn::Not":
            return tests(arguments[0], not is_equal)
        if function != "Fn::Equals":
            sys.exit(f"{condition}: {function} is not supported")
        reference, value = arguments
        return [{"parameter": reference["Ref"], "is_equal": is_equal, "value": value}]

    return tests(template["Conditions"][condition])


def derive(template, reference):
    """Returns the uses of actions by their condition and resource."""
    found = collections.defaultdict(dict)

    def add(condition, resource, action, use):
        uses = found[condition, resource]
        uses[action] = min(use, uses.get(action, use), key=USES.index)

    for entry in TABLES["calls"]:
        for use in set(entry) & set(USES):
            for action in entry[use]:
                if (entry["resource"] == "*") != (reference.resources(action) is None):
                    sys.exit(f"permissions.yaml: calls: {action} cannot be simulated with {entry['resource']}")
                add(entry.get("condition", NO_CONDITION), entry["resource"], action, use)
    by_type = collections.defaultdict(dict)
    for logical_id, resource in template["Resources"].items():
        by_type[resource["Type"]][logical_id] = resource
    for table in "resource_of_type", "only_with", "not_certain", "left_out":
        if unused := TABLES[table].keys() - by_type.keys():
            sys.exit(f"permissions.yaml: {table}: the template has no {', '.join(sorted(unused))}")
    for name, resources in by_type.items():
        handlers, first = Handlers(name, resources), {}
        for action, use, condition, logical_id in handlers.needs():
            logical_id = first.setdefault(condition, logical_id)
            action = f"{service_of(action)}:{reference.action(action)['name']}"
            add(condition, reference.arn(action, handlers.own, logical_id), action, use)
        handlers.check_tables()
    return found


def to_json(template, found):
    permissions = []
    for (condition, resource), uses in sorted(found.items()):
        # What every stack needs, no condition needs to say again.
        known = found.get((NO_CONDITION, resource), {}) if condition else {}
        by_use = {use: sorted(action for action in uses if uses[action] == use != known.get(action)) for use in USES}
        if any(by_use.values()):
            entry = {"condition": condition} if condition else {}
            permissions.append(entry | {"resource": resource} | {use: names for use, names in by_use.items() if names})
    conditions = sorted({entry["condition"] for entry in permissions if "condition" in entry})
    return {"conditions": {name: tests_of(template, name) for name in conditions}, "permissions": permissions}


def actions_by_condition(derived):
    actions = collections.defaultdict(set, Every=set(TABLES["called_before"]))
    for entry in derived["permissions"]:
        actions[entry.get("condition", "Every")].update(action for use in USES for action in entry.get(use, []))
    return actions


def main(template, iam_data, file, write=None):
    template = load(template)
    derived = to_json(template, derive(template, Reference(iam_data)))
    page = to_page(actions_by_condition(derived), TABLES["meaning_of_condition"])
    file = pathlib.Path(file)
    for path, text in (file, json.dumps(derived, indent=2) + "\n"), (file.with_suffix(".md"), page):
        if write:
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{path} is not what the template needs: add the argument write, and read the difference")


main(*sys.argv[1:])
