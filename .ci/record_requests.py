"""Records the requests that reach the local cloud, for the steps of .ci/run that replay them.

`record_requests.py FOLDER` prepares `FOLDER/cache`, a cache folder with a local cloud whose emulator writes each request
that it answers into a file of `FOLDER/record`: a line of JSON. restctl itself has no such option. It uses this cloud
where `XDG_CACHE_HOME` names the cache folder.
"""

import base64
import json
import os
import re
import sys
import time
from pathlib import Path

# The largest request of DynamoDB. A larger body is left out, and so is the content of an object.
MAX_BODY_BYTES = 16 * 1024 * 1024

# Appended to ministack's application, which restctl's guard wraps in turn: it has checked the signature already.
HOOK = """

import record_requests
app = record_requests.record_requests(app, {folder!r})
"""


def prepare(folder):
    import shutil
    import subprocess

    restctl = Path(os.environ.get("CARGO_TARGET_DIR", "target"), "debug/restctl").resolve()
    shutil.rmtree(folder / "record", ignore_errors=True)
    shutil.rmtree(folder / "cache/restctl", ignore_errors=True)
    (folder / "record").mkdir(mode=0o700, parents=True)
    environment = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"), XDG_STATE_HOME=str(folder / "state"))
    for command in ("up", "down"):
        subprocess.run([restctl, "local", command], env=environment, check=True)
    [application] = folder.glob("cache/restctl/ministack-*/lib/python3*/site-packages/ministack/app.py")
    with open(application, "a") as text:
        text.write(HOOK.format(folder=str(folder / "record")))
    shutil.copy(__file__, application.parent.parent)


def record_requests(route, folder):
    """Returns the ASGI application `route`, with a record of what it answers."""
    name_functions()
    # One file for each emulator, so that no two processes write into the same.
    path = os.path.join(folder, f"{os.getpid()}-{time.time_ns()}.ndjson")

    async def recorded_route(scope, receive, send):
        if scope["type"] != "http" or scope["path"].startswith("/_ministack/"):
            return await route(scope, receive, send)
        body, status = bytearray(), None

        async def receive_recorded():
            message = await receive()
            if message["type"] == "http.request" and len(body) <= MAX_BODY_BYTES:
                body.extend(message.get("body", b""))
            return message

        async def send_recorded(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await route(scope, receive_recorded, send_recorded)
        finally:
            line = json.dumps(describe(scope, bytes(body), status)) + "\n"
            with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
                file.write(line)

    return recorded_route


def name_functions():
    """Gives each function its name as a session token, which it sends with its requests."""
    from ministack.services import lambda_svc

    credentials_of = lambda_svc.execution_credentials
    lambda_svc.execution_credentials = lambda config: dict(
        credentials_of(config), AWS_SESSION_TOKEN=config.get("FunctionName", "unknown")
    )


def describe(scope, body, status):
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    signature = re.search(r"Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/", headers.pop("authorization", ""))
    access_key_id, region, service = signature.groups() if signature else (None, None, None)
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    is_content = service == "s3" and scope["method"] == "PUT" and re.match("/[^/]+/.", path)
    return {
        "time": time.time(),
        "caller": caller_of(headers),
        "access_key_id": access_key_id,
        "region": region,
        "service": service,
        "method": scope["method"],
        "path": path,
        "query": query,
        "headers": headers,
        "body": None if is_content or len(body) > MAX_BODY_BYTES else base64.b64encode(body).decode(),
        "status": status,
    }


def caller_of(headers):
    """Returns the name of the function, the subcommand of restctl, or `test` for the tests' own requests."""
    if function := headers.pop("x-amz-security-token", ""):
        return f"function {function}"
    agent = headers.get("user-agent", "")
    if "aws-sdk-rust" not in agent:
        return "test"
    # The tests name the subcommand in AWS_SDK_UA_APP_ID.
    subcommand = re.search(r" app/(\S+)", agent)
    return f"command {subcommand[1].replace('.', ' ')}" if subcommand else "command"


if __name__ == "__main__":
    prepare(Path(sys.argv[1]).resolve())
