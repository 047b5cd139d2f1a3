"""Who has not the key gets nothing, costs a connection, and ends nothing. Who has it may do this one thing."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess

import pytest

from client.conftest import MIB, content, tree_of
from conftest import DEADLINE_S, SLUICE, read_line
from direct.conftest import KEY, OTHER_KEY, other
from wire_format import KINDS, frame, messages

HANDSHAKES_MAX = 256  # src/net/direct_door.h
NAME = "geheim.mov"


def target_of(direct, verb):
    return direct.here / NAME if verb == "send" else direct.there


@pytest.fixture
def waiting(direct, listens):
    """The side that listens, with a name that nobody may learn."""
    direct.file(MIB, NAME)
    return direct.listen(listens, target_of(direct, listens))


def check_goes_on(direct, listens, side, key=None):
    """The right one comes, and all is as ever."""
    calls = other(listens)
    caller = direct.call(calls, target_of(direct, calls), side.port, key or side.key)
    assert caller.end() == 0, caller.result
    assert side.process.end() == 0, side.process.result
    assert tree_of(direct.there) == tree_of(direct.here)
    direct.check_nothing_stays()


def all_from(peer):
    peer.settimeout(DEADLINE_S)
    heard = b""
    try:
        while piece := peer.recv(1 << 16):
            heard += piece
    except ConnectionError:
        pass
    return heard


# ---- strangers


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x89SLUICE\n" + b"\0\1\0\1\0\0\0\0",
        b"\x16\x03\x01\xff\xff\x01",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01x",
        b"\0" * 5000,
        b"",
    ],
)
def test_a_stranger_who_talks(direct, listens, waiting, said):
    with socket.create_connection(("127.0.0.1", waiting.port)) as stranger:
        with contextlib.suppress(OSError):  # it may be thrown out already
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
        heard = all_from(stranger)
    assert b"geheim" not in heard and b"sluice" not in heard and len(heard) < 50
    check_goes_on(direct, listens, waiting)


@pytest.mark.parametrize("part", ["sluice-send/1", "sluice-recv/1", "sluice/1", "http/1.1", None])
def test_a_stranger_who_speaks_tls(direct, listens, waiting, part):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if part:
        context.set_alpn_protocols([part])
    with socket.create_connection(("127.0.0.1", waiting.port)) as stranger, pytest.raises(ssl.SSLError):
        context.wrap_socket(stranger)
    check_goes_on(direct, listens, waiting)


def test_silent_strangers_up_to_the_limit(direct, listens, waiting):
    """They take the places of handshakes; who comes over that is closed at once; and when one goes, there is room."""
    silent = [socket.create_connection(("127.0.0.1", waiting.port)) for _ in range(HANDSHAKES_MAX - 1)]
    calls = other(listens)
    # One place is left, and one handshake at a time is all that it takes.
    with socket.create_connection(("127.0.0.1", waiting.port)):
        with socket.create_connection(("127.0.0.1", waiting.port)) as over:
            assert all_from(over) == b""
    check_goes_on(direct, listens, waiting)
    for one in silent:
        one.close()


def test_a_silent_stranger_is_closed_in_time(direct, listens):
    direct.file(MIB, NAME)
    side = direct.listen(listens, target_of(direct, listens), "--timeout", "0.3")
    with socket.create_connection(("127.0.0.1", side.port)) as stranger:
        assert all_from(stranger) == b""
    check_goes_on(direct, listens, side)


# ---- another key


def test_another_key(direct, listens, waiting):
    calls = other(listens)
    caller = direct.call(calls, target_of(direct, calls), waiting.port, OTHER_KEY)
    assert caller.end() == 4, caller.result
    assert "key" in caller.result["message"] and "key" in caller.result["advice"]
    assert NAME not in str(caller.events) or calls == "send"
    assert list(direct.there.iterdir()) == []
    check_goes_on(direct, listens, waiting)


def test_the_key_changes_under_a_caller(direct, listens):
    """The side that listens comes back with another key: the caller believes it no more than a stranger."""
    direct.file(MIB, NAME)
    first = direct.listen(listens, target_of(direct, listens))
    assert first.process.interrupt() == 9
    second = direct.listen(listens, target_of(direct, listens), at=f"127.0.0.1:{first.port}")
    assert second.key != first.key
    caller = direct.call(other(listens), target_of(direct, other(listens)), first.port, first.key)
    assert caller.end() == 4
    check_goes_on(direct, listens, second)


def test_both_play_the_same_part(direct, listens, waiting):
    caller = direct.call(listens, target_of(direct, listens), waiting.port, waiting.key)
    assert caller.end() == 4
    assert "both sides send" in caller.result["message"]
    check_goes_on(direct, listens, waiting)


@pytest.fixture
def certified(tmp_path):
    """A server of TLS with a certificate, that would agree to anything, as one in the middle has it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-keyout", "m.key", "-out", "m.crt", "-subj", "/CN=localhost"],
                   cwd=tmp_path, check=True, capture_output=True)  # fmt: skip
    started = []

    def start(part):
        process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "m.crt", "-key", "m.key", "-alpn", part],
            cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        started.append(process)
        while not (line := read_line(process.stdout)).startswith("ACCEPT"):
            pass
        return process, int(line.rpartition(":")[2])

    yield start
    for process in started:
        process.kill()
        process.wait(DEADLINE_S)


def test_a_certificate_in_place_of_the_key(direct, listens, certified):
    """Whoever has not the key may show what it likes: nothing is sent to it."""
    direct.file(MIB, NAME)
    calls = other(listens)
    process, port = certified(f"sluice-{calls}/1")
    caller = direct.call(calls, target_of(direct, calls), port, KEY)
    assert caller.end() == 4, caller.result
    assert list(direct.there.iterdir()) == []


def test_what_goes_over_the_line(direct, listens):
    source = direct.file(MIB, NAME)
    sender, receiver, side, line = direct.pair(listens, source, direct.there)
    assert (receiver.end(), sender.end()) == (0, 0)
    assert len(line.seen) > MIB
    for secret in NAME.encode(), side.key.encode(), side.key.replace("-", "").encode(), source.read_bytes()[:64]:
        assert secret not in line.seen


# ---- those who have the key


def test_a_second_one_while_the_first_is_here(direct, listens):
    source = direct.file(40 * MIB)
    sender, receiver, side, line = direct.pair(listens, source, direct.there, hold_after=10 * MIB)
    assert line.stands.wait(DEADLINE_S)
    calls = other(listens)
    elsewhere = direct.there / "elsewhere"
    elsewhere.mkdir()
    second = direct.call(calls, source if calls == "send" else elsewhere, side.port, side.key)
    assert second.end() == 1, second.result
    if calls == "recv":
        assert "another receiver" in second.result["message"]
    assert list(elsewhere.iterdir()) == []
    line.cut()
    assert receiver.end() == 0, receiver.result
    assert sender.end() == 0, sender.result
    assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()


class Channel:
    """The inside of TLS with our key, by OpenSSL's own program: as docs/wire.md says, and by nothing of ours."""

    def __init__(self, port, key, part):
        text = key.replace("-", "")
        psk = hashlib.sha256(b"sluice direct 1\n" + text.encode()).hexdigest()
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-psk", psk, "-psk_identity", "0123456789abcdef",
             "-alpn", part, "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def read(self, count):
        heard = b""
        while len(heard) < count:
            piece = os.read(self.process.stdout.fileno(), count - len(heard))
            if not piece:
                raise EOFError(heard)
            heard += piece
        return heard

    def frame(self):
        length = int.from_bytes(self.read(4), "big")
        body = self.read(length)
        return body[0], int.from_bytes(body[4:8], "big"), body[8:]

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)


@pytest.fixture
def channel():
    made = []

    def start(*arguments):
        made.append(Channel(*arguments))
        return made[-1]

    yield start
    for each in made:
        each.close()


CLIENT_PREFACE = b"\x89SLUICE\n" + bytes([0, 1, 0, 1, 0, 0, 0, 0])
SERVER_PREFACE = b"\x89SLUICE\n" + bytes([0, 1, 0, 1, 0, 1, 0, 0])


def test_a_receiver_may_see_and_take_this_one_thing(direct, channel):
    """What lies beside it, the folder that holds it, and the state of the program are not there for it."""
    direct.file(MIB, NAME)
    direct.file(10, "beside.mov")
    side = direct.listen("send", direct.here / NAME, key=KEY)
    peer = channel(side.port, KEY, "sluice-recv/1")
    peer.send(CLIENT_PREFACE + frame("HELLO", 0, messages.Hello(agent="test")))
    assert peer.read(16)[:8] == SERVER_PREFACE[:8]
    kind, _, body = peer.frame()
    assert kind == KINDS["HELLO"] and messages.Hello.FromString(body).offers == NAME
    asked = [
        ("LIST", messages.List(path="")),
        ("LIST", messages.List(path="", recursive=True)),
        ("STAT", messages.Stat(path="beside.mov")),
        ("GET", messages.Get(path="beside.mov")),
        ("GET", messages.Get(path=NAME + "/../beside.mov")),
        ("DIGESTS", messages.Digests(path="beside.mov")),
        ("PUT", messages.Put(path="new", size_bytes=0, whole=True)),
        ("PUT", messages.Put(path=NAME, size_bytes=0, whole=True)),
        ("REMOVE", messages.Remove(path=NAME)),
        ("RENAME", messages.Rename(**{"from": NAME, "to": "x"})),
        ("MAKE_FOLDER", messages.MakeFolder(path="x")),
        ("SCRUB", messages.Scrub(path=NAME, record=True)),
        ("TALK_SAY", messages.TalkSay(path=NAME, text="hello", nonce=b"0" * 16)),
        ("TALK_READ", messages.TalkRead(path=NAME)),
        ("LOGIN", messages.Login(token="sluice_x")),
    ]
    for number, (kind, message) in enumerate(asked, 1):
        peer.send(frame(kind, number, message))
        answer, about, body = peer.frame()
        assert (answer, about) == (KINDS["ERROR"], number), kind
        assert "beside" not in messages.Error.FromString(body).text or kind in ("STAT", "GET", "DIGESTS")
    peer.send(frame("STAT", 100, messages.Stat(path=NAME)))
    assert peer.frame()[0] == KINDS["ENTRY"]
    assert sorted(path.name for path in direct.here.iterdir()) == ["beside.mov", NAME]
    peer.close()
    check = direct.call("recv", direct.there, side.port, KEY)
    assert check.end() == 0, check.result
    assert side.process.end() == 0


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", ".bashrc", "a/b", "a\\b", "..", "", "x" * 256, "a\x1b[31mb", "a\u202eb"])
def test_a_sender_chooses_no_place(direct, channel, name):
    side = direct.listen("recv", direct.there, "--timeout", "1", key=KEY)  # for its goodbye too, which the peer does not take
    peer = channel(side.port, KEY, "sluice-send/1")
    assert peer.read(16) == CLIENT_PREFACE
    hello = messages.Hello(agent="test", block_bytes=MIB, max_requests=16, max_control_bytes=262144, offers=name)
    peer.send(SERVER_PREFACE + frame("HELLO", 0, hello))
    assert side.process.end() in (1, 2), side.process.result
    assert "receive" in side.process.result["message"]
    assert "\x1b" not in side.process.result["message"]
    assert list(direct.there.iterdir()) == []
    assert sorted(path.name for path in direct.there.parent.iterdir()) == ["here", "scratch", "there"]


# ---- other machines


@pytest.fixture
def elsewhere():
    """A network of its own with an address that is no loopback."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2")
    name = f"sluice-{os.getpid()}"
    enter = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
    subprocess.run([*enter, "ip", "link", "add", "d0", "type", "veth", "peer", "name", "d1"], check=True)
    subprocess.run([*enter, "ip", "addr", "add", "192.0.2.7/24", "dev", "d0"], check=True)
    for device in ("d0", "d1"):
        subprocess.run([*enter, "ip", "link", "set", device, "up"], check=True)
    yield enter
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.parametrize("at", ["192.0.2.7:0", "0.0.0.0:0"])
def test_an_address_of_the_network(direct, listens, elsewhere, at):
    direct.file(3 * MIB, NAME)
    command = {"send": ["send", direct.here / NAME], "recv": ["recv", "-o", direct.there]}
    first = subprocess.Popen([*elsewhere, SLUICE, *command[listens], "--listen", at, "--json"], stdout=subprocess.PIPE)
    while (said := json.loads(read_line(first.stdout)))["event"] != "listening":
        pass
    assert said["address"].startswith("192.0.2.7:")
    second = subprocess.run([*elsewhere, SLUICE, *command[other(listens)], said["address"], "--key", said["key"]],
                            capture_output=True, text=True, timeout=DEADLINE_S)  # fmt: skip
    assert second.returncode == 0, second.stderr
    first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 0
    assert tree_of(direct.there) == tree_of(direct.here)
