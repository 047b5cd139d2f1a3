"""What the tests of HTTP share: a server for each module, and connections to it."""

import shutil

import pytest

from conftest import DEADLINE_S, Server
from http_client import Line


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for the tests of a module, with a few files."""
    folder = tmp_path_factory.mktemp("http")
    root = folder / "served"
    root.mkdir()
    (root / "ok.txt").write_bytes(b"here\n")
    server = Server(root)
    yield server
    server.process.kill()
    server.process.wait(DEADLINE_S)
    server.log.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def line(served):
    with Line(served.host, served.port) as opened:
        yield opened
