"""The bytes of the native protocol: prefaces, frames, digests, messages (docs/wire.md, 1 to 4)."""

import atexit
import collections
import ctypes
import importlib
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

MAGIC = b"\x89SLUICE\n"
BLOCK_BYTES = 1_048_576
MAX_CONTROL_BYTES = 262_144
MAX_PING_BYTES = 64
HEAD = struct.Struct(">IBBHI")  # length, kind, flags, 0, request
HEAD_COUNTED = 8  # of its 12 bytes, in the length
SKIPPABLE = 0x01
LAST = 0x02

KINDS = {
    "HELLO": 1, "PING": 2, "PONG": 3, "ERROR": 4, "OK": 5, "LOGIN": 6,
    "LIST": 16, "ENTRIES": 17, "STAT": 18, "ENTRY": 19,
    "GET": 20, "CONTENT": 21, "CONTENT_END": 22, "RECEIVED": 23, "DIGESTS": 24, "DIGEST_RUN": 25,
    "BLOCK": 32, "PUT": 33, "PUT_OPENED": 34, "BLOCKS_DURABLE": 35, "BLOCK_REFUSED": 36,
    "CHECKPOINT": 37, "PUT_FINISH": 38, "PUT_DONE": 39, "PUT_ABORT": 40, "PUT_LEAVE": 41,
    "MAKE_FOLDER": 48, "RENAME": 49, "REMOVE": 50, "SCRUB": 51, "SCRUB_REPORT": 52,
    "TALK_READ": 53, "TALK_PAGE": 54, "TALK_JOIN": 55, "TALK_NEWS": 56, "TALK_LEAVE": 57,
    "TALK_SAY": 58, "TALK_SAID": 59, "TALK_AMEND": 60, "TALK_TYPING": 61,
}  # fmt: skip
NAMES = {number: name for name, number in KINDS.items()}
FROM_SERVER = {
    "HELLO", "PING", "PONG", "ERROR", "OK", "ENTRIES", "ENTRY", "CONTENT", "CONTENT_END",
    "DIGEST_RUN", "BLOCK", "PUT_OPENED", "BLOCKS_DURABLE", "BLOCK_REFUSED", "PUT_DONE",
    "SCRUB_REPORT", "TALK_PAGE", "TALK_NEWS", "TALK_SAID",
}  # fmt: skip


def compile_schema():
    """The messages, made from the schema by protoc in a folder that goes with the process."""
    schema = pathlib.Path(__file__).parent.parent / "src" / "wire" / "sluice.proto"
    folder = tempfile.mkdtemp(prefix="sluice-schema-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        ["protoc", f"--proto_path={schema.parent}", f"--python_out={folder}", schema.name], check=True
    )
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("sluice_pb2")
    finally:
        sys.path.remove(folder)


messages = compile_schema()

# The body of a kind's frames, where it is a message.
MESSAGES = {
    name: getattr(messages, "Ok" if name == "CONTENT_END" else name.title().replace("_", ""))
    for name in KINDS
    if name not in ("PING", "PONG", "BLOCK")
}


class _Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


_xxhash = ctypes.CDLL("libxxhash.so.0")
_xxhash.XXH3_128bits.restype = _Hash128
_xxhash.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def digest(payload):
    """XXH3-128 with seed 0 in its canonical form: the high 64 bits first, big-endian."""
    value = _xxhash.XXH3_128bits(bytes(payload), len(payload))
    return struct.pack(">QQ", value.high, value.low)


class Violation(Exception):
    """The server sent what the page does not allow. The connection is closed."""


class Frame(collections.namedtuple("Frame", "kind flags request body")):
    @property
    def name(self):
        return NAMES.get(self.kind)

    @property
    def last(self):
        return bool(self.flags & LAST)

    @property
    def message(self):
        try:
            return MESSAGES[self.name].FromString(self.body)
        except Exception as problem:
            raise Violation(f"body of a {self.name} frame: {problem}") from problem

    @property
    def block(self):
        """(offset, digest, payload) of a BLOCK."""
        payload = self.body[24:]
        (offset,) = struct.unpack(">Q", self.body[:8])
        if not payload or offset // BLOCK_BYTES != (offset + len(payload) - 1) // BLOCK_BYTES:
            raise Violation(f"block of {len(payload)} bytes at {offset}")
        return offset, self.body[8:24], payload


def client_preface(lowest=1, highest=1):
    return MAGIC + struct.pack(">HHI", lowest, highest, 0)


def frame(kind, request, body=b"", flags=0):
    """The bytes of a frame. `kind` is a name or a number, `body` a message or bytes."""
    number = KINDS.get(kind, kind)
    if not isinstance(body, bytes):
        body = body.SerializeToString(deterministic=True)
    return HEAD.pack(HEAD_COUNTED + len(body), number, flags, 0, request) + body


def block_body(offset, payload, wrong_digest=None):
    return struct.pack(">Q", offset) + (wrong_digest or digest(payload)) + payload


def block_count(content):
    return -(-len(content) // BLOCK_BYTES)


def block_of(content, number):
    return content[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
