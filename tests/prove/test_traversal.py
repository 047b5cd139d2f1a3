"""No name leads out of the served folder: generated paths (ways_out.py), by every verb of both protocols.

What is outside holds a word that no answer may have, and is the same all the time. Each core has a server of its own,
and asks for a share of the paths.
"""

import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib
import tempfile
import time

import pytest

from prove import ways_out_http, ways_out_native
from prove.plan import amount, report
from prove.surrounded import CANARY, Surrounded
from prove.ways_out import paths
from prove.ways_out_native import frame_of, text_field
from wire_client import Connection

LENGTH = amount("TRAVERSAL_LENGTH", 2)
TOGETHER = 64  # paths
TIDY_EVERY = 32 * TOGETHER
SHARES = os.cpu_count()

Told = collections.namedtuple("Told", "paths requests answers done")


@pytest.fixture
def surrounded(serve):
    """In memory, where a sync costs nothing: what is made here is made a hundred thousand times."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        made = [Surrounded(pathlib.Path(folder) / str(number)) for number in range(SHARES)]
        servers = [serve(root=each.served) for each in made]
        for each, server in zip(made, servers):
            each.surrounds(server)
        yield made
        for each, server in zip(made, servers):
            each.check()
            assert server.process.poll() is None


def all_paths():
    return paths(LENGTH, all_odd_ones=LENGTH >= 5)


def chunks_of(share):
    """Neighbours stay together: what one of them made is there for the next."""
    every = all_paths()
    for number in itertools.count():
        if not (some := list(itertools.islice(every, TOGETHER))):
            return
        if number % SHARES == share:
            yield some


def ask_for_share(share, around, asker_of):
    asker, count, requests = asker_of(around), 0, 0
    for some in chunks_of(share):
        requests += asker.ask_for(some)
        count += len(some)
        if count % TIDY_EVERY < TOGETHER:
            around.check()
            around.tidy()
    around.check()
    return Told(count, requests, asker.answers, asker.done)


def ask_for_all(surrounded, asker_of):
    fork = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(SHARES, mp_context=fork) as workers:
        shares = [workers.submit(ask_for_share, number, around, asker_of) for number, around in enumerate(surrounded)]
        return Told(*map(sum, zip(*(each.result() for each in shares))))


@pytest.mark.parametrize("by", [ways_out_http, ways_out_native], ids=["http", "native"])
def test_no_path_leads_out(surrounded, by):
    begun = time.monotonic()
    told = ask_for_all(surrounded, by.Asker)
    assert told.paths == sum(1 for _ in all_paths())
    assert told.answers == told.requests, "each was answered"
    assert told.requests > 10 * told.paths and told.done > told.requests // 20, told
    report(f"{told.paths} paths by {by.__name__.rpartition('_')[2]}, {told.answers} requests, each answered, {told.done} of them done: "
           f"nothing outside was read or written; {time.monotonic() - begun:.0f} s")  # fmt: skip


def test_what_is_no_utf8_is_no_path(surrounded):
    server = surrounded[0]
    for path in (b"\xc0\xae\xc0\xae/secret", b"..\xff/secret", b"\xed\xa0\x80", b"in/\x80"):
        for kind in ("LIST", "STAT", "GET", "DIGESTS", "SCRUB", "MAKE_FOLDER", "REMOVE"):
            with Connection(server.host, server.port) as link:
                link.send(frame_of(kind, 1, text_field(1, path)))
                came = link.read_frame()
                assert came.name == "ERROR" and CANARY not in came.body
