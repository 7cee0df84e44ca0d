"""Names under localhost are this machine (RFC 6761, section 6.3), also where the system's resolver has none of them."""

import socket

resolve = socket.getaddrinfo


def getaddrinfo(host, *args, **kwargs):
    if isinstance(host, str) and host.endswith(".localhost"):
        host = "127.0.0.1"
    return resolve(host, *args, **kwargs)


socket.getaddrinfo = getaddrinfo
