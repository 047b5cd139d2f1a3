"""Every role, every verb, every protocol: what is allowed is written here by hand, and nowhere generated."""

import itertools
import json

import pytest

from http_client import Line
from wire_client import Failed
from wire_format import FROM_SERVER, KINDS, digest, messages

from access.conftest import ROLES

# One column for each role, in the order of ROLES:
#                stranger nobody see read drop write admin, links to: watch drop both
HTTP = {
    "get":          (401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "head":         (401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "put":          (401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "replace":      (401, 403, 403, 403, 404, 204, 204, 403, 404, 403),
    "delete":       (401, 403, 403, 403, 403, 204, 204, 403, 403, 403),
    "archive":      (401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "list":         (401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "stat":         (401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "mkdir":        (401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "rename":       (401, 403, 403, 403, 403, 200, 200, 403, 403, 403),
    "remove":       (401, 403, 403, 403, 403, 204, 204, 403, 403, 403),
    "uploads":      (401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "events":       (401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "live":         (401, 403, 101, 101, 403, 101, 101, 101, 403, 101),
    "tus":          (401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "tus part":     (401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "draft":        (401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "in blocks":    (401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "poster":       (401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "give a poster": (401, 403, 403, 403, 404, 204, 204, 403, 404, 403),
    "connections":  (401, 403, 403, 403, 403, 403, 200, 403, 403, 403),
    "talk":         (401, 403, 403, 403, 403, 200, 200, 200, 403, 200),
    "say":          (401, 403, 403, 403, 403, 201, 201, 201, 403, 201),
    "amend":        (401, 403, 403, 403, 403, 200, 200, 200, 403, 200),
    "join":         (401, 403, "error", "error", 403, "joined", "joined", "joined", 403, "joined"),
    "server":       (200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "me":           (200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "links":         (401, 200, 200, 200, 200, 200, 200, 403, 403, 403),
    "make a link":   (401, 403, 403, 201, 404, 201, 201, 403, 403, 403),
    "revoke a link": (401, 404, 404, 404, 404, 404, 204, 403, 403, 403),
    "accounts":      (401, 403, 403, 403, 403, 403, 200, 403, 403, 403),
    "tokens":        (401, 403, 403, 403, 403, 403, 200, 403, 403, 403),
}  # fmt: skip

NO, NONE, YES = "NOT_ALLOWED", "NOT_FOUND", "yes"
#                stranger nobody see read drop write admin, links to: watch drop both
NATIVE = {
    "list":         (NO, NO, YES, YES, NONE, YES, YES, YES, NONE, YES),
    "list a file":  (NO, NO, YES, YES, NONE, YES, YES, YES, NONE, YES),
    "stat":         (NO, NO, YES, YES, NONE, YES, YES, YES, NONE, YES),
    "get":          (NO, NO, NO, YES, NONE, YES, YES, YES, NONE, YES),
    "digests":      (NO, NO, NO, YES, NONE, YES, YES, YES, NONE, YES),
    "scrub":        (NO, NO, NO, YES, NONE, YES, YES, YES, NONE, YES),
    "scrub record": (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "put":          (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "put whole":    (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "replace":      (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "replace whole": (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "make folder":  (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "rename":       (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "remove":       (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "talk":         (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "say":          (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "amend":        (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "join":         (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "join another's": (NO, NO, NO, NO, NONE, NONE, YES, NO, NONE, NONE),
    "digests of another's": (NO, NO, NO, NO, NONE, NONE, YES, NO, NONE, NONE),
}  # fmt: skip

# One of 1 pixel, by its head and its end: the server looks at nothing else.
JPEG = bytes.fromhex("ffd8ffc0000b080001000101011100ffd9")

serial = itertools.count()


def cells(table):
    return [pytest.param(verb, role, row[ROLES.index(role)], id=f"{verb}-{role}")
            for verb, row in table.items() for role in ROLES]  # fmt: skip


@pytest.fixture
def file(roles):
    """A file of its own for each cell."""
    path = roles.root / f"f{next(serial)}.txt"
    path.write_bytes(b"here\n")
    yield path
    path.unlink(missing_ok=True)


def json_post(house, token, target, **wish):
    return house.ask(token, "POST", target, "Content-Type: application/json", body=json.dumps(wish).encode())


def status_of(house, token, verb, file):
    """The status of one request over HTTP."""
    name, new = file.name, f"new{next(serial)}"
    if verb in ("get", "head"):
        return house.ask(token, verb.upper(), f"/files/{name}").status
    if verb == "put":
        return house.ask(token, "PUT", f"/files/{new}", body=b"x").status
    if verb == "replace":
        tag = house.ask(house.tokens["admin"], "HEAD", f"/files/{name}")["ETag"]
        return house.ask(token, "PUT", f"/files/{name}", f"If-Match: {tag}", body=b"other").status
    if verb == "delete":
        return house.ask(token, "DELETE", f"/files/{name}").status
    if verb == "archive":
        return house.ask(token, "GET", "/files/?archive=tar").status
    if verb in ("list", "stat"):
        return house.ask(token, "GET", f"/api/{verb}/{name if verb == 'stat' else ''}").status
    if verb == "mkdir":
        return json_post(house, token, "/api/mkdir", path=new).status
    if verb == "rename":
        return json_post(house, token, "/api/rename", **{"from": name, "to": new}).status
    if verb == "remove":
        return json_post(house, token, "/api/remove", path=name).status
    if verb == "uploads":
        return house.ask(token, "GET", "/api/uploads").status
    if verb == "events":
        login = [f"Authorization: Bearer {token}"] if token else []
        with Line(house.host, house.port) as line:
            line.send("\r\n".join(["GET /api/events HTTP/1.1", "Host: 127.0.0.1", *login, "", ""]).encode())
            return line.head()[0]
    if verb == "live":
        opened = house.live(token)
        if opened.answer.status == 101:
            with opened:
                assert opened.ask({"kind": "watch", "path": ""})["kind"] == "watching"
        return opened.answer.status
    if verb == "talk":
        return house.ask(token, "GET", f"/api/talk/{name}").status
    if verb == "say":
        return json_post(house, token, "/api/say", path=name, text="x").status
    if verb == "amend":
        said = json.loads(json_post(house, house.tokens["admin"], "/api/say", path=name, text="x").body)
        return json_post(house, token, "/api/amend", path=name, id=said["id"], resolved=True).status
    if verb == "join":
        opened = house.live(token)
        if opened.answer.status != 101:
            return opened.answer.status
        with opened:
            return opened.ask({"kind": "join", "path": name})["kind"]
    if verb == "make a link":
        return json_post(house, token, "/api/links", path=name, does="watch").status
    if verb == "revoke a link":
        made = json_post(house, house.tokens["admin"], "/api/links", path=name, does="watch")
        return json_post(house, token, "/api/links/revoke", id=json.loads(made.body)["id"]).status
    if verb == "tus":
        return house.ask(token, "POST", f"/tus/{new}", "Tus-Resumable: 1.0.0", "Upload-Length: 5").status
    if verb == "tus part":
        return house.ask(token, "POST", "/tus/", "Tus-Resumable: 1.0.0", "Upload-Length: 5",
                         "Upload-Concat: partial").status  # fmt: skip
    if verb == "in blocks":
        return json_post(house, token, "/api/uploads", path=new, size=5).status
    if verb in ("poster", "give a poster"):
        by = house.tokens["admin"] if verb == "poster" else token
        tag = house.ask(house.tokens["admin"], "HEAD", f"/files/{name}")["ETag"]
        given = house.ask(by, "PUT", f"/api/posters/{name}", f"If-Match: {tag}", body=JPEG)
        return given.status if verb == "give a poster" else house.ask(token, "GET", f"/api/posters/{name}").status
    if verb == "draft":
        return house.ask(token, "POST", f"/uploads/{new}", "Upload-Draft-Interop-Version: 8",
                         "Upload-Complete: ?0", body=b"12345").status  # fmt: skip
    return house.ask(token, "GET", f"/api/{verb}").status


@pytest.mark.parametrize(("verb", "role", "expected"), cells(HTTP))
def test_http(roles, file, verb, role, expected):
    assert status_of(roles, roles.tokens[role], verb, file) == expected


def test_a_stranger_is_told_how_to_log_in(roles, file):
    refused = roles.ask(None, "GET", f"/files/{file.name}")
    assert refused["WWW-Authenticate"].startswith('Bearer realm="sluice", Basic')


def other_upload(house):
    """The id of an upload of somebody else's."""
    with house.native(house.tokens["admin"]) as owner:
        return owner.open(f"other{next(serial)}", size_bytes=5).upload_id


def do(connection, house, verb, file):
    name, new = file.name, f"new{next(serial)}"
    there = messages.Replace(size_bytes=5, mtime_ns=file.stat().st_mtime_ns)
    if verb == "list":
        connection.list("")
    elif verb == "list a file":
        connection.list(name)
    elif verb == "stat":
        connection.stat(name)
    elif verb == "get":
        assert connection.get(name) == b"here\n"
    elif verb == "digests":
        assert connection.digests(path=name)[0] == {0: digest(b"here\n")}
    elif verb in ("scrub", "scrub record"):
        list(connection.scrub(name, record=verb == "scrub record"))
    elif verb == "put":
        connection.put(new, b"content")
    elif verb == "put whole":
        connection.ask("PUT", messages.Put(path=new, size_bytes=0, whole=True), "PUT_DONE")
    elif verb == "replace":
        connection.put(name, b"another", replace=there)
    elif verb == "replace whole":
        connection.ask("PUT", messages.Put(path=name, size_bytes=0, whole=True, replace=there), "PUT_DONE")
    elif verb == "make folder":
        connection.make_folder(new)
    elif verb == "rename":
        connection.rename(name, new)
    elif verb == "remove":
        connection.remove(name)
    elif verb == "talk":
        connection.talk(name)
    elif verb == "say":
        connection.say(name, "x")
    elif verb == "amend":
        with house.native(house.tokens["admin"]) as chief:
            number = chief.say(name, "x").id
        connection.amend(name, number, resolved=True)
    elif verb == "join":
        connection.join_room(name)
    elif verb == "join another's":
        connection.join(other_upload(house))
    elif verb == "digests of another's":
        connection.digests(upload_id=other_upload(house))


@pytest.mark.parametrize(("verb", "role", "expected"), cells(NATIVE))
def test_native(roles, file, verb, role, expected):
    with roles.native(roles.tokens[role]) as connection:
        try:
            do(connection, roles, verb, file)
        except Failed as why:
            assert why.code == expected
        else:
            assert expected == YES


def test_every_kind_of_request_has_its_row():
    """Whoever adds a kind of request adds it here."""
    requests = {"LIST", "STAT", "GET", "DIGESTS", "PUT", "MAKE_FOLDER", "RENAME", "REMOVE", "SCRUB", "LOGIN",
                "TALK_READ", "TALK_JOIN", "TALK_SAY", "TALK_AMEND"}
    of_a_put = {"CHECKPOINT", "PUT_FINISH", "PUT_ABORT", "PUT_LEAVE"}
    of_a_room = {"TALK_LEAVE", "TALK_TYPING"}  # that was joined
    assert set(KINDS) - FROM_SERVER - of_a_put - of_a_room == requests
