"""A connection over its life: RFC 9112, 9; deadlines and limits."""

import json
import signal

import pytest

from client.conftest import content
from conftest import DEADLINE_S
from http_client import Line
from product.conftest import log_of, until

GET = b"GET /files/ok.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def http(serve):
    """A server of its own: `server, connect = http("--idle-timeout", "300ms")`."""
    opened = []

    def start(*options):
        server = serve(*options)
        (server.root / "ok.txt").write_bytes(b"here\n")
        (server.root / "big.bin").write_bytes(content(1 << 20) * 64)

        def connect(**how):
            opened.append(Line(server.host, server.port, **how))
            return opened[-1]

        return server, connect

    yield start
    for line in opened:
        line.socket.close()


def test_many_requests_on_one_connection(line):
    for _ in range(50):
        assert line.ask("GET", "/files/ok.txt").body == b"here\n"


def test_pipelined_requests_are_answered_in_order(line):
    line.send(GET * 30 + GET.replace(b"ok.txt", b"none") + GET)
    assert [line.answer().status for _ in range(32)] == [200] * 30 + [404, 200]


def test_requests_that_come_byte_by_byte(line):
    for byte in GET + b"\r\n" + GET:
        line.send(bytes([byte]))
    assert line.answer().status == line.answer().status == 200


@pytest.mark.parametrize("option", ["close", "Close", "x, close", "close, keep-alive"])
def test_the_client_may_close(line, option):
    answer = line.ask("GET", "/files/ok.txt", f"Connection: {option}")
    assert answer["Connection"] == "close"
    assert line.to_end() == b""


def test_http_1_0_closes(line):
    line.send(b"GET /files/ok.txt HTTP/1.0\r\n\r\n")
    answer = line.answer()
    assert (answer.body, answer["Connection"], line.to_end()) == (b"here\n", "close", b"")


def test_http_1_0_may_keep_alive(line):
    for _ in range(2):
        line.send(b"GET /files/ok.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert line.answer()["Connection"] == "keep-alive"


def test_a_later_minor_version_is_the_one_of_here(line):
    line.send(GET.replace(b"1.1", b"1.9"))
    assert line.answer().status == 200


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.0"])
def test_other_versions_are_refused(line, version):
    line.send(GET.replace(b"HTTP/1.1", version) + GET)
    assert line.answer().status == 505
    assert line.to_end() == b""


def test_the_preface_of_http_2(line):
    line.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    assert line.answer().status == 505
    assert line.to_end() == b""


def test_a_method_that_nobody_knows(line):
    line.send(b"BREW /files/ok.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert line.answer().status == 501


def test_the_absolute_form_is_taken(line):
    line.send(b"GET http://localhost/files/ok.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert line.answer().body == b"here\n"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8080", "10.1.2.3", "127.0.0.1:"])
def test_hosts_that_are_taken(line, host):
    assert line.ask("GET", "/files/ok.txt", host=host).status == 200


def test_names_that_the_operator_gave(http):
    _, connect = http("--host", "Films.example")
    assert connect().ask("GET", "/files/ok.txt", host="films.example:8080").status == 200
    assert connect().ask("GET", "/files/ok.txt", host="other.example").status == 421


def test_a_body_that_nobody_wants_is_read_away(line):
    for size in (0, 10, 200_000):
        assert line.ask("GET", "/files/ok.txt", body=bytes(size)).body == b"here\n"
    assert line.ask("PUT", "/files/ok.txt", body=bytes(1000)).status == 409
    assert line.ask("GET", "/files/ok.txt").status == 200


def test_a_large_one_closes_the_connection(line):
    line.send(b"PUT /files/ok.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + GET * 10)
    answer = line.answer("PUT")
    assert (answer.status, answer["Connection"], line.to_end()) == (409, "close", b"")


def test_the_most_fields_and_the_largest_head(line):
    assert line.ask("GET", "/files/ok.txt", *["X: a"] * 99).status == 200
    filler = 32 * 1024 - len("GET /files/ok.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \r\n\r\n")
    assert line.ask("GET", "/files/ok.txt", "X: " + "a" * filler).status == 200
    assert line.ask("GET", "/files/ok.txt", "X: " + "a" * (filler + 1)).status == 431


def test_the_most_requests_of_one_connection(line):
    for _ in range(99):
        line.send(GET.replace(b"GET", b"HEAD") * 100)
        assert all(line.answer("HEAD").status == 200 for _ in range(100))
    line.send(GET.replace(b"GET", b"HEAD") * 101)
    answers = [line.answer("HEAD") for _ in range(100)]
    assert ["Connection" in answer for answer in answers] == [False] * 99 + [True]
    assert line.to_end() == b""


def test_one_connection_too_many(http):
    _, connect = http("--max-connections", "2")
    first, second = connect(), connect()
    assert [each.ask("GET", "/files/ok.txt").status for each in (first, second)] == [200, 200]

    def one_more():
        with connect() as third:
            return third.ask("GET", "/files/ok.txt")

    answer = one_more()
    assert (answer.status, answer["Retry-After"], answer["Connection"]) == (503, "1", "close")
    assert first.ask("GET", "/files/ok.txt").status == 200
    second.socket.close()
    until(lambda: one_more().status == 200, "there is room again")


def test_who_says_nothing_is_closed(http):
    _, connect = http("--handshake-timeout", "300ms")
    assert connect().to_end() == b""


def test_a_head_that_does_not_end(http):
    _, connect = http("--handshake-timeout", "300ms")
    line = connect()
    line.send(b"GET /files/ok.txt HTTP/1.1\r\nHost: local")
    assert line.answer().status == 408
    assert line.to_end() == b""


def test_a_head_is_timed_as_a_whole(http):
    """Bytes that keep coming do not help."""
    _, connect = http("--handshake-timeout", "500ms")
    line = connect()
    line.socket.setblocking(True)
    line.send(b"GET /files/ok.txt HTTP/1.1\r\n")
    line.socket.settimeout(0.02)
    for _ in range(3000):
        try:
            line.send(b"X: a\r\n")
            line.more()
        except TimeoutError:
            continue
        except OSError:
            break
        break
    assert line.unread.startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed(http):
    _, connect = http("--idle-timeout", "300ms")
    line = connect()
    assert line.ask("GET", "/files/ok.txt").status == 200
    assert line.to_end() == b""


def test_a_body_that_stops(http):
    server, connect = http("--stall-timeout", "400ms")
    for size in (5, 5_000_000):
        line = connect()
        line.send(b"PUT /files/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\nab" % size)
        assert line.answer("PUT").status == 408
        assert line.to_end() == b""
    assert not (server.root / "new").exists()


def test_a_client_that_does_not_take_its_response(http):
    server, connect = http("--stall-timeout", "400ms")
    line = connect(receive_buffer=4096)
    line.send(GET.replace(b"ok.txt", b"big.bin"))
    until(lambda: "wait for the client to take the response" in log_of(server), "it is given up")
    assert len(line.to_end()) < 64 << 20


def test_a_client_that_leaves_in_the_middle(http):
    server, connect = http()
    for _ in range(5):
        line = connect()
        line.send(GET.replace(b"ok.txt", b"big.bin"))
        line.take(1000)
        line.socket.close()
    assert connect().ask("GET", "/files/ok.txt").status == 200


def test_idle_connections_end_when_the_server_stops(http):
    server, connect = http("--drain-timeout", "24h")
    lines = [connect() for _ in range(5)]
    for line in lines[:4]:
        assert line.ask("GET", "/files/ok.txt").status == 200
    server.process.send_signal(signal.SIGTERM)
    assert [line.to_end() for line in lines] == [b""] * 5
    assert server.process.wait(DEADLINE_S) == 0


def test_a_response_on_its_way_ends_well_when_the_server_stops(http):
    server, connect = http("--drain-timeout", "24h")
    line = connect()
    line.send(GET.replace(b"ok.txt", b"big.bin"))
    head = line.take_until(b"\r\n\r\n")
    server.process.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in log_of(server), "the server knows")
    assert b"Content-Length: 67108864" in head
    assert len(line.take(64 << 20)) == 64 << 20
    assert server.process.wait(DEADLINE_S) == 0


def test_a_put_on_its_way_ends_well_when_the_server_stops(http):
    server, connect = http("--drain-timeout", "24h")
    line = connect()
    body = content(3_000_000)
    line.send(b"PUT /files/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n" + body[:1_000_000])
    server.process.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in log_of(server), "the server knows")
    line.send(body[1_000_000:])
    answer = line.answer("PUT")
    assert (answer.status, answer["Connection"]) == (201, "close")
    assert server.process.wait(DEADLINE_S) == 0
    assert (server.root / "new").read_bytes() == body


def test_memory_of_many_idle_connections(http):
    server, connect = http("--max-connections", "4000", "--idle-timeout", "1h", "--threads", "1")
    connect().ask("GET", "/files/ok.txt")
    before = server.memory_kib("RssAnon")
    lines = [connect() for _ in range(400)]
    for line in lines:
        assert line.ask("GET", "/files/ok.txt").status == 200
    each = (server.memory_kib("RssAnon") - before) / len(lines)
    print(f"an idle connection: {each:.1f} KiB")
    assert each < 16


def test_json_of_a_problem(line):
    told = json.loads(line.ask("GET", "/files/none").body)
    assert told["status"] == 404
    assert told["title"] == "Not Found"
    assert "none" in told["detail"]


def test_both_protocols_on_one_port(served, sluice, line):
    assert line.ask("PUT", "/files/by-http", body=b"x").status == 201
    assert "by-http" in sluice("ls", served.url + "/", check=0).out
    with Line(served.host, served.port) as other:
        other.send(b"\x00")  # neither
        assert other.to_end() == b""
