"""/health and /metrics, on an address of their own."""

import json
import re

import pytest

from conftest import read_line
from http_client import Line


@pytest.fixture
def admin(serve):
    server = serve("--admin-listen", "127.0.0.1:0")
    (server.root / "ok.txt").write_bytes(b"here\n")
    told = read_line(server.process.stdout)
    found = re.search(r"http://([0-9.]+):([0-9]+)/", told)
    with Line(found[1], int(found[2])) as line:
        yield server, line


def metrics(line):
    answer = line.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    values = {}
    for row in answer.body.decode().splitlines():
        if not row.startswith("#"):
            name, _, value = row.rpartition(" ")
            values[name] = float(value)
    return values


def test_health(admin):
    _, line = admin
    answer = line.ask("GET", "/health")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


def test_metrics_count_what_happens(admin):
    server, line = admin
    before = metrics(line)
    assert before["sluice_http_connections"] == 0
    with Line(server.host, server.port) as client:
        for target in ["/files/ok.txt", "/files/ok.txt", "/files/none"]:
            client.ask("GET", target)
        during = metrics(line)
        assert during["sluice_http_connections"] == 1
        client.send(b"nonsense\r\n\r\n")
        client.to_end()
    after = metrics(line)
    assert after['sluice_http_responses_total{code="200"}'] == 2
    assert after['sluice_http_responses_total{code="404"}'] == 1
    assert after['sluice_http_responses_total{code="400"}'] == 1
    assert after["sluice_volume_bytes"] > 0


def test_clients_see_neither(admin):
    server, line = admin
    with Line(server.host, server.port) as client:
        assert client.ask("GET", "/health").status == 404
        assert client.ask("GET", "/metrics").status == 404
    assert line.ask("GET", "/files/ok.txt").status == 404


def test_without_the_flag_there_is_none(served, line):
    assert line.ask("GET", "/metrics").status == 404
