"""Where ministack differs from AWS, and restctl needs what AWS does."""

import contextvars
import html
import json
import re
import time
import urllib.parse


def encode_names_of_versions():
    """Lets ListObjectVersions honour `encoding-type=url`, as the other listings do: XML holds no control characters."""
    from ministack.services import s3

    list_versions = s3._list_object_versions

    def encode(match):
        name = html.unescape(match[2].decode())
        return b"<%s>%s<" % (match[1], urllib.parse.quote(name, safe="/").encode())

    def list_encoded(bucket, query):
        status, headers, body = list_versions(bucket, query)
        if status == 200 and s3._qp(query, "encoding-type") == "url":
            body = re.sub(rb"<(Key|Prefix|KeyMarker|NextKeyMarker|Delimiter)>([^<]*)<", encode, body)
            body = body.replace(b"<MaxKeys>", b"<EncodingType>url</EncodingType><MaxKeys>", 1)
        return status, headers, body

    s3._list_object_versions = list_encoded


def name_versions_in_events():
    """Names the object's version in its event for EventBridge, as S3 does for a bucket that keeps versions."""
    from ministack.services import eventbridge, s3

    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    version = contextvars.ContextVar("version", default=None)

    def fire_with_version(*arguments, version_id=None, **named):
        token = version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **named)
        finally:
            version.reset(token)

    def dispatch_with_version(event, view=None):
        if version.get() and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version.get()
            event = dict(event, Detail=json.dumps(detail))
        return dispatch(event, view)

    s3._fire_s3_event, eventbridge._dispatch_event = fire_with_version, dispatch_with_version


def end_functions_of_deleted_stacks():
    """Ends the processes of a function that CloudFormation deletes, as DeleteFunction does."""
    from ministack.core import lambda_runtime
    from ministack.services.cloudformation import provisioners

    function = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    delete = function["delete"]

    def delete_and_end(physical_id, properties):
        delete(physical_id, properties)
        lambda_runtime.invalidate_worker(physical_id)

    function["delete"] = delete_and_end


def end_idle_functions():
    """Ends each process of a function that has been idle for LAMBDA_WARM_TTL_SECONDS.

    ministack keeps one of each version that has ever been invoked, so that each deployment would leave two behind.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    def end_idle():
        deadline = time.time() - lambda_runtime._LOCAL_WORKER_TTL
        ended = []
        with lambda_runtime._lock:
            for workers in lambda_runtime._workers.values():
                ended += [worker for worker in workers if not worker.in_use and worker.last_used < deadline]
                workers[:] = [worker for worker in workers if worker not in ended]
        lambda_runtime.kill_workers(ended)

    lambda_svc.reap_idle_workers = end_idle


def answer_functions_at_once():
    """Sends each answer of a function's Runtime API without a delay.

    ministack writes the headers and the body one after the other. Without TCP_NODELAY, the body waits until the function
    acknowledges the headers, which Linux delays by 40 ms.
    """
    from ministack.core.lambda_runtime import ProvidedWorker

    build_handler_class = ProvidedWorker._build_handler_class

    def build_prompt_handler_class(worker, generation, pending):
        handler_class = build_handler_class(worker, generation, pending)
        handler_class.disable_nagle_algorithm = True
        return handler_class

    ProvidedWorker._build_handler_class = build_prompt_handler_class


def name_each_table_anew():
    """Gives the table of each new stack a name of its own, as CloudFormation does, and lets an update keep the name.
    Otherwise a new stack would write over the table that a deleted one has left."""
    from ministack.core.responses import new_uuid
    from ministack.services.cloudformation import provisioners

    table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create, update = table["create"], table["update"]

    def create_anew(logical_id, properties, stack_name):
        if not provisioners._NAME_SEED.get():
            provisioners._NAME_SEED.set(new_uuid()[:8])
        return create(logical_id, properties, stack_name)

    def update_in_place(physical_id, old, new, stack_name, logical_id=None):
        if old.get("KeySchema") == new.get("KeySchema"):
            old, new = ({"TableName": physical_id, **properties} for properties in (old, new))
        return update(physical_id, old, new, stack_name, logical_id)

    table["create"], table["update"] = create_anew, update_in_place
