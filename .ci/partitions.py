"""Checks the template in every region of every partition that botocore knows.

    partitions.py TEMPLATE PARTITIONS

PARTITIONS is the list that the tests in Rust read; it must say the same as botocore. In no region may the template name
another partition's domain or ARNs, or use a type of resource that is not offered there, as far as cfn-lint knows.
"""

import json
import pathlib
import re
import sys

import botocore.session
from cfnlint.decode.cfn_yaml import load
from cfnlint.helpers import REGIONS
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from resolve_template import OPTIONS, Resolver

# Names that are the same in every partition.
PRINCIPALS = {"elasticloadbalancing.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com"}
GATEWAY_ENDPOINT = r"com\.amazonaws\.{region}\.(s3|dynamodb)"


def known_partitions():
    """Returns the partitions as the tests read them."""
    session = botocore.session.get_session()
    return [
        {
            "name": partition["id"],
            "domain": partition["outputs"]["dnsSuffix"],
            "user_pools": bool(session.get_available_regions("cognito-idp", partition["id"])),
            "regions": [region for region in partition["regions"] if not region.endswith("-global")],
        }
        for partition in session.get_data("partitions")["partitions"]
    ]


def resolve(template, partition, region):
    """Returns the resources and outputs of a stack with all options that the partition allows."""
    account = {
        "AWS::Partition": partition["name"],
        "AWS::Region": region,
        "AWS::URLSuffix": partition["domain"],
    }
    arns = {name: re.sub("^arn:aws:", f"arn:{partition['name']}:", value) for name, value in OPTIONS.items()}
    resolver = Resolver(template, arns | account | ({} if partition["user_pools"] else {"Idp": "external"}))
    return dict(resolver.section("Resources")), dict(resolver.section("Outputs"))


def texts(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from texts(member)
    elif isinstance(value, str):
        yield value


def is_foreign(text, partition, region, domains):
    if text in PRINCIPALS or re.fullmatch(GATEWAY_ENDPOINT.format(region=region), text):
        return False
    named = {domain for domain in domains if re.search(rf"\b{re.escape(domain)}(?![\w.])", text)}
    return bool(named - {partition["domain"]}) or not set(re.findall(r"\barn:([\w-]+):", text)) <= {partition["name"]}


def findings(template, partitions):
    domains = {partition["domain"] for partition in partitions}
    for partition in partitions:
        for region in partition["regions"]:
            resources, outputs = resolve(template, partition, region)
            if region in REGIONS:
                offered = PROVIDER_SCHEMA_MANAGER.get_resource_types(region)
                for name, resource in resources.items():
                    if resource["Type"] not in offered:
                        yield f"{region}: {name}: there is no {resource['Type']}"
            for text in texts([resources, outputs]):
                if is_foreign(text, partition, region, domains):
                    yield f"{region}: {text} is of another partition"


def main(template, listed):
    partitions = known_partitions()
    expected = "[\n" + ",\n".join(json.dumps(partition) for partition in partitions) + "\n]\n"
    if pathlib.Path(listed).read_text() != expected:
        sys.exit(f"{listed} is out of date; it should be:\n{expected}")
    found = list(findings(load(template), partitions))
    if found:
        sys.exit("\n".join(found))
    print(f"{sum(len(partition['regions']) for partition in partitions)} regions of {len(partitions)} partitions")


if __name__ == "__main__":
    main(*sys.argv[1:])
