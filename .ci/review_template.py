"""Lets checkov, cfn-guard and parliament inspect the template, and compares what they find with the list of exceptions.

    review_template.py CHECKOV CFN_GUARD FOLDER PAGE

FOLDER is what resolve_template.py made, CFN_GUARD the npm package of the rules. The exceptions are a table on PAGE. It
fails if there is a finding that no row argues, and if there is a row without a finding. Needs parliament.
"""

import json
import pathlib
import platform
import re
import subprocess
import sys

import parliament


def output_of(command):
    """Returns the JSON that a tool prints. The tools end with another code if they find something."""
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    try:
        return json.loads(ran.stdout)
    except ValueError:
        sys.exit(f"{command[0]} failed with {ran.returncode}:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")


def checkov_findings(checkov, folder):
    command = [checkov, "--directory", folder, "--framework", "cloudformation", "--skip-download", "--output", "json"]
    report = output_of(command)
    if report["summary"]["passed"] < 50 or report["summary"]["parsing_errors"]:
        sys.exit(f"checkov did not read the template: {report['summary']}")
    for found in report["results"]["failed_checks"]:
        yield found["check_id"], found["resource"].rsplit(".", 1)[1]


def guard_findings(package, folder):
    rules = package / "rules/control-tower/cfn-guard"
    binary = package / "bin/ubuntu" / platform.machine() / "cfn-guard"
    for template in "default.json", "options.json":
        command = [binary, "validate", "--rules", rules, "--data", folder / template]
        reports = output_of(command + ["--output-format", "json", "--structured", "--show-summary", "none"])
        if sum(len(report["compliant"]) for report in reports) < 20:
            sys.exit(f"cfn-guard passed too few rules of {template}")
        for rule in (rule for report in reports for rule in report["not_compliant"]):
            text = json.dumps(rule)
            name = re.search(r"\[(CT\.[A-Z0-9.]+)\]", text)[1]
            yield from ((name, resource) for resource in re.findall(r"/Resources/(\w+)/Properties", text))


def parliament_findings(folder):
    policies = sorted((folder / "policies").glob("*.json"))
    if len(policies) < 8:
        sys.exit(f"only {len(policies)} policies were found")
    for policy in policies:
        for found in parliament.analyze_policy_string(policy.read_text()).findings:
            yield found.issue, policy.name.split(".")[1]


def exceptions(page):
    """Returns the pairs of a rule and a resource in the rows `| rule | resources | reason |`."""
    for row in re.findall(r"^\| (`.*?) \| (`.*?) \| \w.*\|$", page.read_text(), re.MULTILINE):
        rules, resources = (re.findall(r"`([\w.]+)`", cell) for cell in row)
        yield from ((rule, resource) for rule in rules for resource in resources)


def main(checkov, package, folder, page):
    package, folder = pathlib.Path(package), pathlib.Path(folder)
    found = {*checkov_findings(checkov, folder), *guard_findings(package, folder), *parliament_findings(folder)}
    argued = set(exceptions(pathlib.Path(page)))
    for rule, resource in sorted(found - argued):
        print(f"{rule}: {resource}: fix it, or argue it in {page}")
    for rule, resource in sorted(argued - found):
        print(f"{rule}: {resource}: {page} has a row for it, but no tool reports it")
    if found != argued:
        sys.exit(1)
    print(f"{len(found)} findings, each of them argued in {page}")


main(*sys.argv[1:])
