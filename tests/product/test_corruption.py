"""Bits that flip on the way: noticed, sent again, and given up on after the third time."""

import subprocess
import threading

import pytest

from conftest import SLUICE
from product.conftest import BLOCK, MIB, content, make_file, sha256
from product.proxy import DOWN, UP

SIZE = 12 * MIB + 77
TRIES = 3


class Flips:
    """Filter of a proxy: damages a block of one way the first `times` that it passes."""

    def __init__(self, way, block, times):
        self.way = way
        self.block = block
        self.left = times
        self.passed = 0
        self._lock = threading.Lock()

    def __call__(self, passing):
        if passing.name != "BLOCK" or passing.way != self.way or passing.block != self.block:
            return
        with self._lock:
            self.passed += 1
            self.left -= 1
            if self.left >= 0:
                passing.flip(at=self.passed * 4711)


def get_to_output(url):
    return subprocess.run([SLUICE, "get", "-q", url, "-o", "-"], capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize("block", [0, 5, SIZE // BLOCK])
@pytest.mark.parametrize("times", [1, TRIES - 1])
def test_put_sends_it_again(serve, running, between, tmp_path, block, times):
    server = serve()
    source = make_file(tmp_path / "f", SIZE)
    flips = Flips(UP, block, times)
    put = running("put", source, between(server, flips).url + "/f")
    assert put.end() == 0, put.result
    assert sha256(server.root / "f") == sha256(source)
    assert (put.result["blocks_repeated"], flips.passed) == (times, times + 1)
    size = min(BLOCK, SIZE - block * BLOCK)
    assert put.result["bytes_moved"] == SIZE + times * size


def test_put_gives_up_after_three(serve, running, between, tmp_path):
    server = serve()
    source = make_file(tmp_path / "f", SIZE)
    flips = Flips(UP, 5, times=1000)
    put = running("put", source, between(server, flips).url + "/f")
    assert put.end() == 7
    assert put.result["exit_code"] == 7 and "block 5" in put.result["message"]
    assert flips.passed == TRIES
    assert not (server.root / "f").exists()
    again = running("put", source, server.url + "/f")  # a better line
    assert again.end() == 0, again.result
    assert sha256(server.root / "f") == sha256(source)


@pytest.mark.parametrize("block", [0, 5, SIZE // BLOCK])
@pytest.mark.parametrize("times", [1, TRIES - 1])
def test_get_asks_again(serve, running, between, tmp_path, block, times):
    server = serve()
    source = make_file(server.root / "f", SIZE)
    flips = Flips(DOWN, block, times)
    get = running("get", between(server, flips).url + "/f", "-o", tmp_path / "f")
    assert get.end() == 0, get.result
    assert sha256(tmp_path / "f") == sha256(source)
    assert (get.result["blocks_repeated"], flips.passed) == (times, times + 1)


def test_get_gives_up_after_three(serve, running, between, tmp_path):
    server = serve()
    source = make_file(server.root / "f", SIZE)
    flips = Flips(DOWN, 5, times=1000)
    get = running("get", between(server, flips).url + "/f", "-o", tmp_path / "f")
    assert get.end() == 7
    assert get.result["exit_code"] == 7 and "block 5" in get.result["message"]
    assert flips.passed == TRIES
    assert not (tmp_path / "f").exists()
    again = running("get", server.url + "/f", "-o", tmp_path / "f")
    assert again.end() == 0, again.result
    assert sha256(tmp_path / "f") == sha256(source)


@pytest.mark.parametrize("way", [UP, DOWN])
@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("size", [1, 100, 200_000, BLOCK])
def test_small_files(serve, running, between, tmp_path, way, times, size):
    """A tree of them, in which one is hit."""
    server = serve()
    tree, there = tmp_path / "tree", server.root / "tree"
    source, target = (tree, there) if way == UP else (there, tree)
    source.mkdir(parents=True)
    for number in range(8):
        (source / f"{number}").write_bytes(content(size, seed=number))
    flips = Flips(way, 0, times)
    hit = []

    def only_one(passing):
        """The one whose content came first."""
        if passing.name == "BLOCK" and passing.way == way:
            digest = bytes(passing.data[20:36])
            if not hit:
                hit.append(digest)
            if digest == hit[0]:
                flips(passing)

    proxy = between(server, only_one)
    command = ["put", tree, proxy.url + "/"] if way == UP else ["get", proxy.url + "/tree", "-o", f"{tmp_path}/"]
    transfer = running(*command)
    code = transfer.end()
    arrived = {path.name for path in target.iterdir() if not path.name.startswith(".")}
    assert all((target / name).read_bytes() == (source / name).read_bytes() for name in arrived)
    if times == 1:
        assert code == 0, transfer.errors
        assert len(arrived) == 8 and flips.passed == 2
    else:
        assert code == 7
        assert len(arrived) == 7 and flips.passed == TRIES


@pytest.mark.parametrize("way", [UP, DOWN])
def test_a_damaged_digest_is_like_damaged_content(serve, running, between, tmp_path, way):
    server = serve()
    source = make_file(tmp_path / "f" if way == UP else server.root / "f", SIZE)
    done = []

    def damage(passing):
        if passing.name == "BLOCK" and passing.way == way and passing.block == 3 and not done:
            done.append(True)
            passing.data[25] ^= 1

    proxy = between(server, damage)
    command = ["put", source, proxy.url + "/f"] if way == UP else ["get", proxy.url + "/f", "-o", tmp_path / "f"]
    transfer = running(*command)
    assert transfer.end() == 0, transfer.result
    assert transfer.result["blocks_repeated"] == 1
    assert sha256(server.root / "f") == sha256(tmp_path / "f")


def test_standard_input_and_output(serve, running, between, tmp_path):
    server = serve()
    source = make_file(tmp_path / "f", SIZE)
    flips = Flips(UP, 2, times=1)
    with open(source, "rb") as stdin:
        put = running("put", "-", between(server, flips).url + "/f", stdin=stdin)
        assert put.end() == 0, put.result
    assert flips.passed == 2 and sha256(server.root / "f") == sha256(source)
    flips = Flips(DOWN, 2, times=1)
    got = get_to_output(between(server, flips).url + "/f")
    assert got.returncode == 0, got.stderr
    assert flips.passed == 2 and got.stdout == source.read_bytes()


def test_standard_output_gets_nothing_wrong(serve, between):
    server = serve()
    source = make_file(server.root / "f", SIZE)
    flips = Flips(DOWN, 2, times=1000)
    got = get_to_output(between(server, flips).url + "/f")
    assert got.returncode == 7, got.stderr
    assert flips.passed == TRIES
    assert got.stdout == source.read_bytes()[: 2 * BLOCK], "what came before it, and no more"
