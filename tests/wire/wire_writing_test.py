"""Uploads, folders, renames and removals on a real server."""

import os
import random
import stat

import pytest
from wire_client import Failed
from wire_format import BLOCK_BYTES, block_body, block_count, block_of, digest, frame, messages

SIZES = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 5]
MTIME_NS = 1_700_000_000_123_456_789


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def failure(call, *arguments, **fields):
    with pytest.raises(Failed) as told:
        call(*arguments, **fields)
    assert told.value.error.text, "an error tells people what went wrong"
    return told.value.code


def replace_of(entry):
    return messages.Replace(size_bytes=entry.size_bytes, mtime_ns=entry.mtime_ns)


def missing(server, path):
    return failure(server.stat, path) == "NOT_FOUND"


@pytest.mark.parametrize("size", SIZES)
def test_put(server, served, size):
    content = noise(size, seed=size)
    order = list(range(block_count(content)))
    random.Random(size).shuffle(order)
    entry = server.put(f"put-{size}", content, order, mtime_ns=MTIME_NS, executable=size == 1)
    assert (entry.path, entry.size_bytes, entry.mtime_ns) == (f"put-{size}", size, MTIME_NS)
    assert entry == server.stat(f"put-{size}")
    file = served.folder / f"put-{size}"
    assert file.read_bytes() == content
    assert os.stat(file).st_mtime_ns == MTIME_NS
    assert bool(os.stat(file).st_mode & stat.S_IXUSR) == (size == 1)
    assert server.get(f"put-{size}") == content


def test_nothing_is_seen_before_the_end(server, served):
    content = noise(BLOCK_BYTES + 1)
    upload = server.open("later/片段.mp4", size_bytes=len(content), parents=True)
    for number in range(2):
        upload.send_block(number, block_of(content, number))
    upload.make_durable({0, 1}, content)
    assert missing(server, "later/片段.mp4")
    assert not (served.folder / "later" / "片段.mp4").exists()
    upload.finish()
    assert (served.folder / "later" / "片段.mp4").read_bytes() == content


def test_put_into_a_missing_folder(server):
    assert failure(server.put, "no/such/file", b"x") == "NOT_FOUND"
    assert server.put("no/such/file", b"x", parents=True).size_bytes == 1


def test_resume_sends_what_is_missing(served):
    content = noise(5 * BLOCK_BYTES + 9)
    fields = {"size_bytes": len(content), "mtime_ns": MTIME_NS, "resume": True}
    with served.connect() as first:
        upload = first.open("resumed.mp4", **fields)
        assert upload.held_blocks == 0
        for number in (0, 3, 5):
            upload.send_block(number, block_of(content, number))
        upload.make_durable({0, 3, 5}, content)
    # The connection is lost. What was told durable is there, and nothing else.
    with served.connect() as second:
        again = second.open("resumed.mp4", **fields)
        assert again.upload_id == upload.upload_id
        assert again.held_blocks == 3
        held, _, entry = second.digests(upload_id=again.upload_id)
        assert held == {n: digest(block_of(content, n)) for n in (0, 3, 5)}
        assert entry is None
        for number in (4, 2, 1):
            again.send_block(number, block_of(content, number))
        again.make_durable({1, 2, 4}, content)
        assert again.durable == {1, 2, 4}, "only what came on this request"
        again.finish()
        assert second.get("resumed.mp4") == content


def test_put_resumes_by_itself(served):
    content = noise(3 * BLOCK_BYTES)
    with served.connect() as first:
        upload = first.open("self.mp4", size_bytes=len(content), mtime_ns=MTIME_NS)
        upload.send_block(1, block_of(content, 1))
        upload.make_durable({1}, content)
    with served.connect() as second:
        second.put("self.mp4", content, mtime_ns=MTIME_NS, resume=True)
        assert second.get("self.mp4") == content


@pytest.mark.parametrize("other", [{"mtime_ns": MTIME_NS + 1}, {"size_bytes": 7}, {"resume": False}])
def test_another_file_is_not_resumed(served, other):
    fields = {"size_bytes": BLOCK_BYTES + 1, "mtime_ns": MTIME_NS, "resume": True}
    with served.connect() as first:
        upload = first.open("other.mp4", **fields)
        upload.send_block(0, bytes(BLOCK_BYTES))
        upload.make_durable({0}, bytes(BLOCK_BYTES))
        upload.leave()
        fresh = first.open("other.mp4", **fields | other)
        assert fresh.held_blocks == 0 and fresh.upload_id != upload.upload_id
        fresh.abort()
        first.join(upload.upload_id).abort()


def test_two_connections_write_one_upload(served):
    content = noise(6 * BLOCK_BYTES + 1)
    with served.connect() as one, served.connect() as two:
        first = one.open("shared.mp4", size_bytes=len(content))
        second = two.join(first.upload_id)
        for number in range(block_count(content)):
            (first, second)[number % 2].send_block(number, block_of(content, number))
        first.make_durable({0, 2, 4, 6}, content)
        second.make_durable({1, 3, 5}, content)
        assert first.durable == {0, 2, 4, 6} and second.durable == {1, 3, 5}
        second.leave()
        first.finish()
        assert two.get("shared.mp4") == content


def test_joining_nothing(server):
    assert failure(server.join, b"0" * 16) == "NOT_FOUND"


def test_blocks_right_behind_the_put(served):
    content = noise(2 * BLOCK_BYTES)
    with served.connect() as server:
        put = messages.Put(path="pipelined.mp4", size_bytes=len(content))
        blocks = [block_body(n * BLOCK_BYTES, block_of(content, n)) for n in range(2)]
        burst = frame("PUT", 1, put) + b"".join(frame("BLOCK", 1, block) for block in blocks)
        server.send(burst + frame("PUT_FINISH", 1))
        while (reply := server.next_reply(1)).name != "PUT_DONE":
            assert reply.name in ("PUT_OPENED", "BLOCKS_DURABLE")
        assert reply.last
    with served.connect() as server:
        assert server.get("pipelined.mp4") == content


def test_a_size_that_is_told_at_the_end(server):
    content = noise(BLOCK_BYTES + 3)
    upload = server.open("live.ts")
    for number in range(2):
        upload.send_block(number, block_of(content, number))
    upload.make_durable({0, 1}, content)
    assert upload.finish(len(content)).size_bytes == len(content)
    assert server.get("live.ts") == content


def test_a_size_that_is_not_told_at_all(server):
    upload = server.open("sizeless.ts")
    assert failure(upload.finish) == "INVALID_ARGUMENT"
    assert missing(server, "sizeless.ts")


def test_finish_with_blocks_missing(server):
    upload = server.open("holes.mp4", size_bytes=2 * BLOCK_BYTES)
    upload.send_block(1, bytes(BLOCK_BYTES))
    assert failure(upload.finish) == "CONFLICT"
    assert missing(server, "holes.mp4")
    again = server.join(upload.upload_id)
    again.send_block(0, bytes(BLOCK_BYTES))
    again.finish()
    assert server.get("holes.mp4") == bytes(2 * BLOCK_BYTES)


def test_a_block_with_a_wrong_digest_is_refused(server, still_serving):
    content = noise(BLOCK_BYTES + 1)
    upload = server.open("damaged.mp4", size_bytes=len(content))
    upload.send_block(1, block_of(content, 1), wrong_digest=b"\0" * 16)
    while upload.take_reply() != "BLOCK_REFUSED":
        pass
    (refused,) = upload.refused
    assert (refused.offset, refused.error.code) == (BLOCK_BYTES, messages.BAD_DIGEST)
    for number in range(2):
        upload.send_block(number, block_of(content, number))
    upload.make_durable({0, 1}, content)
    upload.finish()
    assert server.get("damaged.mp4") == content


@pytest.mark.parametrize(
    "offset, size",
    [(0, 100), (10, 100), (BLOCK_BYTES, 2), (BLOCK_BYTES, 4), (BLOCK_BYTES + 1, 2), (2 * BLOCK_BYTES, 1)],
)
def test_what_is_no_whole_block_of_the_file_is_refused(server, offset, size):
    upload = server.open(f"parts-{offset}-{size}", size_bytes=BLOCK_BYTES + 3)
    upload.send_block_at(offset, bytes(size))
    while upload.take_reply() != "BLOCK_REFUSED":
        pass
    (refused,) = upload.refused
    assert (refused.offset, refused.error.code) == (offset, messages.INVALID_ARGUMENT)
    upload.abort()


def test_of_a_block_sent_twice_the_later_counts(server):
    upload = server.open("twice.mp4", size_bytes=BLOCK_BYTES)
    upload.send_block(0, b"a" * BLOCK_BYTES)
    upload.send_block(0, b"b" * BLOCK_BYTES)
    upload.make_durable({0}, b"b" * BLOCK_BYTES)
    upload.finish()
    assert server.get("twice.mp4") == b"b" * BLOCK_BYTES


def test_abort_throws_away(server):
    upload = server.open("aborted.mp4", size_bytes=1)
    upload.send_block(0, b"x")
    upload.abort()
    assert missing(server, "aborted.mp4")
    assert failure(server.join, upload.upload_id) == "NOT_FOUND"


def test_leave_keeps_what_came(server):
    upload = server.open("left.mp4", size_bytes=BLOCK_BYTES + 1)
    upload.send_block(0, bytes(BLOCK_BYTES))
    upload.leave()
    again = server.join(upload.upload_id)
    assert again.held_blocks == 1
    again.send_block(1, b"x")
    again.finish()
    assert server.get("left.mp4") == bytes(BLOCK_BYTES) + b"x"


def test_frames_of_a_request_that_is_over_are_dropped(server):
    upload = server.open("over.mp4", size_bytes=1)
    upload.send_block(0, b"x")
    upload.finish()
    upload.send_block(0, b"y")
    upload.checkpoint()
    for kind in ("PUT_FINISH", "PUT_ABORT", "PUT_LEAVE"):
        server.send(frame(kind, upload.request))
    assert server.get("over.mp4") == b"x"


def test_a_finished_upload_is_remembered(served):
    with served.connect() as server:
        upload = server.open("remembered.mp4", size_bytes=1)
        upload.send_block(0, b"x")
        done = upload.finish()
    with served.connect() as server:
        assert server.put_done(upload.upload_id) == done


def test_a_name_that_is_taken(server):
    server.put("taken", b"one")
    assert failure(server.put, "taken", b"three") == "EXISTS"
    assert failure(server.put_whole, "taken", b"three") == "EXISTS"
    assert server.get("taken") == b"one"


def test_replacing_what_is_named(server):
    before = server.put("replaced", b"one", mtime_ns=MTIME_NS)
    wrong = messages.Replace(size_bytes=before.size_bytes + 1, mtime_ns=before.mtime_ns)
    assert failure(server.put, "replaced", b"three", replace=wrong) == "CONFLICT"
    wrong = messages.Replace(size_bytes=before.size_bytes, mtime_ns=before.mtime_ns + 1)
    assert failure(server.put_whole, "replaced", b"three", replace=wrong) == "CONFLICT"
    assert server.get("replaced") == b"one"
    after = server.put("replaced", b"three", replace=replace_of(before), mtime_ns=MTIME_NS + 1)
    assert server.get("replaced") == b"three"
    server.put_whole("replaced", b"seven", replace=replace_of(after))
    assert server.get("replaced") == b"seven"


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES])
def test_whole(server, served, size):
    content = noise(size)
    entry = server.put_whole(f"whole/{size}", content, parents=True, mtime_ns=MTIME_NS)
    assert entry == server.stat(f"whole/{size}")
    assert entry.mtime_ns == MTIME_NS
    assert (served.folder / "whole" / str(size)).read_bytes() == content


def test_whole_of_more_than_a_block(server):
    put = messages.Put(path="too-whole", size_bytes=BLOCK_BYTES + 1, whole=True)
    assert failure(server.ask, "PUT", put, "PUT_DONE") == "INVALID_ARGUMENT"


def test_whole_with_a_wrong_digest(server):
    request = server.begin("PUT", messages.Put(path="redone", size_bytes=2, whole=True))
    server.send(frame("BLOCK", request, block_body(0, b"ok", wrong_digest=b"\1" * 16)))
    assert server.next_reply(request).message.error.code == messages.BAD_DIGEST
    server.send(frame("BLOCK", request, block_body(0, b"ok")))
    assert server.next_reply(request, "PUT_DONE").last
    assert server.get("redone") == b"ok"


def test_many_small_files_at_once(server, served):
    contents = [noise(number % 50, seed=number) for number in range(500)]
    requests = [
        server.begin_whole(f"small/{number}", content, parents=True)
        for number, content in enumerate(contents)
    ]
    for request, content in zip(requests, contents, strict=True):
        assert server.end_whole(request, content).size_bytes == len(content)
    for number, content in enumerate(contents):
        assert (served.folder / "small" / str(number)).read_bytes() == content


def test_make_folder(server, served):
    assert server.make_folder("folder").kind == messages.KIND_FOLDER
    assert (served.folder / "folder").is_dir()
    assert failure(server.make_folder, "folder") == "EXISTS"
    assert server.make_folder("folder", may_exist=True, mtime_ns=MTIME_NS).mtime_ns == MTIME_NS
    assert os.stat(served.folder / "folder").st_mtime_ns == MTIME_NS
    assert failure(server.make_folder, "folder/a/b") == "NOT_FOUND"
    assert server.make_folder("folder/a/b", parents=True).path == "folder/a/b"
    server.put_whole("folder/file", b"x")
    assert failure(server.make_folder, "folder/file", may_exist=True) in ("EXISTS", "WRONG_KIND")


def test_rename(server, served):
    server.put_whole("old/name", b"x", parents=True)
    assert server.rename("old/name", "old/片段").path == "old/片段"
    assert missing(server, "old/name")
    assert (served.folder / "old" / "片段").read_bytes() == b"x"
    assert server.rename("old", "new").kind == messages.KIND_FOLDER
    assert server.get("new/片段") == b"x"
    assert failure(server.rename, "old", "newer") == "NOT_FOUND"


def test_rename_onto_a_name_that_is_taken(server):
    server.put_whole("from", b"from")
    there = server.put_whole("to", b"to")
    assert failure(server.rename, "from", "to") == "EXISTS"
    wrong = messages.Replace(size_bytes=9, mtime_ns=there.mtime_ns)
    assert failure(server.rename, "from", "to", wrong) in ("CONFLICT", "EXISTS")
    assert (server.get("from"), server.get("to")) == (b"from", b"to")
    server.rename("from", "to", replace_of(there))
    assert server.get("to") == b"from"
    assert missing(server, "from")


def test_remove(server, served):
    server.put_whole("gone/deep/file", b"x", parents=True)
    assert failure(server.remove, "gone") == "NOT_EMPTY"
    server.remove("gone/deep/file")
    assert missing(server, "gone/deep/file")
    server.remove("gone/deep")
    server.put_whole("gone/other", b"x")
    server.remove("gone", recursive=True)
    assert not (served.folder / "gone").exists()
    assert failure(server.remove, "gone") == "NOT_FOUND"


def test_the_served_folder_itself_stays(server, still_serving):
    assert failure(server.remove, "", recursive=True) in ("INVALID_ARGUMENT", "NOT_ALLOWED")
    assert failure(server.rename, "", "x") in ("INVALID_ARGUMENT", "NOT_ALLOWED")


def test_kept_upload_takes_another_name(served):
    """What lost its name is told to who has the same size and time, and published without a block more."""
    content = noise(2 * BLOCK_BYTES + 3)
    with served.connect() as one, served.connect() as other:
        upload = one.open("kept-a", size_bytes=len(content), mtime_ns=5)
        for number in range(3):
            upload.send_block(number, block_of(content, number))
        upload.make_durable(range(3), content)
        other.put_whole("kept-a", b"theirs")
        assert failure(upload.finish) == "EXISTS"
        wanted = messages.Put(path="kept-b", size_bytes=len(content), mtime_ns=5, resume=True, kept=True)
        reply = other.next_reply(other.begin("PUT", wanted), "PUT_OPENED")
        told = reply.message
        assert reply.last
        assert (told.upload_id, told.path, told.held_blocks) == (upload.upload_id, "kept-a", 3)
        assert len(other.digests(upload_id=upload.upload_id)[0]) == 3
        assert other.open("kept-b", upload_id=upload.upload_id).finish().path == "kept-b"
        assert other.get("kept-b") == content and other.get("kept-a") == b"theirs"
