"""`ls` of a server that means harm: names that act on a terminal."""

import json
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import wire_format as wire  # noqa: E402

HOSTILE = ["a\x1b]0;owned\x07", "b\rc", "gpj.\u202eexe", "line\u2028break", "\x9b31m"]


def read_exactly(connection, count):
    return connection.recv(count, socket.MSG_WAITALL)


def answer(connection, names):
    read_exactly(connection, 16)
    connection.sendall(wire.MAGIC + struct.pack(">HHHH", 1, 1, 1, 0))
    while True:
        start = read_exactly(connection, 4)
        if len(start) < 4:
            return
        rest = read_exactly(connection, struct.unpack(">I", start)[0])
        kind, request = rest[0], struct.unpack(">I", rest[4:8])[0]
        if kind == wire.KINDS["HELLO"]:
            hello = wire.messages.Hello(
                agent="hostile",
                max_control_bytes=wire.MAX_CONTROL_BYTES,
                block_bytes=wire.BLOCK_BYTES,
                max_requests=64,
                idle_timeout_ms=600_000,
                stall_timeout_ms=30_000,
            )
            connection.sendall(wire.frame("HELLO", 0, hello))
        elif kind == wire.KINDS["LIST"]:
            entries = wire.messages.Entries()
            for name in names:
                entries.entries.add(path=name, kind=wire.messages.KIND_FILE, size_bytes=1)
            connection.sendall(wire.frame("ENTRIES", request, entries, wire.LAST))
        elif kind == wire.KINDS["PING"]:
            connection.sendall(wire.frame("PONG", request, rest[8:]))


@pytest.fixture
def hostile():
    """A server whose folder holds the given names; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(names):
        def accept():
            connection, _ = listener.accept()
            with connection:
                answer(connection, names)

        threading.Thread(target=accept, daemon=True).start()
        return f"sluice://127.0.0.1:{listener.getsockname()[1]}/"

    yield serve
    listener.close()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("flags", [[], ["-l"], ["--json"]])
def test_a_hostile_name_does_not_act(program, hostile, name, flags):
    _, out, err = program.run("ls", *flags, hostile([name]))
    text = (out + err).replace("\n", "")
    assert text, "it is shown escaped, or refused with a word about it"
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u202e" for c in text), text


def test_an_honest_name_is_shown_as_it_is(program, hostile):
    code, out, err = program.run("ls", hostile(["电影.mov"]))
    assert (code, out) == (0, "电影.mov\n"), err
    code, out, _ = program.run("ls", "--json", hostile(["电影.mov"]))
    assert code == 0
    (entry,) = [e for e in map(json.loads, out.splitlines()) if e["event"] == "entry"]
    assert (entry["path"], entry["kind"], entry["size_bytes"]) == ("电影.mov", "file", 1)
