"""Runs restctl against moto, an emulator of AWS that checks other things than the local cloud does.

`second_emulator.py RESTCTL TEMPLATE` expects the template as `resolve_template.py` writes it. cli/docs/emulators.md
lists where moto differs from AWS, and what therefore is expected here.
"""

import json
import logging
import os
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import boto3
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

# moto does not create the stack as a whole. The commands that use one get a stack of these resources, which it creates.
CREATED = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"}
# moto starts no function, so the header of a static program is enough (x86-64, without segments and sections).
PROGRAM = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
CREDENTIALS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def start_moto():
    """Starts moto without two of its faults, which would end a deployment before its change set. Returns its URL."""
    # It takes the condition of a Deny for fulfilled, and so refuses every request to a bucket with restctl's policy.
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
    moto = DomainDispatcherApplication(create_backend_app)

    def answer(environ, start_response):
        started = []
        body = b"".join(moto(environ, lambda status, headers, *_: started.extend([status, headers])))
        status, headers = started
        if b"GetBucketVersioningResponse" in body:
            # AWS gives the root element another name, and its SDK for Rust insists.
            body = body.replace(b"GetBucketVersioningResponse", b"VersioningConfiguration")
            headers = [header for header in headers if header[0].lower() != "content-length"]
        start_response(status, headers)
        return [body]

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    # A call that it does not support makes it log a traceback.
    logging.disable()
    server.log = WSGIRequestHandler.log = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class Restctl:
    """restctl with moto as AWS."""

    def __init__(self, binary, state_folder, url):
        self.binary, self.are_expected = Path(binary).resolve(), True
        self.environment = dict(os.environ, XDG_STATE_HOME=str(state_folder), AWS_ENDPOINT_URL=url, **CREDENTIALS)
        for name in ("RESTCTL_LOCAL", "RESTCTL_STACK", "RESTCTL_CLIENT_SECRET"):
            self.environment.pop(name, None)

    def expect(self, exit_code, words, *arguments):
        """Runs a command, and compares its exit code and what it prints."""
        ran = subprocess.run([self.binary, *arguments], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        missing = [word for word in words if word not in ran.stdout]
        is_expected = not missing and ran.returncode == exit_code
        self.are_expected &= is_expected
        print(f"{'ok' if is_expected else 'FAILED':7} restctl {' '.join(arguments)}", flush=True)
        if not is_expected:
            print(f"exit code {ran.returncode}, expected {exit_code}; missing {missing} in:\n{ran.stdout}", flush=True)


def set_up(restctl, provider, secret):
    options = {"self-signed": "api.example.com", "provider": "auth0", "client-secret-file": secret}
    options |= {name.replace("_", "-"): provider[name] for name in ("issuer", "audience", "client_id")}
    restctl.expect(0, ["next: restctl deploy"], "setup", *(f"--{name}={value}" for name, value in options.items()))


def deploy(restctl, url, folder):
    for name in ("restctl-api", "restctl-ingest"):
        (folder / name).write_bytes(PROGRAM)
    command, unsupported = ("deploy", "--lambdas", str(folder)), f"the emulator at {url} does not support"
    restctl.expect(6, ["AWS::ElasticLoadBalancingV2::LoadBalancer", f"{unsupported} SimulatePrincipalPolicy"],
                   *command, "--dry-run")
    # It executes the change set in part, and answers the SDK's second try as if nothing had happened.
    restctl.expect(1, [f"{unsupported} UpdateTerminationProtection"], *command)


def use_tables_and_bucket(restctl, url, folder):
    data, large = folder / "items.csv", folder / "large.csv"
    data.write_text("id,name\n" + "".join(f"{row},item {row}\n" for row in range(3000)))
    # More than one part of an upload.
    large.write_text("id,text\n" + "".join(f"{row},{'x' * 20000}\n" for row in range(900)))
    restctl.expect(1, ["keeps no versions"], "upload", "--no-wait", str(data))
    restctl.expect(1, ["keeps no versions"], "upload", "--no-wait", str(large))
    s3 = client("s3", url)
    [bucket] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if bucket["Name"].startswith("data-")]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    restctl.expect(0, [], "upload", "--no-wait", str(data))
    restctl.expect(0, ["byte for byte"], "upload", "--no-wait", str(data))
    restctl.expect(0, [], "upload", "--no-wait", str(large))
    restctl.expect(0, ["queued", "items.csv", "large.csv"], "loads", "ls")
    restctl.expect(0, ["there are no dead letters"], "dlq", "ls")
    restctl.expect(0, ["0 waiting, 0 in flight, 0 dead letters", f"the emulator at {url} does not support GetMetricData"],
                   "status")
    restctl.expect(0, ["next: restctl deploy"], "cert", "renew")
    restctl.expect(0, ["ISSUED"], "cert", "show")
    restctl.expect(0, ["Secrets Manager, restctl/data/client-secret"], "config", "show")
    restctl.expect(0, ["has nothing since"], "logs")
    restctl.expect(0, ["ey"], "token")
    restctl.expect(0, ["nothing of the stack data remains"], "destroy", "--yes", "--delete-data")


def create_stack(url, template):
    resources = {name: resource for name, resource in template["Resources"].items() if resource["Type"] in CREATED}
    for name in ("LoadQueue", "DeadLetterQueue"):
        # AWS makes up a name that ends in this way.
        resources[name]["Properties"]["QueueName"] = f"{name}.fifo"
    outputs = {name: {"Value": name} for name in ("ApiFunction", "IngestFunction", "LoadBalancerDnsName")}
    outputs |= {name: {"Value": {"Ref": name}} for name in resources}
    outputs |= {"KeyName": {"Value": "id"}, "KeyType": {"Value": "S"}}
    body = json.dumps(dict(template, Resources=resources, Outputs=outputs))
    tags = [{"Key": "restctl:stack", "Value": "data"}]
    client("cloudformation", url).create_stack(StackName="data", TemplateBody=body, Tags=tags)


def client(service, url):
    key, secret = CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    return boto3.client(service, CREDENTIALS["AWS_REGION"], endpoint_url=url, aws_access_key_id=key,
                        aws_secret_access_key=secret)


def main(binary, template):
    with tempfile.TemporaryDirectory() as folder:
        folder, url = Path(folder), start_moto()
        restctl = Restctl(binary, folder, url)
        # For its identity provider, which moto has not.
        restctl.expect(0, [], "local", "up")
        try:
            provider = json.loads((folder / "restctl/local/cloud.json").read_text())["identity_provider"]
            secret = folder / "secret"
            secret.write_text(provider["client_secret"])
            set_up(restctl, provider, secret)
            deploy(restctl, url, folder)
            restctl.environment["RESTCTL_STACK"] = "data"
            set_up(restctl, provider, secret)
            create_stack(url, json.loads(Path(template).read_text()))
            use_tables_and_bucket(restctl, url, folder)
        finally:
            restctl.expect(0, [], "local", "down")
    return 0 if restctl.are_expected else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
