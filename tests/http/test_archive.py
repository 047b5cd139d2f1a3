"""GET of a folder as a stream: ?archive=zip and ?archive=tar."""

import io
import stat
import tarfile
import zipfile

import pytest

from client.conftest import content
from http_client import Line

FILES = {"a.mp4": content(3_000_000), "empty": b"", "b/deep “x”.wav": b"deep", "日本.txt": "日本".encode()}


@pytest.fixture(scope="module")
def folder(served):
    root = served.root / "day 1"
    for name, body in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)
    (root / "none in it").mkdir()
    (root / ".hidden").write_bytes(b"x")
    (root / "link").symlink_to("a.mp4")
    (root / "empty").chmod(0o755)
    return served


@pytest.fixture
def line(folder):
    with Line(folder.host, folder.port) as opened:
        yield opened


def test_zip(line):
    answer = line.ask("GET", "/files/day%201?archive=zip")
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="day 1.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        assert packed.testzip() is None
        assert {i.filename for i in packed.infolist()} == {"day 1/" + n for n in [*FILES, "b/", "none in it/"]}
        for name, body in FILES.items():
            assert packed.read("day 1/" + name) == body


def test_tar(line):
    answer = line.ask("GET", "/files/day%201/?archive=tar")
    assert answer["Content-Type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as packed:
        found = {member.name: member for member in packed}
        assert set(found) == {"day 1/" + n for n in [*FILES, "b", "none in it"]}
        for name, body in FILES.items():
            assert packed.extractfile("day 1/" + name).read() == body
        assert found["day 1/empty"].mode & stat.S_IXUSR
        assert not found["day 1/a.mp4"].mode & stat.S_IXUSR


def test_the_served_folder_itself(line):
    answer = line.ask("GET", "/files/?archive=zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        assert "ok.txt" in packed.namelist()
        assert not any(".sluice" in name for name in packed.namelist())


def test_the_connection_goes_on(line):
    assert line.ask("HEAD", "/files/day%201?archive=zip").status == 200
    line.ask("GET", "/files/day%201?archive=tar")
    assert line.ask("GET", "/files/ok.txt").body == b"here\n"


@pytest.mark.parametrize(("target", "status"), [
    ("/files/day%201?archive=rar", 400), ("/files/day%201?archive=", 400), ("/files/ok.txt?archive=zip", 409), ("/files/none?archive=zip", 404),
])  # fmt: skip
def test_archives_that_cannot_be(line, target, status):
    assert line.ask("GET", target).status == status


def test_one_archive_too_many(serve):
    server = serve()
    (server.root / "big").mkdir()
    with open(server.root / "big" / "a", "wb") as file:
        file.truncate(1 << 30)
    lines = [Line(server.host, server.port) for _ in range(17)]
    for line in lines[:16]:
        line.send(b"GET /files/big?archive=tar HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.head()[0] == 200
    refused = lines[16].ask("GET", "/files/big?archive=tar")
    assert (refused.status, refused["Retry-After"]) == (503, "1")
    for line in lines:
        line.socket.close()


def test_over_4_gib_with_little_memory(serve):
    """zip64 and pax; a file with a hole costs no disk."""
    server = serve("--threads", "1")
    (server.root / "big").mkdir()
    with open(server.root / "big" / "a", "wb") as file:
        file.truncate((4 << 30) + 5)
    (server.root / "big" / "b").write_bytes(b"behind it")
    for kind in ["zip", "tar"]:
        with Line(server.host, server.port) as line:
            line.send(f"GET /files/big?archive={kind} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            line.take_until(b"\r\n\r\n")
            total, tail = len(line.unread), bytes(line.unread)
            buffer = bytearray(1 << 20)
            while got := line.socket.recv_into(buffer):
                total += got
                tail = (tail + bytes(buffer[:got]))[-65536:]
        assert total > (4 << 30) + 5
        if kind == "zip":
            assert b"PK\x06\x06" in tail  # the end of a zip64
            assert b"PK\x06\x07" in tail
        assert b"behind it" in tail
        assert server.memory_kib("RssAnon") < 48 * 1024
