"""The record of who did what."""

import json
import os
import stat

import pytest

from http_client import Line
from wire_client import Failed

from access.ways import PROTOCOLS

CONTENT = b"content"


@pytest.fixture
def house(open_house):
    house = open_house()
    (house.root / "in").mkdir()
    return house


def of(lines, what):
    return [line for line in lines if line.get("what") == what]


def test_an_upload_has_the_same_line_by_whatever_way(house):
    for way in PROTOCOLS:
        assert way(house, house.owner_key, "in/a", CONTENT) == "yes"
        assert house.ask(house.owner_key, "DELETE", "/files/in/a").status == 204
    house.stop()
    lines = of(house.audit(), "put")
    assert [line["protocol"] for line in lines] == list(PROTOCOLS.values())
    for line in lines:
        assert {name: line[name] for name in line if name not in ("time", "protocol")} == {
            "who": "owner", "from": "127.0.0.1", "what": "put", "path": "in/a", "bytes": len(CONTENT),
            "result": "done"}  # fmt: skip
    assert len(of(house.audit(), "remove")) == len(PROTOCOLS)


def test_a_refusal_has_the_same_line_by_whatever_way(house):
    token = house.account("anna", "/=read")
    for way in PROTOCOLS:
        assert way(house, token, "in/a", CONTENT) == "NOT_ALLOWED"
    house.stop()
    lines = of(house.audit(), "give")
    assert {line["protocol"] for line in lines} == set(PROTOCOLS.values())
    for line in lines:
        assert (line["who"], line["path"], line["result"]) == ("anna", "in/a", "not_allowed")


def test_all_that_changes_something_is_recorded_with_who_and_where(house):
    token = house.account("anna", "/=write")
    ask = house.ask
    assert ask(token, "PUT", "/files/in/a", body=CONTENT).status == 201
    assert ask(token, "GET", "/files/in/a").status == 200
    assert ask(token, "PUT", "/files/in/a", "If-Match: *", body=b"other").status == 204
    assert house.post(token, "/api/mkdir", path="out").status == 201
    assert house.post(token, "/api/rename", **{"from": "in/a", "to": "out/a"}).status == 200
    made = house.link(token, "out", "both")
    with house.native(made["secret"]) as client:
        assert client.get("out/a") == b"other"
        client.make_folder("out/deep")
        with pytest.raises(Failed):
            client.remove("out/a")
        with pytest.raises(Failed):
            client.login(token="sluice_" + "A" * 43)
    assert ask(None, "GET", "/files/out/a").status == 401
    assert house.post(token, "/api/links/revoke", id=made["id"]).status == 204
    assert house.post(house.owner_key, "/api/accounts", name="bert").status == 204
    assert house.post(token, "/api/remove", path="out", recursive=True).status == 204
    house.stop()
    log = house.data / "audit.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    told = [(line["who"], line["protocol"], line["what"], line["path"], line["result"]) for line in house.audit()]
    link = f"link {made['id']}"
    for expected in [
        ("anna", "files", "put", "in/a", "done"), ("anna", "files", "get", "in/a", "done"),
        ("anna", "api", "make folder", "out", "done"), ("anna", "api", "rename", "in/a", "done"),
        ("anna", "api", "make link", "out", "done"), (link, "native", "log in", "", "done"),
        (link, "native", "get", "out/a", "done"), (link, "native", "make folder", "out/deep", "done"),
        (link, "native", "change", "out/a", "not_allowed"), ("", "native", "log in", "", "not_allowed"),
        ("", "files", "take", "out/a", "not_allowed"), ("anna", "api", "revoke link", made["id"], "done"),
        ("owner", "api", "add account", "bert", "done"), ("anna", "api", "remove", "out", "done"),
    ]:  # fmt: skip
        assert expected in told, (expected, told)
    assert told.count(("anna", "files", "put", "in/a", "done")) == 2
    for secret in (token, made["secret"], house.owner_key):
        assert secret not in log.read_text()


def test_guessing_does_not_flood_it(house):
    with Line(house.host, house.port) as line:
        for i in range(1000):
            assert line.ask("GET", f"/files/x{i}", f"Authorization: Bearer sluice_{i:043}").status == 401
        assert line.ask("PUT", "/files/in/a", f"Authorization: Bearer {house.owner_key}", body=b"x").status == 201
    house.stop()
    lines = house.audit()
    assert len(of(lines, "log in")) < 60 and of(lines, "put")


def test_a_name_forges_no_line(house):
    with house.native(house.owner_key) as client:
        with pytest.raises(Failed):
            client.put("in/a\n{\"who\":\"owner\"}\x1b[31m", CONTENT)
    assert house.ask(house.owner_key, "GET", "/files/in/%22%5B%E2%80%AEx").status in (400, 404)
    house.stop()
    text = (house.data / "audit.log").read_text()
    assert all(json.loads(line)["time"] for line in text.splitlines())
    assert "\x1b" not in text and "\u202e" not in text


def test_what_is_changed_while_the_server_is_stopped_is_recorded(house, sluice):
    """As what is changed over the wire is, but by whom stands at the machine."""
    there = ["--data", house.data]
    house.stop()
    sluice("user", "add", "anna", "--grant", "/=read", *there, check=0)
    sluice("user", "grant", "anna", "--grant", "/=write", *there, check=0)
    sluice("user", "passwd", "anna", *there, input=b"canary of the record\n", check=0)
    sluice("user", "limit", "anna", "--max-files", "1", *there, check=0)
    token = sluice("token", "new", "anna", *there, check=0).out.strip()
    listed = [line.split() for line in sluice("token", "list", *there, check=0).out.splitlines()]
    number = next(line[0] for line in listed if "anna" in line)  # the owner has one, too
    sluice("token", "revoke", number, *there, check=0)
    sluice("user", "remove", "anna", *there, check=0)
    sluice("user", "remove", "anna", *there, check=5)
    told = [line for line in house.audit() if line["protocol"] == "local"]
    assert {(line["who"], line["from"]) for line in told} == {(f"local administrator, uid {os.getuid()}", "")}
    assert [(line["what"], line["path"], line["result"]) for line in told] == [
        ("add account", "anna", "done"), ("grant", "anna", "done"), ("set password", "anna", "done"),
        ("limit", "anna", "done"), ("make token", "anna", "done"), ("revoke token", number, "done"),
        ("remove account", "anna", "done"), ("remove account", "anna", "not_found"),
    ]  # fmt: skip
    text = (house.data / "audit.log").read_text()
    assert token not in text and "canary" not in text
    house.restart()
    assert house.post(house.owner_key, "/api/accounts", name="anna").status == 204
    house.stop()
    assert [(line["who"], line["protocol"]) for line in of(house.audit(), "add account")][-1] == ("owner", "api")
