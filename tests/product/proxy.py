"""A line that misbehaves: it stands between client and server and hands on whole frames."""

import socket
import struct
import threading
import weakref

from wire_format import NAMES, messages

PREFACE_BYTES = 16
PAYLOAD_AT = 12 + 24  # in a BLOCK frame
UP, DOWN = "up", "down"


class Passing:
    """A frame on its way. A filter may change `data`, in place or by another of any length, and with
    `cut_at` end the connection behind so many of its bytes."""

    def __init__(self, way, data, connection):
        self.way = way
        self.data = data
        self.connection = connection
        self.cut_at = None
        self.name = NAMES.get(data[4])
        (self.request,) = struct.unpack_from(">I", data, 8)

    @property
    def block(self):
        """The number of the block that a BLOCK carries."""
        return struct.unpack_from(">Q", self.data, 12)[0] >> 20

    @property
    def payload_bytes(self):
        return len(self.data) - PAYLOAD_AT

    def flip(self, at=1000, bit=3):
        """A bit of a BLOCK's payload."""
        self.data[PAYLOAD_AT + at % self.payload_bytes] ^= 1 << bit

    @property
    def durable(self):
        """The blocks that a BLOCKS_DURABLE tells."""
        told = messages.BlocksDurable.FromString(bytes(self.data[12:]))
        return {n for run in told.blocks for n in range(run.first, run.first + run.count)}


class Proxy:
    """Listens on a port of its own; `url` is its address. `filter(passing)` sees every frame, on a
    thread of that way of that connection: what it does is in the frame's way."""

    def __init__(self, host, port, filter=None):
        self.server = (host, port)
        self.filter = filter or (lambda passing: None)
        self.heard = getattr(filter, "heard", lambda passing: None)  # what will be heard
        self.passed = {UP: 0, DOWN: 0}  # content that was handed on
        self.durable = set()  # blocks that the server told to be so
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._sockets = weakref.WeakSet()
        self._half_over = set()  # clients' sockets of which one way is over
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"sluice://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self):
        """To be called by a filter: the frame waits until release()."""
        self._released.wait()

    def release(self):
        self._released.set()

    def close(self):
        self._listener.close()
        self._released.set()
        with self._lock:
            for each in list(self._sockets):
                _end(each)

    def _accept(self):
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.server)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets |= {client, server}
            for way, source, target in ((UP, client, server), (DOWN, server, client)):
                pump = (way, source, target, number)
                threading.Thread(target=self._pump, args=pump, daemon=True).start()
            number += 1

    def _pump(self, way, source, target, number):
        try:
            target.sendall(_exactly(source, PREFACE_BYTES))
            while True:
                data = _exactly(source, 12)
                (length,) = struct.unpack_from(">I", data)
                data += _exactly(source, length - 8)
                passing = Passing(way, data, number)
                self.filter(passing)
                if passing.cut_at is not None:
                    target.sendall(passing.data[: passing.cut_at])
                    break
                self._count(passing)
                target.sendall(passing.data)
                self.heard(passing)
        except (OSError, EOFError):
            pass
        self._end_way(way, *((source, target) if way == UP else (target, source)))

    def _end_way(self, way, client, server):
        """Both ways come here. The client is to hear all that it was told: for it the line ends behind
        that, and takes what it says until then. Only the way up reads from the client, also then, or
        each would get a part of a frame. The way that is over last closes the two: as long as the
        other one reads, its descriptor must not become that of a new connection."""
        _end(server)
        if way == UP:
            _drain(client)
        else:
            _end(client, socket.SHUT_WR)
        with self._lock:
            is_last = client in self._half_over
            self._half_over ^= {client}
        if is_last:
            client.close()
            server.close()

    def _count(self, passing):
        with self._lock:
            if passing.name == "BLOCK":
                self.passed[passing.way] += passing.payload_bytes
            elif passing.name == "BLOCKS_DURABLE":
                self.durable |= passing.durable


def _exactly(source, count):
    data = bytearray(count)
    view, got = memoryview(data), 0
    while got < count:
        more = source.recv_into(view[got:])
        if more == 0:
            raise EOFError
        got += more
    return data


def _drain(client):
    try:
        while client.recv(1 << 20):
            pass
    except OSError:
        pass


def _end(each, ways=socket.SHUT_RDWR):
    try:
        each.shutdown(ways)
    except OSError:
        pass
