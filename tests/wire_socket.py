"""A TCP connection of the native protocol below its requests: bytes and frames, as docs/wire.md has them."""

import select
import socket
import struct

from wire_format import (
    BLOCK_BYTES,
    HEAD,
    HEAD_COUNTED,
    MAGIC,
    MAX_CONTROL_BYTES,
    MAX_PING_BYTES,
    NAMES,
    Frame,
    Violation,
)


class Ended(Exception):
    """The server closed the connection."""


class Socket:
    """Bytes and frames, without the meaning of any. Tests use it to send what is not allowed."""

    def __init__(self, stream, timeout=20.0):
        self.timeout = timeout
        self._socket = stream
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._in = bytearray()
        self._ended = False

    @classmethod
    def connect(cls, host, port, timeout=20.0):
        return cls(socket.create_connection((host, port), timeout), timeout)

    def close(self):
        self._socket.close()

    def give_away(self):
        """The plain socket, blocking, for who reads and writes it alone. All that came must have been read."""
        assert not self._in
        self._socket.setblocking(True)
        return self._socket

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def shutdown(self):
        """No more from us; what comes can still be read."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as problem:
            raise Ended("the server closed the connection before we did") from problem

    def _wait(self, writing):
        ready = select.poll()
        ready.register(self._socket, (0 if self._ended else select.POLLIN) | (select.POLLOUT if writing else 0))
        events = ready.poll(self.timeout * 1000)
        if not events:
            raise TimeoutError("the server was silent for too long")
        over = bool(events[0][1] & (select.POLLERR | select.POLLHUP))
        return bool(events[0][1] & select.POLLIN) or over, bool(events[0][1] & select.POLLOUT)

    def _take(self):
        try:
            received = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionError:
            received = b""
        self._in += received
        self._ended = not received

    def send(self, data):
        """Sends all, and reads meanwhile: both sides must keep reading while they write."""
        left = memoryview(data)
        while left:
            readable, writable = self._wait(writing=True)
            if readable:
                self._take()
            if writable:
                try:
                    left = left[self._socket.send(left) :]
                except BlockingIOError:
                    pass
                except ConnectionError as problem:
                    raise Ended("the server closed the connection while we sent") from problem

    def read_exactly(self, count):
        while len(self._in) < count:
            if self._ended:
                raise Ended(f"end of stream with {len(self._in)} of {count} bytes")
            self._wait(writing=False)
            self._take()
        data = bytes(self._in[:count])
        del self._in[:count]
        return data

    def read_to_end(self):
        while not self._ended:
            self._wait(writing=False)
            self._take()
        data = bytes(self._in)
        self._in.clear()
        return data

    def read_server_preface(self):
        """(chosen, lowest, highest)"""
        preface = self.read_exactly(16)
        if preface[:8] != MAGIC:
            raise Violation(f"preface {preface.hex()}")
        return struct.unpack(">HHH", preface[8:14])

    def read_frame(self):
        length, kind, flags, _, request = HEAD.unpack(self.read_exactly(HEAD.size))
        name = NAMES.get(kind)
        most = {"BLOCK": 24 + BLOCK_BYTES, "PING": MAX_PING_BYTES, "PONG": MAX_PING_BYTES}.get(
            name, MAX_CONTROL_BYTES
        )
        least = 25 if name == "BLOCK" else 0
        if not HEAD_COUNTED + least <= length <= HEAD_COUNTED + most:
            raise Violation(f"length {length} of a frame of kind {name or kind}")
        return Frame(kind, flags, request, self.read_exactly(length - HEAD_COUNTED))
