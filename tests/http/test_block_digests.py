"""The digests of blocks, which a page holds its own file against: of a file, and of an upload that goes on."""

import json
import subprocess

import pytest

from client.conftest import MIB, content
from http_client import Line
from openapi import matches

TUS = "Tus-Resumable: 1.0.0"


def xxh128(data):
    done = subprocess.run(["xxhsum", "-H2", "-"], input=data, capture_output=True, check=True)
    return done.stdout.split()[0].decode()


def blocks(data):
    return [xxh128(data[at : at + MIB]) for at in range(0, len(data), MIB)]


@pytest.fixture(scope="module")
def film(served):
    data = content(2 * MIB + 5)
    (served.root / "film.mov").write_bytes(data)
    return data


@pytest.fixture
def line(served):
    with Line(served.host, served.port) as opened:
        yield opened


def get(line, target, status=200):
    answer = line.ask("GET", target)
    assert answer.status == status, answer.body
    told = json.loads(answer.body)
    if status == 200:
        matches(told, {"$ref": "#/components/schemas/block_digests"})
    return told


def test_of_a_file(line, film):
    told = get(line, "/api/digests/film.mov")
    assert told == {"path": "film.mov", "size": len(film), "block_bytes": MIB, "first": 0, "digests": blocks(film)}


def test_a_run_of_them(line, film):
    assert get(line, "/api/digests/film.mov?first=1&count=1")["digests"] == blocks(film)[1:2]
    assert get(line, "/api/digests/film.mov?first=2")["digests"] == blocks(film)[2:]
    assert get(line, "/api/digests/film.mov?first=3")["digests"] == []


@pytest.mark.parametrize("query", ["count=0", "count=4097", "count=x", "first=-1", "first=x", "first=99999999999999999999"])
def test_what_is_no_run(line, film, query):
    get(line, f"/api/digests/film.mov?{query}", 400)


def test_the_most_that_is_told(line, film):
    assert len(get(line, "/api/digests/film.mov?count=4096")["digests"]) == 3


def test_of_nothing(line):
    get(line, "/api/digests/none.mov", 404)
    get(line, "/api/uploads/none", 404)
    get(line, "/api/uploads/" + "0" * 32, 404)


def test_of_an_upload_that_goes_on(line, served):
    """Whole blocks that are durable; once it is a file, the file has them."""
    data = content(3 * MIB + 9)
    made = line.ask("POST", "/tus/", TUS, f"Upload-Length: {len(data)}", "Upload-Metadata: filename dXAubW92")
    where = made["Location"]
    kind = "Content-Type: application/offset+octet-stream"
    cut = 2 * MIB + 100
    assert line.ask("PATCH", where, TUS, kind, "Upload-Offset: 0", body=data[:cut]).status == 204
    about = where.replace("/tus/", "/api/uploads/")
    told = get(line, about)
    assert told == {"path": "up.mov", "size": len(data), "block_bytes": MIB, "first": 0, "digests": blocks(data)[:2],
                    "offset": cut, "done": False, "durable": [[0, 2]]}
    assert get(line, about + "?first=1&count=1")["digests"] == blocks(data)[1:2]
    assert line.ask("PATCH", where, TUS, kind, f"Upload-Offset: {cut}", body=data[cut:]).status == 204
    told = get(line, about)
    assert told["done"] is True and told["digests"] == blocks(data)
    assert get(line, about + "?first=3&count=1")["digests"] == blocks(data)[3:]
    assert get(line, about + "?first=4")["digests"] == []
    assert get(line, "/api/digests/up.mov")["digests"] == blocks(data)
