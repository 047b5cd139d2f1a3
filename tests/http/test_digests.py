"""Want-Repr-Digest and Repr-Digest: RFC 9530."""

import base64
import contextlib
import hashlib
import itertools
import os

import pytest

from client.conftest import content
from http_client import Line
from product.conftest import until

BODY = content(20_000_000)


@pytest.fixture(scope="module")
def file(served):
    path = served.root / "big.mp4"
    path.write_bytes(BODY)
    os.utime(path, (10**9, 10**9))
    (served.root / "empty").write_bytes(b"")
    return served


@pytest.fixture
def line(file):
    with Line(file.host, file.port) as opened:
        yield opened


def sha256(body):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


@pytest.mark.parametrize("wish", ["sha-256=10", "sha-512=9, sha-256=1", "sha-256=3;a=b", "unixsum=1,  sha-256=2"])
def test_what_is_wished(line, wish):
    for _ in range(2):  # computed, then from the record
        assert line.ask("GET", "/files/big.mp4", f"Want-Repr-Digest: {wish}")["Repr-Digest"] == sha256(BODY)


def test_it_is_that_of_the_whole_also_for_a_part(line):
    answer = line.ask("GET", "/files/big.mp4", "Want-Repr-Digest: sha-256=1", "Range: bytes=0-9")
    assert (answer.status, answer.body, answer["Repr-Digest"]) == (206, BODY[:10], sha256(BODY))
    assert line.ask("HEAD", "/files/big.mp4", "Want-Repr-Digest: sha-256=1")["Repr-Digest"] == sha256(BODY)


def test_of_nothing(line):
    assert line.ask("GET", "/files/empty", "Want-Repr-Digest: sha-256=1")["Repr-Digest"] == sha256(b"")


@pytest.mark.parametrize("wish", ["sha-256=0", "sha-256", "sha-512=1", "sha-256=1.5", "sha-256=:AAA=:", "", "=", "sha-256=1,"])
def test_what_is_not_wished_is_not_computed(line, wish):
    answer = line.ask("GET", "/files/big.mp4", f"Want-Repr-Digest: {wish}")
    assert answer.status == 200
    assert "Repr-Digest" not in answer


def test_other_content_has_another_digest(line, file):
    (file.root / "big.mp4").write_bytes(b"other")
    assert line.ask("GET", "/files/big.mp4", "Want-Repr-Digest: sha-256=1")["Repr-Digest"] == sha256(b"other")


def test_what_the_disk_lost_gets_no_digest(line, file):
    from product.conftest import drop_cache, flip

    line.ask("PUT", "/files/lost.bin", body=BODY[:2_000_000])
    path = file.root / "lost.bin"
    flip(path, 1_500_000)
    drop_cache(path)
    assert "Repr-Digest" not in line.ask("GET", "/files/lost.bin", "Want-Repr-Digest: sha-256=1")


def test_four_are_computed_at_a_time_and_whoever_asks_then_gets_none(line, file):
    """Of files that take an hour to read, by clients that stay until they are told to go."""
    names = (f"small-{i}" for i in itertools.count())

    def has_digest():
        path = file.root / next(names)
        path.write_bytes(b"x")
        os.utime(path, (10**9, 10**9))
        return "Repr-Digest" in line.ask("GET", f"/files/{path.name}", "Want-Repr-Digest: sha-256=1")

    with contextlib.ExitStack() as all_of_them:
        for i in range(4):
            assert has_digest(), f"{i} are computed"
            with open(file.root / f"endless-{i}", "wb") as endless:
                endless.truncate(1 << 43)
            waiting = all_of_them.enter_context(Line(file.host, file.port))
            waiting.send(f"GET /files/endless-{i} HTTP/1.1\r\nHost: localhost\r\nWant-Repr-Digest: sha-256=1\r\n\r\n".encode())
        until(lambda: not has_digest(), "the fourth is being computed")
    until(has_digest, "the clients left")
