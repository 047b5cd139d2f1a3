"""A client of WebSocket (RFC 6455) that sends exactly what it is told."""

import base64
import hashlib
import json
import os
import struct

from http_client import Line
from openapi import OPENAPI, matches

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """One connection, upgraded; messages are read as they come."""

    def __init__(self, server, *fields, path="/live", receive_buffer=None):
        self.line = Line(server.host, server.port, receive_buffer)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *fields]  # fmt: skip
        self.line.send("\r\n".join([*lines, "", ""]).encode())
        self.answer = self.line.answer(interim=True)
        if self.answer.status == 101:
            wanted = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            assert self.answer["Sec-WebSocket-Accept"] == base64.b64encode(wanted).decode()
            assert self.answer["Upgrade"].lower() == "websocket"

    def __enter__(self):
        assert self.answer.status == 101, self.answer.body
        return self

    def __exit__(self, *_):
        self.line.socket.close()

    def send(self, payload, kind=TEXT, last=True, masked=True):
        head = bytes([(0x80 if last else 0) | kind])
        flag = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([flag | len(payload)])
        elif len(payload) < 1 << 16:
            head += bytes([flag | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", len(payload))
        mask = os.urandom(4) if masked else b""
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if masked else payload
        self.line.send(head + mask + body)

    def frame(self):
        """The next frame: its kind and its payload."""
        first, second = self.line.take(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self.line.take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.line.take(8))[0]
        assert not second & 0x80, "a server masks nothing"
        assert first & 0x80, "messages of this server are one frame"
        return first & 0x0F, self.line.take(size)

    def message(self):
        """The next message; pings are answered."""
        while True:
            kind, payload = self.frame()
            if kind == PING:
                self.send(payload, PONG)
            elif kind == TEXT:
                return json.loads(payload)
            elif kind == CLOSE:
                raise EOFError(f"closed: {payload!r}")
            else:
                assert kind == PONG, kind

    def close_code(self):
        """Reads until the server closes; the code that it gives."""
        while True:
            kind, payload = self.frame()
            if kind == CLOSE:
                return struct.unpack(">H", payload[:2])[0]

    def ask(self, message):
        self.send(json.dumps(message).encode())
        return self.message()

    def watch(self, path="", recursive=True):
        told = self.ask({"kind": "watch", "path": path, "recursive": recursive})
        assert told["kind"] == "watching", told
        return self

    def until(self, kind, **members):
        """All messages up to the first of that kind and with those members."""
        heard = []
        while True:
            told = self.message()
            matches(told, OPENAPI["components"]["schemas"]["news"])
            heard.append(told)
            if told["kind"] == kind and all(told.get(name) == value for name, value in members.items()):
                return heard
