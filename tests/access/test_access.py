"""Who comes in, by what, and what becomes of work when a right goes."""

import base64
import itertools
import json
import os
import stat
import time

import pytest

from http_client import Line
from openapi import matches
from wire_client import Failed

from access.conftest import run
from product.conftest import until

CANARY = "canary-" + "Zq7" * 8


def basic(account, password):
    return "Authorization: Basic " + base64.b64encode(f"{account}:{password}".encode()).decode()


def post(house, target, wish, *fields):
    with Line(house.host, house.port) as line:
        return line.ask("POST", target, "Content-Type: application/json", *fields, "Connection: close",
                        body=json.dumps(wish).encode())  # fmt: skip


@pytest.fixture
def house(open_house):
    return open_house()


def add_with_password(house, name, password, *grants):
    flags = [flag for grant in grants for flag in ("--grant", grant)]
    house.stop()
    run("user", "add", name, *flags, "--with-password", "--data", house.data, input=password + "\n")
    house.restart()


def test_a_new_server_is_closed_and_its_owner_has_a_key(house):
    key = house.data / "owner-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert house.ask(None, "GET", "/api/list/").status == 401
    assert house.ask(house.owner_key, "GET", "/api/list/").status == 200
    with house.native() as stranger, pytest.raises(Failed, match="NOT_ALLOWED"):
        stranger.list("")
    with house.native(house.owner_key) as owner:
        assert owner.list("") == []
    before = key.read_text()
    house.stop()
    house.restart()
    assert key.read_text() == before
    assert before.strip() not in (house.root.parent / "served.log").read_text()


def test_public_read_and_write(open_house):
    house = open_house(public="read")
    (house.root / "a").write_bytes(b"x")
    assert house.ask(None, "GET", "/files/a").status == 200
    assert house.ask(None, "PUT", "/files/b", body=b"x").status == 401
    assert "everyone who can reach this server may read here" in (house.root.parent / "served.log").read_text()


@pytest.mark.parametrize("token", ["nonsense", "sluice_" + "A" * 43, "sluice_" + "A" * 5000])
def test_a_wrong_token_is_none_at_all(house, token):
    refused = house.ask(token, "GET", "/api/list/")
    assert refused.status == 401 and "WWW-Authenticate" in refused
    with house.native() as client:
        with pytest.raises(Failed, match="NOT_ALLOWED"):
            client.login(token=token)
        client.login(token=house.owner_key)  # the connection goes on
        assert client.list("") == []


@pytest.mark.parametrize("field", ["Basic", "Basic !!!", "Basic YWJj", "Bearer", "Digest x", "x" * 5000])
def test_a_malformed_authorization_is_refused(house, field):
    with Line(house.host, house.port) as line:
        assert line.ask("GET", "/api/me", "Authorization: " + field).status == 401
        assert line.ask("GET", "/api/me").status == 200


def test_logins_by_password(house):
    add_with_password(house, "anna", CANARY, "/=read")
    for account, password, status in (("anna", CANARY, 200), ("anna", "wrong one", 401), ("bert", CANARY, 401)):
        with Line(house.host, house.port) as line:
            assert line.ask("GET", "/api/list/", basic(account, password)).status == status
    with house.native() as client:
        client.login(account="anna", password=CANARY)
        assert client.list("") == []
        with pytest.raises(Failed, match="INVALID_ARGUMENT"):
            client.login(token="x", account="anna", password=CANARY)


def test_a_wrong_password_and_an_unknown_account_get_one_answer(house):
    add_with_password(house, "anna", CANARY, "/=read")
    answers = []
    for account in ("anna", "nobody"):
        with Line(house.host, house.port) as line:
            answers.append(line.ask("GET", "/api/list/", basic(account, "a wrong one")))
    assert answers[0].body == answers[1].body
    names = [[name for name, _ in answer.fields] for answer in answers]
    assert names[0] == names[1]


def test_a_browser_logs_in_and_out(house):
    add_with_password(house, "anna", CANARY, "/=read")
    assert post(house, "/api/login", {"account": "anna", "password": "wrong one"}).status == 401
    answer = post(house, "/api/login", {"account": "anna", "password": CANARY})
    assert answer.status == 200 and json.loads(answer.body)["account"] == "anna"
    cookie = answer["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and CANARY not in cookie
    sent = "Cookie: other=1; " + cookie.split(";")[0]

    def me():
        with Line(house.host, house.port) as line:
            return json.loads(line.ask("GET", "/api/me", sent).body)["account"]

    assert me() == "anna"
    house.stop()
    house.restart()
    assert me() == "anna", "sessions are the server's, and last"
    assert post(house, "/api/logout", {}, sent, "Origin: http://evil.example").status == 403
    gone = post(house, "/api/logout", {}, sent)
    assert gone.status == 204 and "Max-Age=0" in gone["Set-Cookie"]
    assert me() is None


def test_a_program_trades_a_password_for_a_token(house):
    add_with_password(house, "anna", CANARY, "/=read,give")
    wish = {"account": "anna", "password": CANARY, "bearer": True, "label": "a program"}
    assert post(house, "/api/login", {**wish, "password": "wrong one"}).status == 401
    assert post(house, "/api/login", {**wish, "bearer": 1}).status == 400
    assert post(house, "/api/login", {**wish, "label": "x" * 257}).status == 400
    answer = post(house, "/api/login", wish)
    assert answer.status == 200 and "Set-Cookie" not in answer and answer["Cache-Control"] == "no-store"
    told = json.loads(answer.body)
    matches(told, {"$ref": "#/components/schemas/me"})
    assert told["account"] == "anna" and CANARY not in answer.body.decode()
    assert told["token_expires_ms"] / 1000 == pytest.approx(time.time() + 30 * 24 * 3600, abs=600)
    made = json.loads(house.ask(house.owner_key, "GET", "/api/tokens").body)["tokens"]
    assert [(one["account"], one["label"], one["session"]) for one in made if one["account"] == "anna"] == \
        [("anna", "a program", True)]  # fmt: skip
    with house.native(told["token"]) as client:
        assert client.list("") == []
    assert house.ask(told["token"], "GET", "/api/list/").status == 200
    # Of the account it is, and no more; and it ends with the password.
    assert house.ask(told["token"], "GET", "/api/accounts").status == 403
    changed = house.post(house.owner_key, "/api/accounts/password", name="anna", password=CANARY + "!")
    assert changed.status == 204
    assert house.ask(told["token"], "GET", "/api/list/").status == 401


def test_people_change_their_own_password(house):
    add_with_password(house, "anna", CANARY, "/=read")
    changed = CANARY + "!"
    wish = {"account": "anna", "password": CANARY, "new_password": changed, "bearer": True}
    before = json.loads(post(house, "/api/login", {**wish, "new_password": ""}).body)
    assert before["has_password"] is True
    forever = house.post(house.owner_key, "/api/tokens", account="anna")
    # Nothing but the password that is right changes it, and only to one that can be.
    for said, status in (
        ({"password": "wrong one"}, 401), ({"new_password": "short"}, 400), ({"new_password": "x" * 1025}, 400),
        ({"account": "bert"}, 401), ({"account": "owner"}, 401),
    ):  # fmt: skip
        assert post(house, "/api/login", {**wish, **said}).status == status, said
    for token in (house.owner_key, before["token"]):
        assert post(house, "/api/login", {"token": token, "new_password": changed}).status == 400
    assert house.ask(before["token"], "GET", "/api/list/").status == 200
    answer = post(house, "/api/login", wish)
    assert answer.status == 200 and json.loads(answer.body)["rights"] == "see,take"
    matches(json.loads(answer.body), {"$ref": "#/components/schemas/me"})
    # What was logged in by the old one ends; the new session and tokens that an admin made go on.
    assert house.ask(before["token"], "GET", "/api/list/").status == 401
    for token in (json.loads(answer.body)["token"], json.loads(forever.body)["token"]):
        assert house.ask(token, "GET", "/api/list/").status == 200
    assert post(house, "/api/login", {"account": "anna", "password": CANARY}).status == 401
    assert post(house, "/api/login", {"account": "anna", "password": changed}).status == 200
    house.stop()
    lines = [line for line in house.audit() if line["what"] == "set password"]
    assert [(line["who"], line["path"], line["result"]) for line in lines] == [
        ("anna", "anna", "invalid"), ("anna", "anna", "invalid"), ("anna", "anna", "done")]  # fmt: skip
    assert CANARY not in (house.data / "audit.log").read_text()


def test_the_password_of_a_link_is_not_changed_by_who_comes_by_it(house):
    link = house.link(house.owner_key, "", "watch", password=CANARY)
    for way in ("link", "account"):
        wish = {way: link["secret"], "password": CANARY, "new_password": CANARY + "!"}
        answer = post(house, "/api/login", wish)
        assert answer.status in (400, 403) and link["secret"] not in answer.body.decode()
        assert post(house, "/api/login", {"link": link["secret"], "password": CANARY}).status == 200


def test_who_logs_in_by_a_token_has_one(house):
    told = json.loads(post(house, "/api/login", {"token": house.owner_key, "bearer": True}).body)
    assert told["token"] == house.owner_key and told["token_expires_ms"] is None


def test_a_digest_is_for_those_who_may_take_the_content(house):
    (house.root / "a").write_bytes(b"x")
    os.utime(house.root / "a", (1, 1))
    sees, takes = house.account("sees", "/=see"), house.account("takes", "/=see,take")
    assert "Repr-Digest" in house.ask(takes, "HEAD", "/files/a", "Want-Repr-Digest: sha-256=1")
    for target in ("/api/stat/a", "/api/list/"):
        until(lambda: b'"sha256"' in house.ask(takes, "GET", target).body, "the digest is recorded")
        seen = house.ask(sees, "GET", target)
        assert seen.status == 200 and b'"sha256"' not in seen.body


def test_log_out_everywhere(house):
    add_with_password(house, "anna", CANARY, "/=read")
    wish = {"account": "anna", "password": CANARY}
    cookies = ["Cookie: " + post(house, "/api/login", wish)["Set-Cookie"].split(";")[0] for _ in range(3)]
    assert post(house, "/api/logout", {"everywhere": True}, cookies[0]).status == 204
    for cookie in cookies:
        with Line(house.host, house.port) as line:
            assert line.ask("GET", "/api/list/", cookie).status == 401


def test_guessing_is_slowed_down_and_tokens_come_through(house):
    add_with_password(house, "anna", CANARY, "/=read")
    token = house.change(["token", "new", "anna"])[0].strip()
    seen = []
    with Line(house.host, house.port) as line:
        for i in range(20):
            answer = line.ask("GET", "/api/list/", basic("anna", f"guess {i}"))
            seen.append(answer.status)
            if answer.status == 429:
                assert int(answer["Retry-After"]) >= 1
        assert seen[:4] == [401] * 4 and seen[-1] == 429
        assert line.ask("GET", "/api/list/", basic("anna", CANARY)).status == 429
        assert line.ask("GET", "/api/list/", f"Authorization: Bearer {token}").status == 200


def test_a_flood_of_wrong_logins_takes_no_memory_and_no_time_of_others(house):
    add_with_password(house, "anna", CANARY, "/=read")
    token = house.change(["token", "new", "anna"])[0].strip()
    before = house.memory_kib("RssAnon")
    with Line(house.host, house.port) as line:
        for i in range(10_000):
            status = line.ask("GET", "/api/me", basic(f"user{i}", "a guess")).status if i < 9_000 else line.ask(
                "GET", "/api/me", f"Authorization: Bearer sluice_{i:043}").status
            assert status in (401, 429, 503)
            if i % 1_000 == 0:
                assert house.ask(token, "GET", "/api/list/").status == 200
    assert house.memory_kib("RssAnon") - before < 64 * 1024


def test_scopes_and_ends_of_tokens(house):
    (house.root / "in").mkdir()
    (house.root / "out").mkdir()
    made = house.change(
        ["user", "add", "anna", "--grant", "/in=write", "--grant", "/out=read"],
        ["token", "new", "anna", "--scope", "/in=give"],
        ["token", "new", "anna", "--expires", "1s"],
        ["token", "new", "anna"],
    )
    scoped, brief, plain = (text.strip() for text in made[1:])
    assert house.ask(scoped, "PUT", "/files/in/a", body=b"x").status == 201
    assert house.ask(scoped, "GET", "/files/in/a").status == 403
    assert house.ask(plain, "GET", "/files/in/a").status == 200
    assert house.ask(plain, "GET", "/files/none/a").status == 404
    assert house.ask(plain, "PUT", "/files/out/a", body=b"x").status == 403
    while house.ask(brief, "GET", "/api/list/in").status == 200:
        pass
    assert house.ask(brief, "GET", "/api/list/in").status == 401
    listed = house.change(["token", "list"])[0]
    assert plain not in listed and "anna" in listed
    assert " anna only /in=" in listed  # the scoped one
    number = next(line.split()[0] for line in listed.splitlines() if line.endswith(" anna"))
    house.change(["token", "revoke", number])
    assert house.ask(plain, "GET", "/files/in/a").status == 401


def test_an_expired_token_ends_a_running_upload(house):
    """Nothing is acknowledged behind the end, and what was durable waits for whom has the right."""
    made = house.change(
        ["user", "add", "anna", "--grant", "/=write"],
        ["token", "new", "anna", "--expires", "3s"],
        ["token", "new", "anna"],
    )
    brief, plain = made[1].strip(), made[2].strip()
    block = os.urandom(1 << 20)
    with house.native(brief) as client:
        upload = client.open("big", size_bytes=64 << 20)
        with pytest.raises(Failed, match="NOT_ALLOWED"):
            for number in itertools.count():
                upload.durable.discard(number % 64)
                upload.send_block(number % 64, block)
                upload.checkpoint()
                while number % 64 not in upload.durable:
                    upload.take_reply()
    assert upload.durable, "the token lived for a while"
    with house.native(plain) as client:
        again = client.join(upload.upload_id)
        assert again.held_blocks >= len(upload.durable)


def test_uploads_are_their_owners(house):
    anna = house.account("anna", "/=write")
    bert = house.account("bert", "/=write")
    with house.native(anna) as client:
        number = client.open("a", size_bytes=5).upload_id
    with house.native(bert) as client:
        with pytest.raises(Failed, match="NOT_FOUND"):
            client.join(number)
        opened = client.open("a", size_bytes=5, resume=True)
        assert opened.upload_id != number
    where = house.ask(anna, "POST", "/tus/t", "Tus-Resumable: 1.0.0", "Upload-Length: 5")["Location"]
    assert house.ask(bert, "HEAD", where, "Tus-Resumable: 1.0.0").status == 404
    assert house.ask(bert, "DELETE", where, "Tus-Resumable: 1.0.0").status == 404
    assert house.ask(house.owner_key, "HEAD", where, "Tus-Resumable: 1.0.0").status == 200
    assert house.ask(anna, "DELETE", where, "Tus-Resumable: 1.0.0").status == 204


def test_secrets_stay_out_of_logs(open_house):
    house = open_house("--log-level", "debug")
    add_with_password(house, "anna", CANARY, "/=write")
    token = house.change(["token", "new", "anna"])[0].strip()
    cookie = "Cookie: " + post(house, "/api/login", {"account": "anna", "password": CANARY})["Set-Cookie"].split(";")[0]
    with Line(house.host, house.port) as line:
        line.ask("GET", "/api/list/", basic("anna", CANARY))
        line.ask("GET", f"/files/none?key={CANARY}", cookie)
        line.ask("GET", "/files/none", f"Authorization: Bearer {token}")
    with house.native() as client:
        client.login(token=token)
        client.login(account="anna", password=CANARY)
        with pytest.raises(Failed):
            client.login(account="anna", password=CANARY + "wrong")
        with pytest.raises(Failed):
            client.get("none")
    house.stop()
    log = (house.root.parent / "served.log").read_text()
    assert "ended" in log or "left" in log, "the log tells something"
    for secret in (CANARY, token, house.owner_key, cookie.split("=")[1]):
        assert secret not in log
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in house.data.glob("catalog.db*"))
    assert token.encode() not in b"".join(path.read_bytes() for path in house.data.glob("catalog.db*"))
