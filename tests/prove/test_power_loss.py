"""The power goes at a random moment: what was acknowledged is there when it comes back."""

import subprocess
import threading
import time

import pytest

from client.conftest import content
from conftest import DEADLINE_S, SLUICE, Server
from product.conftest import connect, names_in
from prove import crowd
from prove.ledger import Content, Ledger, check_no_partials
from prove.plan import amount, choices, report
from prove.volume import Volume, require
from wire_format import block_count, block_of, digest

ROUNDS = {"ext4": amount("POWER_LOSSES", 12), "xfs": amount("POWER_LOSSES_XFS", 4)}


class Machine:
    """A volume and the server on it."""

    def __init__(self, kind, folder):
        self.volume = Volume(kind, folder)
        self.root = self.volume.root
        self.server = Server(self.root)

    def crash(self, process):
        self.volume.lose_power()
        process.kill()
        process.wait(DEADLINE_S)
        self.volume.unmount()
        self.volume.mount()

    def lose_power(self):
        self.crash(self.server.process)
        self.server.log.close()

    def lose_power_at_start(self, after_s):
        """While a server finds out what the last loss left."""
        with open(self.root.parent / "starts.log", "ab") as log:
            process = subprocess.Popen(
                [str(SLUICE), "serve", str(self.root), "--listen", "127.0.0.1:0", "--public", "write"],
                stdout=subprocess.DEVNULL, stderr=log)
            try:
                process.wait(after_s)
                raise AssertionError(f"the server ended by itself: see {log.name}")
            except subprocess.TimeoutExpired:
                self.crash(process)

    def end(self):
        if self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.wait(DEADLINE_S)
        self.server.log.close()
        self.volume.remove()


@pytest.fixture
def machine(tmp_path):
    made = []

    def make(kind):
        require(kind)
        made.append(Machine(kind, tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def tree(tmp_path):
    """What `sluice put` uploads: small files, and one of several blocks."""
    for number, size in enumerate([0, 10, 5_000, 70_000, 3_000_000]):
        path = tmp_path / "tree" / str(number % 2) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(size, seed=number))
    return tmp_path / "tree"


def start_crowd(machine, ledger, pool, random, tree, is_over):
    def make(kind, name, **more):
        own = choices(random.random(), name)
        return kind(name, machine.server, ledger, pool, own, is_over, **more)

    crowd_of = [
        make(crowd.SmallFiles, "small"), make(crowd.LargeFiles, "large"), make(crowd.LargeFiles, "large2"),
        make(crowd.Names, "names"), make(crowd.Program, "put", source=tree),
    ]  # fmt: skip
    for worker in crowd_of:
        worker.start()
    return crowd_of


def end_crowd(workers):
    for worker in workers:
        if isinstance(worker, crowd.Program):
            worker.kill()
    for worker in workers:
        worker.join(DEADLINE_S)
        assert not worker.is_alive(), f"{worker.name} hangs"
        if worker.problem:
            raise AssertionError(f"client {worker.name}: {worker.problem}") from worker.problem


def check_uploads(server, ledger, random):
    """Each open upload still has all blocks that were told durable; then it comes to an end."""
    with connect(server) as link:
        for partial in list(ledger.partials):
            if partial.finishing and partial.finishing.happened:
                if partial.upload_id:
                    link.put_done(partial.upload_id)
            else:
                check_upload(link, partial)
                end_upload(link, partial, ledger, random)
            ledger.partials.discard(partial)


def check_upload(link, partial):
    upload = link.open(**partial.fields)
    found, recorded, _ = link.digests(upload_id=upload.upload_id, source=1)
    assert found == recorded, f"{partial.fields['path']}: on record are blocks that are not there"
    for number in partial.durable if not partial.is_aborting else ():
        assert found.get(number) == digest(block_of(partial.data, number)), (
            f"{partial.fields['path']}: block {number} of {block_count(partial.data)} was told durable and is gone")
    for number, is_there in found.items():
        assert is_there == digest(block_of(partial.data, number))
    upload.leave()


def end_upload(link, partial, ledger, random):
    if partial.is_aborting or random.random() < 0.3:
        return link.open(**partial.fields).abort()
    path = partial.fields["path"]
    change = ledger.begin({path: Content.of(partial.data, partial.fields["mtime_ns"])})
    fields = {key: value for key, value in partial.fields.items() if key not in ("path", "size_bytes")}
    link.put(path, partial.data, **fields)
    ledger.done(change)


def check_all(machine, ledger, random, workers):
    """All that was acknowledged, nothing half done, nothing left over."""
    ledger.check(machine.root)
    check_uploads(machine.server, ledger, random)
    for worker in workers:
        if isinstance(worker, crowd.Program):
            worker.go_on()
    ledger.check(machine.root)
    check_no_partials(machine.root)
    listed = {path for path in names_in(machine.server) if (machine.root / path).is_file()}
    assert listed == set(ledger.files)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_loss(machine, tree, kind):
    it, ledger = machine(kind), Ledger()
    pool = crowd.Bytes(choices("content"))
    at_start, moment = 0, threading.Event()
    begun = time.monotonic()
    for number in range(ROUNDS[kind]):
        random = choices("power", kind, number)
        print(f"round {number}: {dict(ledger.told)} acknowledged")
        is_over = threading.Event()
        workers = start_crowd(it, ledger, pool, random, tree, is_over)
        ledger.wait_for(random.randint(1, 60))
        moment.wait(random.uniform(0, 0.02))  # nothing happens then: that is what it is for
        is_over.set()
        ledger.lose_power()
        it.lose_power()
        end_crowd(workers)
        while random.random() < 0.4:
            it.lose_power_at_start(random.uniform(0.001, 0.03))
            at_start += 1
        it.server.start()
        ledger.restore_power()
        check_all(it, ledger, random, workers)
    report(f"{kind}: {ROUNDS[kind]} power losses and {at_start} more at the start after one, "
           f"{ledger.told['files']} changes of files and {ledger.told['blocks']} blocks acknowledged: "
           f"0 lost, 0 half done, 0 left over; {time.monotonic() - begun:.0f} s")
