"""put and get of single files."""

import os
import subprocess

import pytest

from client.conftest import MIB, content, set_time
from conftest import SLUICE

SIZES = [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 7, 33 * MIB]


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(serve, sluice, tmp_path, size):
    server = serve()
    source = tmp_path / "片子.mp4"
    source.write_bytes(content(size))
    source.chmod(0o755)
    set_time(source, 1_500_000_000_123_456_789)
    sluice("put", source, server.url + "/a/b/", check=0)
    there = server.root / "a" / "b" / source.name
    assert there.read_bytes() == source.read_bytes()
    assert there.stat().st_mtime_ns == source.stat().st_mtime_ns
    back = tmp_path / "back"
    sluice("get", server.url + "/a/b/片子.mp4", "-o", back, check=0)
    assert back.read_bytes() == source.read_bytes()
    assert back.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert back.stat().st_mode & 0o100
    assert sorted(p.name for p in tmp_path.iterdir() if "part" in p.name) == []


@pytest.mark.parametrize("streams", [1, 2, 16])
def test_streams(serve, sluice, tmp_path, streams):
    server = serve()
    source = tmp_path / "f"
    source.write_bytes(content(40 * MIB + 1))
    sluice("put", "-j", streams, source, server.url + "/f", check=0)
    assert (server.root / "f").read_bytes() == source.read_bytes()
    sluice("get", "-j", streams, server.url + "/f", "-o", tmp_path / "g", check=0)
    assert (tmp_path / "g").read_bytes() == source.read_bytes()


def test_again_moves_nothing(serve, sluice, running, tmp_path):
    server = serve()
    source = tmp_path / "f"
    source.write_bytes(content(3 * MIB))
    sluice("put", source, server.url + "/f", check=0)
    again = running("put", source, server.url + "/f")
    assert again.end() == 0
    assert again.result["files_unchanged"] == 1 and again.result["bytes_moved"] == 0
    sluice("get", server.url + "/f", "-o", tmp_path / "g", check=0)
    again = running("get", server.url + "/f", "-o", tmp_path / "g")
    assert again.end() == 0
    assert again.result["files_unchanged"] == 1 and again.result["bytes_moved"] == 0


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_nothing_is_overwritten_unasked(serve, sluice, tmp_path, size):
    server = serve()
    mine, theirs = content(size, 1), content(size, 2)
    (tmp_path / "f").write_bytes(mine)
    (server.root / "f").write_bytes(theirs)
    assert sluice("put", tmp_path / "f", server.url + "/f").returncode == 6
    assert (server.root / "f").read_bytes() == theirs
    assert sluice("get", server.url + "/f", "-o", tmp_path / "f").returncode == 6
    assert (tmp_path / "f").read_bytes() == mine
    sluice("put", "--overwrite", tmp_path / "f", server.url + "/f", check=0)
    assert (server.root / "f").read_bytes() == mine
    (server.root / "f").write_bytes(theirs)
    sluice("get", "--overwrite", server.url + "/f", "-o", tmp_path / "f", check=0)
    assert (tmp_path / "f").read_bytes() == theirs


def test_exit_codes(serve, sluice, tmp_path):
    server = serve()
    (tmp_path / "f").write_bytes(b"x")
    assert sluice("get", server.url + "/none", "-o", tmp_path / "g").returncode == 5
    assert sluice("put", tmp_path / "none", server.url + "/g").returncode == 5
    server.kill()
    assert sluice("get", server.url + "/f", "-o", tmp_path / "g").returncode == 3
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("size", [0, 5, MIB, 20 * MIB + 3])
def test_pipes(serve, tmp_path, size):
    server = serve()
    data = content(size)
    subprocess.run([SLUICE, "put", "-q", "-", server.url + "/f"],
                   input=data, check=True, timeout=120)
    assert (server.root / "f").read_bytes() == data
    out = subprocess.run([SLUICE, "get", "-q", server.url + "/f", "-o", "-"],
                         stdout=subprocess.PIPE, check=True, timeout=120)
    assert out.stdout == data


def test_input_needs_a_name(serve):
    server = serve()
    done = subprocess.run([SLUICE, "put", "-", server.url + "/"], input=b"x", capture_output=True, timeout=60)
    assert done.returncode == 2 and b"name" in done.stderr


def test_file_written_by_hand_is_served(serve, sluice, tmp_path):
    server = serve()
    (server.root / "hand").write_bytes(content(2 * MIB))
    sluice("get", server.url + "/hand", "-o", str(tmp_path) + "/", check=0)
    assert (tmp_path / "hand").read_bytes() == content(2 * MIB)
