"""Names under localhost are this machine (RFC 6761, section 6.3), even if the system's resolver does not know them."""

import socket

resolve = socket.getaddrinfo


def getaddrinfo(host, *args, **kwargs):
    if isinstance(host, str) and host.endswith(".localhost"):
        host = "127.0.0.1"
    return resolve(host, *args, **kwargs)


socket.getaddrinfo = getaddrinfo
