"""Uploads in runs of blocks, on several connections: what the page does."""

import json

import pytest

from client.conftest import MIB, content
from http_client import Line
from openapi import OPENAPI, matches
from product.conftest import connect, until

DATA = content(5 * MIB + 9)


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def line(server):
    with Line(server.host, server.port) as opened:
        yield opened


def post(line, target, status, **wish):
    answer = line.ask("POST", target, "Content-Type: application/json", body=json.dumps(wish).encode())
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def begin(line, path="day-1/film.mov", data=DATA, status=201):
    told = post(line, "/api/uploads", status, path=path, size=len(data), modified_ms=1_600_000_000_123)
    return f"/api/uploads/{told['upload']}" if status == 201 else told


def id_of(where):
    return bytes.fromhex(where.rsplit("/", 1)[1])


def send(line, where, first, until_block=None, data=DATA):
    end = None if until_block is None else until_block * MIB
    return line.ask("PUT", f"{where}?first={first}", body=data[first * MIB : end])


def look(line, where):
    answer = line.ask("GET", where)
    assert answer.status == 200, answer.body
    told = json.loads(answer.body)
    matches(told, {"$ref": "#/components/schemas/block_digests"})
    return told


def test_the_end_comes_before_the_beginning(server, line):
    where = begin(line)
    with Line(server.host, server.port) as another:
        assert send(another, where, 3).status == 204
    assert look(line, where)["durable"] == [[3, 3]]
    assert look(line, where)["offset"] == 0
    assert send(line, where, 0, 3).status == 204
    assert look(line, where)["durable"] == [[0, 6]]
    file = post(line, where, 201)
    assert (server.root / "day-1/film.mov").read_bytes() == DATA
    matches(file, OPENAPI["components"]["schemas"]["entry"])
    assert file["path"] == "day-1/film.mov" and file["modified"].startswith("2020-09-13T12:26:40.123")


def test_a_lost_answer_is_told_again(line):
    where = begin(line)
    send(line, where, 0)
    first = post(line, where, 201)
    assert post(line, where, 200) == first
    assert look(line, where)["done"] is True


def test_what_is_missing_is_no_file(server, line):
    where = begin(line)
    send(line, where, 0, 2)
    post(line, where, 409)
    assert not (server.root / "day-1/film.mov").exists()
    send(line, where, 2)
    post(line, where, 201)


def test_whole_blocks_of_a_request_that_is_cut_off_stay(server, line):
    where = begin(line)
    with Line(server.host, server.port) as cut:
        cut.send(f"PUT {where}?first=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(DATA)}\r\n\r\n".encode())
        cut.send(DATA[: 2 * MIB + 1000])
    until(lambda: look(line, where)["durable"] == [[0, 2]], "what came is durable")
    send(line, where, 2)
    post(line, where, 201)
    assert (server.root / "day-1/film.mov").read_bytes() == DATA


def test_it_survives_a_kill(server, line):
    where = begin(line)
    send(line, where, 2, 4)
    server.kill()
    server.restart()
    with Line(server.host, server.port) as again:
        assert look(again, where)["durable"] == [[2, 2]]
        send(again, where, 0)
        post(again, where, 201)
    assert (server.root / "day-1/film.mov").read_bytes() == DATA


def test_what_is_no_run_of_blocks(line):
    where = begin(line)
    assert line.ask("PUT", where, body=b"").status == 400
    assert line.ask("PUT", f"{where}?first=x", body=b"").status == 400
    assert line.ask("PUT", f"{where}?first=6", body=b"behind the end").status == 400
    assert line.ask("PUT", f"{where}?first=0", body=DATA[: MIB + 5]).status == 400
    assert look(line, where)["durable"] == [[0, 1]]
    assert line.ask("PUT", "/api/uploads/" + "0" * 32 + "?first=0", body=b"").status == 404


def test_a_byte_too_much_takes_nothing_with_it(line):
    where = begin(line)
    assert line.ask("PUT", f"{where}?first=5", body=DATA[5 * MIB :] + b"x").status == 400
    assert line.ask("PUT", f"{where}?first=5", body=DATA[5 * MIB :]).status == 204
    send(line, where, 0, 5)
    post(line, where, 201)


def test_a_name_that_is_taken_is_told_at_once_or_at_the_end(server, line):
    where = begin(line)
    send(line, where, 0)
    (server.root / "day-1").mkdir()
    (server.root / "day-1/film.mov").write_bytes(b"another")
    begin(line, status=409)
    post(line, where, 409)
    file = post(line, where, 201, path="day-1/film (2).mov")
    assert file["path"] == "day-1/film (2).mov"
    assert (server.root / "day-1/film (2).mov").read_bytes() == DATA
    assert (server.root / "day-1/film.mov").read_bytes() == b"another"


def test_it_can_be_thrown_away(server, line):
    where = begin(line)
    send(line, where, 0, 1)
    assert line.ask("DELETE", where).status == 204
    assert line.ask("GET", where).status == 404
    assert line.ask("DELETE", where).status == 404
    assert list((server.root / ".sluice/partials").iterdir()) == []


def test_the_native_protocol_goes_on_with_it(server, line):
    where = begin(line)
    send(line, where, 0, 2)
    with connect(server) as native:
        upload = native.join(id_of(where))
        for block in range(2, 6):
            upload.send_block(block, DATA[block * MIB : (block + 1) * MIB])
        upload.make_durable(range(2, 6), DATA)
    post(line, where, 201)
    assert (server.root / "day-1/film.mov").read_bytes() == DATA


def test_of_an_upload_with_many_gaps_the_first_1024_runs_are_told(serve):
    server = serve()
    blocks = 2 * 1025
    with Line(server.host, server.port) as line:
        where = begin(line, "gaps.mov", bytes(blocks * MIB))
        with connect(server) as native:
            upload = native.join(id_of(where))
            numbers = range(0, blocks, 2)
            for block in numbers:
                upload.send_block(block, bytes(MIB))
            upload.make_durable(numbers, bytes(blocks * MIB))
        told = look(line, where)["durable"]
    assert told == [[block, 1] for block in range(0, 2 * 1024, 2)]


@pytest.mark.parametrize("wish", [
    {}, {"path": "x"}, {"size": 5}, {"path": "x", "size": -1}, {"path": "x", "size": 1.5}, {"path": 5, "size": 5},
    {"path": "../x", "size": 5}, {"path": "", "size": 5}, {"path": "x", "size": 5, "modified_ms": "now"},
])  # fmt: skip
def test_what_is_no_upload(line, wish):
    answer = line.ask("POST", "/api/uploads", "Content-Type: application/json", body=json.dumps(wish).encode())
    assert answer.status == 400
