"""Links: who comes by them, to what, how often, and what ends them."""

import base64
import json
import os
import threading

import pytest

from http_client import Line
from openapi import OPENAPI, matches
from wire_client import Failed

from access import ways

BLOCK = 1 << 20
PASSWORD = "canary-of-a-link-" + "Zq7" * 4


@pytest.fixture
def house(open_house):
    house = open_house()
    (house.root / "day").mkdir()
    (house.root / "day" / "a.mov").write_bytes(b"content")
    (house.root / "other").write_bytes(b"secret")
    return house


@pytest.fixture
def home(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path / "config")}


def anna(house, rights="write"):
    """A token of an account."""
    assert house.post(house.owner_key, "/api/accounts", name="anna",
                      grants=[{"path": "", "rights": rights}]).status == 204  # fmt: skip
    return json.loads(house.post(house.owner_key, "/api/tokens", account="anna").body)["token"]


def links(house, token=None):
    told = json.loads(house.ask(token or house.owner_key, "GET", "/api/links").body)
    matches(told, OPENAPI["components"]["schemas"]["links"])
    return told["links"]


def me(house, secret):
    return json.loads(house.ask(secret, "GET", "/api/me").body)


def test_a_link_to_watch(house):
    made = house.link(house.owner_key, "day", "watch", label="for Ana", lifetime_s=3600)
    matches(made, OPENAPI["components"]["schemas"]["made_link"])
    secret = made["secret"]
    assert made["url"] == f"http://127.0.0.1/#link={secret}"
    assert house.ask(secret, "GET", "/files/day/a.mov").body == b"content"
    for target in ("/files/other", "/api/list/", "/api/stat/other"):
        assert house.ask(secret, "GET", target).status == 404
    assert house.ask(secret, "PUT", "/files/day/b", body=b"x").status == 403
    told = me(house, secret)
    matches(told, OPENAPI["components"]["schemas"]["me"])
    assert told["account"] is None and told["path"] == "day" and told["rights"] == "see,take,talk"
    assert told["link"]["does"] == "watch" and told["link"]["by"] == "owner" and told["link"]["label"] == "for Ana"
    with house.native(secret) as client:
        assert client.get("day/a.mov") == b"content"
        with pytest.raises(Failed, match="NOT_FOUND"):
            client.get("other")


def test_a_link_to_drop(house):
    secret = house.link(house.owner_key, "day", "drop")["secret"]
    assert house.ask(secret, "PUT", "/files/day/b", body=b"new").status == 201
    assert house.ask(secret, "PUT", "/files/day/b", body=b"again").status == 409, "nothing is overwritten"
    assert house.ask(secret, "PUT", "/files/c", body=b"x").status == 404, "not outside of it"
    for target in ("/files/day/a.mov", "/files/day/b", "/api/list/day", "/api/stat/day/b", "/api/uploads"):
        assert house.ask(secret, "GET", target).status in (403, 404), "nothing is seen"
    with house.native(secret) as client:
        client.put_whole("day/d", b"content")
        with pytest.raises(Failed, match="NOT_FOUND"):
            client.list("day")
    assert (house.root / "day" / "d").read_bytes() == b"content"


def test_links_are_of_accounts_and_each_sees_its_own(house):
    token = anna(house)
    mine = house.link(token, "day", "watch")["id"]
    other = house.link(house.owner_key, "day", "watch")["id"]
    assert [one["id"] for one in links(house, token)] == [mine]
    assert {one["id"] for one in links(house)} == {mine, other}
    assert house.post(token, "/api/links/revoke", id=other).status == 404
    assert house.post(house.owner_key, "/api/links/revoke", id=mine).status == 204
    assert house.post(token, "/api/links/revoke", id=mine).status == 404
    listed = house.ask(house.owner_key, "GET", "/api/links").body.decode()
    assert other in listed and "sluice_" not in listed, "the secret was told once"


@pytest.mark.parametrize(("wish", "status"), [
    ({"path": "day", "does": "all"}, 400), ({"does": "watch"}, 400), ({"path": "none", "does": "watch"}, 404),
    ({"path": "../x", "does": "watch"}, 400), ({"path": "other", "does": "drop"}, 400),
    ({"path": "day", "does": "watch", "max_files": 1}, 400), ({"path": "day", "does": "drop", "max_bytes": -1}, 400),
    ({"path": "day", "does": "watch", "lifetime_s": 0}, 400), ({"path": "day", "does": "watch", "max_uses": 0}, 400),
    ({"path": "day", "does": "watch", "max_uses": 10_001}, 400), ({"path": "day", "does": "watch", "password": "x"}, 400),
    ({"path": "day", "does": "watch", "label": "x" * 257}, 400),
])  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused(house, wish, status):
    assert house.post(house.owner_key, "/api/links", **wish).status == status
    assert links(house) == []


def basic(secret, password):
    return "Authorization: Basic " + base64.b64encode(f"{secret}:{password}".encode()).decode()


def test_a_link_with_a_password(house):
    secret = house.link(house.owner_key, "day", "watch", password=PASSWORD)["secret"]
    refused = house.ask(secret, "GET", "/files/day/a.mov")
    assert refused.status == 401 and json.loads(refused.body)["wants_password"] is True
    with Line(house.host, house.port) as line:
        assert line.ask("GET", "/files/day/a.mov", basic(secret, "another one")).status == 401
        for _ in range(2):
            assert line.ask("GET", "/files/day/a.mov", basic(secret, PASSWORD)).body == b"content"
    with house.native() as client:
        with pytest.raises(Failed, match="NOT_ALLOWED"):
            client.login(token=secret)
        client.login(account=secret, password=PASSWORD)
        assert client.get("day/a.mov") == b"content"


def log_in(house, **wish):
    return house.post(None, "/api/login", **wish)


def test_a_browser_comes_by_a_link(house):
    plain = house.link(house.owner_key, "day", "watch")
    locked = house.link(house.owner_key, "day", "both", password=PASSWORD)
    assert log_in(house, link="sluice_" + "A" * 43).status == 401
    wants = log_in(house, link=locked["secret"])
    assert wants.status == 401 and json.loads(wants.body)["wants_password"] is True
    assert log_in(house, link=locked["secret"], password="another one").status == 401
    named = house.link(house.owner_key, "day", "both", password=PASSWORD)
    for made, wish in (
        (plain, {"link": plain["secret"]}), (locked, {"link": locked["secret"], "password": PASSWORD}),
        (named, {"account": named["secret"], "password": PASSWORD}),
    ):  # fmt: skip
        answer = log_in(house, **wish)
        assert answer.status == 200 and json.loads(answer.body)["link"]["id"] == made["id"]
        cookie = answer["Set-Cookie"]
        assert "HttpOnly" in cookie and PASSWORD not in cookie
        sent = "Cookie: " + cookie.split(";")[0]
        with Line(house.host, house.port) as line:
            assert line.ask("GET", "/files/day/a.mov", sent).body == b"content"
            assert json.loads(line.ask("GET", "/api/me", sent).body)["path"] == "day"
        assert house.post(house.owner_key, "/api/links/revoke", id=made["id"]).status == 204
        with Line(house.host, house.port) as line:
            assert line.ask("GET", "/files/day/a.mov", sent).status == 401
            assert line.ask("POST", "/api/logout", sent, "Content-Type: application/json", body=b"{}").status == 204


def test_a_link_goes_along_with_what_is_renamed(house):
    secret = house.link(house.owner_key, "day/a.mov", "watch")["secret"]
    folder = house.link(house.owner_key, "day", "watch")["secret"]
    assert house.post(house.owner_key, "/api/rename", **{"from": "day/a.mov", "to": "day/b.mov"}).status == 200
    (house.root / "day" / "a.mov").write_bytes(b"the next of its name")
    assert house.ask(secret, "GET", "/files/day/a.mov").status == 404
    assert house.ask(secret, "GET", "/files/day/b.mov").body == b"content"
    with house.native(house.owner_key) as owner:
        owner.rename("day", "night")
    (house.root / "day").mkdir()
    (house.root / "day" / "b.mov").write_bytes(b"another day")
    house.stop()
    house.restart()
    assert me(house, secret)["path"] == "night/b.mov"
    assert house.ask(secret, "GET", "/files/night/b.mov").body == b"content"
    assert house.ask(folder, "GET", "/files/day/b.mov").status == 404
    assert house.ask(folder, "GET", "/files/night/b.mov").body == b"content"


@pytest.mark.parametrize("by", ["hand", "upload"])
def test_what_replaced_the_shared_file_is_not_reached(house, by):
    secret = house.link(house.owner_key, "day/a.mov", "watch")["secret"]
    if by == "hand":
        (house.root / "x").write_bytes(b"another")
        (house.root / "x").rename(house.root / "day" / "a.mov")
    else:
        tag = house.ask(house.owner_key, "HEAD", "/files/day/a.mov")["ETag"]
        assert house.ask(house.owner_key, "PUT", "/files/day/a.mov", f"If-Match: {tag}", body=b"another").status == 204
    assert house.ask(secret, "GET", "/files/day/a.mov").status == 404
    assert house.ask(secret, "HEAD", "/files/day/a.mov").status == 404
    with house.native(secret) as client:
        for asking in (client.get, client.stat, client.list, lambda path: client.digests(path=path)):
            with pytest.raises(Failed, match="NOT_FOUND"):
                asking("day/a.mov")
    assert "not there any more" in links(house)[0]["dead"]


def end(house, how, made):
    if how == "right":
        return house.post(house.owner_key, "/api/accounts/grant", name="anna", path="", rights="see,take,talk")
    if how == "account":
        return house.post(house.owner_key, "/api/accounts/remove", name="anna")
    return house.post(house.owner_key, "/api/links/revoke", id=made["id"])


@pytest.mark.parametrize("how", ["right", "account", "link"])
def test_whatever_ends_it_ends_running_uploads(house, how):
    """By every protocol: nothing more is acknowledged, and the next request fails."""
    made = house.link(anna(house), "day", "both")
    secret = made["secret"]
    tus = ["Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream"]
    draft = ["Upload-Draft-Interop-Version: 8", "Content-Type: application/partial-upload"]
    at_tus = house.ask(secret, "POST", "/tus/day/t", tus[0], "Upload-Length: 10")["Location"]
    at_draft = house.ask(secret, "POST", "/uploads/day/d", draft[0], "Upload-Complete: ?0", body=b"12345")["Location"]
    assert house.ask(secret, "PATCH", at_tus, *tus, "Upload-Offset: 0", body=b"12345").status == 204
    with house.native(secret) as client, Line(house.host, house.port) as put:
        upload = client.open("day/big", size_bytes=64 * BLOCK)
        upload.send_block(0, os.urandom(BLOCK))
        upload.make_durable({0}, b"")
        upload.send_block(1, os.urandom(BLOCK))
        put.send(("PUT /files/day/p HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2097152\r\n"
                  f"Authorization: Bearer {secret}\r\n\r\n").encode() + bytes(BLOCK))  # fmt: skip
        assert end(house, how, made).status == 204
        upload.checkpoint()
        with pytest.raises(Failed, match="NOT_ALLOWED"):
            while True:
                upload.take_reply()
                upload.durable.discard(1)  # what was on its way before the end
        with pytest.raises(Failed, match="NOT_ALLOWED|NOT_FOUND"):
            client.put("day/small", b"content")
        put.send(bytes(BLOCK))
        assert put.answer().status in (401, 403, 404)
    refused = (401, 403, 404)
    assert house.ask(secret, "PATCH", at_tus, *tus, "Upload-Offset: 5", body=b"67890").status in refused
    assert house.ask(secret, "PATCH", at_draft, *draft, "Upload-Offset: 5", "Upload-Complete: ?1",
                     body=b"67890").status in refused  # fmt: skip
    assert house.ask(secret, "GET", "/files/day/a.mov").status in refused
    assert sorted(path.name for path in (house.root / "day").iterdir()) == ["a.mov"]


def test_an_expired_link_lets_nobody_in(house):
    secret = house.link(house.owner_key, "day", "watch", lifetime_s=1)["secret"]
    while house.ask(secret, "GET", "/files/day/a.mov").status == 200:
        pass
    assert house.ask(secret, "GET", "/files/day/a.mov").status == 401
    assert links(house)[0]["dead"] == "it has expired"


WAYS = [ways.native, ways.tus, ways.draft, ways.put, ways.put_chunked]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [100, 2 * BLOCK])
def test_what_may_be_dropped_in_all_is_counted_and_lasts(house, way, size):
    secret = house.link(house.owner_key, "day", "drop", max_bytes=2 * size + 10, max_files=3)["secret"]
    assert way(house, secret, "day/1", bytes(size)) == "yes"
    house.stop()
    house.restart()
    assert way(house, secret, "day/2", bytes(size)) == "yes"
    assert way(house, secret, "day/3", bytes(11)) == "NO_SPACE", "a byte over"
    assert way(house, secret, "day/3", bytes(10)) == "yes"
    assert way(house, secret, "day/4", b"") == "NO_SPACE", "a file over"
    told = links(house)[0]
    assert (told["bytes"], told["files"]) == (2 * size + 10, 3)
    assert {path.name for path in (house.root / "day").iterdir()} == {"a.mov", "1", "2", "3"}


def test_parallel_uploads_share_what_may_be_dropped(house):
    secret = house.link(house.owner_key, "day", "drop", max_bytes=10 * BLOCK)["secret"]
    outcomes = []

    def drop(number):
        way = WAYS[number % 4]
        outcomes.append(way(house, secret, f"day/{number}", bytes(3 * BLOCK)))

    threads = [threading.Thread(target=drop, args=(number,)) for number in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert outcomes.count("yes") == 3 and outcomes.count("NO_SPACE") == 9
    assert links(house)[0]["bytes"] == 9 * BLOCK
    assert ways.native(house, secret, "day/rest", bytes(BLOCK)) == "yes", "what was refused gave back its part"


def test_what_is_thrown_away_costs_nothing(house):
    secret = house.link(house.owner_key, "day", "drop", max_bytes=5, max_files=1)["secret"]
    tus = "Tus-Resumable: 1.0.0"
    at = house.ask(secret, "POST", "/tus/day/t", tus, "Upload-Length: 5")["Location"]
    assert ways.put(house, secret, "day/x", b"12345") == "NO_SPACE"
    house.kill()
    house.restart()
    assert ways.put(house, secret, "day/x", b"12345") == "NO_SPACE", "it is still open"
    assert house.ask(secret, "DELETE", at, tus).status == 204
    assert ways.put(house, secret, "day/x", b"12345") == "yes"


def test_uses_are_visits(house):
    made = house.link(house.owner_key, "day", "watch", max_uses=2)
    secret = made["secret"]

    def ask_from(address):
        with Line(house.host, house.port, source=address) as line:
            return line.ask("GET", "/files/day/a.mov", f"Authorization: Bearer {secret}").status

    assert [ask_from("127.0.0.2") for _ in range(3)] == [200] * 3
    cookie = log_in(house, link=secret)["Set-Cookie"].split(";")[0]
    assert links(house)[0]["used"] == 2
    assert ask_from("127.0.0.3") == 401, "one over"
    assert links(house)[0]["dead"] == "it is used up"
    assert ask_from("127.0.0.2") == 200, "who is in stays in"
    house.stop()
    house.restart()
    assert ask_from("127.0.0.4") == 401, "also after a restart"
    with Line(house.host, house.port) as line:
        assert line.ask("GET", "/files/day/a.mov", f"Cookie: {cookie}").status == 200


def test_the_program_makes_lists_and_revokes(house, sluice, home):
    token = {**home, "SLUICE_TOKEN": house.owner_key}
    done = sluice("share", f"{house.url}/day", "--expires", "7d", "--label", "x", "--json", env=token, check=0)
    made = json.loads(done.out.splitlines()[0])
    assert made["url"] == f"http://{house.host}:{house.port}/#link={made['secret']}"
    done = sluice("share", f"{house.url}/day/", "--drop", "--max-bytes", "1kB", "--max-files", "2", "--with-password",
                  env=token, check=0, input=PASSWORD.encode() + b"\n")  # fmt: skip
    assert done.out.startswith("http://") and PASSWORD not in done.out + done.err
    listed = sluice("share", house.url, "--list", env=token, check=0).out.splitlines()
    assert len(listed) == 2 and any("drop /day by owner" in line and "0 of 1000 bytes" in line for line in listed)
    sluice("share", house.url, "--revoke", made["id"], env=token, check=0)
    sluice("share", house.url, "--revoke", made["id"], env=token, check=5)
    assert len(links(house)) == 1
    sluice("share", f"{house.url}/none", env=token, check=5)
    sluice("share", f"{house.url}/day", env=home, check=4)


def test_put_and_get_by_a_link(house, sluice, home, tmp_path):
    drop = house.link(house.owner_key, "day", "drop", password=PASSWORD)["secret"]
    watch = house.link(house.owner_key, "day", "watch")["secret"]
    one = house.link(house.owner_key, "day/a.mov", "watch")["secret"]
    (tmp_path / "new").write_bytes(b"handed in")
    done = sluice("put", tmp_path / "new", f"{house.url}/#link={drop}", env=home, check=4)
    assert "SLUICE_LINK_PASSWORD" in done.err
    sluice("put", tmp_path / "new", f"{house.url}/#link={drop}", env={**home, "SLUICE_LINK_PASSWORD": "no"}, check=4)
    with_password = {**home, "SLUICE_LINK_PASSWORD": PASSWORD}
    done = sluice("put", tmp_path / "new", f"{house.url}/#link={drop}", env=with_password, check=0)
    assert drop not in done.out + done.err and PASSWORD not in done.out + done.err
    assert (house.root / "day" / "new").read_bytes() == b"handed in"
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "x").write_bytes(b"x")
    sluice("put", tmp_path / "tree", f"{house.url}/#link={drop}", env=with_password, check=0)
    assert (house.root / "day" / "tree" / "deep" / "x").read_bytes() == b"x"
    listed = sluice("ls", f"{house.url}/#link={watch}", env=home, check=0).out.split()
    assert listed == ["a.mov", "new", "tree/"]
    sluice("get", f"{house.url}/new#link={watch}", "-o", tmp_path / "back", env=home, check=0)
    assert (tmp_path / "back").read_bytes() == b"handed in"
    sluice("get", f"{house.url}/#link={one}", "-o", tmp_path / "one", env=home, check=0)
    sluice("get", f"http://{house.host}:{house.port}/#link={one}", "-o", tmp_path / "two", env=home, check=0)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == b"content"
    sluice("get", f"{house.url}/#link=sluice_{'A' * 43}", "-o", tmp_path / "none", env=home, check=4)


def test_a_link_is_not_seen_in_the_process_list(house, tmp_path, home):
    """The secret is wiped from what other programs see, before anything is asked of the server."""
    import subprocess

    from conftest import DEADLINE_S, SLUICE, read_line

    secret = house.link(house.owner_key, "day", "watch")["secret"]
    follow = subprocess.Popen([str(SLUICE), "ls", "--follow", f"{house.url}/#link={secret}"], env=home,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert "a.mov" in read_line(follow.stdout)
        with open(f"/proc/{follow.pid}/cmdline", "rb") as shown:
            text = shown.read()
        assert b"ls" in text and secret.encode() not in text
    finally:
        follow.kill()
        follow.wait(DEADLINE_S)


def test_secrets_of_links_stay_out_of_logs(open_house):
    house = open_house("--log-level", "debug")
    (house.root / "day").mkdir()
    made = house.link(house.owner_key, "day", "both", password=PASSWORD)
    secret = made["secret"]
    cookie = log_in(house, link=secret, password=PASSWORD)["Set-Cookie"].split(";")[0]
    log_in(house, link=secret, password=PASSWORD + "wrong")
    with Line(house.host, house.port) as line:
        line.ask("GET", "/files/day/none", basic(secret, PASSWORD))
        line.ask("GET", f"/files/day/none?link={secret}", f"Cookie: {cookie}")
        line.ask("GET", "/files/day/none", f"Authorization: Bearer {secret}")
    with house.native() as client:
        for wish in ({"account": secret, "password": PASSWORD}, {"account": secret, "password": "x" * 9}, {"token": secret}):
            try:
                client.login(**wish)
            except Failed as why:
                assert secret not in str(why)
    house.stop()
    log = (house.root.parent / "served.log").read_text()
    audit = (house.data / "audit.log").read_text()
    catalog = b"".join(path.read_bytes() for path in house.data.glob("catalog.db*"))
    assert "log in" in audit and made["id"] in audit
    for canary in (PASSWORD, secret, cookie.split("=")[1], cookie.split(".")[-1]):
        assert canary not in log and canary not in audit and canary.encode() not in catalog


def test_a_conversation_by_a_link(house, sluice, home):
    watch = house.link(house.owner_key, "day", "watch")["secret"]
    said = sluice("chat", "--json", f"{house.url}/a.mov#link={watch}", env=home, input=b"seen\n", check=0)
    assert '"seen"' in said.out
    assert house.post(house.owner_key, "/api/say", path="day/a.mov", text="thanks").status == 201
    told = house.ask(watch, "GET", "/api/talk/day/a.mov")
    assert [one["text"] for one in json.loads(told.body)["messages"]] == ["seen", "thanks"]
    assert json.loads(told.body)["messages"][0]["guest"] is True
    assert house.ask(watch, "GET", "/api/talk/other").status == 404
