"""The honest clients: one that gets 1 MiB again and again, by a token, and people who log in by their passwords."""

import base64
import http.client
import itertools
import socket
import time

from wire_client import Connection
from wire_format import HEAD, HEAD_COUNTED, LAST, NAMES, frame, messages

MIB = 1 << 20


def get_by_http(port, token, path):
    """A function that gets the first MiB once."""
    link = socket.create_connection(("127.0.0.1", port))
    request = (f"GET /files/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
               f"Range: bytes=0-{MIB - 1}\r\n\r\n").encode()  # fmt: skip
    buffer = bytearray(MIB)

    def get():
        link.sendall(request)
        head = link.recv(4096)
        while b"\r\n\r\n" not in head:
            head += link.recv(4096)
        assert head.startswith(b"HTTP/1.1 206 "), head[:200]
        left = MIB - (len(head) - head.index(b"\r\n\r\n") - 4)
        while left > 0:
            got = link.recv_into(buffer, left)
            assert got > 0, "the server closed the connection"
            left -= got

    return get


def get_by_native(port, token, path):
    """Reads frames into one buffer: the times of the server are wanted, not those of Python."""
    client = Connection("127.0.0.1", port)
    client.login(token=token)
    link = client.give_away()
    body = messages.Get(path=path, ranges=[messages.Range(offset=0, length=MIB)])
    requests = itertools.count(1000)
    buffer = memoryview(bytearray(2 * MIB))

    def get():
        link.sendall(frame("GET", next(requests), body))
        flags = 0
        while not flags & LAST:
            length, kind, flags, _, _ = HEAD.unpack(link.recv(HEAD.size, socket.MSG_WAITALL))
            assert NAMES[kind] != "ERROR", "the server refused a GET"
            got = link.recv_into(buffer[: length - HEAD_COUNTED], 0, socket.MSG_WAITALL)
            assert got == length - HEAD_COUNTED, "the server closed the connection"

    return get


GETS = {"HTTP": get_by_http, "native": get_by_native}


def times_ms(get, seconds, rate):
    """Of one a time, so many a second; who is late is not waited for."""
    taken, begun = [], time.monotonic()
    while (now := time.monotonic()) < begun + seconds:
        start = time.perf_counter()
        get()
        taken.append((time.perf_counter() - start) * 1000)
        time.sleep(max(0.0, 1 / rate - (time.monotonic() - now)))
    return taken


def log_in(port, account, password, address, tries=60):
    """From an address that nobody came from before: (how many tries it took, seconds until it was in)"""
    begun = time.monotonic()
    login = base64.b64encode(f"{account}:{password}".encode()).decode()
    for number in range(1, tries + 1):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(address, 0))
        link.request("GET", "/api/list/", headers={"Authorization": f"Basic {login}"})
        answer = link.getresponse()
        answer.read()
        link.close()
        if answer.status == 200:
            return number, time.monotonic() - begun
        assert answer.status in (429, 503), answer.status
        time.sleep(float(answer.headers["Retry-After"]))
    return tries + 1, time.monotonic() - begun
