"""GET /api/events: what happens in a folder as server-sent events."""

import json

import pytest

from conftest import DEADLINE_S
from http_client import Line
from openapi import OPENAPI, matches


class Stream(Line):
    """A stream of events, read one at a time."""

    def __init__(self, server, query="path=", *fields):
        super().__init__(server.host, server.port)
        self.send("\r\n".join([f"GET /api/events?{query} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode())
        self.status, self.fields = self.head()
        self.text = b""

    def block(self):
        """The lines up to the next empty one, by their names; comments under ""."""
        while b"\n\n" not in self.text:
            size = int(self.take_until(b"\r\n"), 16)
            self.text += self.take(size)
            assert self.take(2) == b"\r\n"
            if size == 0:
                raise EOFError("the stream ended")
        block, _, self.text = self.text.partition(b"\n\n")
        return dict(line.split(": ", 1) for line in block.decode().split("\n"))

    def event(self):
        while "data" not in (block := self.block()):
            pass
        told = json.loads(block["data"])
        assert told["kind"] == block["event"]
        matches(told, OPENAPI["components"]["schemas"]["news"])
        return block.get("id"), told


def put(server, path):
    with Line(server.host, server.port) as line:
        assert line.ask("PUT", f"/files/{path}", body=b"content").status == 201


def test_a_file_that_is_stored(served):
    with Stream(served) as stream:
        assert stream.status == 200
        assert ("Content-Type", "text/event-stream") in stream.fields
        assert ("Cache-Control", "no-store") in stream.fields
        assert stream.block() == {"retry": "2000"}
        put(served, "streamed.mp4")
        told = [stream.event() for _ in range(3)]
        assert [each["kind"] for _, each in told] == ["upload", "upload", "stored"]
        assert told[-1][1]["entry"]["size"] == 7
        ids = [int(number) for number, _ in told]
        assert ids == sorted(set(ids))


@pytest.mark.parametrize(("recursive", "heard"), [("true", "/deep/one"), ("false", "/two")])
def test_only_the_folder_or_all_below_it(served, recursive, heard):
    folder = f"of-{recursive}"
    (served.root / folder / "deep").mkdir(parents=True)
    with Stream(served, f"path=/{folder}&recursive={recursive}") as stream:
        put(served, "elsewhere-" + recursive)
        put(served, f"{folder}/deep/one")
        put(served, f"{folder}/two")
        assert stream.event()[1]["path"] == folder + heard


def test_one_who_comes_again_is_told_that_something_may_be_missed(served):
    with Stream(served, "path=", "Last-Event-ID: 5") as stream:
        assert stream.event() == (None, {"kind": "missed"})


@pytest.mark.parametrize(("query", "status"), [("path=none", 404), ("path=.sluice", 403), ("path=../a", 400), ("path=&recursive=1", 400)])
def test_what_cannot_be_followed(served, query, status):
    with Stream(served, query) as stream:
        assert stream.status == status


def test_head(line):
    assert line.ask("HEAD", "/api/events?path=").status == 200
    assert line.ask("GET", "/files/ok.txt").status == 200


def test_a_quiet_stream_shows_that_it_lives(serve):
    with Stream(serve("--idle-timeout", "1s")) as stream:
        stream.block()
        for _ in range(3):  # longer than a connection may be idle
            assert list(stream.block()) == [""]


def test_a_stop_ends_the_stream_in_order(serve):
    server = serve()
    with Stream(server) as stream:
        stream.block()
        server.process.send_signal(15)
        with pytest.raises(EOFError):
            stream.block()
        assert server.process.wait(DEADLINE_S) == 0


def test_a_client_that_leaves_is_forgotten(serve):
    server = serve()
    for _ in range(300):  # more than may follow at once
        while True:
            with Stream(server) as stream:
                if stream.status == 200:
                    break
    put(server, "after")
