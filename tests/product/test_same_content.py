"""One file over every protocol is the same file: its bytes, its digests, its mode."""

import http.client
import sqlite3

import pytest

from client.conftest import MIB
from product.conftest import make_file
from resumable.conftest import Client
from tus.conftest import Tus


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
