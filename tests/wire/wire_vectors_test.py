"""The byte vectors of docs/wire.md, section 10, against the Python client."""

import pathlib
import struct

import pytest
import wire_format as wire
from google.protobuf import text_format

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "wire.md"


def read_page():
    """[(note, name, bytes)]"""
    section = PAGE.read_text(encoding="utf-8").split("\n## 9. ")[1]
    vectors = []
    for line in section.split("```\n")[1].splitlines():
        if line.startswith("#"):
            vectors.append([line[1:].strip(), "", ""])
        else:
            words = line.split()
            if not vectors[-1][1]:
                vectors[-1][1] = words.pop(0)
            vectors[-1][2] += "".join(words)
    return [(note, name, bytes.fromhex(digits)) for note, name, digits in vectors]


VECTORS = read_page()
FRAMES = [v for v in VECTORS if not v[1].startswith("PREFACE")]
MESSAGES = [v for v in FRAMES if v[1].split(".")[0] in wire.MESSAGES]


def named(vectors):
    return {"argvalues": vectors, "ids": [v[1] for v in vectors]}


def parts(data):
    length, kind, flags, zero, request = struct.unpack(">IBBHI", data[:12])
    assert length == len(data) - 4
    assert zero == 0
    return kind, flags, request, data[12:]


def test_every_kind_has_a_vector():
    assert set(wire.KINDS) <= {name.split(".")[0] for _, name, _ in VECTORS}


@pytest.mark.parametrize("note, name, data", **named(FRAMES))
def test_head(note, name, data):
    kind, flags, request, body = parts(data)
    if name == "SKIPPABLE":
        assert kind not in wire.NAMES and flags & wire.SKIPPABLE
    else:
        assert kind == wire.KINDS[name.split(".")[0]]
    assert wire.frame(kind, request, body, flags) == data


@pytest.mark.parametrize("note, name, data", **named(MESSAGES))
def test_message_says_what_the_page_tells(note, name, data):
    kind, flags, request, body = parts(data)
    message = wire.MESSAGES[wire.NAMES[kind]]
    told = text_format.Parse("" if note == "(empty)" else note, message())
    assert message.FromString(body) == told
    assert wire.frame(kind, request, told, flags) == data


def test_block():
    (data,) = [data for _, name, data in FRAMES if name == "BLOCK"]
    kind, flags, request, body = parts(data)
    assert wire.Frame(kind, flags, request, body).block == (3145728, wire.digest(b"ok"), b"ok")
    assert wire.frame("BLOCK", request, wire.block_body(3145728, b"ok"), flags) == data


def test_prefaces():
    prefaces = {name: data for _, name, data in VECTORS if name.startswith("PREFACE")}
    assert wire.client_preface(1, 1) == prefaces["PREFACE.client"]
    assert prefaces["PREFACE.server"] == wire.MAGIC + struct.pack(">HHHH", 1, 1, 1, 0)
    assert prefaces["PREFACE.refused"] == wire.MAGIC + struct.pack(">HHHH", 0, 1, 1, 0)


def test_digest_of_nothing():
    # The value that the xxHash project publishes for XXH3-128 of no bytes with seed 0.
    assert wire.digest(b"").hex() == "99aa06d3014798d86001c324468d497f"
