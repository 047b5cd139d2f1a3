"""Sixteen want one name; names are removed, renamed and replaced under those who use them."""

import collections
import subprocess
import threading
import time

import pytest

from conftest import DEADLINE_S, SLUICE
from product.conftest import MIB, connect
from prove.crowd import Bytes
from prove.ledger import check_no_partials
from prove.plan import amount, choices, report
from wire_client import Failed, Upload
from wire_format import block_count, block_of, frame, messages

ROUNDS = amount("RACES", 30)
WRITERS = 16
LOST = {"EXISTS", "CONFLICT"}


class Writer:
    """One that wants the name. `prepare` does what can be done before, `go` the step that takes the
    name, `end` tells whether it did."""

    def __init__(self, link, path, data, replace):
        self.link, self.path, self.data, self.replace = link, path, data, replace
        self.fields = {"replace": replace, "mtime_ns": 10**18}

    def prepare(self):
        pass


class Whole(Writer):
    """A small file in one step."""

    def go(self):
        self.request = self.link.begin_whole(self.path, self.data, **self.fields)

    def end(self):
        return won(lambda: self.link.end_whole(self.request, self.data))

    def check_lost(self):
        pass  # its bytes are with the client


class Blocks(Writer):
    """An upload, all of whose blocks are durable when it comes to the name."""

    def prepare(self):
        self.upload = self.link.open(self.path, size_bytes=len(self.data), **self.fields)
        for number in range(block_count(self.data)):
            self.upload.send_block(number, block_of(self.data, number))
        self.upload.checkpoint()

    def go(self):
        # What can be said in one write: where no answer has to be waited for, they come close.
        self.link.send(frame("PUT_FINISH", self.upload.request, messages.PutFinish()))

    def end(self):
        return won(lambda: self.upload._end("PUT_DONE"))

    def check_lost(self):
        """The loser's bytes are all there, and can be given another name or thrown away."""
        kept = self.link.join(self.upload.upload_id)
        assert kept.held_blocks == block_count(self.data)
        kept.abort()


class Program:
    """`sluice put`."""

    def __init__(self, server, path, source):
        self.data = source.read_bytes()
        self.command = [SLUICE, "put", "-q", source, f"{server.url}/{path}"]

    def go(self):
        self.process = subprocess.Popen(list(map(str, self.command)), stderr=subprocess.PIPE)

    def end(self):
        said = self.process.communicate(timeout=DEADLINE_S)[1].decode()
        assert self.process.returncode in (0, 6), f"exit {self.process.returncode}: {said}"
        return self.process.returncode == 0

    def check_lost(self):
        pass


def won(answer):
    """Whether it got the name; an error other than that another has it is one of ours."""
    try:
        answer()
        return True
    except Failed as failed:
        assert failed.code in LOST, failed
        return False


@pytest.fixture
def links(serve, opened):
    server = serve()
    return server, [opened(connect(server)) for _ in range(WRITERS)]


def race(server, links, random, pool, sources, path, replace):
    """The kind of the winner."""
    programs = [] if replace else [Program(server, path, source) for source in sources]
    writers = []
    for number, link in enumerate(links[len(programs) :]):
        kind = Whole if number % 2 else Blocks
        size = random.randint(1, 20_000 if kind is Whole else 2 * MIB)
        writers.append(kind(link, path, pool.piece(random, size), replace))
    random.shuffle(writers)
    for writer in writers:
        writer.prepare()
    for program in programs:
        program.go()
    if programs:  # a program needs a while to begin: so each kind is first now and then
        threading.Event().wait(random.uniform(0, 0.04))
    for writer in writers:
        writer.go()
    writers += programs
    winners = [writer for writer in writers if writer.end()]
    assert len(winners) == 1, f"{len(winners)} of {len(writers)} got the name {path}"
    assert (server.root / path).read_bytes() == winners[0].data
    for writer in writers:
        if writer is not winners[0]:
            writer.check_lost()
    return type(winners[0]).__name__


def test_sixteen_writers_of_one_name(links, tmp_path):
    """Of a free name; in every third round all want to replace the same file."""
    server, connections = links
    pool = Bytes(choices("content"))
    sources = []
    for number, size in enumerate([7_000, 3 * MIB]):
        sources.append(tmp_path / f"source{number}")
        sources[-1].write_bytes(pool.piece(choices("source", number), size))
    winners = collections.Counter()
    begun = time.monotonic()
    for number in range(ROUNDS):
        random = choices("race", number)
        path, replace = f"{number}.mov", None
        if number % 3 == 2:
            there = connections[0].put_whole(path, b"the old one", mtime_ns=5)
            replace = messages.Replace(size_bytes=there.size_bytes, mtime_ns=there.mtime_ns)
        winners[race(server, connections, random, pool, sources, path, replace)] += 1
        connections[0].remove(path)
        for source in sources:
            drop_kept(connections[0], path, source)
    check_no_partials(server.root)
    report(f"{ROUNDS} races of {WRITERS} to one name: one winner each {dict(winners)}, the others told so, "
           f"what they had sent kept; {time.monotonic() - begun:.0f} s")


def drop_kept(link, path, source):
    """What a losing `sluice put` left for the next time. It is there, or it never opened one."""
    told = source.stat()
    left = link.open(path, size_bytes=told.st_size, mtime_ns=told.st_mtime_ns, resume=True)
    left.abort()


FILE = 24 * MIB  # more than the kernel holds on the way


@pytest.fixture
def shelf(serve, opened, tmp_path):
    """(server, two connections, content of `d/f`)"""
    server = serve()
    data = choices("shelf").randbytes(FILE)
    (server.root / "d").mkdir()
    (server.root / "d" / "f").write_bytes(data)
    return server, opened(connect(server)), opened(connect(server)), data


def remove(other, root):
    other.remove("d/f")


def rename(other, root):
    other.rename("d/f", "g")


def rename_folder(other, root):
    other.rename("d", "e")


def remove_folder(other, root):
    other.remove("d", recursive=True)


def replace(other, root):
    told = other.stat("d/f")
    other.put("d/f", b"new", replace=messages.Replace(size_bytes=told.size_bytes, mtime_ns=told.mtime_ns))


CHANGES = [remove, rename, rename_folder, remove_folder, replace]


@pytest.mark.parametrize("change", CHANGES)
def test_change_under_a_download(shelf, change):
    """The old content whole, or a clear error; never a mixture."""
    server, link, other, data = shelf
    request = link.begin("GET", messages.Get(path="d/f"))
    link.next_reply(request, "CONTENT")
    change(other, server.root)
    got = bytearray()
    try:
        while (reply := link.next_reply(request, "BLOCK", "CONTENT_END")).name == "BLOCK":
            offset, _, payload = reply.block
            assert offset == len(got)
            got += payload
        assert got == data
    except Failed as failed:
        assert failed.code == "CHANGED"
        assert data.startswith(got)


@pytest.mark.parametrize("change", [rename_folder, remove_folder])
@pytest.mark.parametrize("parents", [False, True])
def test_folder_goes_under_an_upload(shelf, change, parents):
    """It arrives, or says that the folder is gone and keeps what was sent."""
    server, link, other, _ = shelf
    data = choices("upload").randbytes(3 * MIB + 1)
    upload = link.open("d/new", size_bytes=len(data), parents=parents)
    upload.send_block(0, block_of(data, 0))
    upload.make_durable({0}, data)
    change(other, server.root)
    for number in range(1, block_count(data)):
        upload.send_block(number, block_of(data, number))
    if parents:
        upload.finish()
    else:
        with pytest.raises(Failed, match="NOT_FOUND"):
            upload.finish()
        other.make_folder("d")
        again = Upload(link, link.begin("PUT", messages.Put(upload_id=upload.upload_id)))
        assert again.held_blocks == block_count(data)
        again.finish()
    assert (server.root / "d" / "new").read_bytes() == data


def test_renames_and_removes_against_each_other(links):
    """Eight move one file around and eight remove it: it is in one place at most, and whole."""
    server, connections = links
    data = choices("moved").randbytes(100_000)
    for number in range(ROUNDS):
        random = choices("moves", number)
        connections[0].put_whole("a", data)
        targets = [f"b{n}" for n in range(8)]
        asked = [(link, link.begin("RENAME", messages.Rename(**{"from": "a", "to": target})), target)
                 for link, target in zip(connections, targets)]
        asked += [(link, link.begin("REMOVE", messages.Remove(path="a")), None) for link in connections[8:]]
        random.shuffle(asked)
        done = [target for link, request, target in asked if succeeded(link, request)]
        assert len(done) == 1, done
        there = [path.name for path in server.root.iterdir() if not path.name.startswith(".")]
        assert there == [name for name in done if name]
        for name in there:
            assert (server.root / name).read_bytes() == data
            connections[0].remove(name)


def succeeded(link, request):
    try:
        link.next_reply(request, "ENTRY", "OK")
        return True
    except Failed as failed:
        assert failed.code == "NOT_FOUND", failed
        return False
