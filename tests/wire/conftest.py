"""A real `sluice serve` for the tests of the native protocol. $SLUICE_BUILD: where the binary is."""

import os
import pathlib
import re
import selectors
import signal
import subprocess
import sys
import time

import pytest

TESTS = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

import wire_client  # noqa: E402

START_SECONDS = 30
STOP_SECONDS = 30


class Served:
    """A running server. `folder` is what it serves."""

    host = "127.0.0.1"

    def __init__(self, process, folder, port):
        self.process = process
        self.folder = folder
        self.port = port

    def connect(self, **options):
        return wire_client.Connection(self.host, self.port, **options)

    def raw(self):
        """A connection on which nothing was said yet."""
        return wire_client.Socket.connect(self.host, self.port)


def binary():
    build = os.environ.get("SLUICE_BUILD", TESTS.parent / "build" / "release")
    found = pathlib.Path(build) / "sluice"
    if not found.exists():
        pytest.fail(f"{found} is missing: build it, or set SLUICE_BUILD")
    return found


def port_told_by(process):
    """Reads the server's output up to the line with its address."""
    told = b""
    end = time.monotonic() + START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < end:
            if not selector.select(timeout=end - time.monotonic()):
                break
            piece = os.read(process.stdout.fileno(), 4096)
            told += piece
            if found := re.search(rb"sluice://127\.0\.0\.1:(\d+)", told):
                return int(found[1])
            if not piece:
                break
    pytest.fail(f"the server told no address in {START_SECONDS} s: {told!r}")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    command = [binary(), "serve", folder, "--listen", "127.0.0.1:0", "--public", "write"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield Served(process, folder, port_told_by(process))
        assert process.poll() is None, f"the server ended with {process.returncode}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) >= 0, "the server was ended by a signal"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def server(served):
    """A connection that has said HELLO."""
    with served.connect() as connection:
        yield connection


@pytest.fixture
def still_serving(served):
    """Whatever the test does, the server answers others afterwards."""
    yield
    with served.connect() as other:
        assert other.stat("").kind == wire_client.messages.KIND_FOLDER
