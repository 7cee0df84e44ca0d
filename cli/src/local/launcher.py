"""Runs ministack in a process group that is killed when standard input closes."""

import fcntl
import html
import os
import re
import runpy
import signal
import sys
import threading
import urllib.parse

lock = open(sys.argv.pop(1), "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()

# Children do not inherit this copy of standard input; they read from /dev/null instead.
lifeline = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def kill_group_when_input_closes():
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)


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


threading.Thread(target=kill_group_when_input_closes, daemon=True).start()
encode_names_of_versions()
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
