"""Chromium with the page of a server."""

import pathlib
import shutil

import pytest

import npm

SOURCES = pathlib.Path(__file__).parent / "js"


DEADLINE_S = 180  # of a whole scenario; each of its steps has its own (js/page.mjs)


class Person(npm.Program):
    def until(self, name, deadline_s=DEADLINE_S):
        return super().until(name, deadline_s)


@pytest.fixture(scope="session")
def installed():
    return npm.install(SOURCES, "browser")


@pytest.fixture
def people(installed, serve):
    """`act(scenario, server, **what)`: somebody who does that on the page of the server (js/scenarios.mjs)."""
    started = []

    def act(scenario, server, **wanted):
        wanted |= {"scenario": scenario, "origin": f"http://{server.host}:{server.port}", "browser": shutil.which("chromium")}
        started.append(Person(installed, "page.mjs", wanted))
        return started[-1]

    yield act
    for program in started:
        program.end()


@pytest.fixture
def tree(serve, tmp_path):
    """`tree({"day-1/a.txt": b"..."})`: an open server of these files."""

    def make(files, *options):
        root = tmp_path / "served"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return serve(*options, root=root)

    return make
