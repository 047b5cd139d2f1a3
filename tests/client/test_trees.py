"""put, get and verify of trees."""

import os

from client.conftest import MIB, content, set_time, tree_of


def make_tree(root):
    files = {
        "电影/第 1 集.mp4": content(3 * MIB), "电影/字幕/中文.srt": "你好\n".encode(), "Ünïcode/ß": b"1",
        "кино/фильм": content(100), "empty": b"", "one": b"1", "block": content(MIB),
        "block and one": content(MIB + 1), "a/b/c/d/e/f": b"deep", "a-b": b"beside", "a b": b"beside",
    }
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "no files" / "in here").mkdir(parents=True)
    (root / "run").write_bytes(b"#!/bin/sh\n")
    (root / "run").chmod(0o755)
    for i in range(600):
        path = root / "many" / str(i % 7) / f"{i}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(i * 31, i))
    for i, path in enumerate(sorted(root.rglob("*"), reverse=True)):
        set_time(path, 1_400_000_000_000_000_000 + i * 1_000_000_007)
    return root


def test_round_trip(serve, sluice, running, tmp_path):
    server = serve()
    tree = make_tree(tmp_path / "tree")
    sluice("put", tree, server.url + "/in/", check=0)
    assert tree_of(server.root / "in" / "tree") == tree_of(tree)
    sluice("get", server.url + "/in/tree", "-o", str(tmp_path / "back") + "/", check=0)
    assert tree_of(tmp_path / "back" / "tree") == tree_of(tree)
    for again in (running("put", tree, server.url + "/in/"),
                  running("get", server.url + "/in/tree", "-o", str(tmp_path / "back") + "/")):
        assert again.end() == 0, again.result
        assert again.result["files"] == 0 and again.result["bytes_moved"] == 0
        assert again.result["files_unchanged"] == 612


def test_verify(serve, sluice, tmp_path):
    server = serve()
    tree = make_tree(tmp_path / "tree")
    sluice("put", tree, server.url + "/", check=0)
    sluice("verify", server.url + "/tree", tree, check=0)
    sluice("verify", server.url + "/tree", check=0)
    hit = server.root / "tree" / "电影" / "第 1 集.mp4"
    told = hit.stat()
    with open(hit, "r+b") as file:  # a bit that flips at rest changes no time
        file.seek(MIB + 17)
        byte = file.read(1)[0]
        file.seek(MIB + 17)
        file.write(bytes([byte ^ 16]))
    os.utime(hit, ns=(told.st_atime_ns, told.st_mtime_ns))
    done = sluice("verify", server.url + "/tree", tree)
    assert done.returncode == 7
    assert "第 1 集.mp4: block 1" in done.out + done.err
    (tree / "one").unlink()
    (tree / "two").write_bytes(b"2")
    done = sluice("verify", server.url + "/tree", tree)
    assert done.returncode == 7
    assert "one: missing here" in done.out + done.err and "two: missing on the server" in done.out + done.err


def test_what_cannot_be_sent(serve, sluice, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "good").write_bytes(b"1")
    (tree / "sub" / ".hidden").write_bytes(b"2")
    (tree / "link").symlink_to("good")
    os.mkfifo(tree / "pipe")
    sluice("put", tree, server.url + "/", check=0)
    assert sorted(tree_of(server.root / "tree")) == ["good", "sub"]
    with open(os.fsencode(tree) + b"/bad\xff", "wb"):
        pass
    done = sluice("put", tree, server.url + "/")
    assert done.returncode not in (0, 9)
    assert "UTF-8" in done.err


def test_links_are_followed_inside(serve, sluice, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_bytes(b"1")
    (tree / "copy").symlink_to("sub")
    (tree / "loop").symlink_to(".")
    (tree / "out").symlink_to("/etc/passwd")
    sluice("put", "--follow", tree, server.url + "/", check=0)
    assert sorted(tree_of(server.root / "tree")) == ["copy", "copy/file", "sub", "sub/file"]


def test_conflicts_name_the_files_and_the_rest_arrives(serve, sluice, tmp_path):
    server = serve()
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("a", "b", "c"):
        (tree / name).write_bytes(b"mine " + name.encode())
    (server.root / "tree").mkdir(parents=True)
    (server.root / "tree" / "b").write_bytes(b"theirs")
    done = sluice("put", tree, server.url + "/")
    assert done.returncode == 6 and "b" in done.err
    assert (server.root / "tree" / "b").read_bytes() == b"theirs"
    assert (server.root / "tree" / "c").read_bytes() == b"mine c"
    sluice("put", "--overwrite", tree, server.url + "/", check=0)
    assert (server.root / "tree" / "b").read_bytes() == b"mine b"
