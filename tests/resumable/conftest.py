"""A client of the resumable uploads of HTTP that sees interim responses too."""

import socket

import pytest

from conftest import DEADLINE_S

INTEROP_VERSION = "8"
PARTIAL = "application/partial-upload"
PROBLEMS = "https://iana.org/assignments/http-problem-types#"


class Answer:
    """A response, interim or final."""

    def __init__(self, stream, method):
        line = stream.readline().decode()
        if not line:
            raise EOFError("the server said nothing")
        self.status = int(line.split(" ")[1])
        self.all = []
        while (line := stream.readline().decode().rstrip("\r\n")):
            name, value = line.split(": ", 1) if ": " in line else (line.rstrip(":"), "")
            self.all.append((name.lower(), value))
        length = int(self["Content-Length"] or 0)
        has_body = method != "HEAD" and self.status >= 200 and self.status not in (204, 304)
        self.body = stream.read(length) if has_body else b""

    def __getitem__(self, name):
        return dict(self.all).get(name.lower())

    def __contains__(self, name):
        return self[name] is not None

    @property
    def offset(self):
        return int(self["Upload-Offset"])

    def __repr__(self):
        return f"{self.status} {self.all} {self.body!r}"


class Exchange:
    """One request on a connection of its own: the head is sent at once, the body as the test wants."""

    def __init__(self, server, method, path, **fields):
        self.method = method
        self.link = socket.create_connection((server.host, server.port), DEADLINE_S)
        self.stream = self.link.makefile("rb")
        lines = [f"{method} {path} HTTP/1.1", f"Host: {server.host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value is not None]
        self.link.sendall("\r\n".join([*lines, "", ""]).encode())

    def send(self, body):
        self.link.sendall(body)
        return self

    def next(self):
        return Answer(self.stream, self.method)

    def final(self):
        """The final response; the interim ones are in its `interim`."""
        interim = []
        while (answer := self.next()).status < 200:
            interim.append(answer)
        answer.interim = interim
        self.close()
        return answer

    def leave(self):
        """Ends the sending side, and waits until the server has taken all and given up."""
        self.link.shutdown(socket.SHUT_WR)
        try:
            while self.stream.read(4096):
                pass
        except ConnectionResetError:
            pass
        self.close()

    def close(self):
        self.stream.close()
        self.link.close()


class Client:
    def __init__(self, server):
        self.server = server

    def ask(self, method, path, body=b"", version=INTEROP_VERSION, **fields):
        fields.setdefault("Content_Length", len(body) if body or method in ("POST", "PUT", "PATCH") else None)
        return Exchange(self.server, method, path, Upload_Draft_Interop_Version=version, **fields).send(body).final()

    def create(self, body=b"", complete="?1", path="/uploads/a.bin", method="POST", **fields):
        return self.ask(method, path, body, Upload_Complete=complete, **fields)

    def new(self, **more):
        """The URL of an upload resource without content."""
        answer = self.create(complete="?0", **more)
        assert answer.status == 201, answer
        return answer["Location"]

    def head(self, url):
        return self.ask("HEAD", url)

    def append(self, url, offset, body, complete="?0", **fields):
        fields.setdefault("Content_Type", PARTIAL)
        return self.ask("PATCH", url, body, Upload_Offset=offset, Upload_Complete=complete, **fields)

    def begin(self, method, path, length, **fields):
        return Exchange(self.server, method, path, Content_Length=length,
                        Upload_Draft_Interop_Version=INTEROP_VERSION, **fields)


@pytest.fixture
def client(serve):
    return Client(serve())
