"""One name, many writers: exactly one wins, and the others keep their bytes and go on with them."""

import concurrent.futures
import json
import os
import subprocess

import pytest

from client.conftest import MIB, content, set_time
from conftest import SLUICE
from product.conftest import BLOCK, connect, make_file, names_in, sha256, until
from product.proxy import UP

SIZE = 12 * MIB + 17
MTIME_NS = 1_600_000_000_000_000_000


def partials(server):
    return sorted((server.root / ".sluice" / "partials").glob("*.part"))


class BeforeFinish:
    """Filter of a proxy: stops the first upload when all of it is there and before it gets its name."""

    def __init__(self):
        self.proxy = None
        self.stands = False

    def __call__(self, passing):
        if passing.name == "PUT_FINISH" and not self.stands:
            self.stands = True
            self.proxy.hold()


@pytest.fixture
def loser(serve, running, between, tmp_path):
    """A put that lost its name behind its last block: (server, its source, the process at its end)."""

    def lose(*options, source=None, target="f.mov"):
        server = serve()
        source = source or make_file(tmp_path / "mine", SIZE, seed=1)
        watch = BeforeFinish()
        watch.proxy = between(server, watch)
        put = running("put", *options, source, f"{watch.proxy.url}/{target}")
        until(lambda: watch.stands, "all of it is there")
        theirs = server.root / target
        theirs.write_bytes(b"somebody else's")
        watch.proxy.release()
        put.end()
        return server, source, put

    return lose


def check_winner(server, name="f.mov"):
    assert (server.root / name).read_bytes() == b"somebody else's"


def test_loser_is_told_how_to_go_on(loser):
    server, source, put = loser()
    assert put.process.returncode == 6
    assert put.result["event"] == "error" and put.result["exit_code"] == 6
    assert "kept on the server" in put.result["message"]
    for way in ("--overwrite", "--rename", "another name"):
        assert way in put.result["advice"]
    check_winner(server)
    assert len(partials(server)) == 1


@pytest.mark.parametrize("way", ["overwrite", "rename", "another name"])
@pytest.mark.parametrize("restarts", [False, True], ids=["same server", "after a restart"])
def test_loser_goes_on_and_sends_nothing_again(loser, running, way, restarts):
    server, source, _ = loser()
    if restarts:
        server.stop()
        server.restart()
    name = {"overwrite": "f.mov", "rename": "f (2).mov", "another name": "sub/g.mov"}[way]
    again = {
        "overwrite": ["--overwrite", source, server.url + "/f.mov"],
        "rename": ["--rename", source, server.url + "/f.mov"],
        "another name": [source, server.url + "/sub/g.mov"],
    }[way]
    put = running("put", *again)
    assert put.end() == 0, put.result
    assert put.result["bytes_moved"] == 0
    assert sha256(server.root / name) == sha256(source)
    assert (server.root / name).stat().st_mtime_ns == source.stat().st_mtime_ns
    if way != "overwrite":
        check_winner(server)
    expected = [{"path": "f.mov", "as": "f (2).mov"}] if way == "rename" else []
    assert put.result["renamed"] == expected
    assert partials(server) == []


def test_renamed_in_the_same_run(loser):
    """No second run is needed, and nothing is sent twice."""
    server, source, put = loser("--rename")
    assert put.process.returncode == 0, put.result
    assert put.result["bytes_moved"] == SIZE
    assert put.result["renamed"] == [{"path": "f.mov", "as": "f (2).mov"}]
    assert any("f (2).mov" in event.get("message", "") for event in put.events)
    check_winner(server)
    assert sha256(server.root / "f (2).mov") == sha256(source)
    assert partials(server) == []


def test_the_same_content_was_faster(loser, serve, running, between, tmp_path):
    """No conflict, and no leftover."""
    server = serve()
    source = make_file(tmp_path / "mine", SIZE)
    watch = BeforeFinish()
    watch.proxy = between(server, watch)
    put = running("put", source, watch.proxy.url + "/f")
    until(lambda: watch.stands, "all of it is there")
    (server.root / "f").write_bytes(source.read_bytes())
    watch.proxy.release()
    assert put.end() == 0, put.result
    assert put.result["files_unchanged"] == 1
    assert partials(server) == []


def test_kept_bytes_of_another_content_are_left_alone(loser, running, tmp_path):
    """Same size and time, other content: it is not taken over, let alone overwritten."""
    server, source, _ = loser()
    kept = partials(server)
    other = make_file(tmp_path / "other", SIZE, seed=2)
    set_time(other, source.stat().st_mtime_ns)
    put = running("put", other, server.url + "/g.mov")
    assert put.end() == 0, put.result
    assert put.result["bytes_moved"] == SIZE
    assert sha256(server.root / "g.mov") == sha256(other)
    assert partials(server) == kept
    put = running("put", source, server.url + "/h.mov")
    assert put.end() == 0 and put.result["bytes_moved"] == 0
    assert sha256(server.root / "h.mov") == sha256(source)


def test_upload_that_goes_on_is_not_taken_over(serve, running, between, tmp_path):
    """Its name was taken, and it does not know yet: its bytes are its own until it was refused."""
    server = serve()
    source = make_file(tmp_path / "mine", SIZE)
    watch = BeforeFinish()
    watch.proxy = between(server, watch)
    first = running("put", source, watch.proxy.url + "/f")
    until(lambda: watch.stands, "all of it is there")
    (server.root / "f").write_bytes(b"somebody else's")
    second = running("put", source, server.url + "/g")
    assert second.end() == 0 and second.result["bytes_moved"] == SIZE
    watch.proxy.release()
    assert first.end() == 6
    assert "kept" in first.result["message"]


def test_overwrite_names_what_it_replaces(loser, running, tmp_path):
    """What changed since the client looked is not replaced: conflict, kept, and the next run goes on."""
    server, source, put = loser("--overwrite", target="f.mov")
    assert put.process.returncode == 6  # nothing was there when it looked
    check_winner(server)
    again = running("put", "--overwrite", source, server.url + "/f.mov")
    assert again.end() == 0 and again.result["bytes_moved"] == 0
    assert sha256(server.root / "f.mov") == sha256(source)


def test_rename_takes_the_first_free_name(serve, running, sluice, tmp_path):
    server = serve()
    names = ["a.mov", "a (2).mov", "a (3).mov", "a (4).mov"]
    for seed, name in enumerate(names):
        source = make_file(tmp_path / "a.mov", 2 * MIB + 1, seed=seed)
        set_time(source, MTIME_NS)
        put = running("put", "--rename", source, server.url + "/")
        assert put.end() == 0, put.result
        assert sha256(server.root / name) == sha256(source)
    # What is there already under such a name is not sent once more.
    again = running("put", "--rename", source, server.url + "/")
    assert again.end() == 0
    assert again.result["files_unchanged"] == 1 and again.result["bytes_moved"] == 0
    assert again.result["renamed"] == [{"path": "a.mov", "as": "a (4).mov"}]
    assert sorted(names_in(server)) == sorted(names)


def test_rename_and_overwrite_exclude_each_other(sluice, tmp_path):
    done = sluice("put", "--rename", "--overwrite", tmp_path, "sluice://127.0.0.1:1/", check=2)
    assert "--overwrite" in done.err


@pytest.mark.parametrize("option", [None, "--rename", "--overwrite"])
def test_tree(serve, running, tmp_path, option):
    """Small and large files, files that differ in size or only in content, a folder in a file's place."""
    server = serve()
    source = tmp_path / "shoot"
    (source / "day").mkdir(parents=True)
    sizes = {"small": 10, "day/same size": 11, "day/large.mov": 2 * MIB + 5, "new": 12, "same": 13}
    for seed, (name, size) in enumerate(sizes.items()):
        (source / name).write_bytes(content(size, seed))
    there = server.root / "shoot"
    (there / "day").mkdir(parents=True)
    theirs = {"small": b"x" * 9, "day/same size": b"y" * 11, "day/large.mov": b"z" * 30}
    for name, text in theirs.items():
        (there / name).write_bytes(text)
    (there / "same").write_bytes((source / "same").read_bytes())
    put = running("put", *([option] if option else []), source, server.url + "/")
    code = put.end()
    if option is None:
        assert code == 6 and "3 files failed" in put.result["message"]
    else:
        assert code == 0, put.result
    renamed = {"small": "small (2)", "day/same size": "day/same size (2)", "day/large.mov": "day/large (2).mov"}
    for name in sizes:
        mine = (source / name).read_bytes()
        if option == "--overwrite" or name not in theirs:
            assert (there / name).read_bytes() == mine
        else:
            assert (there / name).read_bytes() == theirs[name]
        if option == "--rename" and name in theirs:
            assert (there / renamed[name]).read_bytes() == mine
    if option == "--rename":
        assert {(r["path"], r["as"]) for r in put.result["renamed"]} == {
            ("shoot/" + old, "shoot/" + new) for old, new in renamed.items()}
        again = running("put", "--rename", source, server.url + "/")
        assert again.end() == 0
        assert again.result["bytes_moved"] == 0 and again.result["files_unchanged"] == len(sizes)


def test_rename_where_a_folder_has_the_name(serve, running, tmp_path):
    server = serve()
    (server.root / "f").mkdir()
    for size in (10, 2 * MIB):
        source = tmp_path / "f"
        source.write_bytes(content(size, size))
        # A target that is a folder receives the file: so the folder is in the tree's way.
        tree = tmp_path / f"tree{size}"
        tree.mkdir()
        (tree / "f").write_bytes(source.read_bytes())
        (server.root / tree.name / "f").mkdir(parents=True)
        put = running("put", "--rename", tree, server.url + "/")
        assert put.end() == 0, put.result
        assert (server.root / tree.name / "f (2)").read_bytes() == source.read_bytes()


def test_standard_input_is_renamed(serve, between, tmp_path):
    """What comes through a pipe cannot be sent twice, and need not be."""
    server = serve()
    watch = BeforeFinish()
    watch.proxy = between(server, watch)
    piece = content(5 * MIB + 3)
    put = subprocess.Popen([str(SLUICE), "put", "--rename", "--json", "-", watch.proxy.url + "/f.tar"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    put.stdin.write(piece)
    put.stdin.close()
    until(lambda: watch.stands, "all of it is there")
    (server.root / "f.tar").write_bytes(b"somebody else's")
    watch.proxy.release()
    told = json.loads(put.stdout.read().splitlines()[-1])
    assert put.wait() == 0, told
    assert told["bytes_moved"] == len(piece)
    assert told["renamed"] == [{"path": "f.tar", "as": "f (2).tar"}]
    assert (server.root / "f (2).tar").read_bytes() == piece
    check_winner(server, "f.tar")


@pytest.mark.parametrize("size", [100, 2 * MIB], ids=["small", "large"])
def test_sixteen_writers_of_one_name(serve, tmp_path, size):
    """One wins; fifteen conflicts, all told how to go on; then all of them do."""
    server = serve()
    sources = [make_file(tmp_path / f"source{i}", size, seed=100 + i) for i in range(16)]
    command = [str(SLUICE), "put", "--json"]

    def put(source, *options):
        done = subprocess.run([*command, *options, source, server.url + "/f"], capture_output=True)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        first = list(pool.map(put, sources))
        assert sorted(code for code, _ in first) == [0] + [6] * 15
        winner = [code for code, _ in first].index(0)
        assert sha256(server.root / "f") == sha256(sources[winner])
        second = list(pool.map(lambda source: put(source, "--rename"), sources))
    assert [code for code, _ in second] == [0] * 16, second
    stored = {sha256(path) for path in server.root.iterdir() if path.is_file()}
    assert stored == {sha256(source) for source in sources}
    assert len(names_in(server)) == 16
