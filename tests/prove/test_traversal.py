"""No name leads out of the served folder: generated paths, by every verb of both protocols.

Every string up to a length over the characters that ways out are made of, alone and behind and before names
that exist; encodings that are doubled, overlong or cut off; NUL, other controls, both normal forms of Unicode,
names and paths that are very long. What is outside holds a word that no answer may have, and is the same at the end.
"""

import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import tempfile
import time

import pytest

from conftest import DEADLINE_S
from prove.plan import amount, report
from wire_client import Connection
from wire_format import KINDS, messages

LENGTH = amount("TRAVERSAL_LENGTH", 2)
ALPHABET = b"%25ef./\\"
CANARY = b"canary-outside-of-the-folder"
BATCH = 16
OURS = ("", "in", "bait")  # stay where they are
KEPT = {*OURS, ".hidden", ".sluice", "leads-out", "to-root", "up"}
TIDY_EVERY = 2000


def words():
    for length in range(LENGTH + 1):
        for letters in itertools.product(ALPHABET, repeat=length):
            yield bytes(letters)


def odd_paths():
    """By hand: what has led out of other servers."""
    dots = [b"..", b"%2e%2e", b"%2E.", b".%2e", b"%252e%252e", b"%25252e%25252e", b"..%00", b"%00..", b"..%0a", b"..;",
            b"..%20", b"%20..", b"..%09", b"..%c0%af", b"%c0%ae%c0%ae", b"%e0%80%ae%e0%80%ae", b"%f0%80%80%ae%f0%80%80%ae",
            b"\xc0\xae\xc0\xae", b"\xe0\x80\xae\xe0\x80\xae", b"%uff0e%uff0e", b"\xef\xbc\x8e\xef\xbc\x8e", b"...", b"....",
            b"\xe2\x80\xae..", b"%e2%80%ae..", b"..\xe2\x80\x8b", b"\xcc\x81..", b"e\xcc\x81", b"\xc3\xa9", b"%ff%fe", b"%ed%a0%80",
            b"~", b"~root", b"$HOME", b"`id`", b"C:", b"C:\\", b"\\\\host\\share", b"file:", b"CON", b"AUX.txt"]  # fmt: skip
    slashes = [b"/", b"%2f", b"%2F", b"\\", b"%5c", b"%255c", b"%252f", b"//", b"/./", b"%c0%af", b"\xc0\xaf", b"%e0%80%af",
               b"\xe2\x88\x95", b"%e2%88%95", b"\xef\xbc\x8f", b";/", b"?/", b"#/", b"%00/", b"%0d%0a/"]  # fmt: skip
    targets = [b"", b"secret", b"served/../secret", b"etc/passwd", b"e", b"proc/self/environ", b".sluice/owner-key"]
    for dot, slash, target in itertools.product(dots, slashes, targets):
        for count in (1, 2, 8):
            yield (dot + slash) * count + target
        yield slash + dot + slash + target
        yield b"in" + slash + dot + slash + dot + slash + target
    for name in (b".hidden", b".sluice", b".sluice/catalog.db", b"in/.hidden", b"leads-out", b"leads-out/secret", b"to-root/secret",
                 b"leads-out%2fsecret", b"in/up/secret", b"in/up/../secret", b"/proc/self/root/etc/passwd", b"dev/stdin"):  # fmt: skip
        yield name
        yield b"/" + name
    for size in (255, 256, 4095, 4096, 4097, 15_000):
        yield b"a" * size
        yield b"../" * (size // 3)
        yield b"%2e%2e%2f" * (size // 9)
        yield b"a/" * (size // 2) + b"../" * (size // 2 + 3) + b"secret"
        yield b"\xc3\xa9" * (size // 2)


def paths():
    yield from itertools.islice(odd_paths(), 0, None, 1 if LENGTH >= 5 else 101)
    for word in words():
        yield word
        yield b"in/" + word
        yield word + b"/secret"


# --- HTTP ---


def url_verbs():
    """(method, before the path, behind it, fields, body)"""
    tus = b"Tus-Resumable: 1.0.0\r\nUpload-Length: 1\r\n"
    draft = b"Upload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\n"
    yield b"GET", b"/files/", b"", b"", b""
    yield b"HEAD", b"/files/", b"", b"", b""
    yield b"PUT", b"/files/", b"", b"", b"x"
    yield b"PUT", b"/files/", b"", b"If-Match: *\r\n", b"x"
    yield b"DELETE", b"/files/", b"", b"", b""
    yield b"GET", b"/files/", b"?archive=tar", b"", b""
    yield b"GET", b"/api/list/", b"?recursive=true", b"", b""
    yield b"GET", b"/api/stat/", b"", b"", b""
    yield b"POST", b"/tus/", b"", tus, b""
    yield b"POST", b"/uploads/", b"", draft, b"x"
    yield b"GET", b"/", b"", b"", b""


def url_requests(path):
    for method, before, behind, fields, body in url_verbs():
        # Sent as it is: a request line has no blanks and no controls, or is two.
        if re.search(rb"[\x00-\x20\x7f]", path):
            continue
        size = b"Content-Length: %d\r\n" % len(body) if body or method in (b"PUT", b"POST") else b""
        yield method, (method + b" " + before + path + behind + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields + size +
                       b"\r\n" + body)  # fmt: skip


def json_requests(path):
    text = path.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    once = re.sub(r"%([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)
    for name in {text, once}:
        for target, wish in (("mkdir", {"path": name, "parents": True}), ("rename", {"from": name, "to": "stolen"}),
                             ("rename", {"from": "bait", "to": name}), ("remove", {"path": name, "recursive": True})):  # fmt: skip
            if name.strip("/") in OURS and target != "mkdir":
                continue
            body = json.dumps(wish).encode()
            yield b"POST", (b"POST /api/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % (target.encode(), len(body)) + body)  # fmt: skip


LENGTH_FIELD = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CHUNKED_FIELD = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


class Pipeline:
    """Many requests in one write, and their answers; a new connection where the server ended one."""

    def __init__(self, server):
        self.server = server
        self.socket = None
        self.answers = 0

    def connect(self):
        self.socket = socket.create_connection((self.server.host, self.server.port), DEADLINE_S)
        self.unread = b""

    def more(self):
        got = self.socket.recv(1 << 18)
        if not got:
            raise EOFError
        self.unread += got
        assert CANARY not in self.unread, self.unread[:4000]
        assert b"root:x:0" not in self.unread

    def take(self, method):
        while b"\r\n\r\n" not in self.unread:
            try:
                self.more()
            except (EOFError, ConnectionError):
                if self.unread:
                    break  # the last word of a connection that ends
                raise
        head, _, rest = self.unread.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), head
        status = int(head[9:12])
        if status < 200:  # of a resumable upload
            self.unread = rest
            return self.take(method)
        assert status < 500 or status in (501, 503, 505, 507), head
        self.answers += 1
        found = LENGTH_FIELD.search(head)
        if method == b"HEAD" or status in (204, 304):
            self.unread = rest
        elif found:
            size = int(found[1])
            while len(self.unread) < len(head) + 4 + size:
                self.more()
            self.unread = self.unread[len(head) + 4 + size :]
        else:
            assert CHUNKED_FIELD.search(head), head
            self.unread = rest
            while self.take_chunk():
                pass
        if b"\r\nConnection: close" in head:
            raise EndOfConnection


    def take_chunk(self):
        """Its size; 0 of the last one."""
        while b"\r\n" not in self.unread:
            self.more()
        line, _, _ = self.unread.partition(b"\r\n")
        end = len(line) + 2 + int(line, 16) + 2
        while len(self.unread) < end:
            self.more()
        self.unread = self.unread[end:]
        return int(line, 16)


class EndOfConnection(EOFError):
    """After a response that counts."""


def send_all(line, requests):
    """In batches; a response that ends its connection counts all the same."""
    batch = []
    for each in requests:
        batch.append(each)
        if len(batch) == BATCH:
            send_batch(line, batch)
            batch = []
    send_batch(line, batch)


def send_batch(line, batch):
    while batch:
        if line.socket is None:
            line.connect()
        try:
            line.socket.sendall(b"".join(text for _, text in batch))
        except ConnectionError:
            pass  # what it answered before is there to be read
        try:
            while batch:
                line.take(batch[0][0])
                batch.pop(0)
        except EndOfConnection:
            batch.pop(0)
            drop(line)
        except (EOFError, ConnectionError):
            drop(line)


def drop(line):
    line.socket.close()
    line.socket = None


# --- native ---


def text_field(number, text):
    size = b""
    left = len(text)
    while True:
        size += bytes([left & 0x7F | (0x80 if left > 0x7F else 0)])
        left >>= 7
        if not left:
            return bytes([number << 3 | 2]) + size + text


def native_requests(path):
    """(kind, body)"""
    for name in {path, re.sub(rb"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), path)}:
        if not is_utf8(name):
            continue  # no string of protobuf: the frame itself is refused, see below
        at = text_field(1, name)
        yield "LIST", at + messages.List(recursive=True).SerializeToString()
        yield "STAT", at
        yield "GET", at
        yield "DIGESTS", at
        yield "SCRUB", at
        yield "PUT", at + messages.Put(size_bytes=0, whole=True, parents=True).SerializeToString()
        yield "MAKE_FOLDER", at + messages.MakeFolder(parents=True).SerializeToString()
        if name.strip(b"/").decode() not in OURS:
            yield "RENAME", at + text_field(2, b"stolen")
            yield "RENAME", text_field(1, b"bait") + text_field(2, name)
            yield "REMOVE", at + messages.Remove(recursive=True).SerializeToString()


def is_utf8(name):
    try:
        name.decode()
        return True
    except UnicodeDecodeError:
        return False


class Asker:
    """Requests of the native protocol, many under way."""

    def __init__(self, server):
        self.link = Connection(server.host, server.port)
        self.open = set()
        self.answers = 0

    def send(self, batch):
        data = b""
        for kind, body in batch:
            self.link._last_request += 1
            self.open.add(self.link._last_request)
            data += frame_of(kind, self.link._last_request, body)
        self.link.send(data)
        while self.open:
            came = self.link.read_frame()
            assert CANARY not in came.body and b"root:x:0" not in came.body
            if came.last:
                self.open.discard(came.request)
                self.answers += 1


def frame_of(kind, request, body):
    return struct.pack(">IBBHI", 8 + len(body), KINDS[kind], 0, 0, request) + body


# --- the tests ---


def state_of(folder, without):
    """All names, sizes, times and contents below, but for one folder."""
    found = {}
    for where, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if os.path.join(where, each) != without]
        for name in [*folders, *files]:
            path = os.path.join(where, name)
            facts = os.lstat(path)
            if path.endswith(".log"):
                continue
            found[path] = (facts.st_mode, facts.st_size, facts.st_mtime_ns if name not in folders else 0, facts.st_ino)
    return found


def tidy(folder):
    """Away with what the requests made."""
    for where in (folder, folder / "in"):
        for each in where.iterdir():
            if each.name in KEPT:
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)


@pytest.fixture
def surrounded(serve):
    """A server whose folder has secrets around it, under all names that a way out could end with.

    In memory, where a sync costs nothing: what is made here is made a hundred thousand times.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield from surround(serve, pathlib.Path(folder))


def surround(serve, tmp_path):
    around = tmp_path / "around"
    served = around / "served"
    (served / "in").mkdir(parents=True)
    for name in ("secret", "e", "f", "2", "5", "ef", "25", "e5", "in/e", "etc/passwd"):
        (around / name).parent.mkdir(exist_ok=True)
        (around / name).write_bytes(CANARY)
    (tmp_path / "secret").write_bytes(CANARY)
    for name in (".hidden", "in/.hidden"):
        (served / name).write_bytes(CANARY)
    (served / "leads-out").symlink_to(around)
    (served / "to-root").symlink_to("/")
    (served / "in" / "up").symlink_to("../..")
    (served / "bait").write_bytes(b"bait")
    server = serve(root=served)
    before = state_of(tmp_path, str(served))
    hidden = {name: (served / name).read_bytes() for name in (".hidden", "in/.hidden")}
    yield server
    assert state_of(tmp_path, str(served)) == before, "nothing outside was written"
    assert {name: (served / name).read_bytes() for name in hidden} == hidden
    assert (served / "leads-out").is_symlink() and (served / "to-root").is_symlink()
    assert server.process.poll() is None


def test_no_path_leads_out_over_http(surrounded):
    line, begun, count = Pipeline(surrounded), time.monotonic(), 0

    def requests():
        nonlocal count
        for path in paths():
            count += 1
            if count % TIDY_EVERY == 0:
                tidy(surrounded.root)
            yield from url_requests(path)
            yield from json_requests(path)

    send_all(line, requests())
    assert line.answers > 10 * count
    report(f"{count} paths over HTTP, {line.answers} answers: nothing outside was read or written; "
           f"{time.monotonic() - begun:.0f} s")  # fmt: skip


def test_no_path_leads_out_over_the_native_protocol(surrounded):
    asker, begun, count = Asker(surrounded), time.monotonic(), 0
    batch = []
    for path in paths():
        count += 1
        if count % TIDY_EVERY == 0:
            tidy(surrounded.root)
        batch += native_requests(path)
        if len(batch) >= 256:
            asker.send(batch)
            batch = []
    asker.send(batch)
    assert asker.answers > 9 * count * 3 // 4
    report(f"{count} paths over the native protocol, {asker.answers} answers: nothing outside was read or written; "
           f"{time.monotonic() - begun:.0f} s")  # fmt: skip


def test_what_is_no_utf8_is_no_path(surrounded):
    for path in (b"\xc0\xae\xc0\xae/secret", b"..\xff/secret", b"\xed\xa0\x80", b"in/\x80"):
        for kind in ("LIST", "STAT", "GET", "DIGESTS", "SCRUB", "MAKE_FOLDER", "REMOVE"):
            with Connection(surrounded.host, surrounded.port) as link:
                link.send(frame_of(kind, 1, text_field(1, path)))
                came = link.read_frame()
                assert came.name == "ERROR" and CANARY not in came.body
