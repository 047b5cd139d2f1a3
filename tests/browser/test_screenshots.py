"""A picture of each view. SLUICE_SCREENSHOTS=docs/screenshots keeps them, for people to look at; by itself it only shows that
each view can be reached."""

import json
import os
import pathlib
import subprocess

import pytest

from client.conftest import content
from conftest import ROOT
from http_client import Line

FILMS = {  # what ffmpeg draws, and how long
    "day-1/scene 12 take 1.mp4": ("mandelbrot=size=1280x720:rate=25", 6),
    "day-1/scene 12 take 2.mp4": ("gradients=size=1280x720:rate=25:seed=7", 8),
    "day-1/scene 12 take 3.mp4": ("testsrc2=size=1280x720:rate=25", 12),
}


def draw(path, source, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, "-t", str(seconds), "-c:v", "libx264",
                    "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", path], check=True)  # fmt: skip


@pytest.mark.slow
def test_each_view(tree, people, tmp_path):
    into = pathlib.Path(os.environ.get("SLUICE_SCREENSHOTS") or tmp_path / "shots")
    into = into if into.is_absolute() else ROOT / into
    into.mkdir(parents=True, exist_ok=True)
    server = tree({"day-1/notes.txt": b"x" * 2100, "day-1/sound/boom.wav": b"x", "day-1/camera report.pdf": content(81_000),
                   "day-2/.keep": b"", "deliveries/read me.txt": b"x"}, "--public", "none")  # fmt: skip
    for name, (source, seconds) in FILMS.items():
        draw(server.root / name, source, seconds)
    up = tmp_path / "up"
    up.mkdir()
    files = [up / "A001_C003.mov", up / "A001_C004.mov", up / "sound roll 7.wav"]
    dropped = [up / "B002_C001.mov", up / "B002_C002.mov"]
    for file, size in zip(files + dropped, (26_000_000, 18_000_000, 4_000_000, 18_000_000, 4_000_000), strict=True):
        file.write_bytes(content(size))
    key = (server.root / ".sluice" / "owner-key").read_text().strip()
    anna = json.dumps({"name": "anna", "password": "a long one", "grants": [{"path": "day-1", "rights": "write"}]}).encode()
    with Line(server.host, server.port) as line:
        login = (f"Authorization: Bearer {key}", "Content-Type: application/json")
        assert line.ask("POST", "/api/accounts", *login, body=anna).status < 300
    people("shots", server, key=key, files=files, dropped=dropped, into=into).until("done", 300)
    assert len(list(into.glob("*.png"))) >= 17
