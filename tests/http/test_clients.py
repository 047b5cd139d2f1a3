"""Programs that people have: curl, wget, aria2 and ffmpeg."""

import hashlib
import subprocess

import pytest

from client.conftest import content

SIZE = 40_000_007


@pytest.fixture(scope="module")
def big(served):
    (served.root / "films").mkdir()
    (served.root / "films" / "a b.bin").write_bytes(content(SIZE))
    return f"http://{served.host}:{served.port}/files/films/a%20b.bin"


def run(*command, **how):
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=300, **how)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout


def same(path):
    return hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content(SIZE)).digest()


def test_curl_downloads_and_resumes(big, tmp_path):
    run("curl", "-sf", big, "-o", tmp_path / "got")
    assert same(tmp_path / "got")
    with open(tmp_path / "got", "r+b") as file:
        file.truncate(12_345_678)
    run("curl", "-sf", "-C", "-", big, "-o", tmp_path / "got")
    assert same(tmp_path / "got")


@pytest.mark.parametrize("options", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"], ["-H", "Expect:"]])
def test_curl_uploads(served, tmp_path, options, request):
    source = tmp_path / "source"
    source.write_bytes(content(SIZE))
    name = f"up{len(list(served.root.iterdir()))}"
    run("curl", "-sf", *options, "-T", source, f"http://{served.host}:{served.port}/files/{name}")
    assert same(served.root / name)


def test_curl_uploads_standard_input(served):
    run("curl", "-sf", "-T", "-", f"http://{served.host}:{served.port}/files/piped", input=content(3_000_000))
    assert (served.root / "piped").read_bytes() == content(3_000_000)


def test_wget_downloads_and_resumes(big, tmp_path):
    run("wget", "-q", big, cwd=tmp_path)
    assert same(tmp_path / "a b.bin")
    with open(tmp_path / "a b.bin", "r+b") as file:
        file.truncate(7)
    run("wget", "-q", "-c", big, cwd=tmp_path)
    assert same(tmp_path / "a b.bin")


def test_aria2_with_16_segments(big, tmp_path):
    run("aria2c", "-q", "-x16", "-s16", "-k1M", "-d", tmp_path, "-o", "got", big)
    assert same(tmp_path / "got")


def test_ffmpeg_seeks(served, tmp_path):
    film = served.root / "film.mp4"
    run("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=duration=20:size=320x240:rate=25", "-g", "25", "-pix_fmt", "yuv420p", film)
    command = ["-loglevel", "error", "-frames:v", "1", "-f", "rawvideo", "-"]
    at_15_s = run("ffmpeg", "-ss", "15", "-i", f"http://{served.host}:{served.port}/files/film.mp4", *command)
    assert at_15_s
    assert at_15_s == run("ffmpeg", "-ss", "15", "-i", film, *command)
