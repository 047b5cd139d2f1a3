"""A folder is exchanged for a symbolic link to outside, and back, without a pause: whatever a client
asks for meanwhile, nothing outside is read, written, listed, renamed or removed."""

import collections
import itertools
import pathlib
import subprocess
import sys
import time

import pytest

import wire_client
from conftest import DEADLINE_S, read_line
from product.conftest import MIB, connect
from prove import ways_out_http
from prove.plan import amount, choices, report
from prove.surrounded import CANARY
from wire_format import messages

ROUNDS = amount("LINK_ROUNDS", 30)  # of each operation
SECONDS = amount("LINK_SECONDS", 0)  # at least
INSIDE, OUTSIDE = b"inside", CANARY
# What may be said where the name is a link at that moment, or was one in the middle of the work.
TOLD = {"NOT_FOUND", "CHANGED", "EXISTS", "CONFLICT", "WRONG_KIND", "NOT_EMPTY", "BUSY"}


def fill(folder, content):
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("f", "sub/f", "sub/deep/f"):
        (folder / name).write_bytes(content)


def state_of(folder):
    """All that could be changed there, except when it was read."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        told = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path)] = (told.st_mode, told.st_ino, told.st_mtime_ns, told.st_ctime_ns, content)
    return found


@pytest.fixture
def swapped(serve, tmp_path):
    """(server, folder outside): `swap` in the served folder is by turns a folder and a link to outside."""
    server = serve()
    outside = tmp_path / "outside"
    fill(outside, OUTSIDE)
    (outside / "only-outside").write_bytes(OUTSIDE)
    fill(server.root / "swap", INSIDE)
    (server.root / "shelf").mkdir()
    (server.root / ".other").symlink_to(outside)
    swapper = subprocess.Popen(
        [sys.executable, str(pathlib.Path(__file__).with_name("swapper.py")),
         str(server.root / "swap"), str(server.root / ".other")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert read_line(swapper.stdout) == "swapping\n"
    yield server, outside
    swapper.stdin.close()
    swaps = int(read_line(swapper.stdout))
    assert swapper.wait(DEADLINE_S) == 0
    print(f"{swaps} exchanges")
    assert swaps > 100


def get(link, number):
    assert link.get("swap/sub/f") == INSIDE


def get_ranges(link, number):
    assert link.get_ranges("swap/f", [(0, 3)])[1] == [INSIDE[:3]]


def stat(link, number):
    assert link.stat("swap/sub/deep/f").size_bytes == len(INSIDE)


def list_all(link, number):
    for entry in link.list("", recursive=True):
        assert "only-outside" not in entry.path
        assert entry.kind == 2 or entry.size_bytes != len(OUTSIDE)


def list_one(link, number):
    for entry in link.list("swap"):
        assert "only-outside" not in entry.path


def digests(link, number):
    found, _, _ = link.digests(path="swap/f", source=number % 2)
    assert found == {0: wire_client.digest(INSIDE)}


def put_whole(link, number):
    link.put_whole(f"swap/sub/new{number}", b"new", parents=number % 2 == 1)


def replace(link, number):
    there = link.stat("swap/sub/deep/f")
    named = messages.Replace(size_bytes=there.size_bytes, mtime_ns=there.mtime_ns)
    link.put_whole("swap/sub/deep/f", INSIDE, replace=named)


def put_blocks(link, number):
    link.put(f"swap/new{number}/large", bytes(MIB) + b"1", parents=True)


def make_folder(link, number):
    link.make_folder(f"swap/made{number}/below", parents=True, may_exist=True, mtime_ns=7)


def rename_in(link, number):
    link.put_whole(f"shelf/{number}", b"shelf")
    link.rename(f"shelf/{number}", f"swap/sub/moved{number}")


def rename_out(link, number):
    link.put_whole(f"swap/sub/deep/out{number}", b"out")
    link.rename(f"swap/sub/deep/out{number}", f"shelf/out{number}")


def rename_from_outside(link, number):
    link.rename("swap/only-outside", f"shelf/taken{number}")


def remove(link, number):
    link.put_whole(f"swap/sub/gone{number}", b"gone")
    link.remove(f"swap/sub/gone{number}")


def remove_from_outside(link, number):
    link.remove("swap/only-outside")


def remove_tree(link, number):
    link.put_whole(f"swap/sub/tree{number}/f", b"tree", parents=True)
    link.remove(f"swap/sub/tree{number}", recursive=True)


OPERATIONS = [
    get, get_ranges, stat, list_all, list_one, digests, put_whole, replace, put_blocks, make_folder,
    rename_in, rename_out, rename_from_outside, remove, remove_from_outside, remove_tree,
]  # fmt: skip
NEVER = {rename_from_outside, remove_from_outside}


def test_nothing_outside_is_touched(swapped):
    server, outside = swapped
    before = state_of(outside)
    outcomes = {operation: collections.Counter() for operation in OPERATIONS}
    begun = time.monotonic()
    with connect(server) as link:
        for number in itertools.count():
            order = choices("links", number).sample(OPERATIONS, len(OPERATIONS))
            for operation in order:
                outcomes[operation][attempt(operation, link, number)] += 1
            assert state_of(outside) == before, [each.__name__ for each in order]
            is_enough = number >= ROUNDS and time.monotonic() - begun >= SECONDS
            if is_enough and all(met_both(*each) for each in outcomes.items()):
                break
            assert number < 50 * ROUNDS or time.monotonic() - begun < SECONDS + DEADLINE_S, outcomes
    for operation, seen in outcomes.items():
        print(operation.__name__, dict(seen))
        assert set(seen) <= TOLD | {"done"}
        assert operation not in NEVER or not seen["done"], f"{operation.__name__}: {seen}"
    report(f"{number} rounds of {len(OPERATIONS)} operations while a folder was a link to outside by turns, "
           f"each of which met both: nothing outside was touched; {time.monotonic() - begun:.0f} s")


class Around:
    """What an Asker has to know of the server."""

    def __init__(self, server):
        self.host, self.port, self.baits = server.host, server.port, 0
        self.shelf = server.root / "shelf"

    def bait(self):
        self.baits += 1
        (self.shelf / f"bait{self.baits}").write_bytes(b"bait")
        return f"shelf/bait{self.baits}"


def test_nothing_outside_is_touched_by_http(swapped):
    """By all that the traversal asks of a path; an answer with what is outside fails where it is read."""
    server, outside = swapped
    before = state_of(outside)
    asker, requests = ways_out_http.Asker(Around(server)), 0
    begun = time.monotonic()
    for number in itertools.count():
        if number >= ROUNDS and time.monotonic() - begun >= SECONDS:
            break
        requests += asker.ask_for([b"swap/f", b"swap/sub/f", b"swap/only-outside", b"swap/new%d/f" % number])
        assert state_of(outside) == before
    assert asker.answers == requests and ROUNDS < asker.done < requests
    report(f"{number} rounds of {requests // number} requests by HTTP while a folder was a link to outside by turns, {asker.done} of them done: "
           f"nothing outside was touched; {time.monotonic() - begun:.0f} s")  # fmt: skip


def met_both(operation, seen):
    """The folder and the link. What asks for the root finds it either way."""
    return seen["done"] + (operation in NEVER) and seen.total() - seen["done"] + (operation is list_all)


def attempt(operation, link, number):
    try:
        operation(link, number)
        return "done"
    except wire_client.Failed as failed:
        return failed.code


def test_a_whole_tree_removed_while_it_is_swapped(swapped):
    """The folder itself, and all below: not what the link shows."""
    server, outside = swapped
    before = state_of(outside)
    with connect(server) as link:
        for number in range(ROUNDS):
            attempt(lambda link, _: link.remove("swap", recursive=True), link, number)
            come_back(server.root)
            assert state_of(outside) == before


def come_back(root):
    """What was removed, for the swapper to go on. It is filled where nobody swaps it."""
    fresh = root / ".fresh"
    if not fresh.exists():
        fill(fresh, INSIDE)
    for name in ("swap", ".other"):
        try:
            fresh.rename(root / name)  # fails onto a link and onto a folder with something in it
            return
        except OSError:
            pass
