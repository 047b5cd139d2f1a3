"""One file by whatever way: the same digests, the same rights, the same events, the same line in the record."""

import os
import sqlite3
import stat

import pytest

from access import ways

BLOCK = 1 << 20
DONE = {"who": "anna", "from": "127.0.0.1", "what": "put", "result": "done"}
REFUSED = {"who": "bert", "from": "127.0.0.1", "what": "give", "result": "not_allowed"}


def ways_for(size):
    """Whole, a file has one block at the most."""
    return {way.__name__: way for way in ways.PROTOCOLS if size <= BLOCK or way is not ways.native_whole}


def heard_of(live, path):
    """What is told of an upload, but for how far it was, by which protocol it may be, and when."""
    heard = [told for told in live.until("stored") if told.get("state") != "progress"]
    assert {told.pop("path") for told in heard} == {path}
    for told in heard:
        told.pop("upload", None)
    entry = heard[-1].pop("entry")
    return heard, {name: entry[name] for name in ("kind", "size", "type")}


def facts_of(house, path):
    """What a reader is told of it, and what is on the disk."""
    answer = house.ask(house.owner_key, "GET", f"/files/{path}", "Want-Repr-Digest: sha-256=1")
    facts = (house.root / path).stat()
    return answer.body, answer["Repr-Digest"], stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_nlink


def digests_of(house, paths):
    """Of the blocks, as they were recorded when they came."""
    with sqlite3.connect(house.data / "catalog.db") as catalog:
        recorded = dict(catalog.execute("SELECT ino, digests FROM content"))
    return {recorded[(house.root / path).stat().st_ino] for path in paths}


def lines_of(house, expected):
    """Those of somebody in the record, by the path's last part; all but the time and the protocol is as expected."""
    found = {}
    for line in house.audit():
        if (line["who"], line["what"]) != (expected["who"], expected["what"]):
            continue
        line.pop("time")
        name = line.pop("path").rpartition("/")[2]
        found.setdefault(name, []).append((line.pop("protocol"), line))
    assert all(line == expected for lines in found.values() for _, line in lines), found
    return {name: [protocol for protocol, _ in lines] for name, lines in found.items()}


@pytest.mark.parametrize("size", [0, 7, BLOCK, 3 * BLOCK + 12345])
def test_the_same_file_by_every_way(open_house, size):
    house, content, all_ways = open_house(), os.urandom(size), ways_for(size)
    protocols = {name: [ways.PROTOCOLS[way]] for name, way in all_ways.items()}
    (house.root / "in").mkdir()
    anna = house.account("anna", "/in=see,give")
    bert = house.account("bert", "/=read")
    heard = {}
    with house.live(anna) as live:
        live.watch("in")
        for name, way in all_ways.items():
            assert way(house, bert, f"in/{name}", content) == "NOT_ALLOWED", "nothing is told of this one"
            assert way(house, anna, f"in/{name}", content) == "yes"
            heard[name] = heard_of(live, f"in/{name}")
            assert way(house, anna, name, content) == "NOT_FOUND", "beside what anna may see"
    assert heard["put_chunked"][0][0].pop("size") is None, "chunks say how much it is at their end"
    heard["put_chunked"][0][0]["size"] = size
    first = heard["put"]
    assert [name for name, each in heard.items() if each != first] == [], heard
    assert [told.get("state", told["kind"]) for told in first[0]] == ["started", "finished", "stored"]
    paths = [f"in/{name}" for name in all_ways]
    assert {facts_of(house, path) for path in paths} == {facts_of(house, paths[0])}
    assert facts_of(house, paths[0])[0] == content
    assert sorted(path.name for path in (house.root / "in").iterdir()) == sorted(all_ways)
    house.stop()
    assert len(digests_of(house, paths)) == 1
    assert lines_of(house, {**DONE, "bytes": size}) == protocols
    assert set(lines_of(house, REFUSED)) >= set(all_ways)
