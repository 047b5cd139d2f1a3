"""SIGTERM: what runs may end or is made safe, nobody new comes in, and the exit code is 0."""

import signal
import threading

import pytest

from conftest import DEADLINE_S
from product.conftest import BLOCK, MIB, connect, log_of, make_file, sha256, until
from product.proxy import DOWN, UP
from wire_client import Ended, Failed
from wire_format import messages

SIZE = 32 * MIB + 5
PASSED = 16


class Held:
    """Filter of a proxy that stops the content of one way in its middle: behind the first PASSED blocks,
    whichever come first."""

    def __init__(self, way):
        self.way = way
        self.stands = False
        self.proxy = None
        self._left = PASSED
        self._lock = threading.Lock()

    def __call__(self, passing):
        if passing.name != "BLOCK" or passing.way != self.way:
            return
        with self._lock:
            self._left -= 1
            stands = self._left < 0
        if stands:
            self.stands = True
            self.proxy.hold()


def bytes_of(blocks):
    return sum(min(BLOCK, SIZE - number * BLOCK) for number in blocks)


@pytest.fixture
def held(between):
    def start(server, way):
        watch = Held(way)
        watch.proxy = between(server, watch)
        return watch

    return start


def told_to_stop(server):
    server.process.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in log_of(server), "the server knows")


def nobody_comes_in(server):
    def refused():
        try:
            with connect(server, timeout=5) as late:
                late.ping()
            return False
        except (OSError, Ended, Failed):  # refused by the system, as by a server that is gone
            return True

    until(refused, "no new connection is taken")


def exit_code(server):
    return server.process.wait(DEADLINE_S)


def test_without_clients(serve):
    server = serve()
    server.process.send_signal(signal.SIGTERM)
    assert exit_code(server) == 0


def test_idle_clients_are_closed(serve, opened):
    server = serve("--drain-timeout", "24h")
    clients = [opened(connect(server)) for _ in range(5)]
    for client in clients:
        client.ping()
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        assert client.read_to_end() == b""
    assert exit_code(server) == 0


@pytest.mark.parametrize("interrupt", [signal.SIGTERM, signal.SIGINT])
def test_a_put_in_progress_ends_well(serve, running, held, tmp_path, interrupt):
    server = serve("--drain-timeout", "24h")
    source = make_file(tmp_path / "f", SIZE)
    watch = held(server, UP)
    put = running("put", source, watch.proxy.url + "/f")
    until(lambda: watch.stands, "the middle of the put")
    server.process.send_signal(interrupt)
    nobody_comes_in(server)
    watch.proxy.release()
    assert put.end() == 0, put.result
    assert sha256(server.root / "f") == sha256(source)
    assert exit_code(server) == 0


def test_a_get_in_progress_ends_well(serve, running, held, tmp_path):
    """One GET that is on its way is brought to its end; the next one is not begun."""
    server = serve("--drain-timeout", "24h")
    source = make_file(server.root / "f", SIZE)
    with connect(server) as client:
        request = client.begin("GET", messages.Get(path="f"))
        assert client.next_reply(request).name == "CONTENT"
        told_to_stop(server)
        with pytest.raises(Failed, match="SHUTTING_DOWN") as refused:
            client.stat("f")
        assert refused.value.error.retry == messages.LATER
        got = b""
        while (reply := client.next_reply(request)).name == "BLOCK":
            got += reply.block[2]
        assert reply.name == "CONTENT_END" and got == source.read_bytes()
        assert client.read_to_end() == b""
    assert exit_code(server) == 0


def test_a_put_that_takes_too_long_is_durable(serve, running, held, tmp_path):
    """At the end of the patience the client is let go, and what arrived is kept."""
    server = serve("--drain-timeout", "300ms")
    source = make_file(tmp_path / "f", SIZE)
    watch = held(server, UP)
    put = running("put", source, watch.proxy.url + "/f")
    until(lambda: watch.stands, "the middle of the put")
    until(lambda: len(watch.proxy.durable) == PASSED, "what passed is durable")
    server.process.send_signal(signal.SIGTERM)
    assert exit_code(server) == 0
    watch.proxy.close()
    assert put.end() in (1, 3, 9)
    assert put.result["event"] == "error" and put.result.get("advice")
    assert not (server.root / "f").exists()
    server.restart()
    again = running("put", source, server.url + "/f")
    assert again.end() == 0, again.result
    assert again.result["bytes_moved"] == SIZE - bytes_of(watch.proxy.durable)
    assert sha256(server.root / "f") == sha256(source)


def test_a_client_finds_the_server_that_was_started_again(serve, running, held, tmp_path):
    """An upgrade in the middle of a put: stopped, started, and the same client goes on."""
    server = serve("--drain-timeout", "50ms")
    source = make_file(tmp_path / "f", SIZE)
    watch = held(server, UP)
    put = running("put", source, watch.proxy.url + "/f")
    until(lambda: watch.stands, "the middle of the put")
    assert server.stop() == 0
    server.restart()
    watch.proxy.release()
    assert put.end() == 0, put.result
    assert sha256(server.root / "f") == sha256(source)


@pytest.mark.parametrize("way", [UP, DOWN])
def test_a_second_signal_ends_it_at_once(serve, running, held, tmp_path, way):
    """With a patience of a day and a transfer that stands, nothing else could end it."""
    server = serve("--drain-timeout", "24h", "--stall-timeout", "24h")
    there = make_file(server.root / "g", SIZE)
    watch = held(server, way)
    command = {UP: ["put", there, watch.proxy.url + "/f"], DOWN: ["get", watch.proxy.url + "/g", "-o", tmp_path / "g"]}
    running(*command[way])
    until(lambda: watch.stands, "the middle of the transfer")
    told_to_stop(server)
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    assert exit_code(server) not in (0, -signal.SIGKILL)
    server.restart()
    assert not (server.root / "f").exists()


def test_blocks_that_were_told_durable_are_there_after_it(serve, opened):
    server = serve("--drain-timeout", "200ms")
    client = opened(connect(server))
    upload = client.open("f", size_bytes=3 * BLOCK, resume=True)
    upload.send_block(0, b"a" * BLOCK)
    upload.send_block(2, b"c" * BLOCK)
    upload.checkpoint()
    while not upload.durable >= {0, 2}:
        upload.take_reply()
    server.process.send_signal(signal.SIGTERM)
    assert exit_code(server) == 0
    server.restart()
    with connect(server) as again:
        found = again.open("f", size_bytes=3 * BLOCK, resume=True)
        assert (found.upload_id, found.held_blocks) == (upload.upload_id, 2)
        found.send_block(1, b"b" * BLOCK)
        found.finish()
    assert (server.root / "f").read_bytes() == b"a" * BLOCK + b"b" * BLOCK + b"c" * BLOCK
