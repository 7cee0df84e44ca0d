"""Checks recorded requests against the service models of AWS, which the local cloud itself does not do.

`replay_requests.py RECORD` reads what `record_requests.py` has recorded. It turns each request back into parameters, as
the service would, and checks these with botocore's validation and with what the models state besides: the greatest
lengths and numbers, patterns, and values. It fails if a model does not allow a request, unless `ACCEPTED` gives a
reason, and if no recorded request calls an operation that the sources call, unless `recorded_permissions.yaml` gives a
reason.
"""

import base64
import functools
import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs

import cbor2
import regex
import yaml
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

# What botocore calls services that have another name in policies.
MODELS_OF_POLICIES = {"elasticloadbalancing": "elbv2", "servicequotas": "service-quotas"}
# What botocore calls services that requests are signed for, or clients are named after, in another way.
MODELS = MODELS_OF_POLICIES | {
    "cloudcontrolapi": "cloudcontrol",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "monitoring": "cloudwatch",
}
SERVICES = {model: service for service, model in MODELS_OF_POLICIES.items()}

# Requests that a model does not allow, and AWS does: (service, operation, parameter, problem) and the reason.
ACCEPTED = {}

TABLES = yaml.safe_load(Path(__file__).with_name("recorded_permissions.yaml").read_text())
# The reasons for operations that no recorded request calls.
NOT_RECORDED = {operation: reason for reason, names in TABLES["not_recorded"].items() for operation in names}


def qualified_name(service, operation):
    """Returns an operation with the name that policies have for its service."""
    return f"{SERVICES.get(service, service)}:{operation}"


def parse_request(line):
    """Returns the service, the model of its operation, and the parameters of a recorded request.

    Raises NotFound if the service has no such operation.
    """
    service = MODELS.get(line["service"], line["service"])
    model = get_service_model(service)
    # The content of an object is not recorded.
    body = base64.b64decode(line["body"] or "")
    if line["headers"].get("smithy-protocol") == "rpc-v2-cbor":
        return service, model.operation_model(line["path"].rsplit("/", 1)[1]), cbor2.loads(body)
    url = f"http://{line['headers']['host']}{line['path']}?{line['query']}"
    request = Request.from_primitives(line["method"], url, line["headers"], body)
    request.environ["RAW_URI"] = line["path"]
    operation, labels = get_service_router(service).match(request)
    protocol = determine_request_protocol(model, request.content_type)
    parameters = PROTOCOL_PARSERS[protocol](operation).parse(
        {
            "body": body,
            "headers": request.headers,
            "method": request.method,
            "url_params": labels,
            "url_path": request.raw_path,
            "values": request.values,
        }
    )
    return service, operation, parameters


class StrictValidator(ParamValidator):
    """Checks also the constraints that botocore leaves to the service."""

    VALIDATED_METADATA_ATTRS = ParamValidator.VALIDATED_METADATA_ATTRS | {"max", "pattern", "enum"}

    def _validate(self, params, shape, errors, name):
        super()._validate(params, shape, errors, name)
        constraints = shape.metadata
        size = params if isinstance(params, (int, float)) else len(params) if hasattr(params, "__len__") else 0
        if size > constraints.get("max", float("inf")):
            errors.report(name, f"more than {constraints['max']}", param=params)
        if not isinstance(params, str):
            return
        if getattr(shape, "enum", None) and params not in shape.enum:
            errors.report(name, "not one of the values", param=params)
        # Models write `\p{L}` as Java does, which the module `re` does not know.
        if "pattern" in constraints and not regex.fullmatch(constraints["pattern"], params):
            errors.report(name, f"does not match {constraints['pattern']}", param=params)


def find_problems(operation, parameters, line):
    """Returns what the model does not allow: a parameter, the problem, and the value."""
    if operation.input_shape:
        for problem, name, details in StrictValidator().validate(parameters, operation.input_shape)._errors:
            name = f"{name}.{details.get('required_name', '')}".strip(".")
            yield re.sub(r"\[\d+\]", "[]", name), problem, details.get("param")
    for key in sent_keys(line) - serialized_keys(operation, parameters, line):
        yield key, "unknown to the model", None


def sent_keys(line):
    """Returns the keys of a JSON document or a form. The parsers skip those that the model does not have."""
    body = base64.b64decode(line["body"] or "")
    if is_json(line) and body:
        return set(keys_of(json.loads(body)))
    return keys_of_form(parse_qs(body.decode(), keep_blank_values=True)) if is_form(line) else set()


def serialized_keys(operation, parameters, line):
    """Returns the keys that botocore would send."""
    if not is_json(line) and not is_form(line):
        return set()
    # The newest protocol of a service, which its model names, is not always the one of the request.
    is_rpc = "x-amz-target" in line["headers"]
    protocol = "query" if is_form(line) else "json" if is_rpc else operation.service_model.protocol
    request = create_serializer(protocol, include_validation=False).serialize_to_request(parameters, operation)
    return keys_of_form(request["body"]) if is_form(line) else set(keys_of(json.loads(request["body"] or "{}")))


def is_json(line):
    return line["service"] != "s3" and "json" in line["headers"].get("content-type", "")


def is_form(line):
    return "x-www-form-urlencoded" in line["headers"].get("content-type", "")


def keys_of_form(form):
    return {re.sub(r"\.\d+", ".N", key) for key in form}


def keys_of(value, prefix=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from keys_of(inner, f"{prefix}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner, f"{prefix}N.")


def called_operations(sources):
    """Returns the operations that restctl's clients call in these files."""
    called = set()
    for source in sources:
        text = source.read_text()
        sdk = re.search(r"aws_sdk_(\w+?)(?:v2)?\b", text)
        for client, method in re.findall(r"\b(\w+)\s*\.([a-z_0-9]+)\(\)", text):
            # The file's own service, where its client has another name.
            service = sdk[1] if sdk and client in ("client", "secrets") else client
            service = MODELS.get(service, service)
            if operation := operations_of(service).get(method):
                called.add(qualified_name(service, operation))
    return called


@functools.cache
def operations_of(service):
    """Returns the operations of a service by their names in Rust. Empty if there is no such service."""
    try:
        return {xform_name(name): name for name in get_service_model(service).operation_names}
    except UnknownServiceError:
        return {}


def read_record(folder):
    """Reads the recorded requests, each once."""
    seen = set()
    for file in sorted(folder.glob("*.ndjson")):
        with open(file) as lines:
            for line in map(json.loads, lines):
                told = (*(line[member] for member in ("service", "method", "path", "query", "body")), line["headers"].get("x-amz-target"))
                if told not in seen:
                    seen.add(told)
                    yield line


def main(folder):
    findings, operations, requests = {}, set(), 0
    for line in read_record(folder):
        requests += 1
        try:
            service, operation, parameters = parse_request(line)
        except NotFound:
            findings[line["service"], line["method"], line["path"], "no such operation"] = line["body"]
            continue
        operations.add(qualified_name(service, operation.name))
        for parameter, problem, value in find_problems(operation, parameters, line):
            findings[service, operation.name, parameter, problem] = value
    sources = (Path(__file__).parent.parent / "cli/src/aws").rglob("*.rs")
    missing = called_operations(sources) - operations

    problems = [f"{' '.join(finding)}: {findings[finding]!r:.200}" for finding in findings.keys() - ACCEPTED.keys()]
    problems += [f"{operation} is called, but not recorded" for operation in missing - NOT_RECORDED.keys()]
    problems += [f"{' '.join(known)} is no longer a problem" for known in ACCEPTED.keys() - findings.keys()]
    problems += [f"{known} is recorded now" for known in NOT_RECORDED.keys() - missing]
    print(f"{requests} requests of {len(operations)} operations", *sorted(problems), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
