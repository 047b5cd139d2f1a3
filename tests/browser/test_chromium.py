"""A browser as people have it: the tus project's client uploads from a page, and the video element plays and seeks."""

import shutil
import subprocess

import pytest

import npm
from client.conftest import MIB
from product.conftest import make_file, sha256

SECONDS = 60
LATE_S = 50


@pytest.fixture
def chromium(installed, serve):
    """`server` and `run(upload=...)`: a browser with a page of that server."""
    server = serve()
    started = []

    def run(**wanted):
        wanted |= {"origin": f"http://{server.host}:{server.port}", "browser": shutil.which("chromium")}
        started.append(npm.Program(installed, "chromium.mjs", wanted))
        return started[-1]

    yield server, run
    for program in started:
        program.end()


@pytest.fixture
def uploading(chromium, tmp_path):
    """`start(size, parallel=4)`: an upload of `tmp_path/film.mp4` to `day-1/`."""
    server, run = chromium

    def start(size, **how):
        make_file(tmp_path / "film.mp4", size)
        return run(file=tmp_path / "film.mp4", upload={"endpoint": "/tus/day-1/", **how})

    return server, start


def arrived(server, tmp_path):
    return sha256(server.root / "day-1" / "film.mp4") == sha256(tmp_path / "film.mp4")


def partials(server):
    return list((server.root / ".sluice" / "partials").iterdir())


def test_one_stream(uploading, tmp_path):
    server, start = uploading
    start(40 * MIB + 7).until("done")
    assert arrived(server, tmp_path)


def test_parallel_parts(uploading, tmp_path):
    server, start = uploading
    start(20 * MIB + 11, parallel=4).until("done")
    assert arrived(server, tmp_path)
    assert partials(server) == []


def test_pause_and_resume(uploading, tmp_path):
    server, start = uploading
    browser = start(24 * MIB, chunkSize=4 * MIB, pauseAt=8 * MIB)
    assert browser.until("paused")["paused"] == 8 * MIB
    browser.until("done")
    assert arrived(server, tmp_path)


def test_terminate(uploading):
    server, start = uploading
    browser = start(24 * MIB, chunkSize=4 * MIB, pauseAt=8 * MIB, terminate=True)
    browser.until("paused")
    browser.until("done")
    assert partials(server) == []
    assert not (server.root / "day-1").exists()


@pytest.mark.parametrize("index", ["front", "back"])
def test_video_plays_and_seeks(chromium, index):
    """The index of an mp4 is before its frames, or behind them, where the player has to fetch it first."""
    server, run = chromium
    film = server.root / "film.mp4"
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", f"testsrc2=duration={SECONDS}:size=640x360:rate=25",
         "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "4M", "-pix_fmt", "yuv420p", "-g", "25",
         *(["-movflags", "+faststart"] if index == "front" else []), str(film)], check=True)
    told = run(play={"source": "/files/film.mp4", "seekTo": LATE_S}).until("played")
    played = told["played"]
    assert played["width"] == 640
    assert abs(played["duration"] - SECONDS) < 0.5
    assert played["first"] >= 0.5
    assert played["second"] >= LATE_S + 0.5
    assert played["frames"] > 10
    assert set(told["statuses"]) == {206}, "it asked for parts"
    assert len(told["statuses"]) > 1, "it fetched what it seeked to, not all before it"
