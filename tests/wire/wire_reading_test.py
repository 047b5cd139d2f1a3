"""HELLO, PING, LIST, STAT, GET and DIGESTS of a real server."""

import os
import random

import pytest
from wire_client import Failed
from wire_format import BLOCK_BYTES, block_count, block_of, digest, messages

SIZES = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 5]


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module")
def tree(served):
    """Files that somebody copied into the served folder by hand."""
    root = served.folder / "tree"
    for path in ["a/x", "a/片段.mp4", "a.txt", "b/c/deep", "空"]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    (root / "empty").mkdir()
    (root / ".hidden").write_bytes(b"secret")
    (root / "link").symlink_to("a.txt")
    return root


@pytest.fixture(scope="module")
def video(served):
    content = noise(3 * BLOCK_BYTES + 5)
    (served.folder / "video.mp4").write_bytes(content)
    return content


def failure(call, *arguments, **fields):
    with pytest.raises(Failed) as told:
        call(*arguments, **fields)
    assert told.value.error.text, "an error tells people what went wrong"
    return told.value.code


def test_hello(server):
    assert server.version == 1
    assert server.hello.max_control_bytes == 262_144
    assert server.hello.block_bytes == BLOCK_BYTES
    assert server.hello.max_requests > 0
    assert server.hello.idle_timeout_ms > 0
    assert server.hello.stall_timeout_ms > 0


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(64))], ids=len)
@pytest.mark.parametrize("request_number", [0, 5, 0xFFFF_FFFF])
def test_ping(server, body, request_number):
    assert server.ping(body, request_number) == body


def test_a_ping_opens_no_request(server):
    server.ping(b"", request=100)
    assert server.stat("").kind == messages.KIND_FOLDER  # request 1


def test_list(server, tree):
    entries = server.list("tree")
    # By the bytes of their names. Neither hidden names nor links are told as files.
    told = [(e.path, e.kind) for e in entries if e.path != "link"]
    folder, file = messages.KIND_FOLDER, messages.KIND_FILE
    assert told == [("a", folder), ("a.txt", file), ("b", folder), ("empty", folder), ("空", file)]
    a_txt = entries[1]
    assert a_txt.size_bytes == len("a.txt")
    assert a_txt.mtime_ns == os.stat(tree / "a.txt").st_mtime_ns
    assert a_txt.identity


def test_list_recursive_tells_a_folder_before_its_content(server, tree):
    told = [e.path for e in server.list("tree", recursive=True) if e.path != "link"]
    assert told == ["a", "a/x", "a/片段.mp4", "a.txt", "b", "b/c", "b/c/deep", "empty", "空"]


@pytest.mark.parametrize("recursive", [False, True])
def test_list_goes_on_behind_any_entry(server, tree, recursive):
    told = [e.path for e in server.list("tree", recursive)]
    for number, path in enumerate(told):
        assert [e.path for e in server.list("tree", recursive, after=path)] == told[number + 1 :]


def test_list_of_a_file_is_the_file(server, tree):
    (entry,) = server.list("tree/a/x")
    assert (entry.path, entry.kind, entry.size_bytes) == ("", messages.KIND_FILE, 3)


def test_list_of_nothing(server, tree):
    assert server.list("tree/empty") == []
    assert failure(server.list, "tree/none") == "NOT_FOUND"


def test_list_of_more_than_a_frame_holds(server, served):
    names = sorted(f"{number:05}-{'n' * 200}" for number in range(2_000))
    folder = served.folder / "many"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    assert [e.path for e in server.list("many")] == names


def test_stat(server, tree):
    file = server.stat("tree/a/片段.mp4")
    assert (file.path, file.kind) == ("tree/a/片段.mp4", messages.KIND_FILE)
    assert not file.executable
    os.chmod(tree / "a" / "x", 0o755)
    assert server.stat("tree/a/x").executable
    assert server.stat("tree/a").kind == messages.KIND_FOLDER
    assert server.stat("/tree/a/") == server.stat("tree/a")
    assert server.stat("").kind == messages.KIND_FOLDER
    assert failure(server.stat, "tree/none") == "NOT_FOUND"


def test_links_are_not_followed(server, tree):
    assert failure(server.get, "tree/link") == "NOT_FOUND"
    (tree / "way").symlink_to("a")
    assert failure(server.get, "tree/way/x") == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "..", ".", "a/../b", "a\\b", "a\0b", "a\nb", "a\x7fb",
        "a\u0085b", "a\u202eb", "a\u2066b", "x" * 256, "/".join("x" * 65), "/".join(["x" * 255] * 16) + "x",
    ],
    ids=ascii,
)  # fmt: skip
def test_paths_that_are_refused(server, path):
    assert failure(server.stat, path) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("path", ["tree/.hidden", ".sluice", "tree/.hidden/x"])
def test_names_that_begin_with_a_dot_are_the_operators(server, path):
    assert failure(server.stat, path) == "NOT_ALLOWED"


@pytest.mark.parametrize(
    "path", ["x" * 255, "/".join("x" * 64), "/".join(["x" * 255] * 16)], ids=["part", "parts", "all"]
)
def test_paths_at_the_limits(server, path):
    assert failure(server.stat, path) == "NOT_FOUND"


@pytest.mark.parametrize("size", SIZES)
def test_get_of_a_file(server, served, size):
    content = noise(size, seed=size)
    (served.folder / f"get-{size}").write_bytes(content)
    entry, blocks, damaged = server.get_blocks(f"get-{size}")
    assert not damaged
    assert entry.size_bytes == size
    assert sorted(blocks) == [n * BLOCK_BYTES for n in range(block_count(content))]
    assert server.get(f"get-{size}") == content


def test_get_of_ranges(server, video):
    ranges = [(0, 1), (BLOCK_BYTES - 3, 6), (2 * BLOCK_BYTES, BLOCK_BYTES), (len(video) - 2, 2)]
    entry, contents = server.get_ranges("video.mp4", ranges)
    assert contents == [video[offset : offset + length] for offset, length in ranges]
    assert entry.path == "video.mp4"


def test_a_block_is_cut_to_the_range(server, video):
    _, blocks, damaged = server.get_blocks("video.mp4", [(BLOCK_BYTES - 3, 6)])
    assert not damaged, "the digest is that of the part"
    assert blocks == {
        BLOCK_BYTES - 3: video[BLOCK_BYTES - 3 : BLOCK_BYTES],
        BLOCK_BYTES: video[BLOCK_BYTES : BLOCK_BYTES + 3],
    }


def test_get_of_as_many_ranges_as_are_allowed(server, video):
    ranges = [(4 * number, 1) for number in range(257)]
    assert server.get_ranges("video.mp4", ranges[:256])[1] == [video[o : o + 1] for o, _ in ranges[:256]]
    assert failure(server.get_ranges, "video.mp4", ranges) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "ranges",
    [
        [(3 * BLOCK_BYTES + 5, 1)],
        [(0, 3 * BLOCK_BYTES + 6)],
        [(5, 1), (0, 1)],
        [(0, 2), (1, 2)],
        [(1 << 63, 1)],
        [((1 << 64) - 1, (1 << 64) - 1)],
    ],
)
def test_ranges_that_are_refused(server, video, ranges):
    assert failure(server.get_ranges, "video.mp4", ranges) == "INVALID_ARGUMENT"


def test_two_connections_share_a_file(served, video):
    middle = 2 * BLOCK_BYTES
    with served.connect() as one, served.connect() as two:
        identity = one.stat("video.mp4").identity
        first = one.get_ranges("video.mp4", [(0, middle)], identity)[1][0]
        second = two.get_ranges("video.mp4", [(middle, len(video) - middle)], identity)[1][0]
    assert first + second == video


def test_get_of_another_file_than_before(server, served):
    (served.folder / "changing").write_bytes(b"one")
    identity = server.stat("changing").identity
    assert server.get_ranges("changing", if_identity=identity)[1] == [b"one"]
    (served.folder / "changing").write_bytes(b"three")
    assert server.stat("changing").identity != identity
    assert failure(server.get_ranges, "changing", if_identity=identity) == "CHANGED"


def test_get_of_what_is_no_file(server, tree):
    assert failure(server.get, "tree/none") == "NOT_FOUND"
    assert failure(server.get, "tree/a") == "WRONG_KIND"


@pytest.mark.parametrize("source", [messages.RECORDED, messages.CONTENT])
def test_digests(server, video, source):
    found, _, entry = server.digests(path="video.mp4", source=source)
    assert found == {n: digest(block_of(video, n)) for n in range(4)}
    assert entry.size_bytes == len(video)
    some, _, _ = server.digests(path="video.mp4", first_block=1, block_count=2, source=source)
    assert some == {n: found[n] for n in (1, 2)}
    rest, _, _ = server.digests(path="video.mp4", first_block=3, source=source)
    assert rest == {3: found[3]}


def test_digests_of_an_empty_file(server, tree):
    (tree / "nothing").touch()
    found, _, entry = server.digests(path="tree/nothing")
    assert found == {} and entry.size_bytes == 0


def test_digests_of_neither_or_both(server, video):
    assert failure(server.digests) == "INVALID_ARGUMENT"
    assert failure(server.digests, path="video.mp4", upload_id=b"0" * 16) == "INVALID_ARGUMENT"
    assert failure(server.digests, path="none") == "NOT_FOUND"
    assert failure(server.digests, upload_id=b"0" * 16) == "NOT_FOUND"


def test_a_flipped_bit_at_rest_is_found(server, served):
    content = noise(2 * BLOCK_BYTES + 1, seed=7)
    server.put("rotting.mp4", content)
    found, recorded, _ = server.digests(path="rotting.mp4", source=messages.CONTENT)
    good = {n: digest(block_of(content, n)) for n in range(3)}
    assert found == recorded == good

    file = served.folder / "rotting.mp4"
    times = os.stat(file)
    with open(file, "r+b") as damaged:
        damaged.seek(BLOCK_BYTES + 5)
        damaged.write(bytes([content[BLOCK_BYTES + 5] ^ 1]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    found, recorded, _ = server.digests(path="rotting.mp4", source=messages.CONTENT)
    # The change time tells the server that somebody wrote: then there may be no record any more.
    assert not recorded or recorded == good
    assert {n for n in good if found[n] != good[n]} == {1}


def test_many_requests_at_once(server, tree, video):
    gets = [server.begin("GET", messages.Get(path="video.mp4")) for _ in range(3)]
    stats = [server.begin("STAT", messages.Stat(path="tree/a/x")) for _ in range(200)]
    missing = server.begin("STAT", messages.Stat(path="tree/none"))
    for request in stats:
        assert server.next_reply(request, "ENTRY").message.size_bytes == 3
    assert failure(server.next_reply, missing) == "NOT_FOUND"
    for request in gets:
        server.next_reply(request, "CONTENT")
        received = b""
        while (reply := server.next_reply(request, "BLOCK", "CONTENT_END")).name == "BLOCK":
            received += reply.block[2]
        assert received == video
