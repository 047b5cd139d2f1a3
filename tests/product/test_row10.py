"""Row 10 of the product's page, and rows 3 to 6 for `sluice serve`."""

import socket
import struct
import subprocess

import pytest

from product.conftest import MIB, connect, log_of, make_file, names_in, raw, sha256, until
from wire_client import Failed
from wire_format import client_preface, frame, messages


def reset(connection):
    """Leaves without a goodbye: what was not read, and a close that does not linger, are a RST."""
    connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_row10_video_up_and_down(serve, sluice, tmp_path):
    server = serve()
    video = make_file(tmp_path / "day 1 第一天.mp4", 40 * MIB + 12345)
    sluice("put", video, server.url + "/shoot/", check=0)
    assert names_in(server) == ["shoot", "shoot/day 1 第一天.mp4"]
    there = server.root / "shoot" / video.name
    assert sha256(there) == sha256(video)
    assert there.stat().st_mtime_ns == video.stat().st_mtime_ns
    sluice("verify", server.url + "/shoot/" + video.name, video, check=0)
    sluice("get", server.url + "/shoot/" + video.name, "-o", tmp_path / "back.mp4", check=0)
    assert sha256(tmp_path / "back.mp4") == sha256(video)
    assert server.stop() == 0


def test_row10_up_and_down_at_the_same_time(serve, running, tmp_path):
    server = serve()
    up = make_file(tmp_path / "up", 24 * MIB + 1, seed=1)
    down = make_file(server.root / "down", 24 * MIB + 1, seed=2)
    transfers = [
        running("put", up, server.url + "/in/"),
        running("get", server.url + "/down", "-o", tmp_path / "down"),
    ]
    for transfer in transfers:
        assert transfer.end() == 0, transfer.result
    assert sha256(server.root / "in" / "up") == sha256(up)
    assert sha256(tmp_path / "down") == sha256(down)


@pytest.mark.parametrize("leave", [lambda c: c.close(), reset], ids=["clean", "reset"])
@pytest.mark.parametrize("after", ["connect", "half a preface", "preface", "HELLO", "open PUT"])
def test_row3_goes_on_after_a_client_left(serve, sluice, leave, after):
    server = serve()
    for _ in range(5):
        if after in ("HELLO", "open PUT"):
            client = connect(server)
            if after == "open PUT":
                client.open("left", size_bytes=5 * MIB).send_block(0, bytes(MIB))
        else:
            client = raw(server)
            said = {"connect": 0, "half a preface": 8, "preface": 16}[after]
            client.send(client_preface()[:said])
        leave(client)
    sluice("ls", server.url + "/", check=0)
    assert server.process.poll() is None


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_row4_restarts_at_once_on_the_same_port(serve, sluice, opened, tmp_path, end):
    server = serve("--drain-timeout", "50ms")
    sluice("put", make_file(tmp_path / "f", MIB), server.url + "/", check=0)
    for _ in range(3):
        opened(connect(server)).ping()  # the server ends it, so its side waits in TIME_WAIT
        port = server.port
        assert server.stop() == 0 if end == "stop" else server.kill() is None
        server.restart()
        assert server.port == port
        sluice("ls", server.url + "/f", check=0)


@pytest.mark.parametrize("backlog", [1, 7, 4096])
def test_row5_backlog_reaches_the_system(serve, backlog):
    server = serve("--backlog", str(backlog))
    told = subprocess.run(
        ["ss", "-Hltn", f"sport = :{server.port}"], capture_output=True, text=True, check=True
    ).stdout.split()
    with open("/proc/sys/net/core/somaxconn") as limit:
        assert int(told[2]) == min(backlog, int(limit.read()))


def test_row5_the_client_over_the_limit_is_told(serve, sluice, opened):
    server = serve("--max-connections", "2")
    first, second = opened(connect(server)), opened(connect(server))
    with pytest.raises(Failed) as refused:
        connect(server)
    assert (refused.value.request, refused.value.code) == (0, "BUSY")
    with raw(server) as bare:  # the answer is the server's preface, ERROR, and nothing behind it
        bare.send(client_preface() + frame("HELLO", 0, messages.Hello(agent="third")))
        assert bare.read_server_preface() == (1, 1, 1)
        answer = bare.read_frame()
        assert (answer.name, answer.request, answer.last) == ("ERROR", 0, True)
        assert answer.message.retry == messages.LATER
        assert bare.read_to_end() == b""
    done = sluice("ls", server.url + "/")
    assert done.returncode == 1
    assert "as many connections as it may" in done.err and "hint" in done.err, done.err
    assert "refused, 2 connections are open" in log_of(server)
    first.ping(), second.ping()  # those that are in are not hurt


def test_row5_a_place_that_is_free_again_is_given(serve, sluice, opened):
    server = serve("--max-connections", "1")
    only = opened(connect(server))
    assert sluice("ls", server.url + "/").returncode == 1
    only.close()
    until(lambda: sluice("ls", server.url + "/").returncode == 0, "a place for the next client")


def test_row5_a_transfer_fits_into_the_connections_that_there_are(serve, sluice, tmp_path):
    server = serve("--max-connections", "1")
    source = make_file(tmp_path / "f", 20 * MIB)
    sluice("put", "-j", "4", source, server.url + "/f", check=0)
    assert sha256(server.root / "f") == sha256(source)
    until(lambda: sluice("ls", server.url + "/").returncode == 0, "the place of the put")
    sluice("get", "-j", "4", server.url + "/f", "-o", tmp_path / "g", check=0)
    assert sha256(tmp_path / "g") == sha256(source)


def test_row6_many_clients_at_the_same_time(serve, running, opened, tmp_path):
    """None waits for another: all have connected and said something before the first one ends."""
    server = serve()
    silent = [opened(connect(server)) for _ in range(100)]
    files = [make_file(tmp_path / f"{i}.mov", 2 * MIB + i, seed=i) for i in range(12)]
    puts = [running("put", file, server.url + "/") for file in files]
    for put in puts:
        assert put.end() == 0, put.result
    for number, file in enumerate(files):
        assert sha256(server.root / file.name) == sha256(file), number
    for client in silent:
        assert client.ping(b"still here") == b"still here"


def test_the_server_tells_what_ended_badly(serve):
    server = serve()
    client = connect(server)
    client.open("f", size_bytes=MIB)
    client.send(frame("BLOCK", 1, bytes(100))[:50])
    address = "%s:%d" % client._socket.getsockname()
    reset(client)
    until(lambda: f"{address}: ended: " in log_of(server), "a line in the log")
