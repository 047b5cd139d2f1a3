"""Every role, every verb, every protocol: what is allowed is written here by hand, and nowhere generated.

This is HTTP, by its routes; test_matrix_live.py has WebSocket, test_matrix_native.py the native protocol.
"""

import json

import pytest

from access.conftest import new_name
from access.matrix import cells, in_source
from http_client import Line

# verb: its route as http/routes.cc has it, and one status for each role:
#                                               stranger nobody see read drop write admin, links to: watch drop both
HTTP = {
    "get":              ("GET /files/",              401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "head":             ("GET /files/",              401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "archive":          ("GET /files/",              401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "put":              ("PUT /files/",              401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "replace":          ("PUT /files/",              401, 403, 403, 403, 404, 204, 204, 403, 404, 403),
    "delete":           ("DELETE /files/",           401, 403, 403, 403, 403, 204, 204, 403, 403, 403),
    "list":             ("GET /api/list/",           401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "stat":             ("GET /api/stat/",           401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "mkdir":            ("POST /api/mkdir",          401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "rename":           ("POST /api/rename",         401, 403, 403, 403, 403, 200, 200, 403, 403, 403),
    "remove":           ("POST /api/remove",         401, 403, 403, 403, 403, 204, 204, 403, 403, 403),
    "uploads":          ("GET /api/uploads",         401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "own upload":       ("GET /api/uploads/",        401, 403, 403, 403, 200, 200, 200, 403, 200, 200),
    "another's upload": ("GET /api/uploads/",        401, 403, 403, 403, 404, 404, 200, 403, 404, 404),
    "digests":          ("GET /api/digests/",        401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "begin in blocks":  ("POST /api/uploads",        401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "give blocks":      ("PUT /api/uploads/",        401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "give another's blocks":  ("PUT /api/uploads/",  401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "finish blocks":    ("POST /api/uploads/",       401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "finish another's blocks": ("POST /api/uploads/", 401, 403, 403, 403, 404, 404, 201, 403, 404, 404),
    "drop blocks":      ("DELETE /api/uploads/",     401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "drop another's blocks":  ("DELETE /api/uploads/", 401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "poster":           ("GET /api/posters/",        401, 403, 403, 200, 403, 200, 200, 200, 403, 200),
    "give a poster":    ("PUT /api/posters/",        401, 403, 403, 403, 404, 204, 204, 403, 404, 403),
    "connections":      ("GET /api/connections",     401, 403, 403, 403, 403, 403, 200, 403, 403, 403),
    "events":           ("GET /api/events",          401, 403, 200, 200, 403, 200, 200, 200, 403, 200),
    "live":             ("GET /live",                401, 403, 101, 101, 403, 101, 101, 101, 403, 101),
    "tus":              ("* /tus/",                  401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "tus by metadata":  ("* /tus",                   401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "tus part":         ("* /tus/",                  401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "tus options":      ("* /tus/",                  401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "tus look":         ("* /tus/",                  401, 403, 403, 403, 200, 200, 200, 403, 200, 200),
    "tus append":       ("* /tus/",                  401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "tus cancel":       ("* /tus/",                  401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "tus look at another's":   ("* /tus/",           401, 403, 403, 403, 404, 404, 200, 403, 404, 404),
    "tus append to another's": ("* /tus/",           401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "tus cancel another's":    ("* /tus/",           401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "draft":            ("POST /uploads/",           401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "draft by PUT":     ("PUT /uploads/",            401, 403, 403, 403, 201, 201, 201, 403, 201, 201),
    "draft look":       ("HEAD /uploads/",           401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "draft append":     ("PATCH /uploads/",          401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "draft cancel":     ("DELETE /uploads/",         401, 403, 403, 403, 204, 204, 204, 403, 204, 204),
    "draft look at another's":   ("HEAD /uploads/",  401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "draft append to another's": ("PATCH /uploads/", 401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "draft cancel another's":    ("DELETE /uploads/", 401, 403, 403, 403, 404, 404, 204, 403, 404, 404),
    "talk":             ("GET /api/talk/",           401, 403, 403, 403, 403, 200, 200, 200, 403, 200),
    "say":              ("POST /api/say",            401, 403, 403, 403, 403, 201, 201, 201, 403, 201),
    "amend":            ("POST /api/amend",          401, 403, 403, 403, 403, 200, 200, 200, 403, 200),
    "links":            ("GET /api/links",           401, 200, 200, 200, 200, 200, 200, 403, 403, 403),
    "make a link":      ("POST /api/links",          401, 403, 403, 201, 404, 201, 201, 403, 403, 403),
    "revoke a link":    ("POST /api/links/revoke",   401, 404, 404, 404, 404, 404, 204, 403, 403, 403),
    "accounts":         ("GET /api/accounts",        401, 403, 403, 403, 403, 403, 200, 403, 403, 403),
    "add an account":   ("POST /api/accounts",       401, 403, 403, 403, 403, 403, 204, 403, 403, 403),
    "set a password":   ("POST /api/accounts/password", 401, 403, 403, 403, 403, 403, 204, 403, 403, 403),
    "grant":            ("POST /api/accounts/grant", 401, 403, 403, 403, 403, 403, 204, 403, 403, 403),
    "limit":            ("POST /api/accounts/limits", 401, 403, 403, 403, 403, 403, 204, 403, 403, 403),
    "remove an account": ("POST /api/accounts/remove", 401, 403, 403, 403, 403, 403, 204, 403, 403, 403),
    "tokens":           ("GET /api/tokens",          401, 403, 403, 403, 403, 403, 200, 403, 403, 403),
    "make a token":     ("POST /api/tokens",         401, 403, 403, 403, 403, 403, 201, 403, 403, 403),
    "revoke a token":   ("POST /api/tokens/revoke",  401, 403, 403, 403, 403, 403, 204, 403, 403, 403),
    # What is everybody's.
    "log in":           ("POST /api/login",          200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "log out":          ("POST /api/logout",         204, 204, 204, 204, 204, 204, 204, 204, 204, 204),
    "server":           ("GET /api/server",          200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "me":               ("GET /api/me",              200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "draft options":    ("OPTIONS /uploads/",        204, 204, 204, 204, 204, 204, 204, 204, 204, 204),
    "page":             ("GET /",                    200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "page of a file":   ("GET /view/",               200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "page of links":    ("GET /links",               200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "page of people":   ("GET /people",              200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "page of now":      ("GET /now",                 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "file of the page": ("GET /assets/",             404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    # The operator's, on an address of its own.
    "health":           ("GET /health",              404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "metrics":          ("GET /metrics",             404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
}  # fmt: skip
TUS, TUS_BODY = "Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream"
DRAFT, DRAFT_BODY = "Upload-Draft-Interop-Version: 8", "Content-Type: application/partial-upload"

# One of 1 pixel, by its head and its end: the server looks at nothing else.
JPEG = bytes.fromhex("ffd8ffc0000b080001000101011100ffd9")
ASK = {}  # verb -> how one asks


def asks(verb):
    def keep(function):
        ASK[verb] = function
        return function

    return keep


def asks_plainly(verb, method, target):
    ASK[verb] = lambda house, token, file: house.ask(token, method, target.format(file=file.name, new=new_name()))


def asks_json(verb, target, **wish):
    def ask(house, token, file):
        made = {name: value.format(file=file.name, new=new_name()) if isinstance(value, str) else value
                for name, value in wish.items()}  # fmt: skip
        return house.post(token, target, **made)

    ASK[verb] = ask


asks_plainly("get", "GET", "/files/{file}")
asks_plainly("head", "HEAD", "/files/{file}")
asks_plainly("archive", "GET", "/files/?archive=tar")
asks_plainly("delete", "DELETE", "/files/{file}")
asks_plainly("list", "GET", "/api/list/")
asks_plainly("stat", "GET", "/api/stat/{file}")
asks_plainly("uploads", "GET", "/api/uploads")
asks_plainly("digests", "GET", "/api/digests/{file}")
asks_plainly("talk", "GET", "/api/talk/{file}")
for verb in ("links", "accounts", "tokens", "server", "me"):
    asks_plainly(verb, "GET", f"/api/{verb}")
asks_plainly("tus options", "OPTIONS", "/tus/")
asks_plainly("draft options", "OPTIONS", "/uploads/")
for verb, target in (("page", "/"), ("page of a file", "/view/{file}"), ("page of links", "/links"), ("page of people", "/people"),
                     ("page of now", "/now"), ("file of the page", "/assets/none"), ("health", "/health"),
                     ("metrics", "/metrics")):  # fmt: skip
    asks_plainly(verb, "GET", target)
asks_json("mkdir", "/api/mkdir", path="{new}")
asks_json("rename", "/api/rename", **{"from": "{file}", "to": "{new}"})
asks_json("remove", "/api/remove", path="{file}")
asks_json("say", "/api/say", path="{file}", text="x")
asks_json("make a link", "/api/links", path="{file}", does="watch")
asks_json("add an account", "/api/accounts", name="{new}")
asks_json("log out", "/api/logout")


@asks("put")
def put(house, token, file):
    return house.ask(token, "PUT", f"/files/{new_name()}", body=b"x")


@asks("replace")
def replace(house, token, file):
    tag = house.ask(house.tokens["admin"], "HEAD", f"/files/{file.name}")["ETag"]
    return house.ask(token, "PUT", f"/files/{file.name}", f"If-Match: {tag}", body=b"other")


class Head:
    """What a response that goes on and on begins with."""

    def __init__(self, status):
        self.status = status


@asks("events")
def follow(house, token, file):
    login = [f"Authorization: Bearer {token}"] if token else []
    with Line(house.host, house.port) as line:
        line.send("\r\n".join(["GET /api/events HTTP/1.1", "Host: 127.0.0.1", *login, "", ""]).encode())
        return Head(line.head()[0])


@asks("live")
def live(house, token, file):
    opened = house.live(token)
    opened.line.socket.close()
    return opened.answer


@asks("amend")
def amend(house, token, file):
    said = json.loads(house.post(house.tokens["admin"], "/api/say", path=file.name, text="x").body)
    return house.post(token, "/api/amend", path=file.name, id=said["id"], resolved=True)


@asks("revoke a link")
def revoke_link(house, token, file):
    made = house.link(house.tokens["admin"], file.name, "watch")
    return house.post(token, "/api/links/revoke", id=made["id"])


@asks("log in")
def log_in(house, token, file):
    wish = json.dumps({"token": house.tokens["read"]}).encode()
    return house.ask(token, "POST", "/api/login", "Content-Type: application/json", body=wish)


def asks_about_account(verb, action, **wish):
    def ask(house, token, file):
        name = new_name()
        assert house.post(house.tokens["admin"], "/api/accounts", name=name).status == 204
        return house.post(token, f"/api/accounts/{action}", name=name, **wish)

    ASK[verb] = ask


asks_about_account("set a password", "password", password="correct horse")
asks_about_account("grant", "grant", path="", rights="read")
asks_about_account("limit", "limits", max_files=1)
asks_about_account("remove an account", "remove")


@asks("make a token")
def make_token(house, token, file):
    return house.post(token, "/api/tokens", account="nobody")


@asks("revoke a token")
def revoke_token(house, token, file):
    made = json.loads(make_token(house, house.tokens["admin"], file).body)
    return house.post(token, "/api/tokens/revoke", id=made["id"])


@asks("tus")
def tus(house, token, file):
    return house.ask(token, "POST", f"/tus/{new_name()}", TUS, "Upload-Length: 5")


@asks("tus by metadata")
def tus_by_metadata(house, token, file):
    return house.ask(token, "POST", "/tus", TUS, "Upload-Length: 5", "Upload-Metadata: filename bmV3", "Upload-Concat: partial")


@asks("tus part")
def tus_part(house, token, file):
    return house.ask(token, "POST", "/tus/", TUS, "Upload-Length: 5", "Upload-Concat: partial")


@asks("draft")
def draft(house, token, file, method="POST"):
    return house.ask(token, method, f"/uploads/{new_name()}", DRAFT, "Upload-Complete: ?0", body=b"12345")


@asks("draft by PUT")
def draft_by_put(house, token, file):
    return draft(house, token, file, "PUT")


def begun_by(house, token, begin, file):
    """The place of an upload: of whom has the token, or where that may have none, of the administrator."""
    made = begin(house, token, file)
    return (made if made.status == 201 else begin(house, house.tokens["admin"], file))["Location"]


def asks_of_upload(verb, begin, ask):
    """One's own; and another's: the administrator's, and for itself that of who writes."""
    def of_another(house, token, file):
        other = house.tokens["write" if token == house.tokens["admin"] else "admin"]
        return ask(house, token, begin(house, other, file)["Location"])

    own, another = (verb, f"{verb} another's") if isinstance(verb, str) else verb
    ASK[own] = lambda house, token, file: ask(house, token, begun_by(house, token, begin, file))
    ASK[another] = of_another


def look_by_api(house, token, place):
    return house.ask(token, "GET", "/api/uploads/" + place.rpartition("/")[2])


asks_of_upload(("own upload", "another's upload"), tus, look_by_api)
asks_of_upload(("tus look", "tus look at another's"), tus, lambda h, token, place: h.ask(token, "HEAD", place, TUS))
asks_of_upload(("tus append", "tus append to another's"), tus, lambda h, token, place: h.ask(
    token, "PATCH", place, TUS, TUS_BODY, "Upload-Offset: 0", body=b"123"))  # fmt: skip
asks_of_upload("tus cancel", tus, lambda h, token, place: h.ask(token, "DELETE", place, TUS))
asks_of_upload(("draft look", "draft look at another's"), draft, lambda h, token, place: h.ask(token, "HEAD", place, DRAFT))
asks_of_upload(("draft append", "draft append to another's"), draft, lambda h, token, place: h.ask(
    token, "PATCH", place, DRAFT, DRAFT_BODY, "Upload-Offset: 5", "Upload-Complete: ?0", body=b"678"))  # fmt: skip
asks_of_upload("draft cancel", draft, lambda h, token, place: h.ask(token, "DELETE", place, DRAFT))


@asks("begin in blocks")
def begin_in_blocks(house, token, file, size=5):
    return house.post(token, "/api/uploads", path=new_name(), size=size)


def asks_of_blocks(verb, size, ask):
    """One's own, and another's, as asks_of_upload(); these are known by their ids."""

    def begun_by(house, token, file):
        made = begin_in_blocks(house, token, file, size)
        return json.loads(made.body)["upload"] if made.status == 201 else None

    def of_another(house, token, file):
        other = house.tokens["write" if token == house.tokens["admin"] else "admin"]
        return ask(house, token, begun_by(house, other, file))

    ASK[verb] = lambda house, token, file: ask(
        house, token, begun_by(house, token, file) or begun_by(house, house.tokens["admin"], file))  # fmt: skip
    ASK[verb.replace(" ", " another's ")] = of_another


asks_of_blocks("give blocks", 5, lambda h, token, made: h.ask(
    token, "PUT", f"/api/uploads/{made}?first=0", "Content-Type: application/octet-stream", body=b"12345"))  # fmt: skip
asks_of_blocks("finish blocks", 0, lambda h, token, made: h.post(token, f"/api/uploads/{made}"))
asks_of_blocks("drop blocks", 5, lambda h, token, made: h.ask(token, "DELETE", f"/api/uploads/{made}"))


@asks("give a poster")
def give_poster(house, token, file):
    tag = house.ask(house.tokens["admin"], "HEAD", f"/files/{file.name}")["ETag"]
    return house.ask(token, "PUT", f"/api/posters/{file.name}", f"If-Match: {tag}", body=JPEG)


@asks("poster")
def poster(house, token, file):
    assert give_poster(house, house.tokens["admin"], file).status == 204
    return house.ask(token, "GET", f"/api/posters/{file.name}")


asks_plainly("connections", "GET", "/api/connections")


@pytest.mark.parametrize(("verb", "role", "expected"), cells({verb: row[1:] for verb, row in HTTP.items()}))
def test_http(roles, file, verb, role, expected):
    assert ASK[verb](roles, roles.tokens[role], file).status == expected


def test_every_route_has_its_row():
    """Whoever adds a route adds a row: a verb of its own, or what everybody may."""
    routes = in_source("http/routes.cc", "std::span<const route> routes", "\n}", r'route\{"([A-Z*]+)", "([^"]+)"')
    assert {row[0] for row in HTTP.values()} == {f"{method} {path}" for method, path in routes}
    assert set(ASK) == set(HTTP)


def test_every_method_of_tus_has_its_row():
    """Its route takes all of them."""
    known = in_source("http/tus.cc", "awaitable<result<void>> tus(", "\n}", r'method == "([A-Z]+)"')
    assert set(known) == {"OPTIONS", "POST", "PATCH", "HEAD", "DELETE"}


def test_a_stranger_is_told_how_to_log_in(roles, file):
    refused = roles.ask(None, "GET", f"/files/{file.name}")
    assert refused["WWW-Authenticate"].startswith('Bearer realm="sluice", Basic')
