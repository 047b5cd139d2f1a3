"""A closed server, and people of every role who may or may not do something there."""

import functools
import itertools
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import DEADLINE_S, SLUICE, Server
from http_client import Line
from websocket_client import WebSocket
from wire_client import Connection

# What is granted to whom. A stranger says nothing of itself, and has no account.
GRANTS = {
    "nobody": [],
    "see": ["/=see"],
    "read": ["/=see,take"],
    "drop": ["/=give"],
    "write": ["/=see,take,give,change,talk"],
    "admin": ["/=admin"],
}
# Links to the served folder, by what they are for.
LINKS = ["watch", "drop", "both"]
ROLES = ["stranger", *GRANTS, *(f"link to {does}" for does in LINKS)]


def run(*arguments, **more):
    """The program to its end; its standard output."""
    done = subprocess.run(
        [str(SLUICE), *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


class House(Server):
    """A server with accounts, which can only be changed while it is stopped."""

    def __init__(self, root, *options, public="none"):
        super().__init__(root, *options, "--public", public)
        self.data = self.root / ".sluice"

    def change(self, *commands):
        """Each a command line without its --data; the outputs."""
        self.stop()
        told = [run(*command, "--data", self.data) for command in commands]
        self.restart()
        return told

    def account(self, name, *grants):
        """Makes it; a token of it."""
        flags = [flag for grant in grants for flag in ("--grant", grant)]
        return self.change(["user", "add", name, *flags], ["token", "new", name])[1].strip()

    @property
    def owner_key(self):
        return (self.data / "owner-key").read_text().strip()

    def native(self, token=None):
        opened = Connection(self.host, self.port)
        if token:
            opened.login(token=token)
        return opened

    def ask(self, token, method, target, *fields, body=None):
        """One request on a connection of its own."""
        login = [f"Authorization: Bearer {token}"] if token else []
        with Line(self.host, self.port) as line:
            return line.ask(method, target, *login, *fields, "Connection: close", body=body)

    def post(self, token, target, **wish):
        """A JSON request."""
        return self.ask(token, "POST", target, "Content-Type: application/json", body=json.dumps(wish).encode())

    def link(self, token, path, does, **more):
        """Makes one; what the server tells of it."""
        made = self.post(token, "/api/links", path=path, does=does, **more)
        assert made.status == 201, made.body
        return json.loads(made.body)

    def audit(self):
        """The lines of the record so far, once the server stopped."""
        return [json.loads(line) for line in (self.data / "audit.log").read_text().splitlines()]

    def live(self, token):
        login = [f"Authorization: Bearer {token}"] if token else []
        return WebSocket(self, *login)


@pytest.fixture
def open_house(serve):
    """Starts houses: `open_house(public="read")`."""
    return functools.partial(serve, kind=House)


@pytest.fixture(scope="module")
def roles(tmp_path_factory):
    """A house with somebody of every role: `roles.tokens["read"]`. Files: see test_matrix.py."""
    folder = tmp_path_factory.mktemp("access")
    house = House(folder / "served")
    house.stop()
    house.tokens = {"stranger": None}
    for role, grants in GRANTS.items():
        flags = [flag for grant in grants for flag in ("--grant", grant)]
        run("user", "add", role, *flags, "--data", house.data)
        house.tokens[role] = run("token", "new", role, "--data", house.data).strip()
    house.restart()
    for does in LINKS:
        house.tokens[f"link to {does}"] = house.link(house.tokens["admin"], "", does)["secret"]
    yield house
    house.process.kill()
    house.process.wait(DEADLINE_S)
    house.log.close()
    shutil.rmtree(pathlib.Path(folder), ignore_errors=True)


serial = itertools.count()


def new_name():
    return f"new{next(serial)}"


@pytest.fixture
def file(roles):
    """A file of its own for each cell."""
    path = roles.root / f"{new_name()}.txt"
    path.write_bytes(b"here\n")
    yield path
    path.unlink(missing_ok=True)
