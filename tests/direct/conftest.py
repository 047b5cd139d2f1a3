"""What the tests of `send` and `recv` share: two sides, and a line between them that can be held."""

import os
import pathlib
import re
import socket
import threading

import pytest

from client.conftest import MIB, content, running, tree_of  # noqa: F401
from conftest import DEADLINE_S

KEY = "01234-56789-abcde-fghjk-mnpqr"
OTHER_KEY = "01234-56789-abcde-fghjk-mnpqs"


class Line:
    """Hands bytes on between who connects to its port and who listens on another one, in both directions, and keeps
    them. `hold_after` bytes it stands still: what was on its way stays there until `cut`."""

    def __init__(self, port, hold_after=None):
        self.target = port
        self.hold_after = hold_after
        self.seen = bytearray()
        self.stands = threading.Event()
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._sockets += [near, far]
            for pair in (near, far), (far, near):
                threading.Thread(target=self._hand_on, args=pair, daemon=True).start()

    def _hand_on(self, source, sink):
        try:
            while piece := source.recv(1 << 16):
                with self._lock:
                    self.seen += piece
                    if self.hold_after is not None and len(self.seen) > self.hold_after:
                        self.stands.set()
                if self.stands.is_set():
                    return
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, sink):
                one.close()

    def cut(self):
        """Ends all that goes over it; what comes behind is handed on."""
        with self._lock:  # else who is at its limit right now would let it stand still for good
            self.hold_after = None
            self.stands.clear()
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)  # close() alone would leave who reads from it waiting
            except OSError:
                pass  # over already
            one.close()
        self._sockets.clear()

    def close(self):
        self._listener.close()
        self.cut()


class Side:
    """One of the two programs, started by `direct`."""

    def __init__(self, process):
        self.process = process
        self.port = None
        self.key = None

    def listening(self):
        while (event := self.process.next_event())["event"] != "listening":
            pass
        self.invitation = event
        self.port = int(event["address"].rpartition(":")[2])
        self.key = event.get("key")
        return self


class Direct:
    """Both verbs; files go from `here` to `there`, and state of their own to `scratch`."""

    def __init__(self, running, folder):
        self.running = running
        self.here, self.there, self.scratch = (folder / name for name in ("here", "there", "scratch"))
        for each in (self.here, self.there, self.scratch):
            each.mkdir()
        self.lines = []

    def file(self, size, name="day1.mov", seed=1):
        path = self.here / name
        path.write_bytes(content(size, seed))
        os.utime(path, ns=(1_600_000_000_123_456_789,) * 2)
        return path

    def _start(self, *arguments, key=None, listen=False):
        env = {**os.environ, "TMPDIR": str(self.scratch)}
        env.pop("SLUICE_KEY", None)
        if key:
            env["SLUICE_KEY"] = key
        process = self.running(*arguments, env=env)
        return Side(process).listening() if listen else process

    def listen(self, verb, what, *flags, key=None, at="127.0.0.1:0"):
        """The side that listens, when it does; `what` is what it sends, or where it receives to."""
        target = [what] if verb == "send" else ["-o", what]
        return self._start(verb, *target, "--listen", at, *flags, key=key, listen=True)

    def call(self, verb, what, port, key, *flags):
        target = [what] if verb == "send" else ["-o", what]
        return self._start(verb, *target, f"127.0.0.1:{port}", *flags, key=key)

    def line(self, port, hold_after=None):
        self.lines.append(Line(port, hold_after))
        return self.lines[-1]

    def pair(self, listens, source, target, hold_after=None, send_flags=(), recv_flags=()):
        """(sender, receiver, the one that listens, the line between them)."""
        what = {"send": (source, send_flags), "recv": (target, recv_flags)}
        calls = "recv" if listens == "send" else "send"
        side = self.listen(listens, what[listens][0], *what[listens][1])
        line = self.line(side.port, hold_after)
        caller = self.call(calls, what[calls][0], line.port, side.key, *what[calls][1])
        both = {listens: side.process, calls: caller}
        return both["send"], both["recv"], side, line

    def check_nothing_stays(self):
        assert list(self.scratch.iterdir()) == []
        assert [path.name for path in self.there.rglob(".*")] == []


@pytest.fixture
def direct(running, tmp_path):
    made = Direct(running, tmp_path)
    yield made
    for line in made.lines:
        line.close()


@pytest.fixture(params=["send", "recv"])
def listens(request):
    """Which side listens."""
    return request.param


def other(verb):
    return "recv" if verb == "send" else "send"
