"""Rows 1 to 6 of the exercise: two programs that talk, line by line, and go on talking."""

import re
import socket
import struct
import subprocess


def listening_socket(port):
    """(queue, backlog) of the port as the system has it: `ss` reads them as Recv-Q and Send-Q."""
    lines = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, check=True)
    state, queued, backlog, *_ = lines.stdout.decode().split()
    assert state == "LISTEN"
    return int(queued), int(backlog)


def test_row1_both_programs_talk_in_a_loop(talk_server, program):
    server = talk_server()
    client = program("talk_client", f"127.0.0.1:{server.port}")
    client.expect(rf"^connected to 127\.0\.0\.1:{server.port}$")
    who = server.expect(r"^(127\.0\.0\.1:\d+) joined$")[1]
    for round in range(3):
        client.type(f"hello {round}\n")
        server.expect(f"^{who}: hello {round}$")
        server.type(f"welcome {round}\n")
        client.expect(f"^server: welcome {round}$")
    client.type("你好,世界\n")
    server.expect(f"^{who}: 你好,世界$")
    server.type("再见 🎬\n")
    client.expect("^server: 再见 🎬$")
    client.end_input()
    assert client.wait() == 0
    server.expect(f"^{who} left$")


def test_row1_prints_the_peers_address(talk_server, peer):
    server = talk_server()
    one = peer(server)
    server.expect(f"^{re.escape(one.name)} joined$")


def test_row1_a_plain_python_client_talks_too(talk_server, peer):
    server = talk_server()
    one = peer(server)
    server.expect("joined")
    one.say("第一", "second", "third")  # one send holds three
    for text in ("第一", "second", "third"):
        server.expect(f"^{re.escape(one.name)}: {text}$")
    server.type("回答\n")
    assert one.hear() == "回答"


def test_row1_a_client_of_a_plain_python_server(program):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = program("talk_client", "127.0.0.1:%d" % server.getsockname()[1])
        connection, _ = server.accept()
        with connection:
            client.type("你好\n")
            assert connection.recv(1024) == struct.pack(">I", 6) + "你好".encode()
            connection.sendall(struct.pack(">I", 2) + b"ok")
            client.expect("^server: ok$")
        client.expect("^the conversation is over$")
        assert client.wait() == 0


def test_row1_a_file_can_be_typed(talk_server, run_example, tmp_path):
    server = talk_server()
    text = tmp_path / "lines"
    text.write_text("from\n\na file\n")
    with text.open() as lines:
        status, _, _ = run_example("talk_client", f"127.0.0.1:{server.port}", stdin=lines)
    assert status == 0
    server.expect(": from$")
    server.expect(": a file$")
    server.expect(" left$")


def test_row1_control_bytes_do_not_reach_the_terminal(talk_server, peer):
    server = talk_server()
    one = peer(server)
    one.say("\x1b[2Jgone\x07")
    server.expect(r": \?\[2Jgone\?$")


def test_row2_an_empty_line_is_never_sent(program):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = program("talk_client", "127.0.0.1:%d" % server.getsockname()[1])
        connection, _ = server.accept()
        with connection:
            client.type("\n\n\nafter\n\n")
            client.end_input()
            everything = b""
            while more := connection.recv(1024):
                everything += more
            assert everything == struct.pack(">I", 5) + b"after"


def test_row2_an_empty_line_does_not_block_the_conversation(talk_server, peer):
    server = talk_server()
    one = peer(server)
    server.expect("joined")
    server.type("\n\nhello\n")
    assert one.hear() == "hello"
    one.say("", "", "hi")  # empty frames mean nothing
    server.expect("hi$")
    assert not [line for line in server.seen if line.endswith(": ")]


def test_row3_goes_on_accepting_after_a_clean_leave(talk_server, peer):
    server = talk_server()
    for _ in range(3):
        one = peer(server)
        one.say("here")
        server.expect("here$")
        one.leave()  # without shutdown
        server.expect(f"^{re.escape(one.name)} left$")


def test_row3_goes_on_accepting_after_a_reset(talk_server, peer):
    server = talk_server()
    for _ in range(3):
        one = peer(server)
        one.say("here")
        server.expect("here$")
        one.reset()
        server.expect(rf"^{re.escape(one.name)} is gone \(.*reset by peer")


def test_row3_goes_on_accepting_after_a_client_is_killed_in_mid_frame(talk_server, peer, program):
    server = talk_server()
    one = peer(server)
    one.socket.send(struct.pack(">I", 1000) + b"only a part")
    server.expect("joined")
    one.leave()
    server.expect(rf"^{re.escape(one.name)} is gone")

    client = program("talk_client", f"127.0.0.1:{server.port}")
    server.expect("joined")
    client.kill()
    server.expect("left|gone")
    last = peer(server)
    last.say("still there?")
    server.expect("still there")


def test_row3_a_frame_too_large_ends_that_client_alone(talk_server, peer):
    server = talk_server()
    one, two = peer(server), peer(server)
    one.socket.send(b"\xff\xff\xff\xff")
    server.expect(rf"^{re.escape(one.name)} is gone .*too large")
    two.say("unharmed")
    server.expect("unharmed")


def test_row4_a_restart_never_meets_address_in_use(talk_server, peer):
    server = talk_server()
    for _ in range(3):
        one = peer(server)
        one.say("here")
        server.expect("here$")
        server.kill()  # it ends first: its side of the connection is what stays behind
        server = talk_server(address=f"127.0.0.1:{server.port}")
    peer(server).say("again")
    server.expect("again")


def test_row4_a_port_that_is_in_use_is_told(talk_server, program):
    server = talk_server()
    second = program("talk_server", f"127.0.0.1:{server.port}")
    assert second.wait() == 1
    assert b"Address already in use" in second.process.stderr.read()


def test_row5_the_backlog_is_a_setting(talk_server):
    for backlog in (1, 5):
        server = talk_server("--backlog", backlog)
        assert listening_socket(server.port) == (0, backlog)


def test_row5_the_client_beyond_the_limit_is_closed_at_once(talk_server, peer):
    server = talk_server("--max-connections", 2)
    one, two = peer(server), peer(server)
    server.expect("joined")
    server.expect("joined")
    third = peer(server)
    assert third.socket.recv(100) == b""
    one.leave()
    server.expect("left")
    fourth = peer(server)
    fourth.say("a place")
    server.expect("a place")
    two.say("mine all the time")
    server.expect("mine all the time")


def test_row6_many_clients_at_the_same_time(talk_server, peer):
    server = talk_server()
    peers = [peer(server) for _ in range(20)]
    for one in peers:
        server.expect("joined")
    for one in peers:
        one.say("我是 " + one.name)
    for _ in peers:
        server.expect(r"^(127.0.0.1:\d+): 我是 \1$")
    server.type("to all of you\n")
    for one in peers:
        assert one.hear() == "to all of you"


def test_row6_one_that_does_not_read_does_not_hold_up_the_others(talk_server, peer):
    server = talk_server()
    lazy, good = peer(server), peer(server)
    server.expect("joined")
    server.expect("joined")
    for number in range(300):  # 30 MB: more than the queue and the system's buffers hold
        server.type(f"{number} " + "x" * 100_000 + "\n")
        assert good.hear().startswith(f"{number} ")
    server.expect(f"^{re.escape(lazy.name)} left$")
    server.type("last\n")
    assert good.hear() == "last"


def test_write_zero(program):
    """tokio-util's write_zero: a system that takes 0 bytes is an error, not a wait without end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = program("talk_client", "127.0.0.1:%d" % server.getsockname()[1],
                         under=["strace", "-f", "-o", "/dev/null", "-e", "trace=sendto",
                                "-e", "inject=sendto:retval=0"])
        connection, _ = server.accept()
        with connection:
            client.expect("^connected")
            client.type("hello\n")
            client.expect("the system took nothing")
            client.wait()
            assert connection.recv(1) == b""
