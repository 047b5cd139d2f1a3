"""Accounts and tokens changed while the server runs, and what becomes of work that is under way."""

import json
import os

import pytest

from http_client import Line
from openapi import OPENAPI, matches
from wire_client import Failed

BLOCK = 1 << 20


@pytest.fixture
def house(open_house):
    return open_house()


def post(house, target, token=None, **wish):
    answer = house.ask(token or house.owner_key, "POST", target, "Content-Type: application/json",
                       body=json.dumps(wish).encode())  # fmt: skip
    if answer.status == 201:
        matches(json.loads(answer.body), OPENAPI["components"]["schemas"]["made_token"])
    return answer


def token_for(house, account, **wish):
    answer = post(house, "/api/tokens", account=account, **wish)
    assert answer.status == 201
    return json.loads(answer.body)


def told_by(house, what):
    answer = house.ask(house.owner_key, "GET", f"/api/{what}")
    told = json.loads(answer.body)
    matches(told, OPENAPI["components"]["schemas"][what])
    return told[what]


def anna(house, rights="write"):
    assert post(house, "/api/accounts", name="anna", grants=[{"path": "", "rights": rights}]).status == 204
    return token_for(house, "anna")


def test_accounts_come_change_and_go(house):
    token = anna(house, "read")["token"]
    assert [one["name"] for one in told_by(house, "accounts")] == ["anna", "owner"]
    assert house.ask(token, "PUT", "/files/a", body=b"x").status == 403
    assert post(house, "/api/accounts/grant", name="anna", path="in", rights="write").status == 204
    assert house.ask(token, "PUT", "/files/in/a", body=b"x").status == 201
    assert post(house, "/api/accounts/grant", name="anna", path="in", rights="none").status == 204
    assert house.ask(token, "DELETE", "/files/in/a").status == 403
    assert post(house, "/api/accounts/password", name="anna", password="correct horse").status == 204
    assert told_by(house, "accounts")[0]["password"] is True
    assert post(house, "/api/accounts/remove", name="anna").status == 204
    assert house.ask(token, "GET", "/api/list/").status == 401


@pytest.mark.parametrize(("target", "wish", "status"), [
    ("/api/accounts", {"name": "a b"}, 400), ("/api/accounts", {}, 400), ("/api/accounts", {"name": "owner"}, 409),
    ("/api/accounts", {"name": "x", "grants": "all"}, 400),
    ("/api/accounts", {"name": "x", "grants": [{"path": "", "rights": "everything"}]}, 400),
    ("/api/accounts", {"name": "x", "grants": [{"path": "a//b", "rights": "read"}]}, 400),
    ("/api/accounts", {"name": "x", "password": "short"}, 400),
    ("/api/accounts", {"name": "x", "password": "x" * 1025}, 400),
    ("/api/accounts/password", {"name": "nobody", "password": "correct horse"}, 404),
    ("/api/accounts/grant", {"name": "nobody", "path": "", "rights": "read"}, 404),
    ("/api/accounts/remove", {"name": "nobody"}, 404), ("/api/tokens", {"account": "nobody"}, 404),
    ("/api/tokens", {"account": "owner", "lifetime_s": 0}, 400),
    ("/api/tokens", {"account": "owner", "lifetime_s": "1"}, 400),
    ("/api/tokens/revoke", {"id": "none"}, 404),
])  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused(house, target, wish, status):
    assert post(house, target, **wish).status == status
    assert [one["name"] for one in told_by(house, "accounts")] == ["owner"]


def test_only_administrators_do_it(house):
    token = anna(house)["token"]
    scoped = token_for(house, "owner", path="in", rights="admin")["token"]
    for target in ("/api/accounts", "/api/tokens"):
        assert house.ask(None, "GET", target).status == 401
        assert house.ask(token, "GET", target).status == 403
        assert house.ask(scoped, "GET", target).status == 404, "it administers one folder"
    assert post(house, "/api/accounts", token=token, name="mine").status == 403
    assert post(house, "/api/tokens", token=token, account="owner").status == 403


def take_away(house, how, made):
    if how == "right":
        return post(house, "/api/accounts/grant", name="anna", path="", rights="read")
    if how == "account":
        return post(house, "/api/accounts/remove", name="anna")
    return post(house, "/api/tokens/revoke", id=made["id"])


HOWS = pytest.mark.parametrize("how", ["right", "account", "token"])


@HOWS
def test_a_native_upload_stops(house, how):
    made = anna(house)
    with house.native(made["token"]) as client:
        upload = client.open("big", size_bytes=64 * BLOCK)
        upload.send_block(0, os.urandom(BLOCK))
        upload.make_durable({0}, b"")
        upload.send_block(1, os.urandom(BLOCK))
        assert take_away(house, how, made).status == 204
        upload.checkpoint()
        with pytest.raises(Failed, match="NOT_ALLOWED"):
            while True:
                upload.take_reply()
                upload.durable.discard(1)  # what was on its way before the right went
        with pytest.raises(Failed, match="NOT_ALLOWED"):
            client.put("small", b"content")
    with house.native(house.owner_key) as owner:
        assert owner.join(upload.upload_id).held_blocks >= 1


@HOWS
def test_a_tus_upload_stops(house, how):
    made = anna(house)
    fields = ["Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream"]
    where = house.ask(made["token"], "POST", "/tus/t", fields[0], "Upload-Length: 10")["Location"]
    assert house.ask(made["token"], "PATCH", where, *fields, "Upload-Offset: 0", body=b"12345").status == 204
    assert take_away(house, how, made).status == 204
    refused = 403 if how == "right" else 401
    assert house.ask(made["token"], "PATCH", where, *fields, "Upload-Offset: 5", body=b"67890").status == refused
    kept = house.ask(house.owner_key, "HEAD", where, fields[0])
    assert kept["Upload-Offset"] == "5"
    assert not (house.root / "t").exists()


@HOWS
def test_a_resumable_upload_stops(house, how):
    made = anna(house)
    fields = ["Upload-Draft-Interop-Version: 8", "Content-Type: application/partial-upload"]
    where = house.ask(made["token"], "POST", "/uploads/t", fields[0], "Upload-Complete: ?0", body=b"12345")["Location"]
    assert take_away(house, how, made).status == 204
    refused = 403 if how == "right" else 401
    more = [*fields, "Upload-Offset: 5", "Upload-Complete: ?1"]
    assert house.ask(made["token"], "PATCH", where, *more, body=b"67890").status == refused
    assert house.ask(house.owner_key, "HEAD", where, fields[0])["Upload-Offset"] == "5"
    assert not (house.root / "t").exists()


@HOWS
@pytest.mark.parametrize("size", [2, 4])
def test_a_put_that_runs_stops(house, how, size):
    made = anna(house)
    with Line(house.host, house.port) as line:
        line.send((f"PUT /files/t HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {made['token']}\r\n"
                   f"Content-Length: {size * BLOCK}\r\nExpect: 100-continue\r\n\r\n").encode())  # fmt: skip
        assert line.head()[0] == 100
        line.send(bytes((size - 1) * BLOCK))
        assert take_away(house, how, made).status == 204
        line.send(bytes(BLOCK))
        assert line.answer("PUT").status == 403
    assert not (house.root / "t").exists()
    assert json.loads(house.ask(house.owner_key, "GET", "/api/uploads").body)["uploads"] == []


@HOWS
def test_a_follower_hears_no_more(house, how):
    made = anna(house)
    with house.live(made["token"]) as followed:
        assert followed.ask({"kind": "watch", "path": ""})["kind"] == "watching"
        (house.root / "in").mkdir()
        assert house.ask(house.owner_key, "PUT", "/files/before", body=b"x").status == 201
        while followed.message().get("path") != "before":
            pass
        if how == "right":
            assert post(house, "/api/accounts/grant", name="anna", path="", rights="give").status == 204
        else:
            assert take_away(house, how, made).status == 204
        assert house.ask(house.owner_key, "PUT", "/files/after", body=b"x").status == 201
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                assert followed.message().get("path") != "after"


def test_the_text_of_a_token_is_told_once(house):
    made = anna(house)
    listed = house.ask(house.owner_key, "GET", "/api/tokens").body.decode()
    assert made["id"] in listed and made["token"] not in listed
