"""Connections on which nobody speaks for a while give up their memory, and nothing else."""

import contextlib
import signal

import pytest

from conftest import DEADLINE_S
from http_client import Line
from product.conftest import until

PARKED = "sluice_http_connections_parked"
OPEN = "sluice_http_connections"


@pytest.fixture
def crowd(serve_watched):
    """Many connections of which most are parked: `server, admin, lines = crowd(*options)`."""
    with contextlib.ExitStack() as opened:

        def start(*options):
            server, admin = serve_watched("--threads", "1", *options)
            lines = [opened.enter_context(Line(server.host, server.port)) for _ in range(600)]
            ask_all(lines)

            def most_are_parked():
                ask_all(lines[:50])  # who comes makes others go
                return admin.metrics()[PARKED] >= 400

            until(most_are_parked, "most are parked")
            return server, admin, lines

        yield start


def ask_all(lines):
    for line in lines:
        line.send(b"GET /files/ok.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for line in lines:
        assert line.answer().body == b"here\n"


def test_they_go_on_where_they_were(crowd):
    _, admin, lines = crowd("--idle-timeout", "1h")
    for _ in range(3):
        ask_all(lines)
    told = admin.metrics()
    assert (told[OPEN], told["sluice_http_connections_total"]) == (600, 600)
    assert told['sluice_http_responses_total{code="200"}'] >= 2400


def test_those_whose_clients_leave_are_gone(crowd):
    _, admin, lines = crowd("--idle-timeout", "1h")
    for line in lines[100:]:
        line.socket.close()
    until(lambda: admin.metrics()[OPEN] == 100, "they are gone")
    ask_all(lines[:100])


def test_they_count_as_connections(crowd):
    server, _, lines = crowd("--idle-timeout", "1h", "--max-connections", "600")

    def one_more():
        with Line(server.host, server.port) as line:
            return line.ask("GET", "/files/ok.txt").status

    assert one_more() == 503
    lines[300].socket.close()
    until(lambda: one_more() == 200, "there is room again")


def test_they_may_be_idle_for_so_long(crowd):
    _, _, lines = crowd("--idle-timeout", "4s")
    for line in lines:
        assert line.to_end() == b""


def test_they_end_when_the_server_stops(crowd):
    server, _, lines = crowd("--idle-timeout", "1h", "--drain-timeout", "24h")
    server.process.send_signal(signal.SIGTERM)
    for line in lines:
        assert line.to_end() == b""
    assert server.process.wait(DEADLINE_S) == 0
