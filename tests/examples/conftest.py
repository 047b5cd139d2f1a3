"""What the tests of the example programs share: starting them, and a peer on plain Python sockets."""

import os
import pathlib
import queue
import re
import socket
import struct
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "release"))
DEADLINE_S = 60


class Program:
    """An example that runs: its lines come as events, and it reads what is typed."""

    def __init__(self, name, *arguments, under=()):
        self.process = subprocess.Popen(
            [*under, str(BUILD / "examples" / name), *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().rstrip("\n"))
        self.lines.put(None)

    def expect(self, pattern):
        """The match of the next line that `pattern` is found in; what comes before it is skipped."""
        while True:
            line = self.lines.get(timeout=DEADLINE_S)
            assert line is not None, f"ended before {pattern!r}, having said {self.seen}"
            self.seen.append(line)
            found = re.search(pattern, line)
            if found:
                return found

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def wait(self):
        return self.process.wait(DEADLINE_S)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def program():
    started = []

    def start(name, *arguments, under=()):
        started.append(Program(name, *arguments, under=under))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def run_example():
    """Runs an example to its end: (exit status, standard output, standard error)."""

    def run(name, *arguments, **more):
        done = subprocess.run([str(BUILD / "examples" / name), *map(str, arguments)],
                              capture_output=True, timeout=DEADLINE_S, **more)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.fixture
def talk_server(program):
    """Starts a talk_server on a free port: it has `port`."""

    def start(*arguments, address="127.0.0.1:0"):
        server = program("talk_server", address, *arguments)
        server.port = int(server.expect(r"^listening on 127\.0\.0\.1:(\d+)$")[1])
        return server

    return start


class Peer:
    """The other side, with the habits of a first socket program."""

    def __init__(self, port, timeout_s=DEADLINE_S):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.name = "127.0.0.1:%d" % self.socket.getsockname()[1]

    @staticmethod
    def frame(text):
        content = text.encode()
        return struct.pack(">I", len(content)) + content

    def say(self, *texts):
        """All of them in one send."""
        self.socket.send(b"".join(map(self.frame, texts)))

    def hear(self):
        head = self._exactly(4)
        return self._exactly(struct.unpack(">I", head)[0]).decode()

    def _exactly(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            assert more, f"the stream ended after {got!r}"
            got += more
        return got

    def leave(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@pytest.fixture
def peer():
    made = []

    def make(server):
        made.append(Peer(server.port))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()
