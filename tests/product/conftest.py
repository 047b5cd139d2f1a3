"""What the tests of the whole product share."""

import hashlib
import os
import pathlib
import threading
import time

import pytest

import wire_client
from client.conftest import MIB, content, running, set_time, tree_of  # noqa: F401
from conftest import DEADLINE_S, IS_SANITIZED
from product.proxy import Proxy

BLOCK = MIB
MEMORY_KIB = 64 * 1024  # the most that a side may take, whatever it moves
GIB = float(os.environ.get("SLUICE_TEST_GIB", "1"))  # of the tests marked slow


def until(true, what, deadline_s=DEADLINE_S):
    """Waits for an event of another process that tells nobody when it happens."""
    end = time.monotonic() + deadline_s
    while not (value := true()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline_s} s")
        time.sleep(0.01)
    return value


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_file(path, size, seed=1):
    """A file of `size` bytes of which no two blocks are the same."""
    piece = bytearray(content(min(size, MIB), seed))
    with open(path, "wb") as file:
        for at in range(0, size, MIB):
            piece[:8] = at.to_bytes(8, "big")[-min(8, len(piece)) :]
            file.write(piece[: size - at])
    return pathlib.Path(path)


def flip(path, offset, bit=4):
    """Flips a bit as a disk loses it: no time of the file tells."""
    told = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def drop_cache(path):
    """What is on the disk is no longer in memory."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def log_of(server):
    return (server.root.parent / f"{server.root.name}.log").read_text()


def connect(server, **options):
    return wire_client.Connection(server.host, server.port, **options)


def raw(server):
    """A connection on which nothing was said yet."""
    return wire_client.Socket.connect(server.host, server.port)


def names_in(server):
    """The paths that a client can see."""
    with connect(server) as other:
        return [entry.path for entry in other.list("", recursive=True)]


class Memory:
    """The most anonymous memory that processes took while a test ran."""

    def __init__(self, **pids):
        self.peak_kib = dict.fromkeys(pids, 0)
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._over.wait(0.003):
            for name, pid in self._pids.items():
                self.peak_kib[name] = max(self.peak_kib[name], _anonymous_kib(pid))

    def check(self, limit_kib=MEMORY_KIB):
        self._over.set()
        self._thread.join()
        print("anonymous memory, KiB:", self.peak_kib)
        for name, peak in self.peak_kib.items():
            assert 0 < peak and (peak < limit_kib or IS_SANITIZED), f"{name}: {peak} KiB"


def _anonymous_kib(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(text.partition("RssAnon:")[2].split()[0]) if "RssAnon:" in text else 0


@pytest.fixture
def between():
    """A proxy in front of a server: `between(server)`."""
    made = []

    def start(server, filter=None):
        made.append(Proxy(server.host, server.port, filter))
        return made[-1]

    yield start
    for proxy in made:
        proxy.close()


@pytest.fixture
def opened():
    """Connections that a test leaves open: `opened(connect(server))`."""
    kept = []

    def keep(connection):
        kept.append(connection)
        return connection

    yield keep
    for connection in kept:
        connection.close()
