"""Trees: whatever a folder may hold arrives as it was, and what cannot be sent is told."""

import os
import socket
import subprocess

import pytest

from conftest import SLUICE
from product.conftest import BLOCK, connect, content, set_time, sha256, tree_of

NAMES = [
    "第一天 场景.mp4", "لقطة أولى.mov", "кино", "naïve café", "👩‍👩‍👧‍👦🎬.mp4", "e\u0301 and \u00e9", " a space before",
    "a space behind ", "two  spaces", "it's", 'say "hello"', "`date` $HOME ${x}", "a;b&c|d>e<f", "*?[a-z]", "%41%2F",
    "#1 + 2 = 3?", "~", "-rf", "--help", "a:b", "x" * 255, "字" * 85, "trailing.", "CON", "a\u00a0b",
]  # fmt: skip
SIZES = [0, 1, 2, 4095, 4096, 65_535, 65_536, 65_537, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17]


def send_and_fetch(server, sluice, tree, tmp_path):
    sluice("put", tree, server.url + "/in/", check=0)
    assert tree_of(server.root / "in" / tree.name) == tree_of(tree)
    sluice("get", server.url + "/in/" + tree.name, "-o", f"{tmp_path}/back/", check=0)
    assert tree_of(tmp_path / "back" / tree.name) == tree_of(tree)


def test_names_in_any_language(serve, sluice, tmp_path):
    tree = tmp_path / "tree"
    for number, name in enumerate(NAMES):
        folder = tree / "folders" / name
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content(number, seed=number))
        (tree / name).write_bytes(name.encode())
    send_and_fetch(serve(), sluice, tree, tmp_path)


@pytest.mark.parametrize("name", ["第一天.mp4", "--help", "%41%2F", "#1 + 2 = 3?", "x" * 255, "👩‍👩‍👧‍👦", 'it\'s "it"'])
def test_a_single_file_of_any_name(serve, sluice, tmp_path, name):
    """The URL may name it byte by byte."""
    server = serve()
    (tmp_path / name).write_bytes(b"content")
    sluice("put", "--", f"{tmp_path}/{name}", server.url + "/", check=0)
    assert (server.root / name).read_bytes() == b"content"
    url = server.url + "/" + "".join(f"%{b:02X}" for b in name.encode())
    (tmp_path / "back").mkdir()
    sluice("get", url, "-o", f"{tmp_path}/back/", check=0)
    assert (tmp_path / "back" / name).read_bytes() == b"content"


def test_a_source_that_looks_like_a_flag(serve, sluice, tmp_path):
    server = serve()
    (tmp_path / "-q").write_bytes(b"content")
    sluice("put", "--", "-q", server.url + "/", check=0, cwd=tmp_path)
    assert (server.root / "-q").read_bytes() == b"content"


def test_sizes_at_the_borders_of_blocks(serve, sluice, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for size in SIZES:
        (tree / str(size)).write_bytes(content(size, seed=size))
    send_and_fetch(serve(), sluice, tree, tmp_path)


def test_empty_files_and_folders(serve, sluice, tmp_path):
    tree = tmp_path / "tree"
    (tree / "a" / "b" / "c").mkdir(parents=True)
    (tree / "d").mkdir()
    (tree / "d" / "empty").touch()
    send_and_fetch(serve(), sluice, tree, tmp_path)
    (tmp_path / "nothing in it").mkdir()
    send_and_fetch(serve(root=tmp_path / "second"), sluice, tmp_path / "nothing in it", tmp_path)


@pytest.mark.parametrize("ns", [0, 1, 999_999_999, 1_234_567_890_123_456_789, -1, -1_500_000_001, 4_102_444_800_000_000_007])
def test_times_to_the_nanosecond(serve, sluice, tmp_path, ns):
    tree = tmp_path / "tree"
    (tree / "folder" / "empty folder").mkdir(parents=True)
    (tree / "folder" / "small").write_bytes(b"1")
    (tree / "folder" / "large").write_bytes(content(BLOCK + 1))
    for path in (tree / "folder" / "small", tree / "folder" / "large", tree / "folder" / "empty folder",
                 tree / "folder", tree):
        set_time(path, ns)
    assert (tree / "folder").stat().st_mtime_ns == ns, "this file system cannot hold the time"
    server = serve()
    send_and_fetch(server, sluice, tree, tmp_path)
    for root in (server.root / "in", tmp_path / "back"):
        assert (root / "tree").stat().st_mtime_ns == ns


def test_the_execute_bit(serve, sluice, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for size in (0, 10, BLOCK + 1):
        for mode in (0o644, 0o755, 0o700):
            path = tree / f"{size} {mode:o}"
            path.write_bytes(content(size))
            path.chmod(mode)
    send_and_fetch(serve(), sluice, tree, tmp_path)


def special_tree(tree):
    """What is no plain file or folder, beside some that are."""
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_bytes(b"inside")
    (tree.parent / "secret").write_bytes(b"outside")
    (tree / "to a file").symlink_to("sub/file")
    (tree / "to a folder").symlink_to("sub")
    (tree / "dangling").symlink_to("nowhere")
    (tree / "absolute").symlink_to(tree.parent / "secret")
    (tree / "above").symlink_to("../secret")
    (tree / "sub" / "up and down").symlink_to("../../tree/sub/file")
    (tree / "sub" / "loop").symlink_to("..")
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tree / "socket"))
    return tree


LINKS = {"to a file", "to a folder", "dangling", "absolute", "above", "sub/up and down", "sub/loop"}


def skipped_by(transfer, tree):
    """What the transfer says it skipped, as paths below the tree."""
    told = [path.removeprefix(f"{tree}/").removeprefix(f"{tree.name}/") for path in transfer.result["skipped"]]
    assert len(told) == len(set(told))
    notices = " ".join(event["message"] for event in transfer.events if event["event"] == "notice")
    for path in told:
        assert path in notices
    return set(told)


def test_links_and_special_files_are_skipped_and_told(serve, running, tmp_path):
    server = serve()
    tree = special_tree(tmp_path / "tree")
    put = running("put", tree, server.url + "/")
    assert put.end() == 0, put.result
    assert skipped_by(put, tree) == LINKS | {"pipe", "socket"}
    assert sorted(tree_of(server.root / "tree")) == ["sub", "sub/file"]


def test_follow_goes_along_links_that_stay_inside(serve, running, tmp_path):
    server = serve()
    tree = special_tree(tmp_path / "tree")
    put = running("put", "--follow", tree, server.url + "/")
    assert put.end() == 0, put.result
    arrived = {n: t[2] for n, t in tree_of(server.root / "tree").items()}
    assert arrived["to a file"] == b"inside" and arrived["to a folder/file"] == b"inside"
    outside = {"dangling", "absolute", "above", "sub/up and down"}
    assert not {n for n in arrived if n.removeprefix("to a folder/") in outside}
    assert b"outside" not in arrived.values()
    assert skipped_by(put, tree) >= outside | {"pipe", "socket", "sub/loop"}


def test_a_link_is_no_source_unless_followed(serve, sluice, tmp_path):
    """A source that is named is what is meant, a link in its middle is not: nothing outside is sent."""
    server = serve()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("tree")
    sluice("put", f"{tmp_path}/link/", server.url + "/")
    sent = [path for path in server.root.rglob("[!.]*") if path.is_file() and ".sluice" not in path.parts]
    assert all(path.read_bytes() == b"1" for path in sent), sent


def test_links_on_the_server_are_not_served(serve, sluice, tmp_path):
    server = serve()
    (tmp_path / "secret").write_bytes(b"outside")
    (server.root / "link").symlink_to(tmp_path / "secret")
    (server.root / "folder").symlink_to(tmp_path)
    (server.root / "file").write_bytes(b"1")
    os.mkfifo(server.root / "pipe")
    assert sluice("get", server.url + "/link", "-o", tmp_path / "g").returncode in (4, 5)
    assert sluice("get", server.url + "/folder/secret", "-o", tmp_path / "g").returncode in (4, 5)
    assert sluice("get", server.url + "/pipe", "-o", tmp_path / "g").returncode in (4, 5, 6)
    assert sluice("put", tmp_path / "secret", server.url + "/folder/new").returncode not in (0, 9)
    assert not (tmp_path / "g").exists() and not (tmp_path / "new").exists()
    with connect(server) as client:
        assert [entry.path for entry in client.list("", recursive=True)] == ["file"]


def test_again_moves_nothing_and_changes_nothing(serve, running, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    for size in SIZES:
        (tree / "sub" / str(size)).write_bytes(content(size, seed=size))
    assert running("put", tree, server.url + "/").end() == 0
    before = {p: (p.stat().st_ino, p.stat().st_ctime_ns) for p in (server.root / "tree" / "sub").iterdir()}
    again = running("put", tree, server.url + "/")
    assert again.end() == 0, again.result
    assert (again.result["files"], again.result["bytes_moved"]) == (0, 0)
    assert again.result["files_unchanged"] == len(SIZES)
    assert {p: (p.stat().st_ino, p.stat().st_ctime_ns) for p in before} == before


@pytest.mark.parametrize("size", [0, 10, BLOCK, 3 * BLOCK + 17])
@pytest.mark.parametrize("command", ["put", "get"])
def test_what_differs_is_replaced_only_when_asked(serve, sluice, tmp_path, command, size):
    server = serve()
    tree, there = tmp_path / "tree", server.root / "tree"
    source, target = (tree, there) if command == "put" else (there, tree)
    ways = {"put": [tree, server.url + "/"], "get": [server.url + "/tree", "-o", f"{tmp_path}/"]}
    for folder, text in ((source, b"new"), (target, b"old")):
        folder.mkdir(parents=True)
        (folder / "same").write_bytes(b"same")
        (folder / "changed").write_bytes(content(size, seed=1) + text)
        set_time(folder / "same", 1_600_000_000_000_000_000)
    (source / "added").write_bytes(b"added")
    (target / "only here").write_bytes(b"stays")
    done = sluice(command, *ways[command])
    assert done.returncode == 6 and "changed" in done.err
    assert (target / "changed").read_bytes() == content(size, seed=1) + b"old"
    assert (target / "added").read_bytes() == b"added"
    sluice(command, "--overwrite", *ways[command], check=0)
    assert (target / "changed").read_bytes() == content(size, seed=1) + b"new"
    assert (target / "only here").read_bytes() == b"stays"


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_a_folder_and_a_file_never_replace_each_other(serve, sluice, tmp_path, flags):
    server = serve()
    tree, there = tmp_path / "tree", server.root / "tree"
    (tree / "folder here").mkdir(parents=True)
    (tree / "folder here" / "f").write_bytes(b"1")
    (tree / "file here").write_bytes(b"file")
    (there / "file here" / "sub").mkdir(parents=True)
    (there / "folder here").write_bytes(b"there")
    assert sluice("put", *flags, tree, server.url + "/").returncode == 6
    assert sluice("get", *flags, server.url + "/tree", "-o", f"{tmp_path}/").returncode == 6
    assert (there / "file here" / "sub").is_dir() and (there / "folder here").read_bytes() == b"there"
    assert (tree / "folder here" / "f").read_bytes() == b"1" and (tree / "file here").read_bytes() == b"file"


def test_names_that_no_server_takes_fail_and_the_rest_arrives(serve, sluice, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "good").write_bytes(b"1")
    for bad in (b"not utf-8 \xff", b"line\nbreak", b"back\\slash", b"\x1b[2J", "turn\u202eedoc".encode()):
        with open(os.fsencode(tree) + b"/" + bad, "wb") as file:
            file.write(b"2")
    done = sluice("put", tree, server.url + "/")
    assert done.returncode not in (0, 9)
    assert sorted(tree_of(server.root / "tree")) == ["good"]
    assert "\x1b" not in done.err and "\u202e" not in done.err
    for word in ("not utf-8", "break", "slash", "[2J", "edoc"):
        assert word in done.err, done.err


def test_the_largest_tree_of_folders(serve, sluice, tmp_path):
    """64 parts are the limit of a path, the file's own name among them."""
    server = serve()
    deepest = tmp_path.joinpath("tree", *["d"] * 62)
    deepest.mkdir(parents=True)
    (deepest / "f").write_bytes(b"1")
    sluice("put", tmp_path / "tree", server.url + "/", check=0)
    assert sha256(server.root.joinpath("tree", *["d"] * 62, "f")) == sha256(deepest / "f")
    (deepest / "d").mkdir()
    (deepest / "d" / "f").write_bytes(b"1")
    assert sluice("put", tmp_path / "tree", server.url + "/").returncode not in (0, 9)


def test_a_sync_that_fails_is_told(serve, tmp_path):
    """The volume is synced while small files come, and at the end: get says nothing is there that may be lost."""
    server = serve()
    for number in range(40):
        (server.root / f"{number}").write_bytes(content(BLOCK, seed=number))
    failing = ["strace", "-f", "-o", "/dev/null", "-e", "trace=syncfs", "-e", "inject=syncfs:error=EIO:when=1+"]
    done = subprocess.run([*failing, SLUICE, "get", server.url + "/", "-o", f"{tmp_path}/back/"],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 1, done.stderr
    assert "sync the volume: Input/output error" in done.stderr
