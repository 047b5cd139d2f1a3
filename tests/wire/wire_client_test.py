"""The Python client against a server that plays a part: what the page asks of a client."""

import socket
import struct
import threading

import pytest
import wire_client
import wire_format as wire
from wire_format import LAST, SKIPPABLE, frame, messages

HELLO = frame("HELLO", 0, messages.Hello(agent="part", max_control_bytes=262144))
BLOCK = wire.BLOCK_BYTES


class Part:
    """Listens, and plays `part(peer)` to the one client that comes. Its failure fails the test."""

    def __init__(self, part, preface=None, hello=HELLO):
        self._part = part
        self._opening = preface or wire.MAGIC + struct.pack(">HHHH", 1, 1, 1, 0)
        self._hello = hello
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._failure = None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            stream, _ = self._listener.accept()
            with wire_client.Socket(stream) as peer:
                assert peer.read_exactly(16)[:8] == wire.MAGIC
                peer.send(self._opening)
                if self._hello:
                    peer.send(self._hello)
                if self._part:
                    assert peer.read_frame().name == "HELLO"
                    self._part(peer)
                peer.read_to_end()
        except BaseException as failure:  # told to the thread of the test
            self._failure = failure

    def __enter__(self):
        self._thread.start()
        self.address = self._listener.getsockname()
        return self

    def connect(self, **options):
        return wire_client.Connection(*self.address, **options)

    def __exit__(self, kind, *_):
        self._listener.close()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._failure and kind is None:
            raise self._failure


def entry(**fields):
    return messages.Entry(kind=messages.KIND_FILE, identity=b"id", **fields)


def test_refusal_tells_both_ranges():
    refusal = wire.MAGIC + struct.pack(">HHHH", 0, 7, 9, 0)
    with Part(None, refusal, hello=b"") as part:
        with pytest.raises(wire_client.Refused) as told:
            part.connect(versions=(1, 3))
    assert "1 to 3" in str(told.value) and "7 to 9" in str(told.value)


def test_a_version_that_was_not_offered_is_a_violation():
    with Part(None, wire.MAGIC + struct.pack(">HHHH", 2, 1, 2, 0), hello=b"") as part:
        with pytest.raises(wire.Violation):
            part.connect()


def test_a_full_server_is_told():
    error = messages.Error(code=messages.BUSY, text="full", retry=messages.LATER)
    with Part(None, hello=frame("ERROR", 0, error, LAST)) as part:
        with pytest.raises(wire_client.Failed) as told:
            part.connect()
    assert told.value.code == "BUSY"


def answer_stat(before):
    def play(peer):
        request = peer.read_frame()
        peer.send(before)
        peer.send(frame("ENTRY", request.request, entry(path="x"), LAST))

    return play


@pytest.mark.parametrize("request_number", [0, 1, 77])
def test_unknown_skippable_kinds_are_skipped(request_number):
    with Part(answer_stat(frame(200, request_number, b"new", SKIPPABLE))) as part:
        with part.connect() as server:
            assert server.stat("x").path == "x"


@pytest.mark.parametrize(
    "bad",
    [
        frame(200, 1, b"new"),
        frame("ENTRY", 0, entry()),
        frame("STAT", 1, messages.Stat()),
        HELLO,
        frame("ENTRIES", 1, messages.Entries(), LAST),
        frame("ENTRY", 1, b"\x0a\x05", LAST),
        frame("ERROR", 1, messages.Error(code=messages.IO)),
        struct.pack(">IBBHI", 7, 19, 0, 0, 1),
        struct.pack(">IBBHI", 8 + 262_145, 19, 0, 0, 1),
        struct.pack(">IBBHI", 8 + 65, 3, 0, 0, 1),
        struct.pack(">IBBHI", 8 + 24 + BLOCK + 1, 32, 0, 0, 1),
        struct.pack(">IBBHI", 0xFFFF_FFFF, 19, 0, 0, 1),
    ],
)
def test_violations_end_the_connection(bad):
    with Part(answer_stat(bad)) as part:
        with part.connect() as server:
            with pytest.raises(wire.Violation):
                server.stat("x")


def test_error_of_the_connection_is_told():
    error = frame("ERROR", 0, messages.Error(code=messages.SHUTTING_DOWN), LAST)
    with Part(answer_stat(error)) as part:
        with part.connect() as server:
            with pytest.raises(wire_client.Failed) as told:
                server.stat("x")
    assert told.value.code == "SHUTTING_DOWN"


def test_a_ping_is_answered():
    def play(peer):
        request = peer.read_frame()
        peer.send(frame("PING", 9, b"there?"))
        assert peer.read_frame() == (wire.KINDS["PONG"], 0, 9, b"there?")
        peer.send(frame("ENTRY", request.request, entry(path="x"), LAST))

    with Part(play) as part:
        with part.connect() as server:
            assert server.stat("x").path == "x"


def test_replies_may_come_in_any_order():
    def play(peer):
        first, second = peer.read_frame(), peer.read_frame()
        for request in (second, first):
            peer.send(frame("ENTRY", request.request, entry(path=request.message.path), LAST))

    with Part(play) as part:
        with part.connect() as server:
            asked = [server.begin("STAT", messages.Stat(path=path)) for path in ("a", "b")]
            told = [server.next_reply(request, "ENTRY").message.path for request in asked]
    assert told == ["a", "b"]


def play_get(damaged_replies, asked):
    """Two blocks; the second is damaged in the first replies."""
    content = b"a" * BLOCK + b"bb"

    def play(peer):
        for reply in range(4):
            request = peer.read_frame()
            get = request.message
            asked.append(([(r.offset, r.length) for r in get.ranges], get.if_identity))
            whole = entry(size_bytes=len(content))
            peer.send(frame("CONTENT", request.request, messages.Content(entry=whole)))
            for offset, length in asked[-1][0] or [(0, BLOCK), (BLOCK, 2)]:
                wrong = b"\0" * 16 if offset and reply < damaged_replies else None
                body = wire.block_body(offset, content[offset : offset + length], wrong)
                peer.send(frame("BLOCK", request.request, body))
            peer.send(frame("CONTENT_END", request.request, messages.Ok(), LAST))
            if not (damaged_replies > reply and reply < 2):
                return

    return play, content


@pytest.mark.parametrize("damaged_replies", [0, 1, 2])
def test_a_damaged_block_is_asked_again(damaged_replies):
    asked = []
    play, content = play_get(damaged_replies, asked)
    with Part(play) as part:
        with part.connect() as server:
            assert server.get("x") == content
    assert asked == [([], b"")] + [([(BLOCK, 2)], b"id")] * damaged_replies


def test_a_block_damaged_three_times_is_given_up():
    asked = []
    play, _ = play_get(3, asked)
    with Part(play) as part:
        with part.connect() as server:
            with pytest.raises(wire.Violation):
                server.get("x")
    assert len(asked) == 3


def play_put(refusals, received):
    def play(peer):
        put = peer.read_frame()
        number = put.request
        opened = messages.PutOpened(upload_id=b"0" * 16)
        peer.send(frame("PUT_OPENED", number, opened))
        for _ in range(refusals):
            received.append(next_block(peer).block[0])
            refused = messages.BlockRefused(
                offset=received[-1], error=messages.Error(code=messages.BAD_DIGEST)
            )
            peer.send(frame("BLOCK_REFUSED", number, refused))
        if refusals == 3:
            return
        received.append(next_block(peer).block[0])
        durable = messages.BlocksDurable(blocks=[messages.BlockRun(first=0, count=1)])
        peer.send(frame("BLOCKS_DURABLE", number, durable))
        while peer.read_frame().name != "PUT_FINISH":
            pass
        done = messages.PutDone(entry=entry(path=put.message.path))
        peer.send(frame("PUT_DONE", number, done, LAST))

    return play


def next_block(peer):
    while (came := peer.read_frame()).name != "BLOCK":
        assert came.name == "CHECKPOINT"
    return came


@pytest.mark.parametrize("refusals", [0, 1, 2])
def test_a_refused_block_is_sent_again(refusals):
    received = []
    with Part(play_put(refusals, received)) as part:
        with part.connect() as server:
            assert server.put("x", b"content").path == "x"
    assert received == [0] * (refusals + 1)


def test_a_block_refused_three_times_is_given_up():
    received = []
    with Part(play_put(3, received)) as part:
        with part.connect() as server:
            with pytest.raises(wire.Violation):
                server.put("x", b"content")
    assert received == [0] * 3


def test_the_client_reads_while_it_writes():
    """The server takes nothing until its own 8 MiB are taken: both would wait for ever."""
    skipped = frame(200, 0, bytes(262_144), SKIPPABLE)

    def play(peer):
        put = peer.read_frame()
        peer.send(frame("PUT_OPENED", put.request, messages.PutOpened(upload_id=b"0" * 16)))
        peer._socket.setblocking(True)
        for _ in range(32):
            peer._socket.sendall(skipped)
        peer._socket.setblocking(False)
        peer.send(frame("PONG", 5, b""))

    with Part(play) as part:
        with part.connect() as server:
            upload = server.open("x", size_bytes=32 * BLOCK)
            for number in range(32):
                upload.send_block(number, bytes(BLOCK))
            assert server.ping(request=5) == b""
