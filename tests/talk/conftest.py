"""What the tests of conversations share: a closed server, and people who come and go."""

import itertools
import json
import shutil
from urllib.parse import quote

import pytest

from access.conftest import House
from conftest import DEADLINE_S
from http_client import Line
from openapi import OPENAPI, matches
from websocket_client import WebSocket

serial = itertools.count()
TALKS = "see,take,give,change,talk"


class Person:
    """Somebody with an account, a name and a token."""

    def __init__(self, house, name, token):
        self.house, self.name, self.token = house, name, token

    def ask(self, method, target, *fields, body=None):
        with Line(self.house.host, self.house.port) as line:
            login = [f"Authorization: Bearer {self.token}"] if self.token else []
            return line.ask(method, target, *login, *fields, body=body)

    def post(self, target, **wish):
        return self.ask("POST", f"/api/{target}", "Content-Type: application/json", body=json.dumps(wish).encode())

    def say(self, path, text, **more):
        """The message, durable."""
        answer = self.post("say", path=path, text=text, **more)
        assert answer.status == 201, answer.body
        return message(json.loads(answer.body))

    def amend(self, path, number, **what):
        answer = self.post("amend", path=path, id=number, **what)
        assert answer.status == 200, answer.body
        return message(json.loads(answer.body))

    def page(self, path, **query):
        rest = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        answer = self.ask("GET", f"/api/talk/{quote(path)}" + ("?" + rest if rest else ""))
        assert answer.status == 200, answer.body
        found = json.loads(answer.body)
        matches(found, OPENAPI["components"]["schemas"]["talk_page"])
        return found

    def texts(self, path, **query):
        return [each["text"] for each in self.page(path, **query)["messages"]]

    def live(self):
        return Ear(self)


class Ear(WebSocket):
    """A connection of /live that joins rooms."""

    def __init__(self, who, **more):
        login = [f"Authorization: Bearer {who.token}"] if who.token else []
        super().__init__(who.house, *login, **more)

    def join(self, path, **more):
        told = self.ask({"kind": "join", "path": path, **more})
        assert told["kind"] == "joined", told
        matches(told, OPENAPI["components"]["schemas"]["talk_news"])
        return told

    def hear(self, kind="message"):
        """The next of that kind; who is there and who types may come in between."""
        while True:
            told = self.message()
            matches(told, OPENAPI["components"]["schemas"]["talk_news"])
            if told["kind"] == kind:
                return told
            assert told["kind"] in ("here", "typing"), told

    def hear_texts(self, count):
        return [self.hear()["text"] for _ in range(count)]


def message(told):
    matches(told, OPENAPI["components"]["schemas"]["message"])
    return told


class Talking(House):
    """A house where accounts come while it runs."""

    def somebody(self, rights=TALKS, path=""):
        name = f"person-{next(serial)}"
        chief = Person(self, "owner", self.owner_key)
        grants = [{"path": path, "rights": rights}] if rights else []
        assert chief.post("accounts", name=name, grants=grants).status < 300
        made = chief.post("tokens", account=name)
        assert made.status < 300, made.body
        return Person(self, name, json.loads(made.body)["token"])

    def grant(self, who, rights, path=""):
        done = Person(self, "owner", self.owner_key).post("accounts/grant", name=who.name, path=path, rights=rights)
        assert done.status < 300, done.body

    def stranger(self):
        return Person(self, None, None)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("talk")
    opened = Talking(folder / "served")
    yield opened
    opened.process.kill()
    opened.process.wait(DEADLINE_S)
    opened.log.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def anna(house):
    return house.somebody()


@pytest.fixture
def ben(house):
    return house.somebody()


@pytest.fixture
def film(house):
    """The path of a file of its own: nobody said anything about it yet."""
    path = f"片-{next(serial)}.mp4"
    (house.root / path).write_bytes(b"film")
    return path


@pytest.fixture
def open_talk(serve):
    """Starts houses of their own."""
    return lambda *options: serve(*options, kind=Talking)
