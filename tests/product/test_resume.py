"""Resume is proved: what changed is noticed and said, and only what is missing or differs is sent."""

import os

import pytest

from client.conftest import MIB, content, set_time
from product.conftest import BLOCK, connect, make_file, names_in, sha256, until
from product.proxy import UP

BLOCKS = 24
SIZE = BLOCKS * BLOCK - 1000


class Middle:
    """Filter of a proxy: stops the content behind the first blocks."""

    def __init__(self):
        self.proxy = None
        self.stands = False
        self.passed_on = set()

    def __call__(self, passing):
        if passing.name == "BLOCK" and passing.way == UP:
            if passing.block >= BLOCKS // 2:
                self.stands = True
                self.proxy.hold()
            self.passed_on.add(passing.block)


def notices(put):
    return [event["message"] for event in put.events if event["event"] == "notice"]


@pytest.fixture
def halved(serve, running, between, tmp_path):
    """(server, source, the process, the filter): about half of it is durable on the server (blocks may
    come out of order: the filter knows which), the rest waits in the line."""
    server = serve()
    source = make_file(tmp_path / "f", SIZE)
    set_time(source, 1_600_000_000_000_000_000)
    watch = Middle()
    watch.proxy = between(server, watch)
    put = running("put", "-j", "1", source, watch.proxy.url + "/f")
    until(lambda: watch.stands and watch.passed_on and watch.proxy.durable >= watch.passed_on, "half is durable")
    return server, source, put, watch


def rewrite(path, block, keep_time=True):
    """Other bytes in the middle of a block."""
    told = path.stat()
    with open(path, "r+b") as file:
        file.seek(block * BLOCK + 500)
        file.write(b"changed")
    if keep_time:
        os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def test_only_what_is_missing_or_differs(halved, running):
    """One of the blocks that the server holds changed, and no time tells: its digest does."""
    server, source, put, watch = halved
    put.kill()
    rewrite(source, min(watch.passed_on))
    again = running("put", source, server.url + "/f")
    assert again.end() == 0, again.result
    assert again.result["bytes_moved"] == SIZE - (len(watch.passed_on) - 1) * BLOCK
    assert sha256(server.root / "f") == sha256(source)
    assert any("the source changed" in text and f"1 of the {len(watch.passed_on)} blocks" in text for text in notices(again))


def test_unchanged_source_is_not_said_to_have_changed(halved, running):
    server, source, put, watch = halved
    put.kill()
    again = running("put", source, server.url + "/f")
    assert again.end() == 0, again.result
    assert again.result["bytes_moved"] == SIZE - len(watch.passed_on) * BLOCK
    assert notices(again) == []


@pytest.mark.parametrize("how", ["time", "size"])
def test_changed_source_is_said(halved, sluice, running, how):
    """Between two runs, as its time or size tells: text and JSON."""
    server, source, put, _ = halved
    put.kill()
    if how == "time":
        set_time(source, 1_700_000_000_000_000_000)
    else:
        with open(source, "ab") as file:
            file.write(b"more")
    again = running("put", source, server.url + "/f")
    assert again.end() == 0, again.result
    assert any("the source changed" in text for text in notices(again))
    assert sha256(server.root / "f") == sha256(source)


@pytest.mark.parametrize("how", ["time", "size", "content"])
def test_source_changes_while_it_is_sent(halved, running, how):
    """A clear error; nothing is published, and the next run is right."""
    server, source, put, watch = halved
    if how == "time":
        set_time(source, 1_700_000_000_000_000_000)
    elif how == "size":
        with open(source, "ab") as file:
            file.write(b"more")
    else:
        rewrite(source, 3, keep_time=False)
    watch.proxy.release()
    assert put.end() == 6
    assert "the source was written to while it was sent; nothing is published" in put.result["message"]
    assert names_in(server) == []
    again = running("put", source, server.url + "/f")
    assert again.end() == 0, again.result
    assert sha256(server.root / "f") == sha256(source)


def test_source_becomes_shorter_while_it_is_sent(halved):
    server, source, put, watch = halved
    os.truncate(source, SIZE // 2)
    watch.proxy.release()
    assert put.end() == 6
    assert names_in(server) == []


def test_lost_last_answer(serve, running, between, tmp_path):
    """The file is published and the answer lost: the client asks, and hears that all is there."""
    server = serve()
    source = make_file(tmp_path / "f", SIZE)
    lost = []

    def lose(passing):
        if passing.name == "PUT_DONE" and not lost:
            lost.append(passing)
            passing.cut_at = 0

    proxy = between(server, lose)
    put = running("put", source, proxy.url + "/f")
    assert put.end() == 0, put.result
    assert lost and put.result["bytes_moved"] == SIZE
    assert sha256(server.root / "f") == sha256(source)


def test_lost_last_answer_after_a_restart(serve, tmp_path):
    """Remembered for a day, also over a restart, by the upload's id."""
    server = serve()
    data = content(2 * MIB)
    with connect(server) as other:
        upload = other.open("f", size_bytes=len(data))
        for number in range(2):
            upload.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
        upload.finish()
    server.kill()
    server.restart()
    with connect(server) as other:
        done = other.put_done(upload.upload_id)
        assert (done.path, done.size_bytes) == ("f", len(data))
