"""The API for an Application Load Balancer with multi-value headers, as a Python function."""

import base64
import json
import os
import re
from decimal import Decimal
from urllib.parse import unquote

import boto3
import jwt
from boto3.dynamodb.types import TypeDeserializer

TABLE = os.environ["ITEMS_TABLE"]
KEY = os.environ["KEY_NAME"]
[ISSUER] = json.loads(os.environ["ISSUERS"])
ITEM = re.compile(r"/v1/items/([^/]+)")

dynamodb = boto3.client("dynamodb")
deserialize = TypeDeserializer().deserialize
keys = jwt.PyJWKClient(ISSUER["jwks_uri"], cache_keys=True)
# Outside the handler, because Lambda gives more CPU during initialization.
keys.get_jwk_set()


def number(value):
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def answer(status, body):
    kind = "application/json" if status < 400 else "application/problem+json"
    return {
        "statusCode": status,
        "multiValueHeaders": {"content-type": [kind], "cache-control": ["no-store"]},
        "body": json.dumps(body, default=number, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def problem(status, title):
    return answer(status, {"type": "about:blank", "title": title, "status": status})


def to_json_item(item):
    """Removes the attribute that a load adds."""
    return {name: deserialize(value) for name, value in item.items() if name != "restctl:load"}


def is_authorized(event):
    values = event["multiValueHeaders"].get("authorization", [])
    if len(values) != 1 or not values[0].startswith("Bearer "):
        return False
    token = values[0].removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["RS256"],
            audience=ISSUER["audiences"],
            issuer=ISSUER["issuer"],
            options={"require": ["exp"]},
        )
    except jwt.PyJWTError:
        return False
    return ISSUER["scope"] in claims.get("scope", "").split()


def get_item(item_id):
    item = dynamodb.get_item(TableName=TABLE, Key={KEY: {"S": item_id}}).get("Item")
    return answer(200, to_json_item(item)) if item else problem(404, "Item not found")


def batch_get(event):
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    ids = list(dict.fromkeys(json.loads(body)["ids"]))
    found = {}
    requests = {TABLE: {"Keys": [{KEY: {"S": item_id}} for item_id in ids]}} if ids else {}
    while requests:
        output = dynamodb.batch_get_item(RequestItems=requests)
        for item in output["Responses"].get(TABLE, []):
            found[item[KEY]["S"]] = to_json_item(item)
        requests = output.get("UnprocessedKeys")
    items = [found[item_id] for item_id in ids if item_id in found]
    return answer(200, {"items": items, "missing": [item_id for item_id in ids if item_id not in found]})


def handler(event):
    if not is_authorized(event):
        return problem(401, "A token is required")
    method, path = event["httpMethod"], event["path"]
    if method == "POST" and path == "/v1/items/batch-get":
        return batch_get(event)
    match = ITEM.fullmatch(path)
    if method == "GET" and match:
        return get_item(unquote(match[1]))
    return problem(404, "Unknown path")
