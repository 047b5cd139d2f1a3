"""Thousands of slow connections at the same time: what they cost, that they end, and that others do not notice.

How many: SLUICE_SLOW_CONNECTIONS (10000), or as many as there may be open files.
"""

import os
import resource
import time

import pytest

from client.conftest import content
from conftest import DEADLINE_S
from http_client import Line
from product.conftest import until
from slow_crowd import KINDS, Crowd

FILES_MAX = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
# The server, which inherits the limit, has a file open for every other connection at most.
COUNT = min(int(os.environ.get("SLUICE_SLOW_CONNECTIONS", "10000")), (FILES_MAX - 1000) * 2 // 3)
LIMIT_KIB = 16  # of anonymous memory, each
PAUSE_S = 0.2
MIB = 1 << 20


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def crowded(serve):
    """`server, crowd = crowded(options, kinds)`: both, and a big file and one of 1 MiB."""
    crowds = []

    def start(options, kinds):
        server = serve("--max-connections", str(COUNT + 100), *options)
        (server.root / "big.bin").write_bytes(content(MIB) * 64)
        (server.root / "honest.bin").write_bytes(content(MIB))
        before = sockets(server)
        ask(server)  # so that what a server needs once is not counted
        until(lambda: sockets(server) == before, "the server closed the connection of that")
        memory_kib = server.memory_kib("RssAnon")
        crowds.append(Crowd(server.host, server.port, COUNT, "/files/big.bin", kinds))
        return server, crowds[0], memory_kib, before

    yield start
    for crowd in crowds:
        crowd.__exit__()


def ask(server):
    """An honest client's request."""
    with Line(server.host, server.port) as line:
        assert line.ask("GET", "/files/honest.bin").body == content(MIB)


def sockets(server):
    """How many the server has open."""
    folder = f"/proc/{server.process.pid}/fd"
    count = 0
    for name in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def test_memory_and_an_honest_client(crowded):
    """With deadlines that do not end, all are there at the same time."""
    never = ("--handshake-timeout", "24h", "--stall-timeout", "24h", "--idle-timeout", "24h")
    server, crowd, memory_kib, before = crowded(never, KINDS)
    until(lambda: sockets(server) >= before + COUNT, "the server took all connections")
    for _ in range(3):
        crowd.step(PAUSE_S)
        ask(server)
    assert len(crowd) == COUNT, f"some were ended: {crowd.ended}"
    each = (server.memory_kib("RssAnon") - memory_kib) / COUNT
    print(f"a slow connection: {each:.1f} KiB of anonymous memory")
    assert each <= LIMIT_KIB


def test_all_end_at_their_deadlines(crowded):
    """However busily a connection gives or takes too little, it is gone after its deadline."""
    short = ("--handshake-timeout", "2s", "--stall-timeout", "2s", "--idle-timeout", "2s")
    server, crowd, _, before = crowded(short, KINDS)
    end = time.monotonic() + DEADLINE_S
    # The end of a reader that takes no more does not reach it: the server's side tells.
    while sockets(server) > before or any(crowd.count(kind) for kind in KINDS if kind != "reader"):
        assert time.monotonic() < end, f"{sockets(server) - before} still open; ended: {crowd.ended}"
        crowd.step(PAUSE_S)
        ask(server)
    assert crowd.opened == COUNT
    assert not list((server.root / ".sluice" / "partials").iterdir()), "nothing of their bodies stays"
