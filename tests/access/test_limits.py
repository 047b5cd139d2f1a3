"""What an account, a link and an address may take; and going slowly."""

import json
import os
import time

import pytest

from http_client import Line
from wire_client import Connection, Failed

MIB = 1 << 20


@pytest.fixture
def house(open_house):
    return open_house()


def limited(house, **limits):
    """A token of an account with these limits."""
    assert house.post(house.owner_key, "/api/accounts", name="anna",
                      grants=[{"path": "", "rights": "write"}]).status == 204  # fmt: skip
    assert house.post(house.owner_key, "/api/accounts/limits", name="anna", **limits).status == 204
    return json.loads(house.post(house.owner_key, "/api/tokens", account="anna").body)["token"]


def limits_of(house):
    told = json.loads(house.ask(house.owner_key, "GET", "/api/accounts").body)
    return next(one["limits"] for one in told["accounts"] if one["name"] == "anna")


def test_bytes_and_files_of_an_account(house):
    token = limited(house, max_bytes=10, max_files=3)
    assert house.ask(token, "PUT", "/files/a", body=b"12345").status == 201
    assert house.post(token, "/api/mkdir", path="in").status == 201
    house.stop()
    house.restart()
    assert house.ask(token, "PUT", "/files/b", body=b"123456").status == 507, "a byte over"
    link = house.link(token, "in", "drop")["secret"]
    assert house.ask(link, "PUT", "/files/in/b", body=b"123456").status == 507, "also by its links"
    assert house.ask(link, "PUT", "/files/in/b", body=b"12345").status == 201
    assert house.post(token, "/api/mkdir", path="in2").status == 507, "a folder over"
    assert limits_of(house)["bytes"] == 10 and limits_of(house)["files"] == 3
    assert house.post(house.owner_key, "/api/accounts/limits", name="anna", max_bytes=10).status == 204
    assert house.ask(token, "PUT", "/files/c", body=b"1234567890").status == 201, "the count began anew"
    assert house.post(house.owner_key, "/api/accounts/limits", name="anna").status == 204
    assert house.ask(token, "PUT", "/files/d", body=b"x").status == 201, "no limit any more"


def test_open_uploads_of_an_account(house):
    token = limited(house, max_uploads=2)
    with house.native(token) as client:
        first = client.open("a", size_bytes=5)
        client.open("b", size_bytes=5)
        with pytest.raises(Failed, match="BUSY"):
            client.open("c", size_bytes=5)
        assert house.ask(token, "POST", "/tus/t", "Tus-Resumable: 1.0.0", "Upload-Length: 5").status == 503
        first.abort()
        client.open("c", size_bytes=5)


def test_connections_of_an_account(house):
    token = limited(house, max_connections=2)
    shared = house.link(token, "", "both")["secret"]
    with house.native(token), house.native(token) as second:
        with house.native() as third:
            with pytest.raises(Failed, match="BUSY"):
                third.login(token=token)
            assert house.ask(token, "GET", "/api/list/").status == 429
            second.login(token=token)  # once more, on the same connection
            second.login(token=shared)
            second.login(token=token)
            second.login(token=house.owner_key)
            third.login(token=token)
            assert third.list("") == []
    with Line(house.host, house.port) as line:
        while line.ask("GET", "/api/list/", f"Authorization: Bearer {token}").status == 429:
            pass  # until the server heard that the others left
        for _ in range(5):
            assert line.ask("GET", "/api/list/", f"Authorization: Bearer {token}").status == 200, "one at a time"


def test_connections_of_an_address(open_house):
    house = open_house("--max-connections-per-address", "2", public="read")
    with Connection(house.host, house.port), Line(house.host, house.port) as kept:
        assert kept.ask("GET", "/api/server").status == 200
        with Line(house.host, house.port) as over:
            assert over.ask("GET", "/api/server").status == 503
        with Line(house.host, house.port, source="127.0.0.2") as elsewhere:
            assert elsewhere.ask("GET", "/api/server").status == 200
    with Line(house.host, house.port) as line:
        while line.ask("GET", "/api/server").status == 503:  # until the server heard that the others left
            line.__init__(house.host, house.port)


def seconds(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def test_a_rate_holds_for_all_connections_of_an_account(house):
    """At 2 MiB a second, 6 MiB take nearly 3 s, on whatever ways. It is never sooner, however fast the machine."""
    token = limited(house, rate_bytes=2 * MIB)
    content = os.urandom(2 * MIB)

    def move():
        assert house.ask(token, "PUT", "/files/a", body=content).status == 201
        assert house.ask(token, "GET", "/files/a").body == content
        with house.native(token) as client:
            client.put("b", content)

    assert seconds(move) >= 2.5


def test_the_program_goes_no_faster_than_it_is_told(house, sluice, tmp_path):
    content = os.urandom(5 * MIB)
    (tmp_path / "a").write_bytes(content)
    token = {**os.environ, "SLUICE_TOKEN": house.owner_key}
    url = f"{house.url}/a"
    limit = ["--limit", "2MiB/s"]
    assert seconds(lambda: sluice("put", *limit, tmp_path / "a", url, env=token, check=0)) >= 1.8
    assert seconds(lambda: sluice("get", *limit, url, "-o", tmp_path / "b", env=token, check=0)) >= 1.8
    http = f"http://{house.host}:{house.port}/files/a"
    assert seconds(lambda: sluice("get", *limit, http, "-o", tmp_path / "c", env=token, check=0)) >= 1.8
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() == content
    sluice("put", "--limit", "1kB/s", tmp_path / "a", url, env=token, check=2)


def test_limits_by_the_program(house, sluice):
    token = {**os.environ, "SLUICE_TOKEN": house.owner_key}
    there = ["--server", house.url]
    sluice("user", "add", "anna", *there, "--grant", "/=write", "--max-bytes", "1kB", env=token, check=0)
    assert "anna /=see,take,give,change,talk (0 B of 1.0 kB)" in sluice("user", "list", *there, env=token, check=0).out
    made = sluice("token", "new", "anna", *there, env=token, check=0).out.strip()
    assert house.ask(made, "PUT", "/files/a", body=bytes(1001)).status == 507
    sluice("user", "limit", "anna", *there, "--max-files", "1", env=token, check=0)
    assert house.ask(made, "PUT", "/files/a", body=bytes(1001)).status == 201
    assert house.ask(made, "PUT", "/files/b", body=b"").status == 507
    done = sluice("user", "list", *there, env={**token, "SLUICE_TOKEN": made}, check=4)
    assert made not in done.err
    number = next(line.split()[0] for line in sluice("token", "list", *there, env=token).out.splitlines() if "anna" in line)
    sluice("token", "revoke", number, *there, env=token, check=0)
    assert house.ask(made, "GET", "/api/list/").status == 401
    sluice("user", "grant", "anna", *there, "--grant", "/=read", env=token, check=0)
    sluice("user", "passwd", "anna", *there, input=b"correct horse\n", env=token, check=0)
    sluice("user", "remove", "anna", *there, env=token, check=0)
    sluice("user", "remove", "anna", *there, env=token, check=5)
    sluice("user", "list", env=token, check=2)
