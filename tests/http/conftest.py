"""What the tests of HTTP share: a server for each module, and connections to it."""

import contextlib
import re
import shutil

import pytest

from conftest import DEADLINE_S, Server, read_line
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


class AdminLine(Line):
    """A connection to a server's own address for those who run it."""

    def metrics(self):
        answer = self.ask("GET", "/metrics")
        assert answer.status == 200
        assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
        rows = [row for row in answer.body.decode().splitlines() if not row.startswith("#")]
        return {name: float(value) for name, _, value in (row.rpartition(" ") for row in rows)}


@pytest.fixture
def serve_watched(serve):
    """Starts servers that tell what happens in them: `server, admin = serve_watched("--idle-timeout", "1h")`."""
    with contextlib.ExitStack() as opened:

        def start(*options):
            server = serve("--admin-listen", "127.0.0.1:0", *options)
            (server.root / "ok.txt").write_bytes(b"here\n")
            where = re.search(r"http://([0-9.]+):([0-9]+)/", read_line(server.process.stdout))
            return server, opened.enter_context(AdminLine(where[1], int(where[2])))

        yield start
