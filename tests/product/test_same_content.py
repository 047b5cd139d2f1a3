"""One file over every protocol is the same file: its bytes, its digests, its mode, what is told of it."""

import http.client
import json
import sqlite3

import pytest

from client.conftest import MIB
from http_client import Line
from product.conftest import make_file
from resumable.conftest import Client
from tus.conftest import Tus
from websocket_client import WebSocket


def by_native(server, sluice, source):
    sluice("put", source, f"{server.url}/native", check=0)


def by_put(server, sluice, source):
    link = http.client.HTTPConnection(server.host, server.port)
    with open(source, "rb") as body:
        link.request("PUT", "/files/put", body, {"Content-Length": str(source.stat().st_size)})
    assert link.getresponse().status == 201


def by_tus(server, sluice, source):
    tus, whole = Tus(server), source.read_bytes()
    url = tus.new(len(whole), name="tus")
    middle = len(whole) // 3
    assert tus.patch(url, 0, whole[:middle]).status == 204
    assert tus.patch(url, middle, whole[middle:]).status == 204


def by_draft(server, sluice, source):
    client, whole = Client(server), source.read_bytes()
    url = client.new(path="/uploads/draft")
    middle = len(whole) // 2
    assert client.append(url, 0, whole[:middle]).status == 204
    assert client.append(url, middle, whole[middle:], complete="?1").status == 201


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, 5 * MIB + 12345])
def test_every_protocol_leaves_the_same_digests(serve, sluice, tmp_path, size):
    server = serve()
    source = make_file(tmp_path / "source", size)
    names = {"native": by_native, "put": by_put, "tus": by_tus, "draft": by_draft}
    for name, send in names.items():
        send(server, sluice, source)
        assert (server.root / name).read_bytes() == source.read_bytes()
        sluice("verify", f"{server.url}/{name}", source, check=0)
    assert len({(server.root / name).stat().st_mode for name in names}) == 1
    assert server.stop() == 0
    with sqlite3.connect(server.root / ".sluice" / "catalog.db") as catalog:
        recorded = {ino: digests for ino, digests in catalog.execute("SELECT ino, digests FROM content")}
    found = [recorded[(server.root / name).stat().st_ino] for name in names]
    assert len(set(found)) == 1


def heard_of(live, send):
    """What is heard while `send` runs, but for how far it was and the names of folders' entries."""
    send()
    heard = [told for told in live.until("stored") if told.get("state") != "progress"]
    numbers = {told.pop("upload") for told in heard if told["kind"] == "upload"}
    assert len(numbers) == 1, "one upload has one number"
    entry = heard[-1].pop("entry")
    return heard, {name: entry[name] for name in ("kind", "size", "type")}


@pytest.mark.parametrize("size", [0, 1, MIB, 5 * MIB + 12345])
def test_every_protocol_is_told_the_same(serve, sluice, tmp_path, size):
    server = serve()
    source = make_file(tmp_path / "source", size)
    heard = {}
    with WebSocket(server) as live:
        live.watch("")
        for name, send in {"native": by_native, "put": by_put, "tus": by_tus, "draft": by_draft}.items():
            told, entry = heard_of(live, lambda send=send: send(server, sluice, source))
            assert {each.pop("path") for each in told} == {name}
            heard[name] = told, entry
    assert heard["native"][1] == {"kind": "file", "size": size, "type": "application/octet-stream"}
    states = [each.get("state", each["kind"]) for each in heard["native"][0]]
    assert states == ["started", "finished", "stored"]
    heard["draft"][0][0]["size"] = size  # told with the last of its requests only
    assert all(each == heard["native"] for each in heard.values()), heard


def test_names_are_told_the_same_by_either_protocol(serve, sluice):
    server = serve()

    def native(what, *paths):
        sluice(what, *(f"{server.url}/{path}" for path in paths), check=0)

    def over_http(what, *paths):
        with Line(server.host, server.port) as line:
            target, names = {"mkdir": ("mkdir", ["path"]), "mv": ("rename", ["from", "to"]), "rm": ("remove", ["path"])}[what]
            body = json.dumps(dict(zip(names, paths))).encode()
            assert line.ask("POST", f"/api/{target}", "Content-Type: application/json", body=body).status < 300

    heard = []
    with WebSocket(server) as live:
        live.watch("")
        for do in (native, over_http):
            do("mkdir", "a")
            do("mv", "a", "b")
            do("rm", "b")
            told = live.until("removed")
            told[1]["entry"].pop("modified")
            heard.append(told)
    assert [each["kind"] for each in heard[0]] == ["made", "renamed", "removed"]
    assert heard[0] == heard[1]
