"""Memory follows what is being moved at a time, not what is moved in all, nor who is connected."""

import os

import pytest

from product.conftest import BLOCK, GIB, MIB, Memory, connect, make_file, raw, sha256
from wire_format import block_body, frame

SIZES = [
    pytest.param(256 * MIB, id="256MiB"),
    pytest.param(int(GIB * 1024) * MIB, id="large", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("streams", [0, 16])
def test_of_a_large_file(serve, running, tmp_path, size, streams):
    server = serve()
    source = make_file(tmp_path / "f", size)
    for command in (["put", source, server.url + "/f"], ["get", server.url + "/f", "-o", tmp_path / "g"]):
        transfer = running(*command, "-j", streams)
        memory = Memory(server=server.process.pid, client=transfer.process.pid)
        assert transfer.end() == 0, transfer.result
        memory.check()
    assert sha256(tmp_path / "g") == sha256(source)


@pytest.mark.parametrize(
    "files, bytes_each",
    [
        pytest.param(2_000, 4_096, id="2000"),
        pytest.param(10_000, 16_384, id="10000", marks=pytest.mark.slow),
    ],
)
def test_of_a_tree(serve, running, tmp_path, files, bytes_each):
    server = serve()
    tree = tmp_path / "tree"
    for number in range(files):
        folder = tree / str(number % 20)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.bin").write_bytes(number.to_bytes(4, "big") * (bytes_each // 4))
    for command in (["put", tree, server.url + "/"], ["get", server.url + "/tree", "-o", f"{tmp_path}/back/"],
                    ["verify", server.url + "/tree", tree], ["put", tree, server.url + "/"]):  # fmt: skip
        transfer = running(*command)
        memory = Memory(server=server.process.pid, client=transfer.process.pid)
        assert transfer.end() == 0, transfer.result
        memory.check()
    for number in range(0, files, 7):
        name = f"{number % 20}/{number}.bin"
        assert (tmp_path / "back" / "tree" / name).read_bytes() == (tree / name).read_bytes()


@pytest.fixture
def troublesome(opened):
    """50 clients that say nothing, and 10 that stop in the middle of a block."""

    def arrive(server):
        for number in range(50):
            opened(raw(server) if number % 2 else connect(server))
        for number in range(10):
            client = opened(connect(server))
            upload = client.open(f"never {number}", size_bytes=3 * MIB)
            whole = frame("BLOCK", upload.request, block_body(0, bytes(BLOCK)))
            client.send(whole[: 12 + 24 + 65_536 * number + 1])

    return arrive


def many_clients(serve, running, troublesome, tmp_path, clients, size):
    server = serve()
    troublesome(server)
    memory = Memory(server=server.process.pid)
    sources = [make_file(tmp_path / f"{number}.mov", size + number, seed=number) for number in range(clients)]
    wanted = [sha256(source) for source in sources]
    for command in (
        lambda source: ["put", source, server.url + "/"],
        lambda source: ["get", f"{server.url}/{source.name}", "-o", f"{source}.back"],
    ):
        for transfer in [running(*command(source)) for source in sources]:
            assert transfer.end() == 0, transfer.result
    assert [sha256(server.root / source.name) for source in sources] == wanted
    assert [sha256(f"{source}.back") for source in sources] == wanted
    memory.check()
    assert not [name for name in os.listdir(server.root) if name.startswith("never")]


def test_of_many_clients(serve, running, troublesome, tmp_path):
    many_clients(serve, running, troublesome, tmp_path, clients=30, size=3 * MIB)


@pytest.mark.slow
def test_of_200_clients(serve, running, troublesome, tmp_path):
    many_clients(serve, running, troublesome, tmp_path, clients=200, size=4 * MIB)


def test_of_1000_silent_clients(serve, opened):
    server = serve()
    memory = Memory(server=server.process.pid)
    clients = [opened(connect(server)) for _ in range(1000)]
    for client in clients:
        assert client.ping(b"1") == b"1"
    memory.check()


def test_of_what_is_announced(serve, opened):
    """Sizes and lengths that are only announced cost nothing."""
    server = serve()
    opened(connect(server)).ping()
    before = server.memory_kib("RssAnon")
    for number in range(100):
        client = opened(connect(server))
        client.open(f"{number}", size_bytes=8 << 20)
        client.send(frame("BLOCK", 1, block_body(0, bytes(BLOCK)))[:40])  # the rest never comes
    opened(connect(server)).ping()
    assert server.memory_kib("RssAnon") - before < 16 * 1024
