"""What a disk lost at rest is found: every flipped bit, and nothing else."""

import collections
import json
import os
import pathlib
import random
import subprocess

import pytest

from client.conftest import MIB, content
from conftest import SLUICE
from product.conftest import BLOCK, connect, flip, make_file, until
from wire_client import Failed

OLD_NS = 1_500_000_000_000_000_000


def events_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def scrub(sluice, target, *options):
    """(exit code, {(path, block)}, the counts, all events)"""
    done = sluice("scrub", target, "--json", *options)
    events = events_of(done)
    found = [(e["path"], e.get("block")) for e in events if e["event"] == "difference"]
    assert len(found) == len(set(found)), "told twice"
    last = events[-1]
    counts = last if last["event"] == "done" else next((e["counts"] for e in events if e["event"] == "summary"), None)
    return done.returncode, set(found), counts, events


def store(server, sluice, source):
    sluice("put", source, server.url + "/", check=0)
    return server.root / source.name


def flip_some(root, count, seed):
    """One bit each in `count` blocks, no two the same: {(path, block)}."""
    random_ = random.Random(seed)
    print("seed", seed)
    blocks = []
    for path in sorted(p for p in root.rglob("*") if p.is_file() and ".sluice" not in p.parts):
        size = path.stat().st_size
        blocks += [(path, block, min(BLOCK, size - block * BLOCK)) for block in range(-(-size // BLOCK))]
    chosen = random_.sample(blocks, count)
    flipped = set()
    for path, block, size in chosen:
        flip(path, block * BLOCK + random_.randrange(size), random_.randrange(8))
        flipped.add((str(path.relative_to(root)), block))
    return flipped


def make_tree(root, small, large, large_blocks):
    root.mkdir()
    random_ = random.Random(small)
    for i in range(small):
        folder = root / f"day{i % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"{i}.xml").write_bytes(random_.randbytes(random_.randrange(1, 20_000)))
    for i in range(large):
        make_file(root / f"take{i}.mov", large_blocks * MIB - 4000, seed=i)
    return root


SIZES = [
    pytest.param(150, 3, 12, 60, id="60 flips"),
    pytest.param(3000, 6, 150, 1000, id="1000 flips", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("small, large, large_blocks, flips", SIZES)
@pytest.mark.parametrize("by", ["url", "folder"])
def test_every_flipped_bit_is_found(serve, sluice, tmp_path, by, small, large, large_blocks, flips):
    server = serve()
    store(server, sluice, make_tree(tmp_path / "shoot", small, large, large_blocks))
    if by == "folder":
        server.stop()
    target = server.url + "/" if by == "url" else server.root
    code, found, counts, _ = scrub(sluice, target)
    assert (code, found) == (0, set())
    assert counts["files"] == small + large and counts["no_record"] == 0
    flipped = flip_some(server.root, flips, seed=random.randrange(1 << 30))
    code, found, counts, events = scrub(sluice, target)
    assert code == 7
    assert found == flipped
    assert counts["differences"] == flips
    assert counts["damaged_files"] == len({path for path, _ in flipped})
    assert events[-1]["exit_code"] == 7 and events[-1]["advice"]


def test_text(serve, sluice, tmp_path):
    """What a person reads."""
    server = serve()
    stored = store(server, sluice, make_file(tmp_path / "f.mov", 3 * MIB))
    done = sluice("scrub", server.url + "/", check=0)
    assert "scrubbed 1 file, 3.1 MB" in done.err
    flip(stored, 2 * MIB + 5)
    done = sluice("scrub", server.url + "/f.mov", check=7)
    assert done.out.splitlines()[0] == "f.mov: block 2: its bytes are not those that were recorded"
    assert "1 difference in 1 file" in done.err and "--overwrite" in done.err


def test_changes_nothing(serve, sluice, tmp_path):
    server = serve()
    stored = store(server, sluice, make_file(tmp_path / "f", 2 * MIB))
    flip(stored, 5)
    before = (stored.read_bytes(), stored.stat().st_mtime_ns)
    for _ in range(2):
        assert scrub(sluice, server.url + "/")[1] == {("f", 0)}
    assert (stored.read_bytes(), stored.stat().st_mtime_ns) == before


@pytest.mark.parametrize("by", ["url", "folder"])
def test_files_without_a_record(serve, sluice, tmp_path, by):
    """Counted and said; with --record they get one, and then a flipped bit is found in them too."""
    server = serve()
    for name, size in (("by hand.mov", 2 * MIB + 3), ("empty", 0)):
        path = server.root / name
        path.write_bytes(content(size))
        os.utime(path, ns=(OLD_NS, OLD_NS))
    target = server.url + "/" if by == "url" else server.root
    if by == "folder":
        server.stop()
    _, _, counts, _ = scrub(sluice, target)
    assert (counts["no_record"], counts["bytes"], counts["recorded"]) == (2, 0, 0)
    assert "2 files without a record" in sluice("scrub", target, check=0).err
    _, _, counts, _ = scrub(sluice, target, "--record")
    assert (counts["no_record"], counts["recorded"]) == (0, 2)
    flip(server.root / "by hand.mov", 2 * MIB + 1)
    code, found, counts, _ = scrub(sluice, target, "--record")
    assert (code, found) == (7, {("by hand.mov", 2)})
    assert (counts["files"], counts["recorded"]) == (2, 0)


def test_folder_of_a_running_server(serve, sluice, tmp_path):
    server = serve()
    done = sluice("scrub", server.root, check=1)
    assert "another server uses this data folder" in done.err and "URL" in done.err


def test_folder_that_was_never_served(sluice, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    done = sluice("scrub", folder, check=5)
    assert "nothing was recorded" in done.err
    assert list(folder.iterdir()) == [], "looking at it made something"
    assert "no such folder" in sluice("scrub", tmp_path / "nothing", check=5).err


def test_uploads_under_way_are_not_touched(serve, sluice, running, tmp_path):
    """A scrub of a folder is no server: it finishes and throws away nothing."""
    server = serve()
    with connect(server) as other:
        upload = other.open("f", size_bytes=3 * MIB)
        upload.send_block(0, content(MIB))
        upload.checkpoint()
        while not upload.durable:
            upload.take_reply()
    server.stop()
    assert scrub(sluice, server.root)[0] == 0
    server.restart()
    with connect(server) as other:
        assert other.join(upload.upload_id).held_blocks == 1


def test_rate(serve, running, tmp_path, sluice):
    """What is left of the time is waited: never faster than told. The server's own limit counts too."""
    server = serve("--scrub-rate", "10MB/s")
    store(server, sluice, make_file(tmp_path / "f", 16 * MIB))
    for asked, limit in (("5MB/s", 5), ("1GB/s", 10)):
        _, _, counts, _ = scrub(sluice, server.url + "/", "--rate", asked)
        # Behind the last portion, at most a quarter of a second's and a block, nothing is waited for.
        assert counts["seconds"] > 16 * MIB / 1e6 / limit - 0.5


def test_progress_and_interruption(serve, running, tmp_path, sluice):
    server = serve()
    store(server, sluice, make_file(tmp_path / "f", 24 * MIB))
    slow = running("scrub", server.url + "/", "--rate", "2MB/s")
    event = slow.until_bytes(2 * MIB)
    assert event["phase"] == "verifying" and event["bytes_total"] == 24 * MIB and event["path"] == "f"
    assert slow.interrupt() == 9
    # The server's scrub ended with its client: others have their turn.
    for _ in range(4):
        assert scrub(sluice, server.url + "/")[0] == 0


def test_few_at_a_time(serve, running, tmp_path, sluice):
    server = serve()
    store(server, sluice, make_file(tmp_path / "f", 24 * MIB))
    slow = [running("scrub", server.url + "/", "--rate", "1MB/s") for _ in range(2)]
    for each in slow:
        each.until_bytes(MIB)
    done = sluice("scrub", server.url + "/", check=1)
    assert "2 are running already" in done.err
    slow[0].kill()
    until(lambda: scrub(sluice, server.url + "/")[0] == 0, "a place is free")


def test_server_stops_during_a_scrub(serve, running, tmp_path, sluice):
    server = serve()
    store(server, sluice, make_file(tmp_path / "f", 24 * MIB))
    slow = running("scrub", server.url + "/", "--rate", "1MB/s")
    slow.until_bytes(MIB)
    assert server.stop() == 0
    assert slow.end() == 1


def test_older_server_is_told_apart(sluice, serve, between):
    """Without the feature in its HELLO nothing is asked of it."""
    from wire_format import frame, messages

    def forget_features(passing):
        if passing.name == "HELLO" and passing.way == "down":
            hello = messages.Hello.FromString(bytes(passing.data[12:]))
            assert "scrub" in hello.features
            hello.ClearField("features")
            passing.data = bytearray(frame("HELLO", 0, hello))

    proxy = between(serve(), forget_features)
    done = sluice("scrub", proxy.url + "/", check=1)
    assert "too old" in done.err


def test_wire(serve, sluice, tmp_path):
    """The native message, from docs/wire.md alone."""
    server = serve()
    stored = store(server, sluice, make_file(tmp_path / "f", 3 * MIB + 1))
    flip(stored, MIB)
    (server.root / "by hand").write_bytes(b"x")
    with connect(server) as other:
        assert "scrub" in other.hello.features
        reports = list(other.scrub(""))
        last = reports[-1]
        assert (last.files, last.bytes, last.no_record, last.difference_count) == (1, 3 * MIB + 1, 1, 1)
        assert last.files_passed == last.files_total == 2
        assert last.bytes_passed == last.bytes_total == 3 * MIB + 2
        differences = [(d.path, d.block) for report in reports for d in report.differences]
        assert differences == [("f", 1)]
        with pytest.raises(Failed) as failed:
            list(other.scrub("nothing"))
        assert failed.value.code == "NOT_FOUND"
