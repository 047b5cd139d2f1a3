"""/health and /metrics, on an address of their own."""

import json

import pytest

from http_client import Line


@pytest.fixture
def admin(serve_watched):
    return serve_watched()


def test_health(admin):
    _, line = admin
    answer = line.ask("GET", "/health")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


def test_metrics_count_what_happens(admin):
    server, line = admin
    before = line.metrics()
    assert before["sluice_http_connections"] == 0
    with Line(server.host, server.port) as client:
        for target in ["/files/ok.txt", "/files/ok.txt", "/files/none"]:
            client.ask("GET", target)
        during = line.metrics()
        assert during["sluice_http_connections"] == 1
        client.send(b"nonsense\r\n\r\n")
        client.to_end()
    after = line.metrics()
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
