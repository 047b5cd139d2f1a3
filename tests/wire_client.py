"""A client of the native protocol, written from docs/wire.md and src/wire/sluice.proto alone.

It needs Python 3.11, python3-protobuf, protoc and libxxhash.so.0; it shares no code with the C++
programs. One connection is used by one thread; several connections may be open at once.

    with Connection("127.0.0.1", 8080) as server:
        server.put("takes/a.mp4", content, parents=True)
        assert server.get("takes/a.mp4") == content
"""

import collections
import socket

from wire_format import (
    BLOCK_BYTES,
    FROM_SERVER,
    SKIPPABLE,
    Violation,
    block_body,
    block_count,
    block_of,
    client_preface,
    digest,
    frame,
    messages,
)
from wire_socket import Ended, Socket  # noqa: F401

TRIES = 3  # for a block whose digest is wrong


class Refused(Exception):
    """The server speaks no version that we speak."""

    def __init__(self, ours, theirs):
        super().__init__(
            f"this client speaks versions {ours[0]} to {ours[1]} of the protocol, "
            f"the server {theirs[0]} to {theirs[1]}"
        )
        self.ours = ours
        self.theirs = theirs


class Failed(Exception):
    """The server answered ERROR."""

    def __init__(self, request, error):
        self.code = messages.Code.Name(error.code) if error.code in messages.Code.values() else "?"
        super().__init__(f"{self.code}: {error.text}")
        self.request = request
        self.error = error


class Connection(Socket):
    """A connection that has said HELLO. Methods raise Failed where the server answers ERROR."""

    def __init__(self, host, port, versions=(1, 1), agent="wire_client.py", timeout=20.0):
        super().__init__(socket.create_connection((host, port), timeout), timeout)
        self._last_request = 0
        self._replies = collections.defaultdict(collections.deque)
        try:
            self.version = self._agree(versions)
            self.send(frame("HELLO", 0, messages.Hello(agent=agent)))
            self.hello = self._read_hello()
        except BaseException:
            self.close()
            raise

    def _agree(self, versions):
        self.send(client_preface(*versions))
        chosen, lowest, highest = self.read_server_preface()
        if chosen == 0:
            raise Refused(versions, (lowest, highest))
        if not versions[0] <= chosen <= versions[1]:
            raise Violation(f"version {chosen} chosen of {versions}")
        return chosen

    def _read_hello(self):
        first = self.read_frame()
        if first.name == "ERROR" and first.request == 0:
            raise Failed(0, first.message)
        if first.name != "HELLO" or first.request != 0:
            raise Violation(f"first frame {first}")
        return first.message

    # -- frames and requests --

    def begin(self, kind, body):
        """Sends the first frame of a new request and tells its number."""
        self._last_request += 1
        self.send(frame(kind, self._last_request, body))
        return self._last_request

    def next_reply(self, request, *expected):
        """The next frame for a request. Frames for others are kept for them."""
        while not self._replies[request]:
            self._sort_in(self.read_frame())
        reply = self._replies[request].popleft()
        if reply.last:
            del self._replies[request]
        if reply.name == "ERROR":
            if not reply.last:
                self._violated(f"ERROR without LAST on request {request}")
            raise Failed(request, reply.message)
        if expected and reply.name not in expected:
            self._violated(f"{reply.name} where {expected} was due")
        return reply

    def _sort_in(self, came):
        if came.name is None:
            if not came.flags & SKIPPABLE:
                self._violated(f"frame of kind {came.kind}")
            return
        if came.name not in FROM_SERVER or came.name == "HELLO":
            self._violated(f"{came.name} from the server")
        if came.name == "PING":
            self.send(frame("PONG", came.request, came.body))
        elif came.name == "PONG":
            self._replies["PONG", came.request].append(came)
        elif came.request == 0:
            if came.name == "ERROR":
                self.close()
                raise Failed(0, came.message)
            self._violated(f"{came.name} on request 0")
        else:
            self._replies[came.request].append(came)

    def _violated(self, text):
        self.close()
        raise Violation(text)

    def ask(self, kind, body, *expected):
        """A request with a single frame for an answer."""
        reply = self.next_reply(self.begin(kind, body), *expected)
        if not reply.last:
            self._violated(f"{reply.name} without LAST")
        return reply.message

    # -- what the page offers --

    def ping(self, body=b"", request=0):
        self.send(frame("PING", request, body))
        waiting = self._replies["PONG", request]
        while not waiting:
            self._sort_in(self.read_frame())
        return waiting.popleft().body

    def list(self, path, recursive=False, after=""):
        request = self.begin("LIST", messages.List(path=path, recursive=recursive, after=after))
        entries = []
        while True:
            reply = self.next_reply(request, "ENTRIES")
            entries.extend(reply.message.entries)
            if reply.last:
                return entries

    def stat(self, path):
        return self.ask("STAT", messages.Stat(path=path), "ENTRY")

    def make_folder(self, path, **fields):
        return self.ask("MAKE_FOLDER", messages.MakeFolder(path=path, **fields), "ENTRY")

    def rename(self, source, target, replace=None):
        body = messages.Rename(**{"from": source, "to": target, "replace": replace})
        return self.ask("RENAME", body, "ENTRY")

    def remove(self, path, recursive=False):
        self.ask("REMOVE", messages.Remove(path=path, recursive=recursive), "OK")

    def talk(self, path, **fields):
        """(messages, version, more) of a page"""
        request = self.begin("TALK_READ", messages.TalkRead(path=path, **fields))
        found = []
        while True:
            reply = self.next_reply(request, "TALK_PAGE")
            found.extend(reply.message.messages)
            if reply.last:
                return found, reply.message.version, reply.message.more

    def say(self, path, text, **fields):
        return self.ask("TALK_SAY", messages.TalkSay(path=path, text=text, **fields), "TALK_SAID").message

    def amend(self, path, number, **fields):
        return self.ask("TALK_AMEND", messages.TalkAmend(path=path, id=number, **fields), "TALK_SAID").message

    def join_room(self, path, **fields):
        """(the number of the request, the first news)"""
        request = self.begin("TALK_JOIN", messages.TalkJoin(path=path, **fields))
        news = self.next_reply(request, "TALK_NEWS").message
        if news.what != messages.TALK_JOINED:
            self._violated(f"{news.what} where TALK_JOINED was due")
        return request, news

    def news(self, request, *wanted):
        """The next news of a room of these kinds, and whether they end it."""
        while True:
            reply = self.next_reply(request, "TALK_NEWS")
            if not wanted or reply.message.what in wanted:
                return reply.message, reply.last

    def leave_room(self, path):
        self.ask("TALK_LEAVE", messages.TalkLeave(path=path), "OK")

    def type_in(self, path):
        self.ask("TALK_TYPING", messages.TalkTyping(path=path), "OK")

    def get_blocks(self, path, ranges=(), if_identity=b""):
        """(entry, {offset: payload}, [(offset, length) of the payloads that came damaged])"""
        wanted = [messages.Range(offset=offset, length=length) for offset, length in ranges]
        request = self.begin("GET", messages.Get(path=path, ranges=wanted, if_identity=if_identity))
        entry = self.next_reply(request, "CONTENT").message.entry
        good, damaged, end = {}, [], 0
        while True:
            reply = self.next_reply(request, "BLOCK", "CONTENT_END")
            if reply.name == "CONTENT_END":
                if not reply.last:
                    self._violated("CONTENT_END without LAST")
                return entry, good, damaged
            offset, told, payload = reply.block
            if offset < end or reply.last:
                self._violated(f"block at {offset} behind {end}")
            end = offset + len(payload)
            if digest(payload) == told:
                good[offset] = payload
            else:
                damaged.append((offset, len(payload)))

    def get_ranges(self, path, ranges=(), if_identity=b""):
        """(entry, [content of each range]); without ranges, of the whole file."""
        entry, blocks, damaged = self.get_blocks(path, ranges, if_identity)
        for _ in range(TRIES - 1):
            if not damaged:
                break
            _, again, damaged = self.get_blocks(path, damaged, entry.identity)
            blocks |= again
        if damaged:
            raise Violation(f"{path}: damaged on {TRIES} ways at {damaged}")
        ranges = ranges or [(0, entry.size_bytes)]
        return entry, [_content_of(blocks, offset, length) for offset, length in ranges]

    def get(self, path):
        return self.get_ranges(path)[1][0]

    def digests(self, **fields):
        """({block: digest}, {block: recorded digest}, entry or None)"""
        request = self.begin("DIGESTS", messages.Digests(**fields))
        found, recorded = {}, {}
        while True:
            reply = self.next_reply(request, "DIGEST_RUN")
            run = reply.message
            for into, packed in ((found, run.digests), (recorded, run.recorded)):
                if len(packed) % 16:
                    self._violated(f"{len(packed)} bytes of digests")
                for at in range(0, len(packed), 16):
                    into[run.first_block + at // 16] = packed[at : at + 16]
            if reply.last:
                return found, recorded, run.entry if run.HasField("entry") else None

    def login(self, **who):
        """`token=...`, or `account=...` and `password=...`."""
        self.ask("LOGIN", messages.Login(**who), "OK")

    def scrub(self, path, **fields):
        """The reports of a scrub, as they come."""
        request = self.begin("SCRUB", messages.Scrub(path=path, **fields))
        last = False
        while not last:
            reply = self.next_reply(request, "SCRUB_REPORT")
            last = reply.last
            yield reply.message

    def open(self, path, **fields):
        """PUT, or the reopening of one. Returns an Upload."""
        return Upload(self, self.begin("PUT", messages.Put(path=path, **fields)))

    def join(self, upload_id):
        return Upload(self, self.begin("PUT", messages.Put(upload_id=upload_id)))

    def put_done(self, upload_id):
        """The entry of an upload that was finished already, by us or by another connection."""
        return self.ask("PUT", messages.Put(upload_id=upload_id), "PUT_DONE").entry

    def put(self, path, content, order=None, **fields):
        """All of an upload. `order`: the numbers of the blocks as they are to be sent."""
        upload = self.open(path, size_bytes=len(content), **fields)
        missing = set(range(block_count(content)))
        if upload.held_blocks:
            held = self.digests(upload_id=upload.upload_id)[0]
            missing -= {n for n in missing if held.get(n) == digest(block_of(content, n))}
        for number in missing if order is None else [n for n in order if n in missing]:
            upload.send_block(number, block_of(content, number))
        upload.make_durable(missing, content)
        return upload.finish()

    def begin_whole(self, path, content, **fields):
        """PUT with `whole`: at most one block. Many may be on the way; see end_whole."""
        body = messages.Put(path=path, size_bytes=len(content), whole=True, **fields)
        request = self.begin("PUT", body)
        if content:
            self.send(frame("BLOCK", request, block_body(0, content)))
        return request

    def end_whole(self, request, content):
        tries = 1
        while True:
            reply = self.next_reply(request, "PUT_DONE", "BLOCK_REFUSED")
            if reply.name == "PUT_DONE":
                return reply.message.entry
            tries += 1
            if tries > TRIES:
                raise Violation(f"a block was refused {TRIES} times")
            self.send(frame("BLOCK", request, block_body(0, content)))

    def put_whole(self, path, content, **fields):
        return self.end_whole(self.begin_whole(path, content, **fields), content)


class Upload:
    """An upload on one connection: the request of one PUT."""

    def __init__(self, connection, request):
        self.connection = connection
        self.request = request
        opened = connection.next_reply(request, "PUT_OPENED").message
        self.upload_id = opened.upload_id
        self.held_blocks = opened.held_blocks
        self.durable = set()
        self.refused = []  # BlockRefused that nobody dealt with

    def send_block(self, number, payload, wrong_digest=None):
        self.send_block_at(number * BLOCK_BYTES, payload, wrong_digest)

    def send_block_at(self, offset, payload, wrong_digest=None):
        body = block_body(offset, payload, wrong_digest)
        self.connection.send(frame("BLOCK", self.request, body))

    def checkpoint(self):
        self.connection.send(frame("CHECKPOINT", self.request))

    def take_reply(self):
        """Reads what the server tells of this upload: durable blocks, or a refused one."""
        reply = self.connection.next_reply(self.request, "BLOCKS_DURABLE", "BLOCK_REFUSED")
        if reply.name == "BLOCKS_DURABLE":
            for run in reply.message.blocks:
                self.durable.update(range(run.first, run.first + run.count))
        else:
            self.refused.append(reply.message)
        return reply.name

    def make_durable(self, numbers, content):
        """Waits until these blocks are durable, and sends again what was refused."""
        tries = collections.Counter()
        self.checkpoint()
        while not set(numbers) <= self.durable:
            self.take_reply()
            while self.refused:
                number = self.refused.pop().offset // BLOCK_BYTES
                tries[number] += 1
                if tries[number] == TRIES:
                    raise Violation(f"block {number} was refused {TRIES} times")
                self.send_block(number, block_of(content, number))
                self.checkpoint()

    def finish(self, size_bytes=None):
        body = messages.PutFinish(size_bytes=size_bytes)
        self.connection.send(frame("PUT_FINISH", self.request, body))
        return self._end("PUT_DONE").entry

    def leave(self):
        self.connection.send(frame("PUT_LEAVE", self.request))
        self._end("OK")

    def abort(self):
        self.connection.send(frame("PUT_ABORT", self.request))
        self._end("OK")

    def _end(self, expected):
        while True:
            reply = self.connection.next_reply(
                self.request, expected, "BLOCKS_DURABLE", "BLOCK_REFUSED"
            )
            if reply.name == expected:
                if not reply.last:
                    raise Violation(f"{expected} without LAST")
                return reply.message


def _content_of(blocks, offset, length):
    """One range, put together from payloads that cover it."""
    content = bytearray()
    for at in sorted(blocks):
        if offset <= at < offset + length:
            if at != offset + len(content):
                raise Violation(f"bytes {offset + len(content)} to {at} are missing")
            content += blocks[at]
    if len(content) != length:
        raise Violation(f"{len(content)} of {length} bytes at {offset}")
    return bytes(content)
