"""The power goes right after a download said that it is done: it is all there when it comes back."""

import shutil
import socket
import struct
import threading
import time

import pytest

from client.conftest import content
from product.conftest import MIB, make_file
from prove.ledger import stored_in
from prove.plan import amount, choices, report
from prove.volume import Volume, require

ROUNDS = amount("POWER_LOSSES_OF_CLIENTS", 3)


@pytest.fixture(params=["ext4", "xfs"])
def volume(request, tmp_path):
    require(request.param)
    made = Volume(request.param, tmp_path)
    yield made
    made.remove()


@pytest.fixture
def shelf(serve):
    """A server with a file of several blocks, a small one, and a tree."""
    server = serve()
    make_file(server.root / "large", 5 * MIB + 3)
    (server.root / "small").write_bytes(content(1_000))
    for number in range(40):
        path = server.root / "tree" / str(number % 5) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(number * 997, seed=number))
    make_file(server.root / "tree" / "large", 2 * MIB)
    return server


def lose_power(volume):
    volume.lose_power()
    volume.unmount()
    volume.mount()


def clear(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_get(volume, shelf, sluice):
    wanted = stored_in(shelf.root)
    begun = time.monotonic()
    for number in range(ROUNDS):
        what = ("large", "small", "tree")[number % 3]
        sluice("get", f"{shelf.url}/{what}", "-o", f"{volume.root}/", check=0)
        lose_power(volume)
        expected = {path: told for path, told in wanted.items() if path.partition("/")[0] == what}
        assert stored_in(volume.root) == expected, what
        clear(volume.root)
    report(f"{ROUNDS} power losses right after `sluice get`: 0 files lost; {time.monotonic() - begun:.0f} s")


def send_plain(listener, data):
    """The other side of `recv --plain`."""
    peer, _ = listener.accept()
    with peer:
        peer.sendall(struct.pack("i", len(data)) + data)


def test_receive_plain(volume, sluice):
    for number in range(ROUNDS):
        data = choices("plain", number).randbytes(300_000)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sender = threading.Thread(target=send_plain, args=(listener, data))
            sender.start()
            sluice("recv", "--plain", f"127.0.0.1:{listener.getsockname()[1]}", "-o", volume.root / "f", check=0)
            sender.join()
        lose_power(volume)
        assert (volume.root / "f").read_bytes() == data
        clear(volume.root)
