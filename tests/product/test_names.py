"""ls, mv, rm, mkdir, and what the program's exit code says."""

import json
import os
import subprocess

import pytest

from conftest import SLUICE
from product.conftest import MIB, connect, content, make_file
from wire_format import messages


def listed(sluice, url, *flags):
    out = sluice("ls", "--json", *flags, url, check=0).out
    events = [json.loads(line) for line in out.splitlines()]
    return [event for event in events if event["event"] == "entry"]


def test_ls(serve, sluice):
    server = serve()
    (server.root / "b" / "inner").mkdir(parents=True)
    (server.root / "b" / "inner" / "f").write_bytes(b"123")
    (server.root / "a 电影.mp4").write_bytes(b"12")
    (server.root / "Z").write_bytes(b"")
    (server.root / ".hidden").write_bytes(b"")
    assert sluice("ls", server.url + "/", check=0).out.splitlines() == ["Z", "a 电影.mp4", "b/"]
    entries = listed(sluice, server.url + "/", "-R")
    assert [entry["path"].rstrip("/") for entry in entries] == ["Z", "a 电影.mp4", "b", "b/inner", "b/inner/f"]
    assert [entry["size_bytes"] for entry in entries if entry["path"] == "b/inner/f"] == [3]
    assert sluice("ls", server.url + "/b/inner/f", check=0).out.splitlines() == ["f"]
    assert sluice("ls", server.url + "/none").returncode == 5


def test_ls_of_many(serve, sluice):
    server = serve()
    names = sorted(f"{number:05} {'x' * 180}" for number in range(3000))
    for name in names:
        (server.root / name).touch()
    assert sluice("ls", server.url + "/", check=0).out.splitlines() == names


def test_mkdir(serve, sluice):
    server = serve()
    sluice("mkdir", server.url + "/a", check=0)
    assert sluice("mkdir", server.url + "/a").returncode == 6
    assert sluice("mkdir", server.url + "/x/y").returncode == 5
    sluice("mkdir", "-p", server.url + "/x/y", check=0)
    sluice("mkdir", "-p", server.url + "/x/y", check=0)
    (server.root / "f").touch()
    assert sluice("mkdir", "-p", server.url + "/f").returncode == 6
    assert sluice("mkdir", "-p", server.url + "/f/g").returncode == 6
    assert (server.root / "a").is_dir() and (server.root / "x" / "y").is_dir()


def test_mv(serve, sluice):
    server = serve()
    (server.root / "d").mkdir()
    (server.root / "d" / "f").write_bytes(b"f")
    (server.root / "g").write_bytes(b"g")
    sluice("mv", server.url + "/d/f", server.url + "/h", check=0)
    assert (server.root / "h").read_bytes() == b"f" and not (server.root / "d" / "f").exists()
    assert sluice("mv", server.url + "/h", server.url + "/g").returncode == 6
    assert (server.root / "h").read_bytes() == b"f" and (server.root / "g").read_bytes() == b"g"
    assert sluice("mv", server.url + "/none", server.url + "/n").returncode == 5
    assert sluice("mv", server.url + "/h", server.url + "/no/folder").returncode == 5
    assert sluice("mv", server.url + "/h", "sluice://127.0.0.1:1/h").returncode == 2
    sluice("mv", server.url + "/d", server.url + "/e", check=0)
    assert (server.root / "e").is_dir()
    assert sluice("mv", server.url + "/e", server.url + "/e/below").returncode not in (0, 9)
    assert (server.root / "e").is_dir()


def test_rm(serve, sluice):
    server = serve()
    (server.root / "d" / "e").mkdir(parents=True)
    (server.root / "d" / "e" / "f").touch()
    (server.root / "g").touch()
    sluice("rm", server.url + "/g", check=0)
    assert not (server.root / "g").exists()
    assert sluice("rm", server.url + "/g").returncode == 5
    assert sluice("rm", server.url + "/d").returncode == 6
    assert (server.root / "d" / "e" / "f").exists()
    sluice("rm", "-r", server.url + "/d", check=0)
    assert not (server.root / "d").exists()
    assert sluice("rm", "-r", server.url + "/").returncode not in (0, 9)
    assert server.root.is_dir()


def test_rm_does_not_follow_links(serve, sluice, tmp_path):
    server = serve()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").touch()
    (server.root / "d").mkdir()
    (server.root / "d" / "link").symlink_to(tmp_path / "outside")
    sluice("rm", "-r", server.url + "/d", check=0)
    assert (tmp_path / "outside" / "f").exists() and not (server.root / "d").exists()


def test_a_removed_file_is_read_to_its_end(serve, tmp_path):
    """As on any Unix: who has it open goes on; the name is gone at once."""
    server = serve()
    source = make_file(server.root / "f", 30 * MIB)
    whole = source.read_bytes()
    with connect(server) as reader, connect(server) as other:
        request = reader.begin("GET", messages.Get(path="f"))
        assert reader.next_reply(request).name == "CONTENT"
        other.remove("f")
        got = b""
        while (reply := reader.next_reply(request)).name == "BLOCK":
            got += reply.block[2]
        assert got == whole


# -- exit codes --


def test_exit_0_says_nothing_when_quiet(serve, sluice, tmp_path):
    server = serve()
    done = sluice("put", "-q", make_file(tmp_path / "f", 10), server.url + "/", check=0)
    assert (done.out, done.err) == ("", "")


def test_exit_1_is_another_failure(serve, sluice, opened):
    server = serve("--max-connections", "1")
    opened(connect(server))
    assert sluice("ls", server.url + "/").returncode == 1


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["put"], ["get", "--streams", "x", "sluice://h/f"]])
def test_exit_2_is_usage(sluice, arguments):
    assert sluice(*arguments).returncode == 2


def test_exit_3_is_no_connection(serve, sluice, tmp_path):
    server = serve()
    server.kill()
    for command in (["ls", server.url], ["put", make_file(tmp_path / "f", 1), server.url + "/"],
                    ["get", server.url + "/f", "-o", tmp_path / "g"]):  # fmt: skip
        done = sluice(*command)
        assert done.returncode == 3
        assert f"{server.host}:{server.port}" in done.err


def test_exit_4_is_not_allowed(serve, sluice, tmp_path):
    server = serve()
    source = make_file(tmp_path / "f", 1)
    for path in (".sluice/catalog", ".hidden", "a/.b/c"):
        assert sluice("get", f"{server.url}/{path}", "-o", tmp_path / "g").returncode == 4
        assert sluice("put", source, f"{server.url}/{path}").returncode == 4
        assert sluice("mkdir", "-p", f"{server.url}/{path}").returncode == 4
        assert sluice("rm", "-r", f"{server.url}/{path}").returncode == 4
    assert sorted(path.name for path in server.root.iterdir()) == [".sluice"]
    assert not (tmp_path / "g").exists()


def test_exit_5_is_not_found(serve, sluice, tmp_path):
    server = serve()
    assert sluice("get", server.url + "/none", "-o", tmp_path / "g").returncode == 5
    assert sluice("verify", server.url + "/none").returncode == 5
    assert sluice("put", tmp_path / "none", server.url + "/").returncode == 5


def test_exit_6_is_a_conflict(serve, sluice, tmp_path):
    server = serve()
    (server.root / "f").write_bytes(b"theirs")
    source = make_file(tmp_path / "f", 3)
    done = sluice("put", source, server.url + "/f")
    assert done.returncode == 6 and "--overwrite" in done.err


def test_exit_8_is_no_space(serve, sluice, running, tmp_path):
    """Told before the content is on its way: a file with a hole as large as no disk here."""
    server = serve()
    with open(tmp_path / "f", "wb") as file:
        free = os.statvfs(server.root)
        file.truncate(free.f_blocks * free.f_frsize + (1 << 30))
    put = running("put", tmp_path / "f", server.url + "/f")
    assert put.end() == 8, put.events[-3:]
    assert not (server.root / "f").exists()
    sluice("put", make_file(tmp_path / "small", MIB), server.url + "/", check=0)


def test_exit_9_is_interrupted(serve, sluice, between, running, tmp_path):
    server = serve()
    proxy = between(server, lambda passing: passing.name == "BLOCK" and passing.block > 7 and proxy.hold())
    source = make_file(tmp_path / "f", 64 * MIB)
    put = running("put", source, proxy.url + "/f")
    put.until_bytes(1)
    assert put.interrupt() == 9
    assert put.result["event"] == "error" and "resume" in put.result["advice"]
    assert not (server.root / "f").exists()
    sluice("put", source, server.url + "/f", check=0)


def test_interrupted_get_resumes(serve, sluice, between, running, tmp_path):
    server = serve()
    make_file(server.root / "f", 64 * MIB)
    proxy = between(server, lambda passing: passing.name == "BLOCK" and passing.block > 31 and proxy.hold())
    get = running("get", proxy.url + "/f", "-o", tmp_path / "f")
    done = get.until_bytes(16 * MIB)["bytes"]
    assert get.interrupt() == 9
    assert not (tmp_path / "f").exists()
    again = running("get", server.url + "/f", "-o", tmp_path / "f")
    assert again.end() == 0, again.result
    assert again.result["bytes_moved"] <= 64 * MIB - done


def test_standard_input_and_output(serve, tmp_path):
    server = serve()
    data = content(3 * MIB + 5)
    put = subprocess.run([SLUICE, "put", "-q", "-", server.url + "/f"], input=data, timeout=120, check=False)
    assert put.returncode == 0 and (server.root / "f").read_bytes() == data
    get = subprocess.run([SLUICE, "get", "-q", server.url + "/f", "-o", "-"], stdout=subprocess.PIPE, timeout=120, check=False)
    assert get.returncode == 0 and get.stdout == data
