"""How the page comes: its weight, what its answers say, its types."""

import gzip
import re
import subprocess

import pytest

from conftest import ROOT
from http_client import Line

FIRST_LOAD_BYTES_MAX = 150_000


@pytest.fixture
def line(serve):
    server = serve()
    with Line(server.host, server.port) as opened:
        yield opened


def assets(document):
    return re.findall(r'(?:src|href)="(/[^"]+)"', document.decode())


def test_the_first_load_is_light(line):
    document = line.ask("GET", "/", "Accept-Encoding: gzip")
    total = len(document.body)
    found = assets(document.body)
    assert any(each.endswith(".js") for each in found) and any(each.endswith(".css") for each in found)
    for path in found:
        total += len(line.ask("GET", path, "Accept-Encoding: gzip").body)
    print(f"first load: {total} bytes")
    assert total < FIRST_LOAD_BYTES_MAX


@pytest.mark.parametrize("path", ["/", "/view/day-1/a%20b.mp4", "/links", "/people", "/now"])
def test_every_place_is_the_one_document(line, path):
    answer = line.ask("GET", path)
    assert answer.status == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy and "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "<script>" not in answer.body.decode() and "http://" not in answer.body.decode()


def test_what_never_changes_is_kept_by_browsers(line):
    for path in assets(line.ask("GET", "/").body):
        answer = line.ask("GET", path)
        assert answer.status == 200
        assert "immutable" in answer["Cache-Control"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_its_files_come_compressed_to_those_who_take_it(line):
    path = next(each for each in assets(line.ask("GET", "/").body) if each.endswith(".js"))
    plain = line.ask("GET", path)
    assert "Content-Encoding" not in plain
    packed = line.ask("GET", path, "Accept-Encoding: br;q=0, gzip;q=0.5")
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert line.ask("GET", path, "Accept-Encoding: gzip, br")["Content-Encoding"] == "br"
    assert packed["ETag"] != plain["ETag"]
    assert packed["Vary"] == "Accept-Encoding"
    assert line.ask("GET", path, "Accept-Encoding: gzip", f"If-None-Match: {packed['ETag']}").status == 304
    assert line.ask("GET", path, "Accept-Encoding: gzip", f"If-None-Match: {plain['ETag']}").status == 200


def test_the_document_never_comes_compressed(line):
    assert "Content-Encoding" not in line.ask("GET", "/", "Accept-Encoding: gzip, br")


def test_what_is_not_there_is_not_found(line):
    for path in ["/assets/none.js", "/assets/", "/view", "/index.html", "/people/x"]:
        assert line.ask("GET", path).status == 404
    assert line.ask("POST", "/", body=b"x").status == 405


def test_its_types_hold():
    done = subprocess.run(["npm", "run", "--silent", "check"], cwd=ROOT / "web", capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout.decode()
