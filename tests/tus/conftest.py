"""A client of tus that says exactly what a test wants, and shows exactly what it got."""

import base64
import http.client
import socket

import pytest

from conftest import DEADLINE_S

VERSION = "1.0.0"
BODY_TYPE = "application/offset+octet-stream"


def metadata(**pairs):
    """The value of Upload-Metadata."""
    return ",".join(
        f"{key} {base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()}"
        for key, value in pairs.items())


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.fields = response.headers
        self.body = response.read()

    def __getitem__(self, name):
        return self.fields[name]

    def __contains__(self, name):
        return name in self.fields

    @property
    def offset(self):
        return int(self["Upload-Offset"])

    def __repr__(self):
        return f"{self.status} {dict(self.fields)} {self.body!r}"


class Tus:
    def __init__(self, server):
        self.server = server

    def ask(self, method, path, body=b"", version=VERSION, **fields):
        """Underscores in the names of fields stand for hyphens; a field that is None is left away."""
        link = http.client.HTTPConnection(self.server.host, self.server.port, timeout=DEADLINE_S)
        try:
            all_fields = {"Tus-Resumable": version, "Content-Length": str(len(body))}
            all_fields |= {name.replace("_", "-"): value for name, value in fields.items()}
            link.putrequest(method, path, skip_accept_encoding=True)
            for name, value in all_fields.items():
                if value is not None:
                    link.putheader(name, value)
            link.endheaders(body)
            return Answer(link.getresponse())
        finally:
            link.close()

    def options(self, path="/tus/", **fields):
        return self.ask("OPTIONS", path, version=None, Content_Length=None, **fields)

    def create(self, size=None, name="a.bin", path="/tus/", body=b"", **fields):
        fields.setdefault("Upload_Length", None if size is None else str(size))
        fields.setdefault("Upload_Metadata", metadata(filename=name) if name else None)
        if body:
            fields.setdefault("Content_Type", BODY_TYPE)
        return self.ask("POST", path, body, **fields)

    def new(self, size=None, **more):
        """The URL of a new upload."""
        answer = self.create(size, **more)
        assert answer.status == 201, answer
        return answer["Location"]

    def head(self, url, **fields):
        return self.ask("HEAD", url, Content_Length=None, **fields)

    def patch(self, url, offset, body, **fields):
        fields.setdefault("Content_Type", BODY_TYPE)
        return self.ask("PATCH", url, body, Upload_Offset=str(offset), **fields)

    def delete(self, url, **fields):
        return self.ask("DELETE", url, **fields)

    def begin_patch(self, url, offset, announced, **fields):
        """A connection with the head of a PATCH on it: the test sends the body, or part of it."""
        link = socket.create_connection((self.server.host, self.server.port), DEADLINE_S)
        lines = [f"PATCH {url} HTTP/1.1", f"Host: {self.server.host}", f"Tus-Resumable: {VERSION}",
                 f"Content-Type: {BODY_TYPE}", f"Upload-Offset: {offset}"]
        if announced is not None:
            lines.append(f"Content-Length: {announced}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        link.sendall("\r\n".join([*lines, "", ""]).encode())
        return link

    def chunked_patch(self, url, offset, pieces, trailer="", **fields):
        """The status line and fields of the answer to a chunked PATCH, as text."""
        with self.begin_patch(url, offset, None, Transfer_Encoding="chunked", **fields) as link:
            for piece in pieces:
                link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            link.sendall(b"0\r\n" + trailer.encode() + b"\r\n")
            return read_head(link)


def read_head(link):
    """What a peer says until the empty line, or until it ends; "" where it says nothing."""
    text = b""
    while b"\r\n\r\n" not in text:
        try:
            piece = link.recv(4096)
        except ConnectionResetError:
            break
        if not piece:
            break
        text += piece
    return text.decode()


def read_to_end(link):
    """All that a peer still says."""
    text = b""
    while True:
        try:
            piece = link.recv(4096)
        except ConnectionResetError:
            return text
        if not piece:
            return text
        text += piece


def leave(link):
    """Ends the sending side, and waits until the server has taken all and given up."""
    link.shutdown(socket.SHUT_WR)
    said = read_to_end(link)
    link.close()
    return said


@pytest.fixture
def tus(serve):
    return Tus(serve())
