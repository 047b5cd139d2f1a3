"""Small pictures of what files show: kept with the content, bounded, and set only by those who may."""

import json

import pytest

from http_client import Line

JPEG = bytes.fromhex("ffd8ffc0000b080001000101011100ffd9")
MOST = 64 * 1024


def jpeg(width, height, size=len(JPEG)):
    head = b"\xff\xd8\xff\xc0\x00\x0b\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"
    return head + bytes(size - len(head) - 2) + b"\xff\xd9"


@pytest.fixture
def server(serve):
    server = serve()
    (server.root / "film.mov").write_bytes(b"frames")
    return server


@pytest.fixture
def line(server):
    with Line(server.host, server.port) as opened:
        yield opened


def tag(line, name="film.mov"):
    return line.ask("HEAD", f"/files/{name}")["ETag"]


def give(line, picture, name="film.mov", etag=None):
    return line.ask("PUT", f"/api/posters/{name}", f"If-Match: {etag or tag(line, name)}", body=picture).status


def test_it_is_kept(server, line):
    assert line.ask("GET", "/api/posters/film.mov").status == 404
    assert give(line, JPEG) == 204
    server.stop()
    server.restart()
    with Line(server.host, server.port) as again:
        told = again.ask("GET", "/api/posters/film.mov")
        assert told.body == JPEG
        assert told["Content-Type"] == "image/jpeg" and told["X-Content-Type-Options"] == "nosniff"
        assert told["ETag"] == tag(again)


def test_it_goes_with_a_rename_and_ends_with_the_content(server, line):
    give(line, JPEG)
    body = json.dumps({"from": "film.mov", "to": "cut.mov"}).encode()
    assert line.ask("POST", "/api/rename", "Content-Type: application/json", body=body).status == 200
    assert line.ask("GET", "/api/posters/cut.mov").body == JPEG
    assert line.ask("PUT", "/files/cut.mov", f"If-Match: {tag(line, 'cut.mov')}", body=b"other").status == 204
    assert line.ask("GET", "/api/posters/cut.mov").status == 404
    assert give(line, JPEG, "cut.mov") == 204
    assert line.ask("DELETE", "/files/cut.mov").status == 204
    assert line.ask("GET", "/api/posters/cut.mov").status == 404


def test_it_is_of_the_content_that_it_names(line):
    assert give(line, JPEG, etag='"another"') == 412
    assert line.ask("PUT", "/api/posters/film.mov", body=JPEG).status == 428
    assert give(line, JPEG, "none.mov", etag='"x"') == 404


@pytest.mark.parametrize(("picture", "status"), [
    (jpeg(1024, 1024), 204), (jpeg(1025, 1), 413), (jpeg(1, 1025), 413), (jpeg(0, 1), 413), (jpeg(65535, 65535), 413),
    (jpeg(10, 10, MOST), 204), (jpeg(10, 10, MOST + 1), 413),
    (b"", 415), (b"<svg onload='x'/>", 415), (b"<html>", 415), (b"\x89PNG\r\n\x1a\n" + bytes(50), 415), (JPEG[:-1], 415),
], ids=str.split("largest wide high flat huge long too-long empty svg html png cut"))  # fmt: skip
def test_only_small_jpegs(line, picture, status):
    assert give(line, picture) == status


def test_who_brought_the_file_gives_its_picture(line):
    body = json.dumps({"path": "own.mov", "size": 5}).encode()
    made = line.ask("POST", "/api/uploads", "Content-Type: application/json", body=body)
    upload = json.loads(made.body)["upload"]
    target = f"/api/posters/own.mov?upload={upload}"
    assert line.ask("PUT", target, body=JPEG).status == 409, "it is no file yet"
    assert line.ask("PUT", f"/api/uploads/{upload}?first=0", body=b"12345").status == 204
    assert line.ask("POST", f"/api/uploads/{upload}", "Content-Type: application/json", body=b"{}").status == 201
    assert line.ask("PUT", target, body=JPEG).status == 204
    assert line.ask("GET", "/api/posters/own.mov").body == JPEG
    assert line.ask("PUT", f"/api/posters/own.mov?upload={'0' * 32}", body=JPEG).status == 404
