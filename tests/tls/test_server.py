"""A server inside TLS, seen by other programs."""

import json
import os
import signal
import socket
import ssl
import subprocess

import pytest

from client.conftest import MIB, content
from conftest import DEADLINE_S
from http_client import Line
from product.conftest import log_of, until
from tls.conftest import TlsLine, client_hello, put_in_place, trusting
from websocket_client import WebSocket
from wire_format import MAGIC, client_preface


def curl(*arguments):
    return subprocess.run(["curl", "-sS", *map(str, arguments)], capture_output=True, timeout=DEADLINE_S)


def test_curl_takes_and_gives(certified, authority, tmp_path):
    server = certified()
    (server.root / "a.bin").write_bytes(content(5 * MIB))
    place = f"https://localhost:{server.port}/files/"
    got = curl("-f", "--cacert", authority.file, place + "a.bin", "-o", tmp_path / "a")
    assert got.returncode == 0, got.stderr
    assert (tmp_path / "a").read_bytes() == content(5 * MIB)
    part = curl("-f", "--cacert", authority.file, "-r", "1000000-3000000", place + "a.bin")
    assert part.stdout == content(5 * MIB)[1_000_000:3_000_001]
    for name, size in (("up/small", 5), ("up/middle", 50_000), ("up/large", 3 * MIB)):
        (tmp_path / "up").write_bytes(content(size))
        given = curl("-f", "--cacert", authority.file, "-T", tmp_path / "up", place + name)
        assert given.returncode == 0, given.stderr
        assert (server.root / name).read_bytes() == content(size)


def test_curl_believes_the_servers_own_certificate_where_it_is_given(secure):
    server = secure()
    (server.root / "a").write_bytes(b"here")
    place = f"https://localhost:{server.port}/files/a"
    assert curl(place).returncode == 60
    assert curl("--cacert", server.root / ".sluice" / "tls.crt", place).stdout == b"here"


def test_many_requests_on_one_connection(secure):
    server = secure()
    (server.root / "a").write_bytes(content(100_000))
    with TlsLine(server) as line:
        for _ in range(3):
            assert line.ask("GET", "/files/a").body == content(100_000)
            assert line.ask("PUT", "/files/b", "If-Match: *", body=b"x").status in (404, 412)
        # Together in one record: the second is answered too.
        line.send(b"GET /files/a HTTP/1.1\r\nHost: a\r\n\r\n".replace(b" a\r", b" localhost\r") * 2)
        for _ in range(2):
            assert line.answer().body == content(100_000)
        assert line.ask("GET", "/files/a", "Connection: close").body == content(100_000)
        assert line.socket.recv(1) == b""  # with close_notify: without it, this would throw


def test_a_body_that_is_cut_is_not_stored(secure):
    server = secure()
    with TlsLine(server) as line:
        line.send(b"PUT /files/cut HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        with socket.socket(fileno=os.dup(line.socket.fileno())) as below:
            below.shutdown(socket.SHUT_WR)
    until(lambda: "ended: " in log_of(server), "the server noticed")
    assert not (server.root / "cut").exists()


def test_websocket(secure, monkeypatch):
    server = secure()
    monkeypatch.setattr("websocket_client.Line", lambda *_: TlsLine(server))
    with WebSocket(server, "Origin: https://127.0.0.1") as live:
        live.send(b'{"kind":"watch","path":""}')
        live.message()
        (server.root / "x").write_bytes(b"")
    with Line(server.host, server.port):
        pass
    refused = WebSocket(server, "Origin: http://127.0.0.1")
    assert refused.answer.status == 403


def test_the_page_of_another_scheme_may_not_write(secure):
    with TlsLine(secure()) as line:
        assert line.ask("PUT", "/files/a", "Origin: https://127.0.0.1", body=b"x").status == 201
        assert line.ask("PUT", "/files/b", "Origin: http://127.0.0.1", body=b"x").status == 403


@pytest.mark.parametrize(
    "offered, chosen",
    [(("h2", "http/1.1"), "http/1.1"), (("sluice/1",), "sluice/1"), (("http/1.1", "sluice/1"), "sluice/1"), ((), None)],
)
def test_alpn(secure, offered, chosen):
    with TlsLine(secure(), trusting(None, *offered)) as line:
        assert line.socket.selected_alpn_protocol() == chosen
        assert line.socket.version() == "TLSv1.3"
        assert line.socket.cipher()[0] == "TLS_AES_128_GCM_SHA256"


def test_alpn_of_a_protocol_that_is_not_spoken(secure):
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        TlsLine(secure(), trusting(None, "h2"))


def test_without_alpn_the_first_bytes_tell(secure):
    server = secure()
    (server.root / "a").write_bytes(b"here")
    with TlsLine(server, trusting()) as line:
        assert line.ask("GET", "/files/a").body == b"here"
    plain = socket.create_connection((server.host, server.port), DEADLINE_S)
    with trusting().wrap_socket(plain, server_hostname="localhost") as link:
        link.sendall(client_preface())
        assert link.recv(16)[:8] == MAGIC


@pytest.mark.parametrize(
    "flags, fits",
    [
        (["-tls1_3"], True),
        (["-tls1_2"], True),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], True),
        (["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], False),
        (["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"], False),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA@SECLEVEL=0"], False),
        (["-tls1_2", "-cipher", "AES128-GCM-SHA256@SECLEVEL=0"], False),
    ],
)
def test_versions_and_ciphers(secure, flags, fits):
    server = secure()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *flags],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S)
    assert (b"Cipher is (NONE)" not in done.stdout) == fits, done.stdout + done.stderr


def test_tls_1_2_carries_content(secure):
    server = secure()
    (server.root / "a").write_bytes(content(3 * MIB))
    context = trusting(None, "http/1.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsLine(server, context) as line:
        assert line.socket.version() == "TLSv1.2"
        assert line.ask("GET", "/files/a").body == content(3 * MIB)
        for size in (5, 60_000, 3 * MIB + 1):
            assert line.ask("PUT", f"/files/{size}", body=content(size)).status == 201
            assert (server.root / str(size)).read_bytes() == content(size)


def test_a_session_is_resumed(secure):
    server = secure()
    context = trusting(None, "http/1.1")
    with TlsLine(server, context) as line:
        line.ask("GET", "/api/list/")
        session = line.socket.session
    plain = socket.create_connection((server.host, server.port), DEADLINE_S)
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as again:
        assert again.session_reused


def test_a_new_certificate_at_hang_up(certified, authority, tmp_path):
    """A transfer that runs goes on; new connections see the new one; a broken one changes nothing."""
    server = certified("--threads", "1")
    size = 64 * MIB
    (server.root / "big").write_bytes(content(MIB) * 64)
    with TlsLine(server, receive_buffer=65536) as running:
        before = running.socket.getpeercert(binary_form=True)
        running.send(b"GET /files/big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        taken = running.take(1000)
        put_in_place(*authority.issue("second"), tmp_path)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "new connections see the certificate" in log_of(server), "it was read")
        with TlsLine(server, trusting(authority.file, "http/1.1")) as other:
            after = other.socket.getpeercert(binary_form=True)
            assert after != before
        (tmp_path / "tls.crt").write_text("no certificate")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "the certificate from before stays" in log_of(server), "it was refused")
        assert str(tmp_path / "tls.crt") in log_of(server)
        with TlsLine(server) as other:
            assert other.socket.getpeercert(binary_form=True) == after
        taken = running.unread = bytearray(taken) + running.unread
        answer = running.answer()
        assert len(answer.body) == size and answer.body == content(MIB) * 64


def test_the_servers_own_certificate_survives_a_hang_up(secure):
    server = secure()
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "new connections see the certificate " + server.fingerprint in log_of(server), "it was read")
    with TlsLine(server):
        pass


def test_plaintext_http_is_told_where_to_go(secure):
    server = secure("--host", "nas.example")
    for method, host in (("GET", "127.0.0.1:1"), ("HEAD", "localhost"), ("GET", "nas.example:8080")):
        with Line(server.host, server.port) as line:
            line.send(f"{method} /files/a%20b?x=1 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = line.answer("HEAD")
            assert (answer.status, answer["Location"]) == (308, f"https://{host}/files/a%20b?x=1")
            assert bool(line.to_end()) == (method == "GET")  # its body; a HEAD gets none
    for method, host in (("POST", "127.0.0.1"), ("PUT", "localhost"), ("GET", "elsewhere.example")):
        with Line(server.host, server.port) as line:
            answer = line.ask(method, "/files/a", host=host)
            assert answer.status == 426 and "TLS" in answer["Upgrade"] and b"https://" in answer.body
            assert "Location" not in answer
    with Line(server.host, server.port) as line:
        line.send(b"nonsense\r\n\r\n")
        assert line.answer().status == 400
    until(lambda: log_of(server).count("does not speak TLS") == 7, "the log says so")


def test_plaintext_native_is_told_why(secure, sluice):
    server = secure()
    refused = sluice("ls", f"sluice://127.0.0.1:{server.port}/", check=4)
    assert "speaks TLS only" in refused.err and "sluices://" in refused.err and "log in" not in refused.err
    until(lambda: "does not speak TLS" in log_of(server), "the log says so")


def test_tls_to_a_plain_server_is_told_why(serve, sluice):
    server = serve()
    ways_out = {
        f"sluices://127.0.0.1:{server.port}/": "begins with sluice://",
        f"https://127.0.0.1:{server.port}/files/": "begins with http://",
        f"sluice://0.0.0.0:{server.port}/": "--plaintext",  # not known to be this machine
    }
    for place, way_out in ways_out.items():
        refused = sluice("ls", place, check=4)
        assert "handshake failure" in refused.err and way_out in refused.err and "log in" not in refused.err
    until(lambda: log_of(server).count("the client wants TLS") == 3, "the log says so")
    asked = curl(f"https://127.0.0.1:{server.port}/")
    assert asked.returncode == 35 and b"handshake failure" in asked.stderr


@pytest.mark.parametrize("plain", [False, True], ids=["with TLS", "without"])
def test_garbage_behind_a_client_hello(secure, serve, plain):
    server = serve() if plain else secure()
    for garbage in (bytes(1000), os.urandom(5000), client_hello(), b"GET / HTTP/1.1\r\n\r\n"):
        with Line(server.host, server.port) as line:
            line.send(client_hello("http/1.1") + garbage)
            line.to_end()
    if not plain:
        with TlsLine(server) as line:
            assert line.ask("GET", "/api/list/").status == 200
    assert server.process.poll() is None


@pytest.mark.parametrize("length", [b"\x00\x40\x01", b"\xff\xff\xff"])
def test_a_client_hello_over_the_limit_is_refused_before_it_comes(secure, length):
    server = secure()
    with Line(server.host, server.port) as line:
        line.send(b"\x16\x03\x01\x40\x00\x01" + length)
        assert line.to_end() == b"\x15\x03\x03\x00\x02\x02\x32"  # decode_error
    until(lambda: "a ClientHello of" in log_of(server), "the log says so")


def test_renegotiation_is_refused(secure):
    server = secure()
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{server.port}"],
        input=b"R\n", capture_output=True, timeout=DEADLINE_S)
    assert b"RENEGOTIATING" in done.stdout + done.stderr
    assert b"no renegotiation" in done.stdout + done.stderr or done.returncode != 0


STALLS = {
    "the first byte": lambda hello: hello[:1],
    "half a ClientHello": lambda hello: hello[: len(hello) // 2],
    "a ClientHello": lambda hello: hello,
}


@pytest.mark.parametrize("kind", STALLS)
def test_stalls_in_the_handshake_end_and_cost_little(secure, kind):
    """How many: SLUICE_STALLS (300)."""
    count = int(os.environ.get("SLUICE_STALLS", "300"))
    server = secure("--handshake-timeout", "3s")
    (server.root / "a").write_bytes(b"here")
    for _ in range(2):  # what a server needs once
        with TlsLine(server) as line:
            assert line.ask("GET", "/files/a").body == b"here"
    before = server.memory_kib("RssAnon")
    stalled = []
    try:
        for _ in range(count):
            link = socket.create_connection((server.host, server.port), DEADLINE_S)
            link.sendall(STALLS[kind](client_hello("http/1.1")))
            stalled.append(link)
        with TlsLine(server) as line:  # behind all of them
            assert line.ask("GET", "/files/a").body == b"here"
        each = (server.memory_kib("RssAnon") - before) / count
        print(f"{kind}: {each:.1f} KiB of anonymous memory")
        assert each < (64 if kind == "a ClientHello" else 12)
        for link in stalled:
            while link.recv(4096):
                pass
    except ConnectionResetError:
        pass
    finally:
        for link in stalled:
            link.close()
    until(lambda: log_of(server).count("ended: it said nothing: ") >= count, "all ended")


def test_the_cookie_of_a_browser_never_leaves_tls(secure):
    server = secure("--public", "none")
    key = (server.root / ".sluice" / "owner-key").read_text().strip()
    with TlsLine(server) as line:
        answer = line.ask("POST", "/api/login", "Content-Type: application/json", body=json.dumps({"token": key}).encode())
    cookie = answer["Set-Cookie"].split("; ")
    assert answer.status == 200
    assert cookie[0].startswith("__Host-") and {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie)
    for sent, status in ((cookie[0], 200), (cookie[0].removeprefix("__Host-"), 401)):
        with TlsLine(server) as line:
            assert line.ask("GET", "/api/list/", f"Cookie: {sent}").status == status
