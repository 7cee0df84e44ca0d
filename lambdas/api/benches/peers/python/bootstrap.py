"""The event loop that AWS's runtime client provides on Lambda."""

import http.client
import json
import os

from handler import handler

runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    runtime.request(method, f"/2018-06-01/runtime/invocation/{path}", body)
    response = runtime.getresponse()
    return response.headers, response.read()


while True:
    headers, event = call("GET", "next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        call("POST", f"{request_id}/response", json.dumps(handler(json.loads(event))))
    except Exception as error:
        message = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        call("POST", f"{request_id}/error", message)
