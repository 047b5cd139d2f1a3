"""Clients that do what the page forbids: the server tells them so, closes, and serves the others."""

import contextlib
import random
import struct
import zlib

import pytest
from wire_client import Ended, Failed
from wire_format import (
    BLOCK_BYTES,
    KINDS,
    LAST,
    MAGIC,
    SKIPPABLE,
    block_body,
    client_preface,
    frame,
    messages,
)

pytestmark = pytest.mark.usefixtures("still_serving")

HELLO = frame("HELLO", 0, messages.Hello(agent="hostile"))
STAT = messages.Stat(path="")


def head(length, kind, request, flags=0):
    return struct.pack(">IBBHI", length, KINDS.get(kind, kind), flags, 0, request)


@pytest.fixture
def raw(served):
    with served.raw() as connection:
        yield connection


@pytest.fixture
def greeted(raw):
    """Behind both HELLOs, without a client's care."""
    raw.send(client_preface() + HELLO)
    assert raw.read_server_preface() == (1, 1, 1)
    assert raw.read_frame().name == "HELLO"
    return raw


def expect_violation(connection):
    """The last frame is ERROR with PROTOCOL_VIOLATION on request 0; then the stream ends."""
    came = None
    while came is None or not (came.name == "ERROR" and came.request == 0):
        came = connection.read_frame()
    assert came.message.code == messages.PROTOCOL_VIOLATION
    assert came.message.text
    assert connection.read_to_end() == b""


def send_hostile(connection, data):
    try:
        connection.send(data)
    except Ended:
        pass  # the server may have closed before it took all


# -- the preface --


def test_another_magic_is_closed_without_an_answer(raw):
    raw.send(b"\x89PNG\r\n\x1a\n" + bytes(8))
    assert raw.read_to_end() == b""


@pytest.mark.parametrize("versions", [(9, 9), (2, 0xFFFF), (0, 0), (2, 1)])
def test_no_common_version_is_refused_with_the_servers_own(raw, versions):
    raw.send(client_preface(*versions))
    chosen, lowest, highest = raw.read_server_preface()
    assert (chosen, lowest, highest) == (0, 1, 1)
    assert raw.read_to_end() == b""


def test_a_newer_client_is_answered(raw):
    raw.send(client_preface(1, 9))
    assert raw.read_server_preface() == (1, 1, 1)


def test_the_zero_bytes_are_ignored(raw):
    raw.send(client_preface()[:12] + b"\xff" * 4 + HELLO)
    assert raw.read_server_preface() == (1, 1, 1)
    assert raw.read_frame().name == "HELLO"


@pytest.mark.parametrize("size", [1, 8, 15])
def test_a_client_that_leaves_in_the_preface(raw, size):
    raw.send(client_preface()[:size])
    raw.shutdown()
    assert raw.read_to_end() == b""


def test_a_byte_at_a_time(raw):
    for byte in client_preface() + HELLO + frame("STAT", 1, STAT):
        raw.send(bytes([byte]))
    assert raw.read_server_preface() == (1, 1, 1)
    assert [raw.read_frame().name for _ in range(2)] == ["HELLO", "ENTRY"]


# -- HELLO --


@pytest.mark.parametrize("first", ["STAT", "PING", "BLOCK"])
def test_another_first_frame(raw, first):
    bodies = {"STAT": STAT, "PING": b"", "BLOCK": block_body(0, b"x")}
    raw.send(client_preface() + frame(first, 0 if first == "PING" else 1, bodies[first]))
    assert raw.read_server_preface() == (1, 1, 1)
    expect_violation(raw)


def test_a_second_hello(greeted):
    greeted.send(HELLO)
    expect_violation(greeted)


# -- lengths --


@pytest.mark.parametrize(
    "length, kind",
    [
        *((length, "STAT") for length in (0, 7, 8 + 262_145, 1 << 31, (1 << 32) - 1)),
        *((length, "BLOCK") for length in (8, 8 + 24, 8 + 24 + BLOCK_BYTES + 1, (1 << 32) - 1)),
        (8 + 65, "PING"),
        (8 + 262_145, 200),
    ],
)
def test_lengths_out_of_bounds_are_told_before_the_body_comes(greeted, length, kind):
    greeted.send(head(length, kind, 1, SKIPPABLE))
    expect_violation(greeted)


def test_the_longest_frames_pass(greeted):
    greeted.send(frame(200, 7, bytes(262_144), SKIPPABLE))
    long_path = messages.Stat(path="x" * (262_144 - 4))
    assert long_path.ByteSize() == 262_144
    greeted.send(frame("STAT", 1, long_path))
    came = greeted.read_frame()
    assert (came.name, came.request, came.last) == ("ERROR", 1, True)
    assert came.message.code == messages.INVALID_ARGUMENT


# -- kinds --


@pytest.mark.parametrize("kind", [0, 6, 99, 255])
def test_an_unknown_kind(greeted, kind):
    greeted.send(frame(kind, 1, b"new"))
    expect_violation(greeted)


@pytest.mark.parametrize("request_number", [0, 1, 0xFFFF_FFFF])
def test_an_unknown_kind_that_may_be_skipped(greeted, request_number):
    greeted.send(frame(99, request_number, b"new", SKIPPABLE | LAST) + frame("STAT", 1, STAT))
    assert greeted.read_frame().name == "ENTRY"


@pytest.mark.parametrize("kind", ["ERROR", "OK", "ENTRIES", "ENTRY", "CONTENT", "PUT_DONE"])
def test_kinds_of_the_server(greeted, kind):
    greeted.send(frame(kind, 1, b"", SKIPPABLE))
    expect_violation(greeted)


@pytest.mark.parametrize("kind", ["LIST", "STAT", "GET", "DIGESTS", "PUT", "BLOCK", "CHECKPOINT", "REMOVE"])
def test_request_0_is_no_request(greeted, kind):
    greeted.send(frame(kind, 0, block_body(0, b"x") if kind == "BLOCK" else b""))
    expect_violation(greeted)


@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\x05ab", b"\x07", b"\x0a\x02\xc3\x28", b"\xff" * 11])
def test_a_body_that_is_no_message(greeted, body):
    greeted.send(frame("STAT", 1, body))
    expect_violation(greeted)


def test_unknown_fields_are_ignored(greeted):
    greeted.send(frame("STAT", 1, b"\xa2\x06\x03new"))
    assert greeted.read_frame().name == "ENTRY"


# -- requests --


def test_a_number_used_twice(greeted):
    greeted.send(frame("STAT", 5, STAT))
    assert greeted.read_frame().request == 5
    greeted.send(frame("STAT", 5, STAT))
    expect_violation(greeted)


def test_a_number_below_one_before(greeted):
    greeted.send(frame("STAT", 5, STAT) + frame("STAT", 4, STAT))
    expect_violation(greeted)


def test_numbers_may_have_gaps(greeted):
    for number in (5, 100, 0xFFFF_FFFF):
        greeted.send(frame("STAT", number, STAT))
        assert greeted.read_frame().request == number


def test_one_request_too_many_is_busy(server):
    limit = server.hello.max_requests
    uploads = [server.open(f"open-{number}") for number in range(limit)]
    with pytest.raises(Failed) as told:
        server.stat("")
    assert told.value.code == "BUSY"
    assert told.value.error.retry == messages.LATER
    uploads.pop().abort()
    server.stat("")
    for upload in uploads:
        upload.abort()


# -- blocks --


@pytest.mark.parametrize(
    "offset, size",
    [
        (BLOCK_BYTES - 1, 2),
        (1, BLOCK_BYTES),
        ((1 << 63) - 1, 1),
        (1 << 63, 1),
        ((1 << 64) - 1, 1),
    ],
)
def test_a_block_across_a_border(greeted, offset, size):
    put = messages.Put(path="border", size_bytes=3 * BLOCK_BYTES)
    send_hostile(greeted, frame("PUT", 1, put) + frame("BLOCK", 1, block_body(offset, bytes(size))))
    expect_violation(greeted)


@pytest.mark.parametrize("kind", ["BLOCK", "CHECKPOINT", "PUT_FINISH", "PUT_ABORT", "PUT_LEAVE"])
def test_frames_for_an_upload_that_no_put_began(greeted, kind):
    greeted.send(frame(kind, 3, block_body(0, b"x") if kind == "BLOCK" else b""))
    expect_violation(greeted)


# -- anything --


@pytest.mark.parametrize("opening", ["nothing", "magic", "preface", "hello"])
@pytest.mark.parametrize("seed", range(5))
def test_noise(raw, opening, seed):
    said = {"nothing": b"", "magic": MAGIC, "preface": client_preface(), "hello": client_preface() + HELLO}
    text = f"{opening}-{seed}"
    print("seed:", text)
    noise = random.Random(zlib.crc32(text.encode())).randbytes(100_000)
    send_hostile(raw, said[opening] + noise)
    with contextlib.suppress(Ended):  # closed already
        raw.shutdown()
    raw.read_to_end()


def test_a_client_that_leaves_in_a_frame(greeted):
    greeted.send(head(8 + 100, "STAT", 1) + b"\x0a")
    greeted.shutdown()
    greeted.read_to_end()


def test_a_client_that_leaves_in_a_block(served):
    with served.raw() as leaving:
        put = messages.Put(path="left-in-a-block", size_bytes=1)
        leaving.send(client_preface() + HELLO + frame("PUT", 1, put))
        leaving.send(frame("BLOCK", 1, block_body(0, b"x"))[:-1])
    with served.connect() as server:
        with pytest.raises(Failed) as told:
            server.stat("left-in-a-block")
    assert told.value.code == "NOT_FOUND"
