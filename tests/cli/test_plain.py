"""`--plain` against plain sockets with the habits of the classic exercise's own programs."""

import json
import os
import random
import resource
import signal
import socket
import struct

import pytest

LIMIT = 2**31 - 1


def head(length):
    return struct.pack("<i", length)


def content(size):
    seed = random.SystemRandom().getrandbits(32)
    print("seed", seed)
    return random.Random(seed).randbytes(size)


def receive_all(peer, size=1 << 16):
    pieces = []
    while piece := peer.recv(size):
        pieces.append(piece)
    return b"".join(pieces)


def reset(peer):
    """Closes with RST instead of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def names(folder):
    return sorted(os.listdir(folder))


class Peer:
    """The exercise's side: connects to `sluice`, or has `sluice` connect to it."""

    def __init__(self, program, role):
        self.program, self.role, self.socket = program, role, None

    def start(self, command, *arguments):
        if self.role == "client":
            self.running = self.program.start(
                command, "--plain", *arguments, "--listen", "127.0.0.1:0"
            )
            self.socket = socket.create_connection(("127.0.0.1", self.running.port()))
        else:
            listener = socket.create_server(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            self.running = self.program.start(command, "--plain", *arguments, f"127.0.0.1:{port}")
            self.socket, _ = listener.accept()
            listener.close()
        self.socket.settimeout(60)
        return self.socket

    def finish(self):
        code, _, err = self.running.finish()
        return code, err


@pytest.fixture(params=["client", "server"])
def peer(program, request):
    """The exercise's program as the connecting and as the listening side."""
    other = Peer(program, request.param)
    yield other
    if other.socket:
        other.socket.close()


# ---- row 9: both directions, either side as server


@pytest.mark.parametrize("size", [0, 1, 4, 1 << 20, (1 << 20) + 1, 9_000_001])
def test_row9_receives_what_the_exercise_sends(peer, tmp_path, size):
    body = content(size)
    connection = peer.start("recv", "-o", "film.mov")
    connection.sendall(head(size) + body)
    connection.close()  # no shutdown before close
    code, err = peer.finish()
    assert (code, names(tmp_path)) == (0, ["film.mov"]), err
    assert (tmp_path / "film.mov").read_bytes() == body


@pytest.mark.parametrize("size", [0, 1, 4, 1 << 20, (1 << 20) + 1, 9_000_001])
def test_row9_sends_what_the_exercise_receives(peer, tmp_path, size):
    body = content(size)
    (tmp_path / "film.mov").write_bytes(body)
    connection = peer.start("send", "film.mov")
    received = receive_all(connection)
    connection.close()
    code, err = peer.finish()
    assert code == 0, err
    assert received == head(size) + body


def test_row9_two_of_ours(program, tmp_path):
    body = content(3_000_000)
    (tmp_path / "in").write_bytes(body)
    sender = program.start("send", "--plain", "in", "--listen", "127.0.0.1:0")
    code, _, err = program.run("recv", "--plain", "-o", "out", f"127.0.0.1:{sender.port()}")
    assert code == 0, err
    assert sender.finish()[0] == 0
    assert (tmp_path / "out").read_bytes() == body


def test_row9_a_head_in_two_pieces_and_a_body_byte_by_byte(peer, tmp_path):
    connection = peer.start("recv", "-o", "out")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in head(5) + b"hello":
        connection.sendall(bytes([byte]))
    connection.close()
    assert peer.finish()[0] == 0
    assert (tmp_path / "out").read_bytes() == b"hello"


def test_row9_a_receiver_that_reads_the_head_and_then_all_at_once(peer, tmp_path):
    (tmp_path / "in").write_bytes(b"x" * 1000)
    connection = peer.start("send", "in")
    (length,) = struct.unpack("i", connection.recv(4, socket.MSG_WAITALL))
    assert connection.recv(length, socket.MSG_WAITALL) == b"x" * 1000
    connection.close()
    assert peer.finish()[0] == 0


def test_row9_a_receiver_that_ends_its_side_first(peer, tmp_path):
    (tmp_path / "in").write_bytes(content(5_000_000))
    connection = peer.start("send", "in")
    connection.shutdown(socket.SHUT_WR)
    assert len(receive_all(connection)) == 5_000_004
    assert peer.finish()[0] == 0


def test_row9_a_file_over_a_signed_32_bit_length_is_refused_before_connecting(program, tmp_path):
    with open(tmp_path / "big", "wb") as big:
        big.truncate(LIMIT + 1)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    code, _, err = program.run("send", "--plain", "big", f"127.0.0.1:{port}")
    assert code == 1
    assert "2147483648 bytes" in err and "2147483647" in err and "hint" in err
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()
    code, out, _ = program.run("send", "--plain", "big", "--listen", "127.0.0.1:0")
    assert (code, out) == (1, ""), "nothing was listening"


def test_row9_a_file_of_the_greatest_length_is_begun(peer, tmp_path):
    with open(tmp_path / "big", "wb") as big:
        big.truncate(LIMIT)
    connection = peer.start("send", "big")
    assert connection.recv(4, socket.MSG_WAITALL) == head(LIMIT)
    reset(connection)
    assert peer.finish()[0] == 1


@pytest.mark.parametrize("length", [-1, -(2**31)])
def test_row9_a_negative_length_is_refused(peer, tmp_path, length):
    connection = peer.start("recv", "-o", "out")
    connection.sendall(head(length) + b"body")
    code, err = peer.finish()
    assert (code, names(tmp_path)) == (1, [])
    assert f"announced {length} bytes" in err


@pytest.mark.parametrize("announced, code", [(10, 0), (11, 1)])
def test_row9_an_oversized_length_is_refused(peer, tmp_path, announced, code):
    connection = peer.start("recv", "-o", "out", "--max-bytes", "10")
    connection.sendall(head(announced) + b"x" * announced)
    connection.close()
    ended, err = peer.finish()
    assert ended == code, err
    assert names(tmp_path) == (["out"] if code == 0 else [])
    if code:
        assert "announced 11 bytes, at most 10" in err


@pytest.mark.parametrize("sent", [b"", head(9)[:1], head(9)[:3], head(9), head(9) + b"12345678"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_row9_a_stream_that_ends_early_leaves_nothing(peer, tmp_path, sent, end):
    connection = peer.start("recv", "-o", "out", "--json")
    peer.running.wait_for('"receiving"')
    connection.sendall(sent)
    connection.close() if end == "close" else reset(connection)
    code, out, _ = peer.running.finish()
    assert (code, names(tmp_path)) == (1, [])
    message = json.loads(out.splitlines()[-1])["message"]
    assert message.startswith("receive out from 127.0.0.1:")
    assert "Connection reset" in message if end == "reset" else "the peer closed" in message


def test_row9_the_greatest_length_announced_and_then_closed(peer, tmp_path):
    connection = peer.start("recv", "-o", "out")
    connection.sendall(head(LIMIT) + b"x" * 100)
    connection.close()
    code, err = peer.finish()
    assert (code, names(tmp_path)) == (1, [])
    assert f"100 of {LIMIT} bytes" in err


# ---- beyond the row


def test_bytes_behind_the_announced_length_are_an_error(peer, tmp_path):
    connection = peer.start("recv", "-o", "out")
    connection.sendall(head(3) + b"abc" + b"d")
    code, err = peer.finish()
    assert (code, names(tmp_path)) == (1, [])
    assert "more bytes than it had announced" in err


def test_a_reset_behind_the_last_byte_costs_nothing(peer, tmp_path):
    connection = peer.start("recv", "-o", "out", "--json")
    peer.running.wait_for('"receiving"')
    connection.sendall(head(3) + b"abc")
    reset(connection)
    assert peer.finish()[0] == 0
    assert (tmp_path / "out").read_bytes() == b"abc"


def test_a_peer_that_never_closes_is_told_about(peer, tmp_path):
    connection = peer.start("recv", "-o", "out", "--timeout", "0.2")
    connection.sendall(head(3) + b"abc")
    code, err = peer.finish()
    assert code == 0 and "did not close" in err
    assert (tmp_path / "out").read_bytes() == b"abc"


def test_a_sender_that_stands_still_is_given_up(peer, tmp_path):
    connection = peer.start("recv", "-o", "out", "--timeout", "0.2")
    connection.sendall(head(9) + b"abc")
    code, err = peer.finish()
    assert (code, names(tmp_path)) == (1, [])
    assert "nothing moved for 0.2 s" in err and "3 of 9 bytes" in err


def test_a_receiver_that_stands_still_is_given_up(peer, tmp_path):
    with open(tmp_path / "in", "wb") as big:
        big.truncate(100_000_000)
    peer.start("send", "in", "--timeout", "0.2")
    code, err = peer.finish()
    assert code == 1
    assert "nothing moved for 0.2 s" in err


def test_a_receiver_that_dies_in_the_middle_is_an_error(peer, tmp_path):
    with open(tmp_path / "in", "wb") as big:
        big.truncate(100_000_000)
    connection = peer.start("send", "in")
    connection.recv(100_000)
    connection.close()  # with unread data: a reset, as from a killed program
    code, err = peer.finish()
    assert code == 1
    assert "send in to 127.0.0.1:" in err and "of 100000000 bytes" in err


def test_a_receiver_that_closes_without_reading_a_small_file_is_an_error(peer, tmp_path):
    (tmp_path / "in").write_bytes(b"x" * 100)
    connection = peer.start("send", "in")
    connection.recv(4, socket.MSG_WAITALL | socket.MSG_PEEK)
    connection.close()
    assert peer.finish()[0] == 1


def test_a_taken_name_is_refused_before_listening(program, tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    code, out, err = program.run("recv", "--plain", "-o", "out", "--listen", "127.0.0.1:0")
    assert (code, out) == (6, "")
    assert "write out" in err and "--overwrite" in err
    assert (tmp_path / "out").read_bytes() == b"old"


def test_a_name_taken_meanwhile_is_not_overwritten(peer, tmp_path):
    connection = peer.start("recv", "-o", "out")
    connection.sendall(head(3) + b"new")
    (tmp_path / "out").write_bytes(b"old")
    connection.close()
    assert peer.finish()[0] == 6
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == b"old"


def test_overwrite_replaces(peer, tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    connection = peer.start("recv", "-o", "out", "--overwrite")
    connection.sendall(head(3) + b"new")
    connection.close()
    assert peer.finish()[0] == 0
    assert (tmp_path / "out").read_bytes() == b"new"


def test_standard_output_carries_nothing_but_the_content(program):
    listener = socket.create_server(("127.0.0.1", 0))
    running = program.start("recv", "--plain", "-o", "-", f"127.0.0.1:{listener.getsockname()[1]}")
    connection, _ = listener.accept()
    connection.sendall(head(5) + b"hello")
    connection.close()
    listener.close()
    code, out, err = running.finish()
    assert (code, out) == (0, b"hello"), err


def test_standard_output_and_listening_puts_the_address_on_standard_error(program):
    running = program.start("recv", "--plain", "-o", "-", "--json", "--listen", "127.0.0.1:0")
    told = json.loads(running.wait_for("listening", running.process.stderr))
    host, port = told["address"].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head(2) + b"hi")
    code, out, _ = running.finish()
    assert (code, out) == (0, b"hi")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(peer, tmp_path, ending):
    connection = peer.start("recv", "-o", "out")
    connection.sendall(head(9) + b"abc")
    while not names(tmp_path):  # the hidden file appears with the first bytes
        pass
    peer.running.process.send_signal(ending)
    code, err = peer.finish()
    assert (code, names(tmp_path)) == (9, [])
    assert "run it again" in err


def test_a_signal_ends_the_wait_for_a_connection(program):
    running = program.start("send", "--plain", "/etc/hostname", "--listen", "127.0.0.1:0")
    running.port()
    running.process.send_signal(signal.SIGINT)
    assert running.finish()[0] == 9


def test_nobody_listens(program, tmp_path):
    unused = socket.create_server(("127.0.0.1", 0))
    port = unused.getsockname()[1]
    unused.close()
    code, _, err = program.run("recv", "--plain", "-o", "out", f"127.0.0.1:{port}")
    assert code == 3
    assert f"connect to 127.0.0.1:{port}" in err and "refused" in err and "hint" in err


def test_an_address_in_use(program):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        where = f"127.0.0.1:{busy.getsockname()[1]}"
        code, _, err = program.run("recv", "--plain", "-o", "out", "--listen", where)
    assert code == 1
    assert where in err and "in use" in err


def test_an_address_can_be_listened_on_again_at_once(program, tmp_path):
    first = program.start("recv", "--plain", "-o", "a", "--listen", "127.0.0.1:0")
    port = first.port()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head(0))
        # Ours closes first, and its port is in TIME_WAIT.
        first.process.send_signal(signal.SIGINT)
        first.finish()
    second = program.start("recv", "--plain", "-o", "b", "--listen", f"127.0.0.1:{port}")
    assert second.port() == port


def test_memory_does_not_grow_with_the_file(program, tmp_path):
    size = 400_000_000
    with open(tmp_path / "in", "wb") as big:
        big.truncate(size)

    def little_memory():
        resource.setrlimit(resource.RLIMIT_DATA, (64_000_000, 64_000_000))

    sender = program.start(
        "send", "--plain", "in", "--listen", "127.0.0.1:0", preexec_fn=little_memory
    )
    where = f"127.0.0.1:{sender.port()}"
    receiver = program.start("recv", "--plain", "-o", "out", where, preexec_fn=little_memory)
    assert receiver.finish()[0] == 0
    assert sender.finish()[0] == 0
    assert os.path.getsize(tmp_path / "out") == size


def test_without_plain_there_is_a_key(program):
    code, _, err = program.run("send", "/etc/hostname", "127.0.0.1:1")
    assert code == 2 and "--key" in err
