"""One upload over a line that is cut again and again, in the middle of frames, both ways."""

import collections
import os
import pathlib
import shutil
import threading
import time
import uuid

import pytest

from product.conftest import BLOCK, MIB, make_file
from product.proxy import DOWN, UP
from prove.ledger import check_no_partials
from prove.plan import amount, choices, report
from prove.told import Told
from wire_format import digest

SIZE = int(amount("CUT_GIB", 200 / 1024) * 1024) * MIB + 12_345
CUTS = amount("CUTS", 20)
ACKNOWLEDGEMENT_LOST = 0.2  # of the cuts: in the middle of an answer


class Cuts:
    """Filter of a proxy: cuts the connection on which the frame is at chosen amounts of content, and
    counts what was on the way there: handed on and not told durable."""

    def __init__(self, random, told):
        self.random, self.told = random, told
        self.count = 0
        self.sent = 0  # blocks handed on, whole or in part
        self.at_risk = []  # blocks, a cut each
        self._open = collections.defaultdict(set)  # connection -> blocks that were not told
        self._next = self._step()
        self._answer = False  # the next answer is cut
        self._lock = threading.Lock()

    def _step(self):
        return self.sent + SIZE / BLOCK / CUTS * self.random.uniform(0.2, 1.2)

    def __call__(self, passing):
        with self._lock:
            if passing.way == UP and passing.name == "BLOCK":
                self.sent += 1
                self._open[passing.connection].add(passing.block)
            if self._is_time(passing):
                return self._cut(passing)
        self.told(passing)

    def heard(self, passing):
        with self._lock:
            if passing.name == "BLOCKS_DURABLE":
                self._open[passing.connection] -= passing.durable
        self.told.heard(passing)

    def _is_time(self, passing):
        if self.count == CUTS:
            return False
        if passing.way == DOWN:
            return passing.name == "BLOCKS_DURABLE" and self._answer
        if passing.name != "BLOCK" or self.sent < self._next:
            return False
        self._next = self._step()
        self._answer = self.random.random() < ACKNOWLEDGEMENT_LOST
        return not self._answer

    def _cut(self, passing):
        self._answer = False
        self.count += 1
        self.at_risk.append(len(self._open.pop(passing.connection, ())))
        passing.cut_at = self.random.randrange(1, len(passing.data))


@pytest.fixture
def source(tmp_path):
    """In memory where there is room: the disk has enough to do with the other copy."""
    free = shutil.disk_usage("/dev/shm").free
    folder = pathlib.Path("/dev/shm") if SIZE < min(free, available_memory()) / 2 + MIB * 1024 else tmp_path
    path = make_file(folder / f"sluice-prove-{uuid.uuid4().hex}", SIZE)
    yield path
    path.unlink()


def available_memory():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


def are_equal(one, other):
    if os.stat(one).st_size != os.stat(other).st_size:
        return False
    with open(one, "rb") as first, open(other, "rb") as second:
        while block := first.read(8 * MIB):
            if digest(block) != digest(second.read(8 * MIB)):
                return False
    return True


def test_cuts(serve, running, between, source):
    server = serve()
    told = Told()
    cuts = Cuts(choices("cuts"), told)
    proxy = between(server, cuts)
    begun = time.monotonic()
    runs, said = 1, []
    while (put := running("put", source, f"{proxy.url}/f")).end() != 0:
        said.append(put.result)
        assert runs <= CUTS, said  # after too many cuts without progress it gives up, and is run again
        runs += 1
    took = time.monotonic() - begun
    target = server.root / "f"
    assert are_equal(target, source)
    target.unlink()
    blocks = -(-SIZE // BLOCK)
    again = cuts.sent - blocks
    assert cuts.count == CUTS
    assert told.sent_in_vain == [], "sent again though it was told durable"
    assert again <= sum(cuts.at_risk)
    check_no_partials(server.root)
    report(f"{SIZE / MIB / 1024:.2f} GiB cut {CUTS} times: digests equal; {again} MiB sent again, {again / CUTS:.1f} "
           f"a cut, of {sum(cuts.at_risk)} that were on the way and not told durable (at most {max(cuts.at_risk)} "
           f"at one cut); {runs} runs of `sluice put`; {took:.0f} s")
