"""kill -9 in the middle of a transfer: nothing that arrived is lost, and nobody sees a part.

The middle is found with a proxy that stops the content at a chosen block and hears what the server
says is durable. So the middle is the same on a fast machine and a slow one.
"""

import pathlib

import pytest

from product.conftest import BLOCK, GIB, MIB, connect, make_file, names_in, raw, sha256, tree_of, until
from product.proxy import DOWN, UP
from wire_format import messages

SIZES = [
    pytest.param(48 * MIB + 17, id="48MiB"),
    pytest.param(int(GIB * 1024) * MIB + 17, id="large", marks=pytest.mark.slow),
]


class Line:
    """Filter of a proxy: stops the content behind the middle, and looks for the final name at every
    frame that goes up or down before the transfer is over."""

    def __init__(self, way, size, final):
        self.way = way
        self.blocks = -(-size // BLOCK)
        self.final = pathlib.Path(final)
        self.seen_early = []
        self.held = set()  # connections that stand
        self.handed_on = set()  # blocks
        self.is_finishing = False
        self.proxy = None

    def __call__(self, passing):
        is_content = passing.name == "BLOCK" and passing.way == self.way
        if is_content and passing.block >= self.blocks // 2:
            self.held.add(passing.connection)
            self.proxy.hold()
        if is_content:
            self.handed_on.add(passing.block)
        if passing.name == "PUT_FINISH":
            self.is_finishing = True
        if not self.is_over() and self.final.exists():
            self.seen_early.append((passing.name, self.final.stat().st_size))

    def is_over(self):
        if self.way == UP:
            return self.is_finishing
        return len(self.handed_on) == self.blocks

    def check(self):
        assert self.seen_early == []
        assert self.is_over(), "the watch ended too soon"


@pytest.fixture
def line(between):
    """`line(server, way, size, final)`: (URL of the proxy, the filter)."""

    def start(server, *arguments):
        watch = Line(*arguments)
        watch.proxy = between(server, watch)
        return watch.proxy, watch

    return start


def whole_and_same(path, source):
    return path.stat().st_size == source.stat().st_size and sha256(path) == sha256(source)


def until_middle_is_durable(proxy, watch):
    until(lambda: watch.held, "the content stands")
    until(lambda: proxy.durable >= watch.handed_on and proxy.durable, "what was handed on is durable")


@pytest.mark.parametrize("size", SIZES)
def test_killed_put_goes_on(serve, running, line, tmp_path, size):
    """Sent again: nothing that the server had told to be durable."""
    server = serve()
    source = make_file(tmp_path / "f", size)
    proxy, watch = line(server, UP, size, server.root / "f")
    first = running("put", source, proxy.url + "/f")
    until_middle_is_durable(proxy, watch)
    first.kill()
    assert names_in(server) == []
    durable = len(proxy.durable)
    assert durable >= watch.blocks // 4

    proxy.release()
    second = running("put", source, proxy.url + "/f")
    assert second.end() == 0, second.result
    watch.check()
    assert whole_and_same(server.root / "f", source)
    assert second.result["bytes_moved"] <= size - durable * BLOCK
    assert any(event.get("phase") == "comparing" for event in second.events)


@pytest.mark.parametrize("size", SIZES)
def test_killed_server_goes_on_with_a_put(serve, running, line, tmp_path, size):
    """The client holds on and finds the server again. Sent twice: at most what was never told to be
    durable, and of that only what came since the last checkpoint."""
    server = serve()
    source = make_file(tmp_path / "f", size)
    proxy, watch = line(server, UP, size, server.root / "f")
    put = running("put", source, proxy.url + "/f")
    until_middle_is_durable(proxy, watch)
    durable = len(proxy.durable)
    server.kill()
    assert not (server.root / "f").exists()
    server.restart()
    assert names_in(server) == []
    up_before = proxy.passed[UP]
    proxy.release()
    assert put.end() == 0, put.result
    watch.check()
    assert whole_and_same(server.root / "f", source)
    assert proxy.passed[UP] - up_before <= size - durable * BLOCK + 8 * BLOCK  # cut off on the way


@pytest.mark.parametrize("size", SIZES)
def test_both_killed_in_a_put(serve, running, line, tmp_path, size):
    server = serve()
    source = make_file(tmp_path / "f", size)
    proxy, watch = line(server, UP, size, server.root / "f")
    first = running("put", source, proxy.url + "/f")
    until_middle_is_durable(proxy, watch)
    server.kill()
    first.kill()
    durable = len(proxy.durable)
    server.restart()
    assert names_in(server) == []
    proxy.release()
    second = running("put", source, proxy.url + "/f")
    assert second.end() == 0, second.result
    watch.check()
    assert whole_and_same(server.root / "f", source)
    assert second.result["bytes_moved"] <= size - durable * BLOCK


@pytest.mark.parametrize("size", SIZES)
def test_killed_get_goes_on(serve, running, line, tmp_path, size):
    """Fetched again: no block that the client told to be done."""
    server = serve()
    source = make_file(server.root / "f", size)
    proxy, watch = line(server, DOWN, size, tmp_path / "f")
    first = running("get", proxy.url + "/f", "-o", tmp_path / "f")
    until(lambda: watch.held, "the content stands")
    done = first.until_bytes(watch.blocks // 4 * BLOCK)["bytes"]
    first.kill()
    assert not (tmp_path / "f").exists()
    proxy.release()
    second = running("get", proxy.url + "/f", "-o", tmp_path / "f")
    assert second.end() == 0, second.result
    assert watch.seen_early == []
    assert whole_and_same(tmp_path / "f", source)
    assert second.result["bytes_moved"] <= size - done
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


@pytest.mark.parametrize("size", SIZES)
def test_killed_server_goes_on_with_a_get(serve, running, line, tmp_path, size):
    server = serve()
    source = make_file(server.root / "f", size)
    proxy, watch = line(server, DOWN, size, tmp_path / "f")
    get = running("get", proxy.url + "/f", "-o", tmp_path / "f")
    until(lambda: watch.held, "the content stands")
    get.until_bytes(watch.blocks // 4 * BLOCK)
    server.kill()
    server.restart()
    proxy.release()
    assert get.end() == 0, get.result
    watch.check()
    assert whole_and_same(tmp_path / "f", source)
    assert get.result["bytes_moved"] <= size + 8 * BLOCK  # what was cut off on its way


def test_killed_before_the_answer(serve, running, between, tmp_path):
    """The server published, and the client never heard of it: again finds it done."""
    server = serve()
    source = make_file(tmp_path / "f", 5 * MIB)
    proxy = between(server, lambda passing: passing.name == "PUT_DONE" and proxy.hold())
    first = running("put", source, proxy.url + "/f")
    until((server.root / "f").exists, "the file under its name")
    first.kill()
    second = running("put", source, server.url + "/f")
    assert second.end() == 0, second.result
    assert (second.result["files_unchanged"], second.result["bytes_moved"]) == (1, 0)


def test_server_killed_before_the_answer(serve, running, between, tmp_path):
    """The client asks the server that was started again, and learns that all arrived."""
    server = serve()
    source = make_file(tmp_path / "f", 5 * MIB)
    proxy = between(server, lambda passing: passing.name == "PUT_DONE" and proxy.hold())
    put = running("put", source, proxy.url + "/f")
    until((server.root / "f").exists, "the file under its name")
    server.kill()
    server.restart()
    proxy.release()
    assert put.end() == 0, put.result
    assert put.result["bytes_moved"] == 5 * MIB
    assert whole_and_same(server.root / "f", source)


def test_small_files_of_a_killed_server(serve, running, between, tmp_path):
    """Each file that was answered is there, whole, before and after the crash."""
    server = serve()
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(400):
        make_file(tree / f"{number}", 20_000 + number, seed=number)
    answered = []

    paths = {}

    def note(passing):
        if passing.name == "PUT":
            paths[passing.connection, passing.request] = messages.Put.FromString(bytes(passing.data[12:])).path
        if passing.name == "PUT_DONE":
            if len(answered) >= 100:
                proxy.hold()
            answered.append(paths[passing.connection, passing.request])

    proxy = between(server, note)
    put = running("put", tree, proxy.url + "/")
    until(lambda: len(answered) >= 100, "the first hundred")
    server.kill()
    sure = answered[:100]
    for path in sure:
        assert whole_and_same(server.root / path, tmp_path / path)
    for path in (server.root / "tree").iterdir():
        assert whole_and_same(path, tree / path.name)
    server.restart()
    for path in sure:
        assert whole_and_same(server.root / path, tmp_path / path)
    proxy.release()
    assert put.end() == 0, put.result
    assert {path.name: sha256(path) for path in (server.root / "tree").iterdir()} == {
        path.name: sha256(path) for path in tree.iterdir()
    }


def test_interrupted_put_says_so_and_goes_on(serve, running, line, tmp_path):
    server = serve()
    source = make_file(tmp_path / "f", 48 * MIB)
    proxy, watch = line(server, UP, 48 * MIB, server.root / "f")
    first = running("put", source, proxy.url + "/f")
    until_middle_is_durable(proxy, watch)
    assert first.interrupt() == 9
    assert names_in(server) == []
    durable = len(proxy.durable)
    proxy.release()
    second = running("put", source, proxy.url + "/f")
    assert second.end() == 0, second.result
    watch.check()
    assert whole_and_same(server.root / "f", source)
    assert second.result["bytes_moved"] <= (48 - durable) * MIB


def test_source_that_changed_is_not_mixed(serve, running, line, tmp_path):
    server = serve()
    source = make_file(tmp_path / "f", 48 * MIB)
    proxy, watch = line(server, UP, 48 * MIB, server.root / "f")
    first = running("put", source, proxy.url + "/f")
    until_middle_is_durable(proxy, watch)
    first.kill()
    with open(source, "r+b") as file:
        file.seek(3 * MIB)
        file.write(b"changed")
    second = running("put", source, server.url + "/f")
    assert second.end() == 0, second.result
    assert whole_and_same(server.root / "f", source)


def test_damaged_partial_of_a_get_is_found(serve, running, tmp_path):
    server = serve()
    source = make_file(server.root / "f", 48 * MIB)
    partial = tmp_path / ".f.sluice-part"
    damaged = bytearray(source.read_bytes()[: 24 * MIB])
    damaged[5 * MIB + 3] ^= 1
    partial.write_bytes(damaged)
    get = running("get", server.url + "/f", "-o", tmp_path / "f")
    assert get.end() == 0, get.result
    assert whole_and_same(tmp_path / "f", source)
    assert get.result["bytes_moved"] == 24 * MIB + BLOCK
    assert not partial.exists()


@pytest.mark.parametrize("way", [UP, DOWN])
def test_killed_tree_goes_on(serve, sluice, running, between, tmp_path, way):
    """Killed while some of its files are there, one is in its middle, and others have not begun."""
    server = serve()
    source = (tmp_path if way == UP else server.root) / "tree"
    target = (server.root if way == UP else tmp_path) / "tree"
    for number in range(60):
        (source / str(number % 7)).mkdir(parents=True, exist_ok=True)
        make_file(source / str(number % 7) / f"{number}", number * 20_011, seed=number)
    make_file(source / "large", 20 * MIB)
    passed = []

    def hold(passing):
        if passing.name == "BLOCK" and passing.way == way:
            passed.append(passing.block)
            if len(passed) > 20:
                proxy.hold()

    proxy = between(server, hold)
    command = ["put", source, proxy.url + "/"] if way == UP else ["get", proxy.url + "/tree", "-o", f"{tmp_path}/"]
    first = running(*command)
    until(lambda: len(passed) > 20, "the middle")
    first.kill()
    for path in target.rglob("[!.]*"):
        assert path.is_dir() or whole_and_same(path, source / path.relative_to(target))
    proxy.release()
    sluice(*command, check=0)
    assert tree_of(target) == tree_of(source)


def test_an_upload_is_seen_by_nobody(serve, running, line, tmp_path):
    """While it is held in its middle: not by a list, a get, a stat, or the folder itself."""
    server = serve()
    size = 20 * MIB
    source = make_file(tmp_path / "f", size)
    proxy, watch = line(server, UP, size, server.root / "f")
    put = running("put", source, proxy.url + "/f")
    until_middle_is_durable(proxy, watch)
    assert names_in(server) == []
    assert [path.name for path in server.root.iterdir()] == [".sluice"]
    with connect(server) as other, pytest.raises(Exception, match="NOT_FOUND"):
        other.stat("f")
    with raw(server) as silent:  # and others who come meanwhile do not disturb it
        silent.shutdown()
    proxy.release()
    assert put.end() == 0, put.result
    watch.check()
