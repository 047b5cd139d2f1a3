"""`ls --follow`: a listing, and then what happens."""

import json
import signal
import subprocess

import pytest

from conftest import DEADLINE_S, SLUICE, read_line
from http_client import Line


class Follower:
    """An `ls --follow` that runs."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([str(SLUICE), "ls", "--follow", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def line(self):
        return read_line(self.process.stdout).rstrip("\n")

    def end(self):
        """The exit code, and what it said of it."""
        _, said = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, said.decode()


@pytest.fixture
def follow():
    started = []

    def start(*arguments):
        started.append(Follower(*arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def put(server, path, body=b"content"):
    with Line(server.host, server.port) as line:
        assert line.ask("PUT", f"/files/{path}", body=body).status == 201


def test_a_listing_and_then_what_happens(serve, sluice, follow):
    server = serve()
    put(server, "day/old.mov")
    following = follow(f"{server.url}/day")
    assert following.line() == "old.mov"
    put(server, "elsewhere")
    put(server, "day/new.mov")
    assert [following.line() for _ in range(3)] == [
        "started   new.mov  7 B", "finished  new.mov  7 B", "stored    new.mov  7 B"]  # fmt: skip
    sluice("mkdir", f"{server.url}/day/a", check=0)
    assert following.line() == "made      a/"
    sluice("mv", f"{server.url}/day/a", f"{server.url}/b", check=0)
    assert following.line() == "renamed   /b/ from a"
    sluice("rm", f"{server.url}/day/new.mov", check=0)
    assert following.line() == "removed   new.mov"
    sluice("rm", "-r", f"{server.url}/day", check=0)
    assert following.line() == "removed   ./"


def test_for_programs(serve, sluice, follow):
    server = serve()
    following = follow("-R", "--json", f"{server.url}/")
    put(server, "a/b")  # in the listing, or behind it
    told = []
    while not told or told[-1].get("kind") != "stored":
        told.append(json.loads(following.line()))
        if told[-1].get("path") == "a/b" and told[-1]["event"] == "entry":
            put(server, "a/c")
    sluice("mv", f"{server.url}/a/b", f"{server.url}/d", check=0)
    while told[-1].get("kind") != "renamed":
        told.append(json.loads(following.line()))
    assert told[-1] == {"event": "change", "kind": "renamed", "path": "d", "from": "a/b", "of": "file", "size_bytes": 7}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(serve, follow, number):
    server = serve()
    put(server, "a")
    following = follow(f"{server.url}/")
    following.line()
    following.process.send_signal(number)
    assert following.end()[0] == 9


def test_a_server_that_stops_is_told_of(serve, follow):
    server = serve()
    put(server, "a")
    following = follow(f"{server.url}/")
    following.line()
    assert server.stop() == 0
    code, said = following.end()
    assert code == 1
    assert "tells no more" in said


def test_a_server_that_dies_is_told_of(serve, follow):
    server = serve()
    put(server, "a")
    following = follow(f"{server.url}/")
    following.line()
    server.kill()
    assert following.end()[0] == 1


def test_what_is_not_there(serve, follow):
    assert follow(f"{serve().url}/none").end()[0] == 5


def test_nobody_there(serve, follow):
    server = serve()
    server.kill()
    assert follow(f"{server.url}/").end()[0] == 3


def test_a_reader_that_leaves_ends_it(serve, follow):
    server = serve()
    put(server, "a")
    following = follow(f"{server.url}/")
    following.line()
    following.process.stdout.close()
    put(server, "b")
    assert following.process.wait(DEADLINE_S) != 0
