"""A bit that flips at rest is found, on either side, and is never handed on."""

import json

import pytest

from product.conftest import BLOCK, MIB, drop_cache, flip, make_file

SIZE = 40 * MIB + 17
PLACES = [0, 7 * BLOCK - 1, 23 * BLOCK + 4711, SIZE - 1]


@pytest.fixture
def pair(serve, sluice, tmp_path):
    """(server, the local file, the server's copy of it)"""
    server = serve()
    local = make_file(tmp_path / "day1.mov", SIZE)
    sluice("put", local, server.url + "/in/", check=0)
    sluice("verify", server.url + "/in/day1.mov", local, check=0)
    sluice("verify", server.url + "/in/", check=0)
    return server, local, server.root / "in" / "day1.mov"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "from the disk"])
def test_flipped_on_the_server(pair, sluice, place, is_cached):
    server, local, there = pair
    flip(there, place)
    if not is_cached:
        drop_cache(there)
    for arguments in ([server.url + "/in/day1.mov", local], [server.url + "/in/day1.mov"], [server.url + "/in/"]):
        done = sluice("verify", *arguments)
        assert done.returncode == 7, done.err
        assert f"day1.mov: block {place // BLOCK}:" in done.out, done.out
        assert done.out.count("block") == 1


@pytest.mark.parametrize("place", PLACES)
def test_flipped_here(pair, sluice, place):
    server, local, _ = pair
    flip(local, place)
    done = sluice("verify", server.url + "/in/day1.mov", local)
    assert done.returncode == 7
    assert f"day1.mov: block {place // BLOCK}:" in done.out and done.out.count("block") == 1
    sluice("verify", server.url + "/in/day1.mov", check=0)


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "from the disk"])
def test_get_does_not_hand_on_what_the_disk_lost(pair, sluice, tmp_path, is_cached, restarted):
    server, _, there = pair
    flip(there, PLACES[2])
    if restarted:
        server.stop()
        server.restart()
    if not is_cached:
        drop_cache(there)
    target = tmp_path / "back"
    done = sluice("get", server.url + "/in/day1.mov", "-o", target)
    assert done.returncode == 7, done.err
    assert "block 23" in done.err
    assert not target.exists()
    piped = sluice("get", server.url + "/in/day1.mov", "-o", "-")
    assert piped.returncode == 7


@pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "from the disk"])
def test_small_files(serve, sluice, tmp_path, is_cached):
    server = serve()
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(30):
        make_file(tree / f"{number}", 10_000, seed=number)
    sluice("put", tree, server.url + "/", check=0)
    hit = server.root / "tree" / "13"
    flip(hit, 5_000)
    if not is_cached:
        drop_cache(hit)
    for arguments in ([tree], []):
        done = sluice("verify", server.url + "/tree", *arguments)
        assert done.returncode == 7 and "13: block 0:" in done.out, done.out
    done = sluice("get", server.url + "/tree", "-o", f"{tmp_path}/back/")
    assert done.returncode == 7 and "13" in done.err
    assert not (tmp_path / "back" / "tree" / "13").exists()
    assert sorted(int(path.name) for path in (tmp_path / "back" / "tree").iterdir()
                  if not path.name.startswith(".")) == [n for n in range(30) if n != 13]  # fmt: skip


def test_a_tree_that_differs(serve, sluice, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("same", "only there", "longer there", "later"):
        make_file(tree / name, 3 * MIB)
    sluice("put", tree, server.url + "/", check=0)
    (tree / "only there").unlink()
    make_file(tree / "only here", 1)
    with open(server.root / "tree" / "longer there", "ab") as file:
        file.write(b"more")
    done = sluice("verify", server.url + "/tree", tree)
    assert done.returncode == 7
    told = {line.partition(":")[0] for line in done.out.splitlines()}
    assert told == {"only there", "only here", "longer there"}, done.out
    assert "3 differences in 5 files" in done.err


def test_what_put_skips_is_told(serve, sluice, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    tree.mkdir()
    make_file(tree / "day1.mov", 1000)
    make_file(tree / ".notes", 10)
    (tree / "best.mov").symlink_to("day1.mov")
    sluice("put", tree, server.url + "/", check=0)
    done = sluice("verify", server.url + "/tree", tree, check=0)
    assert "skipped .notes: a name that begins with a dot" in done.err
    assert "skipped best.mov: a symbolic link" in done.err
    assert "2 skipped" in done.err
    told = sluice("verify", "--json", server.url + "/tree", tree, check=0)
    assert json.loads(told.out.splitlines()[-1])["skipped"] == [".notes", "best.mov"]

    sluice("put", "--follow", tree, server.url + "/", check=0)
    done = sluice("verify", server.url + "/tree", tree)
    assert done.returncode == 7 and "best.mov: it is on the server, and here a symbolic link" in done.out
    done = sluice("verify", "--follow", server.url + "/tree", tree, check=0)
    assert "verified 2 files" in done.err and "1 skipped" in done.err
