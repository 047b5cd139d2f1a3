"""Peers that break the protocol, or keep it by halves: each costs its own connection and no more."""

import contextlib
import os
import random
import socket
import struct

import pytest

from product.conftest import BLOCK, MEMORY_KIB, MIB, connect, log_of, make_file, raw, sha256, until
from wire_client import Ended, Failed
from wire_format import KINDS, block_body, client_preface, frame, messages

HELLO = frame("HELLO", 0, messages.Hello(agent="hostile"))


def reset(client):
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def greeted(server):
    client = raw(server)
    client.send(client_preface() + HELLO)
    client.read_server_preface()
    assert client.read_frame().name == "HELLO"
    return client


def address_of(client):
    return "%s:%d" % client._socket.getsockname()


@pytest.fixture
def honest(serve, running, between, tmp_path):
    """(server, finish): a put and a get that stand in their middle while the test plays; `finish`
    lets them go on, and sees them end well. The server must be alive and small."""

    def start(*options):
        server = serve(*options)
        source = make_file(tmp_path / "honest", 24 * MIB + 3)
        make_file(server.root / "offered", 24 * MIB + 3, seed=2)
        stands = set()

        def hold(passing):
            if passing.name == "BLOCK" and passing.block > 12:
                stands.add(passing.way)
                proxy.hold()

        proxy = between(server, hold)
        put = running("put", source, proxy.url + "/honest")
        get = running("get", proxy.url + "/offered", "-o", tmp_path / "offered")
        until(lambda: len(stands) == 2, "both in their middle")

        def finish():
            proxy.release()
            for transfer in (put, get):
                assert transfer.end() == 0, transfer.result
            assert sha256(server.root / "honest") == sha256(source)
            assert sha256(server.root / "offered") == sha256(tmp_path / "offered")
            assert server.process.poll() is None
            assert server.memory_kib("RssAnon") < MEMORY_KIB

        return server, finish

    return start


def expect_log(server, address):
    until(lambda: f"{address}: ended: " in log_of(server), f"a line about {address} in the log")


def expect_end(client):
    """Whatever it still says, the server closes."""
    with contextlib.suppress(Ended):
        client.read_to_end()


HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # an alert, RFC 8446, 6


@pytest.mark.parametrize(
    "said, answer",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506), HANDSHAKE_FAILURE),
        (b"\x16\x03\x01\x02\x00\x02\x00\x01\xfc", HANDSHAKE_FAILURE),
        (bytes(64), b""),
        (b"\xff" * 64, b""),
    ],
    ids=["tls", "tls garbage", "zeros", "ones"],
)  # fmt: skip
def test_garbage_for_a_preface(serve, sluice, said, answer):
    server = serve()
    with raw(server) as client:
        client.send(said)
        assert client.read_to_end() == answer
        expect_log(server, address_of(client))
    sluice("ls", server.url + "/", check=0)


def test_random_garbage(honest):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    server, finish = honest()
    for number in range(60):
        with greeted(server) if number % 2 else raw(server) as client:
            with contextlib.suppress(Ended):
                client.send(source.randbytes(source.randrange(1, 100_000)))
                client.shutdown()
                client.read_to_end()
    finish()


@pytest.mark.parametrize("kind", ["PUT", "BLOCK", "LIST", "HELLO", 200])
def test_a_frame_of_the_longest_length(honest, kind):
    server, finish = honest()
    with greeted(server) as client:
        client.send(struct.pack(">IBBHI", (1 << 32) - 1, KINDS.get(kind, kind), 0, 0, 1))
        told = client.read_frame()
        assert (told.name, told.request, told.message.code) == ("ERROR", 0, messages.PROTOCOL_VIOLATION)
        assert client.read_to_end() == b""
        address = address_of(client)
    expect_log(server, address)
    finish()


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1, (1 << 63) - 1])
def test_a_put_of_the_largest_sizes(honest, size):
    """An error for that request; the connection goes on."""
    server, finish = honest()
    with connect(server) as client:
        for whole in (False, True):
            with pytest.raises(Failed) as failed:
                client.ask("PUT", messages.Put(path="huge", size_bytes=size, whole=whole))
            assert failed.value.code in ("INVALID_ARGUMENT", "NO_SPACE"), failed.value
        client.put("small", b"1")
    assert not (server.root / "huge").exists()
    finish()


def test_ranges_beyond_all_ends(honest):
    server, finish = honest()
    with connect(server) as client:
        for offset, length in (((1 << 64) - 1, (1 << 64) - 1), (1 << 63, 1), (0, (1 << 64) - 1), (24 * MIB + 3, 1)):
            with pytest.raises(Failed, match="INVALID_ARGUMENT"):
                client.get_ranges("offered", [(offset, length)])
        for first, count in (((1 << 64) - 1, 1), (0, (1 << 64) - 1), (1 << 63, 1 << 63)):
            client.digests(path="offered", first_block=first, block_count=count)
    finish()


def test_never_speaks(honest):
    server, finish = honest("--handshake-timeout", "300ms")
    with raw(server) as silent, raw(server) as half, raw(server) as no_hello:
        half.send(client_preface()[:10])
        no_hello.send(client_preface())
        for client in (silent, half, no_hello):
            expect_end(client)
            expect_log(server, address_of(client))
    finish()


def test_progress_in_the_preface_is_no_way_around_the_deadline(serve):
    server = serve("--handshake-timeout", "500ms")
    with raw(server) as client:
        address = address_of(client)
        client.timeout = 0.1
        client.send(client_preface())
        client.read_server_preface()
        endless = frame("HELLO", 0, messages.Hello(agent="x" * 100_000))
        with pytest.raises(Ended):
            for byte in endless:
                client.send(bytes([byte]))
                with contextlib.suppress(TimeoutError):
                    client.read_exactly(1)
    expect_log(server, address)


@pytest.mark.parametrize("what", ["head", "control frame", "block", "whole block"])
def test_stalls_in_the_middle(honest, what):
    server, finish = honest("--stall-timeout", "400ms")
    with greeted(server) as client:
        if what == "head":
            client.send(frame("STAT", 1, messages.Stat(path="offered"))[:5])
        elif what == "control frame":
            client.send(frame("STAT", 1, messages.Stat(path="x" * 1000))[:500])
        else:
            put = messages.Put(path="stalled", size_bytes=BLOCK, whole=what == "whole block")
            client.send(frame("PUT", 1, put) + frame("BLOCK", 1, block_body(0, bytes(BLOCK)))[:300_000])
        expect_end(client)
        expect_log(server, address_of(client))
    assert not (server.root / "stalled").exists()
    finish()


def test_never_reads_what_it_asked_for(honest):
    """The server holds no more than the kernel's buffers and its own bound, and gives up."""
    server, finish = honest("--stall-timeout", "1s")
    with open(server.root / "large", "wb") as file:
        file.truncate(4 << 30)
    clients = [greeted(server) for _ in range(4)]
    for client in clients:
        for request in range(1, 40):
            client._socket.setblocking(True)
            client._socket.sendall(frame("GET", request, messages.Get(path="large")))
    for client in clients:
        expect_log(server, address_of(client))
        client.close()
    finish()


def test_never_reads_and_asks_on_and_on(honest):
    """A client that takes no replies is not read: what it asks waits in its own buffers."""
    server, finish = honest("--stall-timeout", "1s")
    for number in range(300):
        (server.root / f"{number} {'x' * 200}").touch()
    with greeted(server) as client:
        client._socket.setblocking(True)
        client._socket.settimeout(20)
        request = 0
        with contextlib.suppress(OSError):
            while request < 500_000:
                more = b"".join(frame("LIST", request + n, messages.List(path="")) for n in range(1, 501))
                client._socket.sendall(more)
                request += 500
        assert request < 500_000, "the server took all of it"
        expect_log(server, address_of(client))
    finish()


def test_says_nothing_for_long(serve, opened):
    """Who only pings is kept, who does nothing is not."""
    server = serve("--idle-timeout", "500ms")
    with connect(server) as silent, connect(server) as talking:
        silent.timeout = 0.05
        ended = False
        while not ended:
            talking.ping(b"here")
            try:
                silent.read_exactly(1)
            except TimeoutError:
                continue
            except Ended:
                ended = True
        talking.ping(b"still")


@pytest.mark.parametrize("when", ["in a head", "in a block", "with replies unread", "in an upload"])
def test_resets_in_the_middle(honest, when):
    server, finish = honest()
    for _ in range(20):
        client = greeted(server)
        if when == "in a head":
            client.send(frame("STAT", 1, messages.Stat(path=""))[:7])
        elif when == "with replies unread":
            client.send(frame("GET", 1, messages.Get(path="offered")))
            client.read_frame()
        else:
            client.send(frame("PUT", 1, messages.Put(path="reset", size_bytes=3 * MIB, resume=True)))
            block = frame("BLOCK", 1, block_body(0, bytes(BLOCK)))
            client.send(block[:400_000] if when == "in a block" else block)
        reset(client)
    finish()
    assert not (server.root / "reset").exists()


def test_too_many_requests(honest):
    server, finish = honest()
    with connect(server) as client:
        limit = client.hello.max_requests
        uploads = [client.open(f"upload {n}", size_bytes=1) for n in range(limit)]
        with pytest.raises(Failed, match="BUSY"):
            client.stat("")
        uploads[0].abort()
        client.stat("")
        for upload in uploads[1:]:
            upload.abort()
    finish()


def test_a_storm_of_connections(honest):
    """Connected and gone at once, again and again: no descriptor stays."""
    server, finish = honest()
    folder = f"/proc/{server.process.pid}/fd"
    before = len(os.listdir(folder))
    for number in range(600):
        client = raw(server)
        if number % 3 == 0:
            client.send(client_preface() + HELLO)
        reset(client) if number % 2 else client.close()
    until(lambda: len(os.listdir(folder)) <= before + 2, "the descriptors are closed")
    finish()


def test_paths_that_lead_elsewhere(honest, tmp_path):
    server, finish = honest()
    (tmp_path / "secret").write_bytes(b"secret")
    with connect(server) as client:
        for path in ("../secret", "a/../../secret", "..", ".", ".sluice", "/etc/passwd", str(tmp_path / "secret"),
                     "a//b", "a/./b", "x\0y", "x\ny", "\\..\\x", "a" * 256, "/".join(["a"] * 65), "x\u202ey"):  # fmt: skip
            for ask in (client.stat, client.list, client.get, client.make_folder, client.remove,
                        lambda p: client.put(p, b"1"), lambda p: client.put_whole(p, b"1"),
                        lambda p: client.rename("offered", p), lambda p: client.rename(p, "elsewhere")):  # fmt: skip
                with pytest.raises(Failed):
                    ask(path)
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert sorted(path.name for path in server.root.iterdir()) == [".sluice", "offered"]
    finish()


def test_a_bad_time_is_a_usage_error(sluice, tmp_path):
    for flag in ("--handshake-timeout", "--idle-timeout", "--stall-timeout", "--drain-timeout"):
        for value in ("0s", "10", "ten", "-1s", "25h", "1.5s"):
            done = sluice("serve", tmp_path, "--listen", "127.0.0.1:0", flag, value)
            assert done.returncode == 2 and value in done.err
