"""kill -9 of the server and of clients at random moments, while several of them are at work."""

import shutil
import subprocess
import threading
import time

import pytest

from client.conftest import content
from conftest import DEADLINE_S, SLUICE
from product.conftest import MIB, make_file
from prove.ledger import Content, check_no_partials, stored_in
from prove.plan import amount, choices, report
from prove.told import Told

KILLS = amount("KILLS", 40)


class Job(threading.Thread):
    """A command that is run again and again until it succeeds; then the next one begins."""

    def __init__(self, name):
        super().__init__(name=name, daemon=True)
        self.is_over = threading.Event()
        self.is_up = threading.Event()  # the server: without it nobody tries
        self.is_up.set()
        self.lock = threading.Lock()  # of `process`, and of what it made
        self.process = None
        self.was_killed = False
        self.finished = self.runs = 0
        self.problem = None

    def run(self):
        try:
            while not self.is_over.is_set():
                self.begin(f"{self.name}-{self.finished}")
                self.run_until_done()
                with self.lock:  # who looks at what is there meanwhile finds nothing half cleared
                    self.check_done()
                self.finished += 1
        except BaseException as problem:
            self.problem = problem

    def run_until_done(self):
        end = time.monotonic() + DEADLINE_S
        while (code := self.run_once()) != 0:
            # Without a server a client gives up after a while, and is run again.
            assert code in (-9, 1, 3), f"{self.command}: exit {code}: {self.said}"
            assert time.monotonic() < end, f"{self.command}: {self.said}"

    def run_once(self):
        self.is_up.wait(DEADLINE_S)
        with self.lock:
            self.runs += 1
            self.process = subprocess.Popen(
                [str(SLUICE), *map(str, self.command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.said = self.process.communicate()[1].decode()
        return self.process.returncode

    def kill(self):
        """True where there was something to kill."""
        with self.lock:
            if not self.process or self.process.poll() is not None:
                return False
            self.process.kill()
            self.process.wait(DEADLINE_S)
            self.check_cut()
            return True


class Put(Job):
    def __init__(self, name, server, url, source):
        super().__init__(name)
        self.server, self.url, self.source = server, url, source
        base = source.parent if source.is_dir() else None
        files = [path for path in source.rglob("*") if path.is_file()] if base else [source]
        self.wanted = {str(path.relative_to(source.parent)): Content.found(path) for path in files}

    def begin(self, name):
        self.target = self.server.root / name
        self.command = ["put", "-q", self.source, f"{self.url}/{name}/"]

    def check_cut(self):
        """While the server goes on publishing: what is there is whole."""
        if not self.target.exists():
            return
        for path, found in stored_in(self.target).items():
            assert found == self.wanted[path], f"{self.target}/{path} is not whole: {found}"

    def check_done(self):
        assert stored_in(self.target) == self.wanted
        shutil.rmtree(self.target)


class Get(Job):
    def __init__(self, name, url, folder, wanted):
        super().__init__(name)
        self.url, self.folder, self.wanted = url, folder, wanted
        self.folder.mkdir()

    def begin(self, name):
        self.command = ["get", "-q", self.url, "-o", f"{self.folder}/"]

    def check_cut(self):
        for path, found in stored_in(self.folder).items():
            if not any(part.startswith(".") for part in path.split("/")):  # a partial
                assert found == self.wanted[path], f"{self.folder}/{path} is not whole: {found}"

    def check_done(self):
        assert stored_in(self.folder) == self.wanted
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for number in range(60):
        path = root / str(number % 7) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(number * 701, seed=number))
    make_file(root / "large", 3 * MIB + 5)
    return root


@pytest.fixture
def at_work(serve, between, tree, tmp_path):
    """(server, told, jobs): uploads and downloads of files and trees, all at once."""
    random = choices("kills", "checkpoints")
    told = Told(lambda: random.random() < 0.2)
    server = serve()
    proxy = between(server, told)
    large = make_file(tmp_path / "large.mov", 24 * MIB + 17)
    shutil.copytree(tree, server.root / "shelf" / "tree")
    shutil.copy2(large, server.root / "shelf")
    jobs = [
        Put("a", server, proxy.url, large),
        Put("b", server, proxy.url, make_file(tmp_path / "other.mov", 9 * MIB, seed=2)),
        Put("c", server, proxy.url, tree),
        Get("d", f"{proxy.url}/shelf/{large.name}", tmp_path / "got", {large.name: Content.found(large)}),
        Get("e", f"{proxy.url}/shelf/tree", tmp_path / "got-tree", Put("", server, "", tree).wanted),
    ]
    for job in jobs:
        job.start()
    yield server, told, jobs
    for job in jobs:
        job.is_over.set()
        if job.process:
            job.process.kill()


def kill_server(server, jobs):
    """What can be seen is whole, before and after."""
    for job in jobs:
        job.is_up.clear()
    server.kill()
    server.log.close()
    for job in jobs:
        if isinstance(job, Put):
            with job.lock:
                job.check_cut()
    server.restart()
    for job in jobs:
        job.is_up.set()


def check_jobs(jobs):
    for job in jobs:
        if job.problem:
            raise AssertionError(f"{job.name}: {job.problem}") from job.problem


def test_kills(at_work):
    server, told, jobs = at_work
    moment = threading.Event()
    killed = {"server": 0, "put": 0, "get": 0}
    begun = time.monotonic()
    for number in range(KILLS):
        random = choices("kills", number)
        told.wait_for(random.randint(1, 30))
        moment.wait(random.uniform(0, 0.03))  # nothing happens then: that is what it is for
        victim = random.choice([None, None, *jobs])
        if victim is None:
            kill_server(server, jobs)
            killed["server"] += 1
        else:
            while not victim.kill():  # between two runs
                told.wait_for(1)
                check_jobs(jobs)
            killed[type(victim).__name__.lower()] += 1
        check_jobs(jobs)
    for job in jobs:
        job.is_over.set()
    for job in jobs:
        job.join(DEADLINE_S)
        assert not job.is_alive(), f"{job.name}: {job.command} hangs"
    check_jobs(jobs)
    assert told.sent_in_vain == []
    check_no_partials(server.root)
    report(f"{KILLS} kills {killed}: {sum(job.finished for job in jobs)} transfers finished in "
           f"{sum(job.runs for job in jobs)} runs, {told.blocks} blocks on the way, {told.told_blocks()} told "
           f"durable, 0 of them sent again or lost, 0 partial files seen, 0 left over; "
           f"{time.monotonic() - begun:.0f} s")
