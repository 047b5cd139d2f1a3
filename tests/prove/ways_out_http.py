"""Paths asked for by every verb of HTTP, and by the bodies of the API; nothing may come back from outside.

Most of these targets are refused, which ends their connection. So what should be refused goes on connections of its
own, many at a time, and the rest in one pipeline. That is for speed alone: whatever is answered counts, wherever it is.
"""

import json
import re
import socket
import struct

from conftest import DEADLINE_S
from prove.surrounded import OURS, is_secret

AT_ONCE = 64  # connections
BATCH_BYTES = 64 << 10  # so much fits into the kernel, whoever reads or does not
ENDS_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: ports are free again

TUS = b"Tus-Resumable: 1.0.0\r\nUpload-Length: 1\r\nContent-Type: application/offset+octet-stream\r\n"
JPEG = bytes.fromhex("ffd8ffc0000b080001000101011100ffd9")
DRAFT = b"Upload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\n"
# (method, before the path, behind it, fields, body). What one makes, the next one finds.
URL_VERBS = [
    (b"GET", b"/files/", b"", b"", b""),
    (b"HEAD", b"/files/", b"", b"", b""),
    (b"PUT", b"/files/", b"", b"", b"x"),
    (b"PUT", b"/files/", b"", b"If-Match: *\r\n", b"x"),
    (b"GET", b"/api/stat/", b"", b"", b""),
    (b"GET", b"/api/digests/", b"", b"", b""),
    (b"DELETE", b"/files/", b"", b"", b""),
    (b"POST", b"/tus/", b"", TUS, b"x"),
    (b"DELETE", b"/files/", b"", b"", b""),
    (b"POST", b"/uploads/", b"", DRAFT, b"x"),
    (b"GET", b"/files/", b"?archive=tar", b"", b""),
    (b"GET", b"/api/list/", b"?recursive=true", b"", b""),
    (b"GET", b"/api/talk/", b"", b"", b""),
    (b"GET", b"/api/uploads/", b"", b"", b""),
    (b"PUT", b"/api/posters/", b"", b"If-Match: *\r\n", JPEG),
    (b"GET", b"/api/posters/", b"", b"", b""),
    (b"GET", b"/view/", b"", b"", b""),
    (b"GET", b"/assets/", b"", b"", b""),
    (b"GET", b"/", b"", b"", b""),
]
LENGTH_FIELD = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CHUNKED_FIELD = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
ENDS_A_REQUEST_LINE = re.compile(rb"[\x00-\x20\x7f]")
SURELY_REFUSED = re.compile(rb"%(?![0-9a-fA-F]{2})|%(2f|5c|[01][0-9a-f]|7f)|\\|//|(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)


class Request:
    def __init__(self, method, text, is_alone=False):
        self.method, self.text, self.is_alone = method, text, is_alone


def url_requests(path):
    # Sent as it is: a request line has no blanks and no controls, or is two.
    if ENDS_A_REQUEST_LINE.search(path):
        return
    is_alone = SURELY_REFUSED.search(path) is not None
    for method, before, behind, fields, body in URL_VERBS:
        size = b"Content-Length: %d\r\n" % len(body) if body or method in (b"PUT", b"POST") else b""
        yield Request(method, b"%s %s%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s\r\n%s"
                      % (method, before, path, behind, fields, size, body), is_alone)  # fmt: skip


def names_of(path):
    text = path.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    return {text, ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)}


def wish_request(target, wish):
    body = json.dumps(wish).encode()
    return Request(b"POST", b"POST /api/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n%s" % (target.encode(), len(body), body))  # fmt: skip


def json_requests(path, around):
    for name in names_of(path):
        wishes = [("mkdir", {"path": name, "parents": True})]
        if name.strip("/") not in OURS:
            wishes += [("rename", {"from": name, "to": f"stolen{around.baits}"}), ("rename", {"from": around.bait(), "to": name}),
                       ("say", {"path": name, "text": "x"}), ("remove", {"path": name, "recursive": True})]  # fmt: skip
        yield from (wish_request(target, wish) for target, wish in wishes)


def pairs_of(some):
    return zip(some[::2], some[1::2])


def id_of(begun):
    return json.loads(begun)["upload"]


class EndOfConnection(EOFError):
    """Behind a response that counts."""


class Line:
    """One connection, with requests on the way."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port), DEADLINE_S)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ENDS_AT_ONCE)
        self.unread = b""
        self.body = b""  # of the last response, where it was told how long it is

    def close(self):
        self.socket.close()

    def more(self):
        got = self.socket.recv(1 << 18)
        if not got:
            raise EOFError
        self.unread += got
        assert not is_secret(self.unread), self.unread[:4000]

    def take(self, method):
        """One response; whether something was done."""
        while b"\r\n\r\n" not in self.unread:
            self.more()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        self.body = b""
        assert head.startswith(b"HTTP/1.1 "), head
        status = int(head[9:12])
        if status < 200:  # of a resumable upload
            return self.take(method)
        assert status < 500 or status in (501, 503, 505, 507), (head, self.unread[:400])
        self.take_body(method, status, head)
        if b"\r\nConnection: close" in head:
            raise EndOfConnection
        return status < 300

    def take_body(self, method, status, head):
        found = LENGTH_FIELD.search(head)
        if method == b"HEAD" or status in (204, 304):
            return
        if found:
            self.drop(int(found[1]))
            return
        assert CHUNKED_FIELD.search(head), head
        while self.take_chunk():
            pass

    def take_chunk(self):
        """Its size; 0 of the last one."""
        while b"\r\n" not in self.unread:
            self.more()
        line, _, self.unread = self.unread.partition(b"\r\n")
        self.drop(int(line, 16) + 2)
        return int(line, 16)

    def drop(self, count):
        while len(self.unread) < count:
            self.more()
        self.body, self.unread = self.unread[:count], self.unread[count:]


class Asker:
    def __init__(self, around):
        self.around = around
        self.line = None
        self.answers = self.done = 0

    def ask_for(self, some_paths):
        requests = [request for path in some_paths
                    for request in (*url_requests(path), *json_requests(path, self.around))]  # fmt: skip
        alone = [request for request in requests if request.is_alone]
        for first in range(0, len(alone), AT_ONCE):
            self.send_each_alone(alone[first : first + AT_ONCE])
        batch, size = [], 0
        for request in requests:
            if request.is_alone:
                continue
            if batch and size + len(request.text) > BATCH_BYTES:
                self.send(batch)
                batch, size = [], 0
            batch.append(request)
            size += len(request.text)
        self.send(batch)
        return len(requests) + self.hand_in_blocks(some_paths)

    def hand_in_blocks(self, some_paths):
        """Empty files by uploads in runs of blocks: begun under each name, and begun under another and named so in the end."""
        names = [name for path in some_paths for name in names_of(path) if name.strip("/") not in OURS]
        begins = [wish_request("uploads", {"path": path, "size": 0})
                  for name in names for path in (name, "begun-elsewhere")]  # fmt: skip
        ends = []
        for name, (here, elsewhere) in zip(names, pairs_of(self.send(begins))):
            ends += [(each, wish) for each, wish in ((here, {}), (elsewhere, {"path": name})) if each]
        ended = [wish_request(f"uploads/{id_of(each)}", wish) for each, wish in ends]
        left = [b"DELETE /api/uploads/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % id_of(each).encode()
                for (each, _), told in zip(ends, self.send(ended)) if told is None]  # fmt: skip
        self.send([Request(b"DELETE", text) for text in left])
        return len(begins) + len(ended) + len(left)

    def send_each_alone(self, requests):
        lines = []
        for request in requests:
            lines.append(Line(self.around))
            lines[-1].socket.sendall(request.text)
        for request, line in zip(requests, lines):
            try:
                line.take(request.method)
            except EndOfConnection:
                pass
            line.close()
            self.answers += 1

    def send(self, batch):
        """In one go; what is behind a response that ends its connection is sent again. Of each what came, None where it was
        not done."""
        bodies = []
        while batch:
            if self.line is None:
                self.line = Line(self.around)
            try:
                self.line.socket.sendall(b"".join(request.text for request in batch))
            except ConnectionError:
                pass  # what it answered before is there to be read
            answered = 0
            try:
                for request in batch:
                    done = self.line.take(request.method)
                    bodies.append(self.line.body if done else None)
                    answered += 1
            except EndOfConnection:
                bodies.append(None)
                answered += 1
                self.leave()
            except (EOFError, ConnectionError):
                self.leave()
            batch = batch[answered:]
            self.answers += answered
        self.done += sum(body is not None for body in bodies)
        return bodies

    def leave(self):
        self.line.close()
        self.line = None
