"""PUT and DELETE of files: RFC 9110, 9.3.4, 9.3.5 and 13; RFC 9530."""

import base64
import hashlib
import json
import re

import pytest

from client.conftest import content
from http_client import Line

MIB = 1024 * 1024
SIZES = [0, 1, 1000, MIB - 1, MIB, MIB + 1, 5 * MIB + 77]


def chunked(body, size=60_000, extension=b""):
    cut = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in cut) + b"0\r\n\r\n"


def put_chunked(line, target, body, *fields, **how):
    lines = [f"PUT {target} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", *fields, "", ""]
    line.send("\r\n".join(lines).encode() + chunked(body, **how))
    return line.answer("PUT")


def sha256(body):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


def new_name(request):
    return re.sub("[^a-z0-9]", "-", request.node.name)


@pytest.fixture
def target(request):
    return "/files/" + new_name(request)


@pytest.fixture
def stored(request, served):
    return served.root / new_name(request)


@pytest.mark.parametrize("size", SIZES)
def test_a_new_file(line, target, stored, size):
    body = content(size)
    answer = line.ask("PUT", target, body=body)
    assert answer.status == 201
    assert answer["Location"] == target
    assert stored.read_bytes() == body
    assert answer["ETag"] == line.ask("HEAD", target)["ETag"]


@pytest.mark.parametrize("size", SIZES)
def test_a_new_file_of_unknown_length(line, target, stored, size):
    body = content(size)
    assert put_chunked(line, target, body).status == 201
    assert stored.read_bytes() == body


@pytest.mark.parametrize("size", [1, 3, 700])
def test_chunks_of_few_bytes(line, target, stored, size):
    body = content(2000)
    assert put_chunked(line, target, body, size=size, extension=b';a="b"').status == 201
    assert stored.read_bytes() == body


def test_a_body_that_comes_byte_by_byte(line, target, stored):
    said = b"PUT %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" % target.encode()
    for byte in said + chunked(b"here it comes", size=4):
        line.send(bytes([byte]))
    assert line.answer("PUT").status == 201
    assert stored.read_bytes() == b"here it comes"


def test_folders_above_are_made(line, served):
    assert line.ask("PUT", "/files/new/day%201/a.mp4", body=b"x").status == 201
    assert (served.root / "new" / "day 1" / "a.mp4").read_bytes() == b"x"


@pytest.mark.parametrize("size", [5, 2 * MIB])
def test_nothing_is_overwritten_unasked(served, line, target, stored, size):
    line.ask("PUT", target, body=b"first")

    def refused(put, *fields):
        with Line(served.host, served.port) as other:  # of a large body the rest is not read
            return put(other, target, content(size), *fields)

    def put_counted(other, path, body, *fields):
        return other.ask("PUT", path, *fields, body=body)

    for put in (put_counted, put_chunked):
        answer = refused(put)
        assert answer.status == 409
        assert "If-Match" in json.loads(answer.body)["detail"]
        assert refused(put, "If-None-Match: *").status == 412
        assert refused(put, 'If-Match: "x"').status == 412
    assert stored.read_bytes() == b"first"


@pytest.mark.parametrize("size", [5, 2 * MIB])
def test_what_is_named_is_replaced(line, target, stored, size):
    tag = line.ask("PUT", target, body=b"first")["ETag"]
    body = content(size)
    answer = line.ask("PUT", target, f"If-Match: {tag}", body=body)
    assert answer.status == 204
    assert stored.read_bytes() == body
    assert answer["ETag"] != tag
    assert line.ask("PUT", target, f"If-Match: {tag}", body=b"late").status == 412
    assert line.ask("PUT", target, "If-Match: *", body=b"last").status == 204
    assert stored.read_bytes() == b"last"


def test_if_match_needs_something_there(line, target, stored):
    assert line.ask("PUT", target, "If-Match: *", body=b"x").status == 412
    assert line.ask("PUT", target, "If-None-Match: *", body=b"x").status == 201


@pytest.mark.parametrize("field", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize("size", [0, 5, 3 * MIB])
def test_what_arrives_is_held_against_its_digest(line, target, stored, field, size):
    body = content(size)
    wrong = line.ask("PUT", target, f"{field}: {sha256(body + b'x')}", body=body)
    assert wrong.status == 400
    assert not stored.exists()
    assert line.ask("PUT", target, f"{field}: unixsum=:AAA=:, {sha256(body)}", body=body).status == 201


@pytest.mark.parametrize("value", ["sha-256", "sha-256=5", "sha-256=abc", "sha-256=:abc", "=:AAA=:", "sha-256=:A:", "sha-256=:AAA=:,"])
def test_a_digest_that_is_none(line, target, stored, value):
    assert line.ask("PUT", target, f"Content-Digest: {value}", body=b"x").status == 400
    assert not stored.exists()


@pytest.mark.parametrize(("field", "status"), [
    ("Content-Range: bytes 0-0/5", 400), ("Content-Encoding: gzip", 415), ("Content-Encoding: br, gzip", 415), ("Content-Encoding: identity", 201),
])  # fmt: skip
def test_only_whole_files_as_they_are(line, target, field, status):
    assert line.ask("PUT", target, field, body=b"x").status == status


@pytest.mark.parametrize(("path", "statuses"), [
    ("/files/", {409}), ("/files/a/", {409}), ("/files/.hidden", {403}), ("/files/a/.b/c", {403}), ("/files/" + "a" * 256, {400}),
    ("/files" + "/a" * 65, {400}), ("/files/%E2%80%AE", {400}), ("/files/ok.txt/below", {404, 409}),
])  # fmt: skip
def test_places_that_cannot_be(line, path, statuses):
    assert line.ask("PUT", path, body=b"x").status in statuses


def test_a_folder_is_not_replaced(line, served):
    (served.root / "folder").mkdir()
    assert line.ask("PUT", "/files/folder", body=b"x").status == 409
    assert line.ask("PUT", "/files/folder", "If-Match: *", body=b"x").status in (409, 412)
    assert line.ask("DELETE", "/files/folder").status == 409
    assert (served.root / "folder").is_dir()


def test_a_body_that_ends_early_leaves_nothing(served, target, stored):
    for said in [b"Content-Length: 3000000\r\n\r\n" + content(2 * MIB), b"Content-Length: 9\r\n\r\nshort", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"]:
        with Line(served.host, served.port) as line:
            line.send(b"PUT %s HTTP/1.1\r\nHost: localhost\r\n" % target.encode() + said)
            line.socket.shutdown(1)
            line.to_end()
    assert not stored.exists()
    assert json.loads(Line(served.host, served.port).ask("GET", "/api/uploads").body) == {"uploads": []}


def test_expect_continue(line, target, stored):
    line.send(b"PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n" % target.encode())
    assert line.answer("PUT", interim=True).status == 100
    line.send(b"hello")
    assert line.answer("PUT").status == 201
    assert stored.read_bytes() == b"hello"


def test_no_continue_where_the_answer_is_no(line):
    line.send(b"PUT /files/ok.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    answer = line.answer("PUT", interim=True)
    assert answer.status == 409
    assert answer["Connection"] == "close"  # whether the body still comes is the client's choice


def test_no_continue_where_the_body_is_here(line, target):
    line.send(b"PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello" % target.encode())
    assert line.answer("PUT", interim=True).status == 201


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_pages_of_others_change_nothing(line, target, stored, origin):
    assert line.ask("PUT", target, f"Origin: {origin}", body=b"x").status == 403
    assert line.ask("DELETE", "/files/ok.txt", f"Origin: {origin}").status == 403
    assert not stored.exists()


def test_a_page_of_this_server_may(line, served, target):
    host = f"{served.host}:{served.port}"
    assert line.ask("PUT", target, f"Origin: http://{host}", body=b"x", host=host).status == 201


def test_delete(line, target, stored):
    assert line.ask("DELETE", target).status == 404
    tag = line.ask("PUT", target, body=b"x")["ETag"]
    assert line.ask("DELETE", target, 'If-Match: "x"').status == 412
    assert stored.exists()
    assert line.ask("DELETE", target, f"If-Match: {tag}").status == 204
    assert not stored.exists()


# --- Chunked bodies that are none (RFC 9112, 7.1) ---

BAD_CHUNKS = [
    b"-2\r\nab\r\n0\r\n\r\n", b"+2\r\nab\r\n0\r\n\r\n", b" 2\r\nab\r\n0\r\n\r\n", b"2 \r\nab\r\n0\r\n\r\n", b"0x2\r\nab\r\n0\r\n\r\n",
    b"2_\r\nab\r\n0\r\n\r\n", b"g\r\nab\r\n0\r\n\r\n", b"\r\nab\r\n0\r\n\r\n", b"2\nab\r\n0\r\n\r\n", b"2\rab\r\n0\r\n\r\n",
    b"2\r\nab0\r\n\r\n", b"2\r\nabc\r\n0\r\n\r\n", b"2\r\nab\n0\r\n\r\n", b"2\r\nab\r0\r\n\r\n", b"2\r\nab\r\n\r\n0\r\n\r\n",
    b"8000000000000000\r\n", b"ffffffffffffffff\r\n", b"10000000000000000\r\n", b"00000000000000002\r\nab\r\n0\r\n\r\n",
    b"fffffffffffffffffffffffe\r\n", b"2;\x00\r\nab\r\n0\r\n\r\n", b"2;a\nab\r\n0\r\n\r\n", b"2;a\x7f\r\nab\r\n0\r\n\r\n",
    b"2;" + b"a" * 300 + b"\r\nab\r\n0\r\n\r\n", b"1;aaa\r\nb\r\n" * 6000 + b"0\r\n\r\n", b"2 2\r\nab\r\n0\r\n\r\n", b"2,\r\nab\r\n0\r\n\r\n",
    b"2\r\nab\r\n0\r\nno colon\r\n\r\n", b"2\r\nab\r\n0\r\nX : a\r\n\r\n", b"2\r\nab\r\n0\r\n folded: a\r\n\r\n",
    b"2\r\nab\r\n0\r\nX: a\n\r\n", b"2\r\nab\r\n0\r\nX: \x00\r\n\r\n", b"2\r\nab\r\n0\r\n\n", b"2\r\nab\r\n0\n\r\n",
    b"2\r\nab\r\n0\r\n" + b"X: " + b"a" * 9000 + b"\r\n\r\n", b"2\r\nab\r\n0\r\n" + b"X: a\r\n" * 101 + b"\r\n", b"2\r\nab\r\n0\r\n\rX",
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_CHUNKS, ids=[repr(body[:24]) for body in BAD_CHUNKS])
def test_chunks_that_are_none(served, target, stored, body):
    with Line(served.host, served.port) as line:
        line.send(b"PUT %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" % target.encode() + body)
        line.send(b"GET /files/ok.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = line.answer("PUT")
        assert answer.status in (400, 413, 431)
        assert answer["Connection"] == "close"
        assert line.to_end() == b""
    assert not stored.exists()


def test_trailers_are_taken(line, target, stored):
    line.send(b"PUT %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" % target.encode())
    line.send(b"2\r\nab\r\n0\r\nX: a\r\nY:b\r\n\r\nGET /files/ok.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert line.answer("PUT").status == 201
    assert line.answer().body == b"here\n"
    assert stored.read_bytes() == b"ab"
