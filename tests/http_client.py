"""A client of HTTP that sends exactly what it is told."""

import re
import socket

from conftest import DEADLINE_S


class Answer:
    """One response, as it came."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __getitem__(self, name):
        """The value of a field; of several lines, joined."""
        found = [value for each, value in self.fields if each.lower() == name.lower()]
        if not found:
            raise KeyError(name)
        return ", ".join(found)

    def __contains__(self, name):
        return any(each.lower() == name.lower() for each, _ in self.fields)


class Line:
    """A connection on which nothing is sent but what a test says."""

    def __init__(self, host, port, receive_buffer=None, source=None):
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect((host, port))
        self.unread = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, target, *fields, body=None, host="127.0.0.1"):
        """One request; `fields` are lines such as "Range: bytes=0-1". Then its final response."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        return self.answer(method)

    def more(self):
        got = self.socket.recv(1 << 16)
        self.unread += got
        return len(got)

    def take(self, count):
        while len(self.unread) < count:
            if not self.more():
                raise EOFError(f"the server closed: {self.unread!r}")
        taken = bytes(self.unread[:count])
        del self.unread[:count]
        return taken

    def take_until(self, mark):
        while mark not in self.unread:
            if not self.more():
                raise EOFError(f"the server closed: {self.unread!r}")
        taken = self.take(self.unread.index(mark))
        self.take(len(mark))
        return taken

    def head(self):
        first, *lines = self.take_until(b"\r\n\r\n").decode().split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 ([0-9]{3}) .*", first)
        assert found, first
        return int(found[1]), [tuple(line.split(": ", 1)) for line in lines]

    def answer(self, method="GET", interim=False):
        while True:
            status, fields = self.head()
            if status >= 200 or interim:
                break
        answer = Answer(status, fields, b"")
        if method == "HEAD" or status in (204, 304) or status < 200:
            return answer
        if "Transfer-Encoding" in answer:
            answer.body = self.chunked()
        elif "Content-Length" in answer:
            answer.body = self.take(int(answer["Content-Length"]))
        else:
            answer.body = self.to_end()
        return answer

    def chunked(self):
        body = b""
        while size := int(self.take_until(b"\r\n"), 16):
            body += self.take(size)
            assert self.take(2) == b"\r\n"
        assert self.take(2) == b"\r\n"
        return body

    def to_end(self):
        """All that still comes until the server closes."""
        try:
            while self.more():
                pass
        except ConnectionResetError:
            pass
        return self.take(len(self.unread))
