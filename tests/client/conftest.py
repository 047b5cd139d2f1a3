"""What the tests of put and get share: content, and transfers that are looked at while they run."""

import json
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

from conftest import DEADLINE_S, SLUICE, read_line

MIB = 1 << 20

def content(size, seed=1):
    """The same bytes for the same seed."""
    return random.Random(seed).randbytes(size)

class Running:
    """A transfer under way, its events one by one."""

    def __init__(self, *arguments, **more):
        self.process = subprocess.Popen(
            [str(SLUICE), *map(str, arguments), "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.events = []

    def next_event(self):
        self.events.append(json.loads(read_line(self.process.stdout)))
        return self.events[-1]

    def until_bytes(self, count):
        """Waits until that many bytes are done."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            event = self.next_event()
            assert event.get("event") not in ("done", "error"), f"too early: {event}"
            if event.get("bytes", 0) >= count:
                return event
        raise TimeoutError(f"only {self.events[-1]} within {DEADLINE_S} s")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def end(self):
        """The exit code; the remaining events are read."""
        out, self.errors = self.process.communicate(timeout=600)
        self.events += [json.loads(line) for line in out.splitlines() if line]
        return self.process.returncode

    @property
    def result(self):
        return self.events[-1]


@pytest.fixture
def running():
    started = []

    def start(*arguments, **more):
        started.append(Running(*arguments, **more))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait(DEADLINE_S)

def tree_of(root):
    """Path -> (mtime in ns, executable, content or None for a folder)."""
    found = {}
    for path in sorted(root.rglob("*")):
        told = path.lstat()
        found[str(path.relative_to(root))] = (
            told.st_mtime_ns, bool(told.st_mode & 0o100) and path.is_file(),
            path.read_bytes() if path.is_file() else None)
    return found

def set_time(path, ns):
    os.utime(path, ns=(ns, ns))
