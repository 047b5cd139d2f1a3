"""What the black-box tests share: the program, and servers that live as long as a test."""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "release")).resolve()
SLUICE = BUILD / "sluice"
DEADLINE_S = 60
# What a sanitizer adds is no memory of ours: then nothing is held to its limit (`./dev sanitize`).
IS_SANITIZED = "san" in BUILD.name
# Whoever runs the tests in the background has it ignored, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def read_line(stream, deadline_s=DEADLINE_S):
    """One line of a pipe, or an error at the deadline: never a test that hangs."""
    line = b""
    end = time.monotonic() + deadline_s
    readable = select.poll()  # select() knows no descriptor over 1023
    readable.register(stream, select.POLLIN)
    while not line.endswith(b"\n"):
        if not readable.poll(max(0, end - time.monotonic()) * 1000):
            raise TimeoutError(f"no line within {deadline_s} s, only {line!r}")
        byte = os.read(stream.fileno(), 1)
        if not byte:
            raise EOFError(f"the program ended, having said {line!r}")
        line += byte
    return line.decode()


class Server:
    """A `sluice serve` of a folder."""

    def __init__(self, root, *options, env=None):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.options = options
        self.env = {**os.environ, **(env or {})}
        self.start()

    def start(self, listen="127.0.0.1:0"):
        # Open, unless the test is about who may do what.
        opened = [] if "--public" in self.options else ["--public", "write"]
        command = [SLUICE, "serve", self.root, "--listen", listen, *opened, *self.options]
        self.log = open(self.root.parent / f"{self.root.name}.log", "ab")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=self.log, env=self.env)
        line = read_line(self.process.stdout)
        self.fingerprint = None
        if line.startswith("certificate "):
            self.fingerprint = line.split()[1]
            line = read_line(self.process.stdout)
        found = re.search(r"(sluices?)://([0-9.]+):([0-9]+)", line)
        assert found, f"no address in {line!r}"
        self.host, self.port = found[2], int(found[3])
        self.url = f"{found[1]}://{self.host}:{self.port}"

    def restart(self):
        """The same folder on the same port."""
        self.start(listen=f"{self.host}:{self.port}")

    def kill(self):
        """As a crash does it."""
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def stop(self):
        """As an operator does it; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.log.close()

    def memory_kib(self, field):
        """A field of /proc/PID/status, such as RssAnon. 0 under a sanitizer."""
        if IS_SANITIZED:
            return 0
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise KeyError(field)


@pytest.fixture(autouse=True)
def no_gigabytes_stay(tmp_path):
    """pytest keeps the folders of three runs: 100 GB, with the sizes of these tests."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def serve(tmp_path):
    """Starts servers: `server = serve("--threads", "1")`, folder `tmp_path/served` unless `root` says so.

    `kind` is Server, or a class made of it.
    """
    started = []

    def start(*options, root=None, kind=Server, **more):
        server = kind(root or tmp_path / "served", *options, **more)
        started.append(server)
        return server

    yield start
    for server in started:
        server.process.kill()
        server.process.wait(DEADLINE_S)
        server.log.close()


@pytest.fixture
def sluice():
    """Runs the program to its end: `sluice("ls", url)` gives the CompletedProcess, texts decoded."""

    def run(*arguments, check=None, timeout=600, **more):
        done = subprocess.run([str(SLUICE), *map(str, arguments)], capture_output=True, timeout=timeout, **more)
        done.out = done.stdout.decode(errors="replace")
        done.err = done.stderr.decode(errors="replace")
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.out}\n{done.err}"
        return done

    return run
