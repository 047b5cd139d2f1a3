"""The tus project's own client in Node uploads to us."""

import pathlib

import pytest

import npm
from client.conftest import MIB
from product.conftest import make_file, sha256, until

SOURCES = pathlib.Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def installed():
    """The folder with the client in it; its version is pinned by the lock beside this file."""
    return npm.install(SOURCES, "tus-js")


@pytest.fixture
def upload(installed, tus, tmp_path):
    """Starts uploads: `upload(size, parallel=4)`; the file is `tmp_path/source`."""
    started = []

    def start(size=None, **wanted):
        if size is not None:
            make_file(tmp_path / "source", size)
        endpoint = f"http://{tus.server.host}:{tus.server.port}/tus/day-1/"
        wanted = {"file": tmp_path / "source", "name": "film.mp4", "endpoint": endpoint, **wanted}
        client = npm.Program(installed, "upload.mjs", wanted)
        started.append(client)
        return client

    yield start
    for client in started:
        client.kill()


def arrived(tus, tmp_path):
    return sha256(tus.server.root / "day-1" / "film.mp4") == sha256(tmp_path / "source")


def upload_id(url):
    return "/tus/" + url.rsplit("/", 1)[1]


@pytest.mark.parametrize("size", [0, 1, 5 * MIB + 77, 48 * MIB])
def test_one_stream(upload, tus, tmp_path, size):
    url = upload(size).until("done")["done"]
    assert arrived(tus, tmp_path)
    assert tus.head(upload_id(url)).offset == size


@pytest.mark.parametrize("chunk", [1000, 3 * MIB + 1, 8 * MIB])
def test_one_stream_in_chunks(upload, tus, tmp_path, chunk):
    upload(min(16 * MIB + 5, 30 * chunk), chunkSize=chunk).until("done")
    assert arrived(tus, tmp_path)


@pytest.mark.parametrize("parts", [2, 4, 7])
def test_parallel_parts(upload, tus, tmp_path, parts):
    upload(20 * MIB + 11, parallel=parts).until("done")
    assert arrived(tus, tmp_path)
    assert list((tus.server.root / ".sluice" / "partials").iterdir()) == []


def test_data_with_the_creation(upload, tus, tmp_path):
    upload(5 * MIB + 1, duringCreation=True, chunkSize=2 * MIB).until("done")
    assert arrived(tus, tmp_path)


def test_deferred_length(upload, tus, tmp_path):
    upload(20 * MIB + 3, deferred=True, chunkSize=4 * MIB).until("done")
    assert arrived(tus, tmp_path)


def test_an_environment_without_patch(upload, tus, tmp_path):
    upload(3 * MIB, overridePatchMethod=True, chunkSize=MIB).until("done")
    assert arrived(tus, tmp_path)


def test_pause_and_resume(upload, tus, tmp_path):
    client = upload(24 * MIB, chunkSize=4 * MIB, pauseAt=8 * MIB)
    url = client.until("url")["url"]
    client.until("paused")
    assert tus.head(upload_id(url)).offset >= 8 * MIB
    assert not (tus.server.root / "day-1").exists()
    client.tell("go on")
    assert client.until("done")["done"] == url
    assert arrived(tus, tmp_path)


def test_process_killed_and_resumed(upload, tus, tmp_path):
    storage = tmp_path / "urls.json"
    storage.write_text("{}")
    first = upload(40 * MIB, chunkSize=4 * MIB, storage=storage)
    url = first.until("url")["url"]
    while first.until("accepted")["accepted"] < 12 * MIB:
        pass
    first.kill()
    offset = tus.head(upload_id(url)).offset
    assert offset >= 12 * MIB
    second = upload(chunkSize=4 * MIB, storage=storage)
    assert second.until("found")["found"] == 1
    assert second.until("accepted")["accepted"] > offset, "nothing is sent again"
    assert second.until("done")["done"] == url
    assert arrived(tus, tmp_path)


def test_server_killed_and_resumed(upload, tus, tmp_path):
    client = upload(40 * MIB, chunkSize=4 * MIB, retryDelays=[0] + [100] * 300)
    while client.until("accepted")["accepted"] < 12 * MIB:
        pass
    tus.server.kill()
    tus.server.restart()
    client.until("done")
    assert arrived(tus, tmp_path)


def test_terminate(upload, tus):
    client = upload(24 * MIB, chunkSize=4 * MIB, pauseAt=8 * MIB, terminate=True)
    url = client.until("url")["url"]
    client.until("paused")
    assert tus.head(upload_id(url)).status == 404
    assert list((tus.server.root / ".sluice" / "partials").iterdir()) == []


def test_parallel_parts_terminated(upload, tus):
    client = upload(24 * MIB, chunkSize=MIB, parallel=3, pauseAt=6 * MIB, terminate=True)
    client.until("paused")
    partials = tus.server.root / ".sluice" / "partials"
    until(lambda: not list(partials.iterdir()), "the parts are thrown away")
