"""/api: the served folder as JSON. The last test holds docs/openapi.json against the server."""

import hashlib
import json
import os
import pathlib
import re

import pytest

from client.conftest import content
from http_client import Line
from openapi import OPENAPI, matches
from product.conftest import until


@pytest.fixture(scope="module")
def tree(served):
    day = served.root / "day 1"
    (day / "b").mkdir(parents=True)
    for name in ["c.mp4", "a.mov", "日本.mp4", "b/deep.wav"]:
        (day / name).write_bytes(name.encode())
        os.utime(day / name, ns=(10**18 + 5, 10**18 + 5))
    (day / ".hidden").write_bytes(b"x")
    many = served.root / "many"
    many.mkdir()
    for i in range(25):
        (many / f"{i:03}").write_bytes(b"")
    return served


@pytest.fixture
def line(tree):
    with Line(tree.host, tree.port) as opened:
        yield opened


def get(line, target, status=200):
    answer = line.ask("GET", target)
    assert answer.status == status, answer.body
    assert answer["Content-Type"] == ("application/json" if status == 200 else "application/problem+json")
    return json.loads(answer.body)


def post(line, target, body, status, *fields):
    answer = line.ask("POST", target, "Content-Type: application/json", *fields, body=json.dumps(body).encode())
    assert answer.status == status, answer.body
    return json.loads(answer.body) if answer.body else None


def names(listing):
    return [entry["name"] for entry in listing["entries"]]


def test_a_listing_is_in_order_and_has_no_hidden_names(line):
    told = get(line, "/api/list/day%201/")
    assert told["path"] == "day 1"
    assert names(told) == ["a.mov", "b", "c.mp4", "日本.mp4"]
    assert "next" not in told
    assert told["entries"][0] == {
        "path": "day 1/a.mov", "name": "a.mov", "kind": "file", "modified": "2001-09-09T01:46:40.000000005Z", "size": 5,
        "type": "video/quicktime", "etag": line.ask("HEAD", "/files/day%201/a.mov")["ETag"], "url": "/files/day%201/a.mov",
    }  # fmt: skip
    assert told["entries"][1]["kind"] == "folder"
    assert "size" not in told["entries"][1]


def test_a_program_is_told_to_be_one(line, tree):
    (tree.root / "program").write_bytes(b"x")
    assert "executable" not in get(line, "/api/stat/program")
    (tree.root / "program").chmod(0o755)
    assert get(line, "/api/stat/program")["executable"] is True


def test_the_url_of_an_entry_leads_to_it(line):
    url = get(line, "/api/list/day%201")["entries"][3]["url"]
    assert line.ask("GET", url).body == "日本.mp4".encode()


def test_a_digest_is_told_where_it_is_known(line, tree):
    film = tree.root / "day 1" / "digested.mov"
    film.write_bytes(b"first")
    os.utime(film, (1, 1))  # what changed a moment ago is not recorded
    assert "sha256" not in get(line, "/api/stat/day%201/digested.mov")
    assert "Repr-Digest" in line.ask("HEAD", "/files/day%201/digested.mov", "Want-Repr-Digest: sha-256=1")

    def told():
        listed = {entry["name"]: entry for entry in get(line, "/api/list/day%201")["entries"]}
        assert "sha256" not in listed["b"]
        return listed["digested.mov"].get("sha256")

    until(lambda: told() == hashlib.sha256(b"first").hexdigest(), "the digest is recorded")
    assert get(line, "/api/stat/day%201/digested.mov")["sha256"] == told()
    film.write_bytes(b"other")
    os.utime(film, (2, 2))
    assert told() is None
    film.unlink()


def test_a_recursive_listing(line):
    assert "day 1/b/deep.wav" in [e["path"] for e in get(line, "/api/list/?recursive=true&limit=10000")["entries"]]


@pytest.mark.parametrize("limit", [1, 7, 25, 26])
def test_pages(line, limit):
    found, after = [], ""
    while after is not None:
        told = get(line, f"/api/list/many?limit={limit}&after={after}")
        assert len(told["entries"]) <= limit
        found += names(told)
        after = told.get("next")
    assert found == [f"{i:03}" for i in range(25)]


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=10001", "limit=x", "limit=", "recursive=1", "recursive="])
def test_a_listing_that_cannot_be(line, query):
    assert get(line, f"/api/list/?{query}", 400)["detail"]


def test_listings_of_what_is_none(line):
    get(line, "/api/list/none", 404)
    get(line, "/api/list/ok.txt", 409)
    get(line, "/api/list/.sluice", 403)


def test_stat(line):
    assert get(line, "/api/stat/ok.txt")["size"] == 5
    assert get(line, "/api/stat/day%201/")["kind"] == "folder"
    assert get(line, "/api/stat/")["path"] == ""
    get(line, "/api/stat/none", 404)


def test_mkdir(line, tree):
    assert post(line, "/api/mkdir", {"path": "made"}, 201)["path"] == "made"
    assert (tree.root / "made").is_dir()
    post(line, "/api/mkdir", {"path": "made"}, 409)
    post(line, "/api/mkdir", {"path": "made", "may_exist": True}, 201)
    post(line, "/api/mkdir", {"path": "p/q/r"}, 404)
    post(line, "/api/mkdir", {"path": "p/q/r", "parents": True}, 201)
    assert (tree.root / "p" / "q" / "r").is_dir()


def test_rename(line, tree):
    (tree.root / "from").write_bytes(b"one")
    (tree.root / "taken").write_bytes(b"two")
    tag = get(line, "/api/stat/taken")["etag"]
    post(line, "/api/rename", {"from": "from", "to": "taken"}, 409)
    post(line, "/api/rename", {"from": "from", "to": "taken", "replaces": '"x"'}, 409)
    assert (tree.root / "taken").read_bytes() == b"two"
    assert post(line, "/api/rename", {"from": "from", "to": "taken", "replaces": tag}, 200)["path"] == "taken"
    assert (tree.root / "taken").read_bytes() == b"one"
    assert not (tree.root / "from").exists()
    post(line, "/api/rename", {"from": "taken", "to": "to"}, 200)
    post(line, "/api/rename", {"from": "none", "to": "x"}, 404)


def test_remove(line, tree):
    (tree.root / "full").mkdir()
    (tree.root / "full" / "file").write_bytes(b"x")
    post(line, "/api/remove", {"path": "full"}, 409)
    post(line, "/api/remove", {"path": "full/file"}, 204)
    post(line, "/api/remove", {"path": "full", "recursive": True}, 204)
    assert not (tree.root / "full").exists()
    post(line, "/api/remove", {"path": "full"}, 404)
    post(line, "/api/remove", {"path": ""}, 403)


BAD_BODIES = [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"path":5}', b'{"path":null}', b'{"path":"a","parents":"yes"}', b"[" * 30000, b'{"path":"a/../b"}', b'{"path":"/../a"}', b'{"path":"a\\u0000b"}', b'{"path":"\xff"}']


@pytest.mark.parametrize("body", BAD_BODIES, ids=[repr(body[:20]) for body in BAD_BODIES])
def test_requests_that_are_none(line, body):
    assert line.ask("POST", "/api/mkdir", "Content-Type: application/json", body=body).status == 400


def test_the_largest_request(line):
    limit = 64 * 1024
    body = json.dumps({"path": "made-too", "x": ""})
    body = body[:-2] + "a" * (limit - len(body)) + body[-2:]
    assert line.ask("POST", "/api/mkdir", "Content-Type: application/json", body=body.encode()).status == 201
    assert line.ask("POST", "/api/mkdir", "Content-Type: application/json", body=body.encode() + b" ").status == 413
    line.send(b"POST /api/mkdir HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    line.send(b"10001\r\n" + b" " * 0x10001 + b"\r\n0\r\n\r\n")
    assert line.answer("POST").status == 413


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_only_json_changes_something(line, tree, type):
    assert line.ask("POST", "/api/mkdir", f"Content-Type: {type}", body=b'{"path":"sneaky"}').status == 415
    assert not (tree.root / "sneaky").exists()


def test_pages_of_others_change_nothing(line, tree):
    for path in ["/api/mkdir", "/api/rename", "/api/remove"]:
        post(line, path, {"path": "ok.txt"}, 403, "Origin: http://evil.example")
    assert (tree.root / "ok.txt").exists()


def test_the_server(line):
    told = get(line, "/api/server")
    assert told["agent"].startswith("sluice/")
    assert 0 < told["space"]["usable"] <= told["space"]["total"]


def test_uploads_under_way(tree, line, tmp_path):
    from product.conftest import connect

    with connect(tree) as native:
        upload = native.open("half.mp4", size_bytes=3 << 20)
        upload.send_block(0, content(1 << 20))
        upload.make_durable([0], content(3 << 20))
        told = get(line, "/api/uploads")
    assert told["uploads"] == [{"path": "half.mp4", "size": 3 << 20, "durable": 1 << 20, "active": True}]
    assert "id" not in json.dumps(told["uploads"])


# --- docs/openapi.json ---

EXAMPLES = {
    "/files/{path}": "/files/ok.txt", "/api/list/{path}": "/api/list/day%201", "/api/stat/{path}": "/api/stat/ok.txt",
    "/api/talk/{path}": "/api/talk/ok.txt",
    "/api/digests/{path}": "/api/digests/ok.txt",
}  # fmt: skip
BODIES = {
    "/api/mkdir": {"path": "api"}, "/api/rename": {"from": "api", "to": "api2"}, "/api/remove": {"path": "api2"},
    "/api/logout": {}, "/api/uploads": {"path": "new.mov", "size": 5}, "/api/say": {"path": "ok.txt", "text": "hello"},
}  # fmt: skip
ELSEWHERE = {"/api/events", "/api/login", "/api/amend", "/api/uploads/{path}", "/api/posters/{path}", "/api/connections", *(path for path in OPENAPI["paths"] if "/accounts" in path or "/tokens" in path or "/links" in path)}  # they have tests of their own


def operations():
    for path, methods in OPENAPI["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "head", "put", "post", "delete", "patch", "options"):
                yield path, method.upper(), operation


@pytest.mark.parametrize(("path", "method", "operation"), [
    pytest.param(*each, id=f"{each[1]} {each[0]}") for each in sorted(operations(), key=lambda o: list(BODIES).index(o[0]) if o[0] in BODIES else -1)
    if each[0].startswith(("/files", "/api")) and each[0] not in ELSEWHERE
])  # fmt: skip
def test_what_is_described_is_answered_so(line, tree, path, method, operation):
    target = EXAMPLES.get(path, path)
    if (path, method) in {("/files/{path}", "PUT"), ("/files/{path}", "DELETE")}:
        target = "/files/described"
    body = json.dumps(BODIES[path]).encode() if path in BODIES else b"x" if method == "PUT" else None
    fields = ["Content-Type: application/json"] if path in BODIES else []
    if method == "GET":
        body, fields = None, []
    if method == "DELETE":
        (tree.root / "described").write_bytes(b"x")
    answer = line.ask(method, target, *fields, body=body)
    assert answer.status < 300
    described = operation["responses"][str(answer.status)]
    for name in described.get("headers", {}):
        assert name in answer
    schema = described.get("content", {}).get("application/json", {}).get("schema")
    if schema:
        matches(json.loads(answer.body), schema)


def test_every_route_is_described():
    source = (pathlib.Path(__file__).resolve().parents[2] / "src" / "http" / "routes.cc").read_text()
    rows = re.findall(r'route\{"([A-Z*]+)", "([^"]+)"', source)
    described = {(method, path) for path, method, _ in operations()}
    for method, path in rows:
        path = path + "{path}" if path.endswith("/") and path != "/" else path
        if method == "*":
            assert path.split("/")[1] in {each.split("/")[1] for _, each in described}
        else:
            assert (method, path) in described, f"{method} {path}"
