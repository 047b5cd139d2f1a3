"""/live: what happens in folders, over WebSocket."""

import json
import os
import socket
import struct
from urllib.parse import quote

import pytest

from conftest import DEADLINE_S
from http_client import Line
from websocket_client import BINARY, CLOSE, PING, PONG, TEXT, WebSocket


@pytest.fixture
def live(served):
    with WebSocket(served) as opened:
        yield opened


def put(served, path, body=b"content", *fields):
    with Line(served.host, served.port) as line:
        answer = line.ask("PUT", f"/files/{path}", *fields, body=body)
        assert answer.status < 300, answer.body
        return answer


def post(served, target, **body):
    with Line(served.host, served.port) as line:
        answer = line.ask("POST", f"/api/{target}", "Content-Type: application/json", body=json.dumps(body).encode())
        assert answer.status < 300, answer.body


def test_a_file_that_is_stored(served, live):
    live.watch("")
    put(served, "told.mp4", b"12345")
    started, finished, stored = live.until("stored")
    assert started == {"kind": "upload", "path": "told.mp4", "state": "started", "upload": started["upload"], "size": 5, "durable": 0}
    assert finished == started | {"state": "finished", "durable": 5}
    with Line(served.host, served.port) as line:
        entry = json.loads(line.ask("GET", "/api/stat/told.mp4").body)
        put(served, "told.mp4", b"other", "If-Match: *")
    assert stored == {"kind": "stored", "path": "told.mp4", "replaced": False, "entry": entry}
    assert live.until("stored")[-1]["replaced"] is True


def test_names_that_come_change_and_go(served, live):
    live.watch("")
    post(served, "mkdir", path="a/b", parents=True)
    assert [live.message() for _ in range(2)] == [{"kind": "made", "path": "a"}, {"kind": "made", "path": "a/b"}]
    put(served, "a/b/c")
    live.until("stored", path="a/b/c")
    post(served, "rename", **{"from": "a/b/c", "to": "a/d"})
    renamed = live.message()
    assert (renamed["kind"], renamed["from"], renamed["path"]) == ("renamed", "a/b/c", "a/d")
    assert renamed["entry"]["name"] == "d"
    post(served, "remove", path="a/d")
    assert live.message() == {"kind": "removed", "path": "a/d", "was": "file"}
    post(served, "remove", path="a", recursive=True)
    assert live.message() == {"kind": "removed", "path": "a", "was": "folder"}


def test_progress_of_an_upload(served, live):
    live.watch("")
    with Line(served.host, served.port) as line:
        size = (4 << 20) + 7
        line.send(f"PUT /files/long HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode())
        line.send(os.urandom(3 << 20))
        told = live.until("upload", state="progress")  # while the rest is still to come
        assert 0 < told[-1]["durable"] <= 3 << 20
        assert told[-1]["size"] == size
        line.send(os.urandom(size - (3 << 20)))
        assert line.answer("PUT").status == 201
    assert live.until("stored", path="long")[-1]["entry"]["size"] == size


def test_only_what_is_watched_is_heard(served, live):
    post(served, "mkdir", path="watched/below", parents=True)
    live.watch("watched", recursive=False)
    put(served, "elsewhere")
    put(served, "watched/below/deep")
    put(served, "watched/here")
    assert {told["path"] for told in live.until("stored")} == {"watched/here"}
    assert live.ask({"kind": "unwatch", "path": "/watched"}) == {"kind": "unwatched", "path": "watched"}
    put(served, "watched/unheard")
    live.watch("watched", recursive=True)
    put(served, "watched/below/heard")
    assert {told["path"] for told in live.until("stored")} == {"watched/below/heard"}


def test_two_connections_hear_the_same(served):
    with WebSocket(served) as one, WebSocket(served) as other:
        one.watch("")
        other.watch("")
        put(served, "both")
        assert one.until("stored") == other.until("stored")


MISTAKES = {
    "no JSON": b"{", "no object": b"[1]", "no kind": b"{}", "a kind that is none": b'{"kind":5}',
    "a kind that nobody knows": b'{"kind":"sing","text":"hello"}', "no path": b'{"kind":"watch"}',
    "a folder that is not there": b'{"kind":"watch","path":"none"}', "a hidden one": b'{"kind":"watch","path":".sluice"}',
    "one above": b'{"kind":"watch","path":"../x"}', "a flag that is none": b'{"kind":"watch","path":"","recursive":1}',
    "what is not watched": b'{"kind":"unwatch","path":"ok.txt"}', "deep": b"[" * 4000,
}  # fmt: skip


@pytest.mark.parametrize("message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_and_nothing_ends(served, live, message):
    live.send(message)
    told = live.message()
    assert told["kind"] == "error" and told["detail"]
    live.watch("ok.txt")


def test_an_unknown_kind_is_named(live):
    assert live.ask({"kind": "sing", "id": 7}) == {
        "kind": "error", "about": "sing", "detail": "this server knows no message of this kind", "id": 7}  # fmt: skip


def test_an_answer_has_the_id_of_its_question(live):
    assert live.ask({"kind": "watch", "path": "", "id": "x" * 64})["id"] == "x" * 64
    assert "id" not in live.ask({"kind": "watch", "path": "", "id": "x" * 65})


def test_a_binary_message_is_a_mistake(live):
    live.send(b'{"kind":"watch","path":""}', BINARY)
    assert live.message()["kind"] == "error"
    live.watch("")


def test_a_message_in_pieces_between_which_a_ping_comes(live):
    live.send(b'{"kind":"wat', TEXT, last=False)
    live.send(b"beat", PING)
    assert live.frame() == (PONG, b"beat")
    live.send(b'ch","path":""}', 0)
    assert live.message()["kind"] == "watching"


def test_the_largest_message(served):
    with WebSocket(served) as live:
        live.send(b" " * (65536 - 26) + b'{"kind":"watch","path":""}')
        assert live.message()["kind"] == "watching"
        live.send(b" " * (65537 - 26) + b'{"kind":"watch","path":""}')
        assert live.close_code() == 1009


def test_the_largest_number_of_folders(served, live):
    for i in range(32):
        post(served, "mkdir", path=f"many/{i}", parents=True, may_exist=True)
        live.watch(f"many/{i}")
    assert live.ask({"kind": "watch", "path": ""})["kind"] == "error"
    live.watch("many/5")


@pytest.mark.parametrize(("what", "code"), [("unmasked", 1002), ("no UTF-8", 1007), ("a reserved kind", 1002)])
def test_what_breaks_the_protocol_closes(served, what, code):
    with WebSocket(served) as live:
        if what == "unmasked":
            live.send(b"{}", masked=False)
        elif what == "no UTF-8":
            live.send(b"\xff\xfe")
        else:
            live.send(b"{}", 3)
        assert live.close_code() == code


def test_a_client_that_closes_is_answered(served):
    with WebSocket(served) as live:
        live.send(struct.pack(">H", 1000), CLOSE)
        assert live.close_code() == 1000
        assert live.line.to_end() == b""


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example", "https://127.0.0.1"])
@pytest.mark.parametrize("path", ["/live", "/api/events?path="])
def test_pages_of_other_origins_hear_nothing(served, origin, path):
    assert WebSocket(served, f"Origin: {origin}", path=path).answer.status == 403


def test_a_page_of_this_server_hears(served):
    with WebSocket(served, "Origin: http://127.0.0.1") as live:
        live.watch("")


def test_a_request_that_is_no_upgrade(line):
    answer = line.ask("GET", "/live")
    assert answer.status == 426
    assert answer["Upgrade"] == "websocket"
    assert answer["Sec-WebSocket-Version"] == "13"
    assert line.ask("GET", "/files/ok.txt").status == 200  # the connection goes on


def test_a_client_that_does_not_wait_for_the_answer(line):
    line.send(b"GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert line.answer().status == 400


def test_bytes_behind_the_request_are_refused(line):
    line.send(b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x80abcd")  # fmt: skip
    assert line.answer().status == 400
    line.to_end()


def test_as_many_as_may_follow(serve):
    server = serve()
    opened = [WebSocket(server) for _ in range(257)]
    try:
        late = opened[256]
        for each in opened[:256]:
            each.watch("")
        assert late.ask({"kind": "watch", "path": ""})["kind"] == "error"
        with Line(server.host, server.port) as line:
            assert line.ask("GET", "/api/events?path=").status == 503
        opened.pop(0).__exit__()
        while late.ask({"kind": "watch", "path": ""})["kind"] == "error":  # until the server noticed
            pass
    finally:
        for each in opened:
            each.__exit__()


def test_a_silent_client_is_pinged_and_lives_by_its_answer(serve):
    server = serve("--idle-timeout", "1s")
    with WebSocket(server) as live:
        for _ in range(4):  # twice as long as a client may be silent
            kind, payload = live.frame()
            assert kind == PING
            live.send(payload, PONG)
        live.watch("")


def test_a_client_that_answers_no_ping_is_closed(serve):
    server = serve("--idle-timeout", "1s")
    with WebSocket(server) as live:
        assert live.frame()[0] == PING
        live.line.to_end()


def test_a_client_that_reads_nothing_is_closed_and_others_are_not_held_up(serve):
    server = serve("--stall-timeout", "1s")
    with WebSocket(server, receive_buffer=4096) as stuck, WebSocket(server) as other:
        stuck.watch("")
        other.watch("")
        stuck.line.socket.settimeout(0.05)
        try:  # each is answered, and no answer is read
            while True:
                stuck.send(json.dumps({"kind": "x" * 4000}).encode())
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass  # the server reads no more, or has closed it by now
        put(server, "meanwhile")
        other.until("stored")
        stuck.line.socket.settimeout(DEADLINE_S)
        try:
            while stuck.line.socket.send(b"\x8a\x80abcd"):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass


def test_a_client_that_falls_behind_is_told_that_it_missed_something(serve):
    """What does not fit the kernel's buffers waits in a queue of 1,024; beyond it, all of it is dropped."""
    server = serve()
    deep = "/".join([quote("é" * 127)] * 14)  # so that few events fill the buffers
    with WebSocket(server, receive_buffer=4096) as slow, Line(server.host, server.port) as line:
        put(server, deep)
        slow.watch("")
        for _ in range(700):  # three events each
            assert line.ask("PUT", f"/files/{deep}", "If-Match: *", body=b"x").status == 204
        assert server.memory_kib("RssAnon") < 100 * 1024
        heard = slow.until("missed")
        assert 1 < len(heard) < 3 * 700
        put(server, "after")
        slow.until("stored", path="after")


def test_a_stop_says_that_the_server_goes(serve):
    server = serve()
    with WebSocket(server) as live, Line(server.host, server.port) as stream:
        live.watch("")
        stream.send(b"GET /api/events?path= HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stream.head()
        server.process.send_signal(15)
        assert live.close_code() == 1001
        live.send(struct.pack(">H", 1001), CLOSE)
        assert live.line.to_end() == b""
        live.line.socket.close()
        assert stream.to_end().endswith(b"0\r\n\r\n")
        assert server.process.wait(DEADLINE_S) == 0


def test_a_stop_does_not_wait_for_one_that_does_not_answer(serve):
    server = serve("--handshake-timeout", "1s")
    with WebSocket(server) as live:
        live.watch("")
        server.process.send_signal(15)
        assert server.process.wait(DEADLINE_S) == 0


def test_a_client_that_is_killed_is_forgotten(serve):
    server = serve()
    for _ in range(300):  # more than may follow at once
        live = WebSocket(server)
        while live.ask({"kind": "watch", "path": ""})["kind"] == "error":
            pass
        live.line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        live.__exit__()
    put(server, "after")
