"""`get` and `ls` of addresses that a browser has."""

import http.server
import json
import os
import socket
import subprocess
import threading

import pytest

from client.conftest import MIB, content
from conftest import DEADLINE_S, SLUICE
from product.conftest import make_file, until


@pytest.fixture
def tree(serve):
    server = serve()
    (server.root / "day 1" / "b").mkdir(parents=True)
    for name, size in {"day 1/a.mov": 3 * MIB + 5, "day 1/b/日本.mp4": 7, "day 1/empty": 0, "top": 12}.items():
        make_file(server.root / name, size)
        os.utime(server.root / name, ns=(10**18 + 5, 10**18 + 5))
    (server.root / "top").chmod(0o755)
    os.utime(server.root / "day 1" / "b", ns=(10**18 + 7, 10**18 + 7))
    server.http = f"http://{server.host}:{server.port}"
    return server


class Narrows:
    """Stands before a server, and cuts the connection that brings the byte after `limit`, or holds it."""

    def __init__(self, server, limit, holds=False):
        self.server, self.left, self.holds = server, limit, holds
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            there = socket.create_connection((self.server.host, self.server.port))
            for way in ((client, there, False), (there, client, True)):
                threading.Thread(target=self.pass_on, args=way, daemon=True).start()

    def pass_on(self, source, sink, down):
        try:
            while got := source.recv(1 << 16):
                sink.sendall(got)
                if not down or self.left is None:
                    continue
                self.left -= len(got)
                if self.left < 0:
                    self.left = None
                    if self.holds:
                        self.over.wait()
                    break
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def same(here, there):
    assert here.read_bytes() == there.read_bytes()
    assert here.stat().st_mtime_ns == there.stat().st_mtime_ns
    assert here.stat().st_mode & 0o100 == there.stat().st_mode & 0o100


def test_a_file(tree, sluice, tmp_path):
    done = sluice("get", f"{tree.http}/files/day%201/a.mov", "-o", tmp_path / "a.mov", "--json", check=0)
    same(tmp_path / "a.mov", tree.root / "day 1" / "a.mov")
    told = json.loads(done.out.splitlines()[-1])
    assert (told["event"], told["files"], told["bytes_moved"]) == ("done", 1, 3 * MIB + 5)
    again = sluice("get", f"{tree.http}/files/day 1/a.mov", "-o", tmp_path / "a.mov", "--json", check=0)
    told = json.loads(again.out.splitlines()[-1])
    assert (told["files"], told["files_unchanged"], told["bytes_moved"]) == (0, 1, 0)


def test_an_empty_file(tree, sluice, tmp_path):
    sluice("get", f"{tree.http}/files/day%201/empty", "-o", tmp_path, check=0)
    same(tmp_path / "empty", tree.root / "day 1" / "empty")


def test_a_tree(tree, sluice, tmp_path):
    sluice("get", f"{tree.http}/files/day%201", "-o", f"{tmp_path}/in/", check=0)
    for name in ["a.mov", "b/日本.mp4", "empty"]:
        same(tmp_path / "in" / "day 1" / name, tree.root / "day 1" / name)
    assert (tmp_path / "in" / "day 1" / "b").stat().st_mtime_ns == 10**18 + 7
    sluice("get", f"{tree.http}/", "-o", f"{tmp_path}/all/", check=0)
    same(tmp_path / "all" / "top", tree.root / "top")


def test_more_than_a_page_of_files(tree, sluice, tmp_path):
    (tree.root / "many").mkdir()
    for i in range(801):
        (tree.root / "many" / f"{i:04}").write_bytes(b"")
    assert sluice("ls", f"{tree.http}/files/many", check=0).out.split() == [f"{i:04}" for i in range(801)]


def test_a_listing_is_that_of_the_native_protocol(tree, sluice):
    for path, flags in [("day 1", ["-lR"]), ("", ["-l"]), ("top", ["-l"]), ("day 1/b", [])]:
        native = sluice("ls", *flags, f"{tree.url}/{path}", check=0).out
        assert sluice("ls", *flags, f"{tree.http}/files/{path}", check=0).out == native


def test_into_a_pipe(tree, sluice):
    got = sluice("get", f"{tree.http}/files/day%201/a.mov", "-o", "-", check=0)
    assert got.stdout == (tree.root / "day 1" / "a.mov").read_bytes()


def test_what_is_not_there(tree, sluice, tmp_path):
    sluice("get", f"{tree.http}/files/none", "-o", tmp_path, check=5)
    sluice("ls", f"{tree.http}/files/none", check=5)
    sluice("get", f"{tree.http}/files/.sluice", "-o", tmp_path, check=4)


def test_a_name_that_is_taken(tree, sluice, tmp_path):
    (tmp_path / "top").write_bytes(b"something")
    sluice("get", f"{tree.http}/files/top", "-o", tmp_path, check=6)
    assert (tmp_path / "top").read_bytes() == b"something"
    (tmp_path / "top").write_bytes(b"of that size")
    sluice("get", f"{tree.http}/files/top", "-o", tmp_path, check=6)
    sluice("get", "--overwrite", f"{tree.http}/files/top", "-o", tmp_path, check=0)
    same(tmp_path / "top", tree.root / "top")


@pytest.mark.parametrize("command", ["put", "rm", "mkdir", "verify"])
def test_what_is_not_spoken_over_http(tree, sluice, command, tmp_path):
    arguments = [tmp_path] if command == "put" else []
    done = sluice(command, *arguments, f"{tree.http}/files/x", check=2)
    assert "sluice://" in done.err


@pytest.mark.parametrize("address", ["http://host/api/list/", "http://host/filesx", "http://host/files/a?b", "http:///files/", "https://host/a"])
def test_addresses_that_are_none(sluice, address):
    sluice("ls", address, check=2)


def test_a_cut_link_is_gone_on_with(tree, sluice, tmp_path):
    big = make_file(tree.root / "big", 24 * MIB + 3)
    with Narrows(tree, 10 * MIB) as narrows:
        done = sluice("get", f"{narrows.address}/files/big", "-o", tmp_path, "--json", check=0)
        assert narrows.left is None, "it was cut"
    same(tmp_path / "big", big)
    assert json.loads(done.out.splitlines()[-1])["bytes_moved"] == 24 * MIB + 3


def is_written(path, offset):
    if not path.exists():
        return False
    with open(path, "rb") as file:
        try:
            return os.lseek(file.fileno(), offset, os.SEEK_DATA) == offset
        except OSError:
            return False


def test_an_interrupted_download_is_gone_on_with(tree, sluice, tmp_path):
    big = make_file(tree.root / "big", 64 * MIB + 3)
    partial = tmp_path / ".big.sluice-part"
    with Narrows(tree, 20 * MIB, holds=True) as narrows:
        running = subprocess.Popen([str(SLUICE), "get", f"{narrows.address}/files/big", "-o", str(tmp_path)],
                                   stderr=subprocess.PIPE)  # fmt: skip
        until(lambda: is_written(partial, 18 * MIB), "what came through")
        running.send_signal(2)
        running.communicate(timeout=DEADLINE_S)
        assert running.returncode == 9
    done = sluice("get", f"{tree.http}/files/big", "-o", tmp_path, "--json", check=0)
    same(tmp_path / "big", big)
    assert not partial.exists()
    assert json.loads(done.out.splitlines()[-1])["bytes_moved"] < 47 * MIB


def test_a_beginning_that_is_of_another_file_is_fetched_anew(tree, sluice, tmp_path):
    big = make_file(tree.root / "big", 4 * MIB + 3)
    (tmp_path / ".big.sluice-part").write_bytes(content(2 * MIB, seed=9))
    done = sluice("get", f"{tree.http}/files/big", "-o", tmp_path, "--json", check=0)
    same(tmp_path / "big", big)
    assert json.loads(done.out.splitlines()[-1])["bytes_moved"] == (2 * MIB + 3) + (4 * MIB + 3)


class Liar(http.server.BaseHTTPRequestHandler):
    """A server that tells what a test wants."""

    protocol_version = "HTTP/1.1"
    entry = {"path": "a", "name": "a", "kind": "file", "modified": "2001-09-09T01:46:40.000000005Z", "size": 3, "etag": '"1"'}
    replies = {}

    def do_GET(self):
        status, fields, body = next(reply for path, reply in self.replies.items() if self.path.startswith(path))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def liar():
    """Serves what it is given; its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Liar,), {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def tell(replies):
        server.RequestHandlerClass.replies = replies
        return f"http://127.0.0.1:{server.server_port}"

    yield tell
    server.shutdown()
    server.server_close()


def stat_of(**other):
    return 200, {}, json.dumps(Liar.entry | other).encode()


def test_content_that_is_not_what_the_server_says_is_refused(liar, sluice, tmp_path):
    address = liar({"/api/stat": stat_of(), "/files": (200, {"ETag": '"1"', "Repr-Digest": "sha-256=:" + "A" * 43 + "=:"}, b"abc")})
    sluice("get", f"{address}/files/a", "-o", tmp_path, check=7)
    assert list(tmp_path.iterdir()) == []


def test_content_that_nobody_vouches_for_is_said_so(liar, sluice, tmp_path):
    address = liar({"/api/stat": stat_of(), "/files": (200, {"ETag": '"1"'}, b"abc")})
    assert "not verified" in sluice("get", f"{address}/files/a", "-o", tmp_path, check=0).err
    assert (tmp_path / "a").read_bytes() == b"abc"


def test_a_file_that_changed_meanwhile(liar, sluice, tmp_path):
    address = liar({"/api/stat": stat_of(), "/files": (200, {"ETag": '"2"'}, b"abc")})
    sluice("get", f"{address}/files/a", "-o", tmp_path, check=6)
    assert not (tmp_path / "a").exists()


LIES = {
    "no JSON": b"{", "a list": b"[]", "no size": json.dumps(Liar.entry | {"size": None}).encode(),
    "a size that no file has": json.dumps(Liar.entry | {"size": 1 << 63}).encode(),
    "a tag that is more than one": json.dumps(Liar.entry | {"etag": '"a"\r\nX: "'}).encode(), "too long": b" " * (17 << 20),
}  # fmt: skip


@pytest.mark.parametrize("body", LIES.values(), ids=LIES)
def test_entries_that_cannot_be(liar, sluice, tmp_path, body):
    done = sluice("get", f"{liar({'/api/stat': (200, {}, body)})}/files/a", "-o", tmp_path)
    assert done.returncode == 1, done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../a", "x/../../a", "x//a", "other/a", "x/.", "x/a\0"])
def test_names_that_cannot_be(liar, sluice, tmp_path, path):
    listing = json.dumps({"path": "x", "entries": [Liar.entry | {"path": path}]}).encode()
    folder = stat_of(kind="folder", path="x")
    done = sluice("get", f"{liar({'/api/stat': folder, '/api/list': (200, {}, listing)})}/files/x", "-o", f"{tmp_path}/in/")
    assert done.returncode == 1, done.err
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_a_server_that_is_none(liar, sluice):
    done = sluice("ls", f"{liar({'/': (500, {}, b'no')})}/files/", check=1)
    assert "500" in done.err


def test_what_happens_is_shown_escaped(liar, sluice):
    news = json.dumps({"kind": "made", "path": "a\x1b]0;owned\x07"}).encode()
    listing = json.dumps({"path": "", "entries": []}).encode()
    address = liar({"/api/events": (200, {}, b"data: " + news + b"\n\n"), "/api/list": (200, {}, listing)})
    done = sluice("ls", "--follow", f"{address}/files/", check=1)
    assert done.out == "made      a\\x1b]0;owned\\x07/\n"
    assert "tells no more" in done.err


@pytest.mark.parametrize("news", [b"[]", b"{", b"x" * (70 << 10)], ids=["a list", "no JSON", "too long"])
def test_news_that_cannot_be(liar, sluice, news):
    listing = json.dumps({"path": "", "entries": []}).encode()
    address = liar({"/api/events": (200, {}, b"data: " + news + b"\n\n"), "/api/list": (200, {}, listing)})
    assert sluice("ls", "--follow", f"{address}/files/", check=1).out == ""
