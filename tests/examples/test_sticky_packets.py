"""Rows 7 and 8 of the exercise: the "sticky packet" problem, and its answer."""

import random
import socket
import struct


def test_row7_three_sends_one_receive(run_example):
    status, out, _ = run_example("sticky_packets")
    assert status == 0
    assert out.splitlines()[0] == '3 sends, 1 receive: "onetwothree"'


def test_row8_frames_give_three_messages(run_example):
    status, out, _ = run_example("sticky_packets")
    assert status == 0
    assert out.splitlines()[1:] == [
        '3 frames in one send: "one" "two" "three"',
        '3 frames, 1 byte a send: "one" "two" "three"',
    ]


def test_row8_any_split_of_the_stream(program):
    server = program("echo_server", "127.0.0.1:0")
    port = int(server.expect(r"^listening on 127\.0\.0\.1:(\d+)$")[1])
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    frames = [dice.randbytes(dice.choice([0, 1, 3, 64, 5000])) for _ in range(200)]
    stream = b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent, back = 0, b""
        while sent < len(stream):
            size = dice.choice([1, 2, 3, 5, 7, 1000])
            sent += peer.send(stream[sent:sent + size])
        while len(back) < len(stream):
            back += peer.recv(1 << 20)
        assert back == stream


def test_row8_the_echo_client_speaks_the_same(program, run_example):
    server = program("echo_server", "127.0.0.1:0")
    port = server.expect(r"^listening on 127\.0\.0\.1:(\d+)$")[1]
    status, out, _ = run_example("echo_client", f"127.0.0.1:{port}", "one", "", "三")
    assert (status, out) == (0, "one\n\n三\n")


def test_row8_errors_are_told(run_example):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        status, out, err = run_example("echo_client", f"127.0.0.1:{port}", "x")
    assert (status, out) == (1, "")
    assert f"connect to 127.0.0.1:{port}: tried 127.0.0.1:{port} (Connection refused)" in err
    assert run_example("echo_client", "nonsense")[0] == 2
    assert run_example("talk_client", f"127.0.0.1:{port}")[0] == 3
