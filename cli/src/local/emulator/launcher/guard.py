"""Keeps everyone but this local cloud's user away from ministack.

Any user of the machine can connect to a port of the loopback address, and so can any web page that the user visits.
ministack takes whatever it is sent, and would run a stranger's function as this user. Therefore each request must be
signed with the access key of this cloud (AWS Signature Version 4), must name this endpoint as its host, which a
rebound name does not, and must not come from a web page.
"""

import hashlib
import hmac
import json
import os
import secrets
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ministack.core import sigv4

ACCESS_KEY_ID = os.environ["AWS_ACCESS_KEY_ID"]
SECRET_ACCESS_KEY = os.environ["AWS_SECRET_ACCESS_KEY"]
HOST = "127.0.0.1:" + os.environ["GATEWAY_PORT"]

# The TLS front passes on the requests of the API's clients, whose Authorization header is not for the emulator. It signs
# in these headers instead, and names the port of the load balancer's listener. All else is the client's.
FRONT_HEADERS = {b"x-restctl-authorization": "authorization", b"x-restctl-date": "x-amz-date"}
FRONT_HOST = "127.0.0.1:443"

# The body of a request is read before its signature is verified only where the signature covers the body itself and not
# its digest in a header. The largest is a function's package within CreateFunction: 50 MB, in Base64.
MAX_UNVERIFIED_BYTES = 80 * 1024 * 1024


class Refusal(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Disconnected(Exception):
    pass


def protect_endpoint():
    from ministack import app

    route = app.app

    async def route_signed(scope, receive, send):
        if scope["type"] == "lifespan":
            return await route(scope, receive, send)
        if scope["type"] != "http":
            # An API of API Gateway, which restctl does not use, is all that ministack serves over WebSocket.
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        is_of_front = any(name in FRONT_HEADERS for name, _ in scope["headers"])
        try:
            receive = await verify(scope, receive, is_of_front)
            if is_of_front:
                return await answer_front(route, scope, receive, send)
        except Disconnected:
            return
        except Refusal as refusal:
            return await refuse(scope, send, refusal)
        await route(scope, receive, send)

    app.app = route_signed


async def answer_front(route, scope, receive, send):
    """Answers as the load balancer that the path names, or with the emulator's health.

    What the front passes on is a stranger's. ministack's routing would take an account, a region and a service from its
    headers and its query, and answer as that service.
    """
    from ministack import app
    from ministack.core import responses

    if (scope["method"], scope["path"]) == ("GET", "/_ministack/health"):
        return await route(dict(scope, headers=[(b"host", HOST.encode())], query_string=b""), receive, send)
    responses.set_request_account_id("")
    responses.set_request_region(None)
    responses.set_request_client_ip((scope.get("client") or ("127.0.0.1",))[0])
    headers = merge_headers(
        [header for header in scope["headers"] if header[0] not in FRONT_HEADERS], separator=", "
    )
    query = scope["query_string"].decode("utf-8", "replace")
    answer = await app._handle_alb_request(
        FRONT_HOST,
        scope["path"],
        scope["method"],
        headers,
        await read_body(receive),
        parse_qs(query, keep_blank_values=True),
        raw_query_string=query,
        raw_path=scope["raw_path"].decode("latin-1"),
    )
    # As a load balancer without targets.
    answer = answer or (503, {"Content-Type": "text/plain"}, b"the load balancer does not exist")
    await app._send_if_handled(app._with_date_header(send), answer, receive)


async def verify(scope, receive, is_of_front):
    """Returns what reads the request's body. Raises Refusal."""
    headers = merge_headers(scope["headers"])
    if is_of_front:
        signed = {signed_as: headers.get(name.decode(), "") for name, signed_as in FRONT_HEADERS.items()}
        signed["host"], host = headers.get("host", ""), FRONT_HOST
    else:
        signed, host = headers, HOST
        if "origin" in headers:
            raise Refusal("AccessDenied", "a web page cannot call the local cloud")
    if headers.get("host") != host:
        raise Refusal("AccessDenied", f"the endpoint of the local cloud is http://{HOST}")
    signature = parse_signature(signed)
    # Before the body, so that a stranger cannot fill the memory.
    secret = secret_of(signature.access_key_id)

    # Other literals than a digest leave the body unsigned, or sign its chunks.
    digest = signed.get("x-amz-content-sha256", "")
    body = b""
    if not digest or digest.startswith("STREAMING-AWS4-HMAC"):
        body = await read_body(receive)
        receive = replay(body, receive)
    elif len(digest) == 64:
        receive = compare_body(receive, digest)
    query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    path = scope["raw_path"].decode("latin-1")
    failure = sigv4.header_signature_failure(signature, secret, scope["method"], path, query, signed, body)
    if failure:
        raise Refusal(*failure)
    return receive


def merge_headers(headers, separator=","):
    """Returns the headers by name. A repeated header has all its values, as in a canonical request."""
    merged = {}
    for name, value in headers:
        name, value = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        merged[name] = f"{merged[name]}{separator}{value}" if name in merged else value
    return merged


def parse_signature(headers):
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise Refusal(*signature)
    if not headers["authorization"].startswith("AWS4-HMAC-SHA256 ") or signature.region_set is not None:
        raise Refusal("IncompleteSignature", "the signature must be AWS4-HMAC-SHA256")
    if "host" not in signature.signed_headers.split(";"):
        raise Refusal("IncompleteSignature", "the signature must cover the host")
    if sigv4._amz_datetime(signature.amz_date) is None:
        raise Refusal("IncompleteSignature", "the signature has no date")
    if failure := sigv4.request_time_failure(signature):
        raise Refusal(*failure)
    return signature


def secret_of(access_key_id):
    """Returns the secret of this cloud's own access key, or of one that its user has had IAM make for a user in it."""
    if access_key_id == ACCESS_KEY_ID:
        return SECRET_ACCESS_KEY
    from ministack.services import iam

    key = iam._access_keys.get(access_key_id)
    if key and key["Status"] == "Active":
        return key["SecretAccessKey"]
    raise Refusal("InvalidClientTokenId", "the access key is not one of this local cloud")


async def read_body(receive):
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > MAX_UNVERIFIED_BYTES:
            raise Refusal("RequestEntityTooLarge", "the request is too large")
        more = message.get("more_body", False)
    return bytes(body)


def replay(body, receive):
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_again():
        return next(messages, None) or await receive()

    return receive_again


def compare_body(receive, digest):
    """Ends the request at its last chunk if the body does not have this digest."""
    actual = hashlib.sha256()

    async def receive_compared():
        message = await receive()
        if message["type"] == "http.request":
            actual.update(message.get("body", b""))
            if not message.get("more_body", False) and actual.hexdigest() != digest:
                return {"type": "http.disconnect"}
        return message

    return receive_compared


async def refuse(scope, send, refusal):
    message = f"{refusal} (`restctl local env` prints what a client needs)"
    if any(name == b"x-amz-target" for name, _ in scope["headers"]):
        kind, body = "application/json", json.dumps({"__type": refusal.code, "message": message})
    else:
        error = f"<Error><Code>{refusal.code}</Code><Message>{escape(message)}</Message></Error>"
        kind, body = "text/xml", f"<ErrorResponse>{error}</ErrorResponse>"
    body = b"" if scope["method"] == "HEAD" else body.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    # The rest of the body may still come, and is not for anybody.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def protect_runtime_api():
    """Puts the Runtime API of each function below a secret path, and gives functions this cloud's access key.

    Anyone who asks that API for the next invocation gets a request to the API with its token.
    """
    from ministack.core.lambda_runtime import ProvidedWorker
    from ministack.services import lambda_svc

    secret_path = "/" + secrets.token_urlsafe(32)
    build_handler_class = ProvidedWorker._build_handler_class
    worker_environment = lambda_svc._provided_worker_env

    def build_guarded_handler_class(worker, generation, pending):
        class GuardedHandler(build_handler_class(worker, generation, pending)):
            def parse_request(self):
                if not super().parse_request():
                    return False
                start, end = self.path[: len(secret_path)], self.path[len(secret_path) :]
                if hmac.compare_digest(start.encode("latin-1"), secret_path.encode()):
                    self.path = end
                    return True
                self.send_error(404)
                return False

        return GuardedHandler

    def guarded_worker_environment(config, code_dir, port):
        environment = worker_environment(config, code_dir, port)
        # Lambda sets the host and the port alone. The runtime of Rust takes any URL, but a path only with a scheme.
        environment["AWS_LAMBDA_RUNTIME_API"] = f"http://127.0.0.1:{port}{secret_path}"
        environment["AWS_ACCESS_KEY_ID"] = ACCESS_KEY_ID
        environment["AWS_SECRET_ACCESS_KEY"] = SECRET_ACCESS_KEY
        return environment

    ProvidedWorker._build_handler_class = build_guarded_handler_class
    lambda_svc._provided_worker_env = guarded_worker_environment
