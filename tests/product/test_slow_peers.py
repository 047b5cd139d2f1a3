"""Blocks that arrive in drops, from many at a time. The server has 24 buffers for content in all:
nobody may hold one while it waits for its peer."""

import pytest

from product.conftest import BLOCK, connect, content, make_file, sha256
from wire_format import block_body, frame, messages

CONNECTIONS = 60  # over twice the buffers
HEADS = 12 + 24  # of a frame and of a block


class Dripping:
    """An upload of one block, sent bit by bit."""

    def __init__(self, client, number, whole, size=BLOCK):
        self.client = client
        self.name = f"drip {number}"
        self.content = content(size, seed=number)
        self.whole = whole
        if whole:
            put = messages.Put(path=self.name, size_bytes=size, whole=True)
            self.request = client.begin("PUT", put)
        else:
            self.upload = client.open(self.name, size_bytes=size)
            self.request = self.upload.request
        self.left = memoryview(frame("BLOCK", self.request, block_body(0, self.content)))

    def send(self, count):
        self.client.send(self.left[:count])
        self.left = self.left[count:]

    def finish(self):
        self.send(len(self.left))
        if self.whole:
            self.client.end_whole(self.request, self.content)
        else:
            self.upload.finish()


@pytest.fixture
def dripping(opened):
    def start(server, whole, size=BLOCK):
        return [Dripping(opened(connect(server)), number, whole, size) for number in range(CONNECTIONS)]

    return start


def an_honest_client_gets_through(server, running, tmp_path, number):
    source = make_file(tmp_path / f"honest {number}", 20 * BLOCK + number, seed=number)
    put = running("put", source, server.url + "/")
    assert put.end() == 0, put.result
    get = running("get", f"{server.url}/honest%20{number}", "-o", tmp_path / f"back {number}")
    assert get.end() == 0, get.result
    assert sha256(server.root / source.name) == sha256(source) == sha256(tmp_path / f"back {number}")


@pytest.mark.parametrize("whole", [False, True], ids=["upload", "whole file"])
@pytest.mark.parametrize("first", [HEADS - 1, HEADS + 1, HEADS + BLOCK // 2, HEADS + BLOCK - 1])
def test_all_stand_in_the_middle_of_a_block(serve, running, dripping, tmp_path, whole, first):
    server = serve("--stall-timeout", "24h")
    drips = dripping(server, whole)
    for drip in drips:
        drip.send(first)
    an_honest_client_gets_through(server, running, tmp_path, 0)
    for drip in drips:
        drip.send(1000)
    an_honest_client_gets_through(server, running, tmp_path, 1)
    for drip in drips:
        drip.finish()
    for drip in drips:
        assert (server.root / drip.name).read_bytes() == drip.content


@pytest.mark.parametrize("whole", [False, True], ids=["upload", "whole file"])
@pytest.mark.parametrize("piece", [1, 7, 1447])
def test_tiny_pieces(serve, dripping, whole, piece):
    """Each piece a packet of its own, in turn."""
    server = serve("--stall-timeout", "24h")
    size = max(200, piece * 60)
    drips = dripping(server, whole, size)
    while any(drip.left for drip in drips):
        for drip in drips:
            drip.send(piece)
    for drip in drips:
        drip.finish()
        assert (server.root / drip.name).read_bytes() == drip.content


def test_a_damaged_block_in_pieces_is_refused(serve, opened):
    server = serve()
    client = opened(connect(server))
    data = content(BLOCK)
    upload = client.open("f", size_bytes=BLOCK)
    wrong = frame("BLOCK", upload.request, block_body(0, data, wrong_digest=bytes(16)))
    for at in range(0, len(wrong), 100_000):
        client.send(wrong[at : at + 100_000])
    upload.make_durable({0}, data)
    upload.finish()
    assert (server.root / "f").read_bytes() == data


def test_those_who_leave_in_the_middle_leave_nothing_behind(serve, running, dripping, tmp_path):
    server = serve()
    for round_number in range(3):
        drips = dripping(server, whole=False)
        for drip in drips:
            drip.send(HEADS + 300_000)
            drip.client.close()
        an_honest_client_gets_through(server, running, tmp_path, round_number)
    assert not [path for path in server.root.iterdir() if path.name.startswith("drip")]
