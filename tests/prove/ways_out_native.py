"""Paths asked for by every request of the native protocol; nothing may come back from outside."""

import re
import struct

from prove.surrounded import OURS, is_secret
from wire_client import Connection
from wire_format import KINDS, messages

ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")


def text_field(number, text):
    """Of a message: as it is, also where protobuf would make none of it."""
    size = b""
    left = len(text)
    while True:
        size += bytes([left & 0x7F | (0x80 if left > 0x7F else 0)])
        left >>= 7
        if not left:
            return bytes([number << 3 | 2]) + size + text


def is_utf8(name):
    try:
        name.decode()
        return True
    except UnicodeDecodeError:
        return False


def frame_of(kind, request, body):
    return struct.pack(">IBBHI", 8 + len(body), KINDS[kind], 0, 0, request) + body


WHOLE = messages.Put(size_bytes=0, whole=True, parents=True).SerializeToString()
PARENTS = messages.MakeFolder(parents=True).SerializeToString()
# (kind, what is behind the path in its body, whether it may be asked of what is ours). What one makes, the next one finds.
VERBS = [
    ("LIST", messages.List(recursive=True).SerializeToString(), True),
    ("STAT", b"", True),
    ("PUT", WHOLE, True),
    ("GET", b"", True),
    ("DIGESTS", b"", True),
    ("SCRUB", b"", True),
    ("TALK_READ", b"", True),
    ("TALK_SAY", messages.TalkSay(text="x").SerializeToString(), True),
    ("RENAME", "to stolen", False),
    ("MAKE_FOLDER", PARENTS, True),
    ("RENAME", "from bait", False),
    ("REMOVE", messages.Remove(recursive=True).SerializeToString(), False),
]


def body_of(behind, name, around):
    if behind == "to stolen":
        around.baits += 1
        return text_field(1, name) + text_field(2, b"stolen%d" % around.baits)
    if behind == "from bait":
        return text_field(1, around.bait().encode()) + text_field(2, name)
    return text_field(1, name) + behind


class Asker:
    """Of many paths one verb at a time, all on their way together."""

    def __init__(self, around):
        self.around = around
        self.link = Connection(around.host, around.port)
        self.last = 0
        self.answers = self.done = 0

    def ask_for(self, some_paths):
        names = []
        for path in some_paths:
            once = ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), path)
            names += [name for name in {path, once} if is_utf8(name)]  # else the frame is refused: see test_traversal.py
        sent = 0
        for kind, behind, of_ours in VERBS:
            chosen = [name for name in names if of_ours or name.strip(b"/").decode() not in OURS]
            self.send([(kind, body_of(behind, name, self.around)) for name in chosen])
            sent += len(chosen)
        return sent

    def send(self, batch):
        waiting = set()
        data = []
        for kind, body in batch:
            self.last += 1
            waiting.add(self.last)
            data.append(frame_of(kind, self.last, body))
        self.link.send(b"".join(data))
        while waiting:
            came = self.link.read_frame()
            assert not is_secret(came.body)
            if came.last:
                waiting.remove(came.request)
                self.answers += 1
                self.done += came.name != "ERROR"
