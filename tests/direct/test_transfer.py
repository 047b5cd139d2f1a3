"""Both directions, whoever listens: whole, verified, under its name, and nothing else anywhere."""

import os
import pathlib
import signal
import subprocess

import pytest

from client.conftest import MIB, content, tree_of
from conftest import DEADLINE_S, SLUICE, read_line
from direct.conftest import KEY, OTHER_KEY, other

SIZE = 20 * MIB - 1000


@pytest.mark.parametrize("size", [0, 100, 70_000, MIB, SIZE])
def test_whole(direct, listens, size):
    source = direct.file(size)
    sender, receiver, _, line = direct.pair(listens, source, direct.there)
    assert receiver.end() == 0, receiver.result
    assert sender.end() == 0, sender.result
    assert tree_of(direct.there) == tree_of(direct.here)
    assert sender.result["event"] == receiver.result["event"] == "done"
    assert sender.result["bytes"] == sender.result["bytes_moved"] == size
    assert receiver.result["bytes"] == receiver.result["bytes_moved"] == size
    direct.check_nothing_stays()


def test_a_long_name_in_chinese(direct, listens):
    source = direct.file(3 * MIB, "片" * 83 + ".mov")
    sender, receiver, _, _ = direct.pair(listens, source, direct.there)
    assert receiver.end() == 0, receiver.result
    assert sender.end() == 0, sender.result
    assert tree_of(direct.there) == tree_of(direct.here)
    direct.check_nothing_stays()


def test_a_folder(direct, listens):
    tree = direct.here / "素材"
    (tree / "a" / "empty").mkdir(parents=True)
    for number in range(50):
        (tree / "a" / f"{number}.txt").write_bytes(content(number * 1000, number))
    (tree / "big.mov").write_bytes(content(5 * MIB))
    sender, receiver, _, _ = direct.pair(listens, tree, direct.there)
    assert receiver.end() == 0, receiver.result
    assert sender.end() == 0, sender.result
    assert tree_of(direct.there) == tree_of(direct.here)
    direct.check_nothing_stays()


def test_under_another_name(direct, listens):
    source = direct.file(100)
    sender, receiver, _, _ = direct.pair(listens, source, direct.there / "new.mov")
    assert (receiver.end(), sender.end()) == (0, 0)
    assert [path.name for path in direct.there.iterdir()] == ["new.mov"]


def test_into_a_pipe(direct, listens):
    source = direct.file(3 * MIB)
    sender = direct.listen("send", source, key=KEY) if listens == "send" else None
    where = ["--listen", "127.0.0.1:0"] if sender is None else [f"127.0.0.1:{sender.port}"]
    receiver = subprocess.Popen([SLUICE, "recv", "-o", "-", *where, "--json"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, "SLUICE_KEY": KEY})  # fmt: skip
    if sender is None:
        while '"listening"' not in (said := read_line(receiver.stderr)):
            pass
        sender = direct.call("send", source, int(said.partition("127.0.0.1:")[2].partition('"')[0]), KEY)
    else:
        sender = sender.process
    out, errors = receiver.communicate(timeout=DEADLINE_S)
    assert receiver.returncode == 0, errors
    assert sender.end() == 0, sender.result
    assert out == source.read_bytes()


def test_what_is_sent_may_be_on_a_volume_without_writes_and_a_link(direct, listens):
    """The sender needs nothing but to read; what a link leads to goes under its own name."""
    source = direct.file(100)
    (direct.here / "link.mov").symlink_to(source)
    direct.here.chmod(0o555)
    sender, receiver, _, _ = direct.pair(listens, direct.here / "link.mov", direct.there)
    assert (receiver.end(), sender.end()) == (0, 0)
    assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()
    assert sorted(path.name for path in direct.here.iterdir()) == ["day1.mov", "link.mov"]


def test_from_the_temporary_folder_itself(direct, listens):
    source = direct.scratch / "day1.mov"
    source.write_bytes(content(100))
    sender, receiver, _, _ = direct.pair(listens, source, direct.there)
    assert (receiver.end(), sender.end()) == (0, 0)
    assert (direct.there / "day1.mov").read_bytes() == content(100)
    assert [path.name for path in direct.scratch.iterdir()] == ["day1.mov"]


# ---- names that are taken


def test_a_taken_name(direct, listens):
    """Exit code 6 on the side of the receiver. A sender that called ends with it too; one that listens waits for the
    next try."""
    source = direct.file(2 * MIB)
    taken = direct.there / "day1.mov"
    taken.write_bytes(b"mine")
    sender, receiver, side, line = direct.pair(listens, source, direct.there)
    assert receiver.end() == 6, receiver.result
    assert "--overwrite" in receiver.result["message"]
    assert taken.read_bytes() == b"mine"
    if listens == "recv":
        assert sender.end() == 6, sender.result
        assert "the receiver: " in sender.result["message"]
    else:
        again = direct.call("recv", direct.there, line.port, side.key, "--overwrite")
        assert again.end() == 0, again.result
        assert sender.end() == 0
        assert any("another try" in event.get("message", "") for event in sender.events)
        assert taken.read_bytes() == source.read_bytes()
    direct.check_nothing_stays()


def test_overwriting(direct, listens):
    source = direct.file(2 * MIB)
    (direct.there / "day1.mov").write_bytes(b"mine")
    sender, receiver, _, _ = direct.pair(listens, source, direct.there, recv_flags=["--overwrite"])
    assert (receiver.end(), sender.end()) == (0, 0)
    assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()
    direct.check_nothing_stays()


def test_what_is_there_already_is_not_sent_again(direct, listens):
    source = direct.file(SIZE)
    (direct.there / "day1.mov").write_bytes(source.read_bytes())
    sender, receiver, _, _ = direct.pair(listens, source, direct.there)
    assert (receiver.end(), sender.end()) == (0, 0)
    assert receiver.result["files_unchanged"] == 1
    assert sender.result["bytes_moved"] == 0


# ---- what people see


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_what_the_side_that_listens_says(direct, listens, quiet):
    """The line to type, whole: typed as it is, it works."""
    source = direct.file(100)
    target = {"send": [str(source)], "recv": ["-o", str(direct.there)]}
    first = subprocess.Popen([SLUICE, listens, *target[listens], "--listen", "127.0.0.1:0", *quiet],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    line = read_line(first.stdout)
    assert line.startswith("on the other machine: sluice ")
    typed = line.removeprefix("on the other machine: sluice ").replace("FILE", str(source)).split()
    assert typed[0] == other(listens)
    second = subprocess.run([SLUICE, *typed, *(target["recv"] if listens == "send" else [])], capture_output=True,
                            text=True, timeout=DEADLINE_S)  # fmt: skip
    assert second.returncode == 0, second.stderr
    out, errors = first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 0, errors
    assert out == ""
    assert (errors == "") if quiet else ("100 B" in errors)
    assert typed[-1] not in errors + second.stderr + second.stdout


def test_a_key_that_was_given_is_not_printed(direct, listens):
    side = direct.listen(listens, direct.file(100) if listens == "send" else direct.there, key=KEY)
    assert side.key is None
    assert KEY not in str(side.invitation)


def test_the_key_is_no_part_of_the_command_line(direct):
    """Of what other users see: as long as the program runs."""
    side = direct.listen("send", direct.file(100), "--key", KEY)
    seen = pathlib.Path(f"/proc/{side.process.process.pid}/cmdline").read_bytes()
    assert KEY.encode() not in seen and b"--key" in seen
    receiver = direct.call("recv", direct.there, side.port, None, f"--key={KEY.upper()}")
    assert receiver.end() == 0, receiver.result


def test_an_interrupted_wait(direct, listens):
    side = direct.listen(listens, direct.file(100) if listens == "send" else direct.there)
    assert side.process.interrupt() == 9
    assert "resume" in side.process.result["advice"]
    direct.check_nothing_stays()


@pytest.mark.parametrize("size", [MIB, SIZE])
def test_progress(direct, listens, size):
    sender, receiver, _, _ = direct.pair(listens, direct.file(size), direct.there)
    assert (receiver.end(), sender.end()) == (0, 0)
    for side, phase in (sender, "sending"), (receiver, "receiving"):
        assert phase in {event.get("phase") for event in side.events}
    told = [event for event in sender.events if event["event"] == "progress"]
    assert told[-1]["bytes"] == told[-1]["bytes_total"] == size


# ---- what is wrong with a command


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["send", "f", "127.0.0.1:1"], 2, "--key"),
        (["send", "f", "127.0.0.1:1", "--key", "short"], 2, "25 letters"),
        (["send", "f", "--listen", "127.0.0.1:0", "--plain", "--key", KEY], 2, "--plain knows no key"),
        (["recv", "127.0.0.1:1", "--listen", "127.0.0.1:0"], 2, "either HOST:PORT"),
        (["recv", "127.0.0.1:1", "--key", KEY], 3, "connect"),
        (["send", "f", "127.0.0.1:1", "--key", KEY], 3, "connect"),
        (["send", "none", "--listen", "127.0.0.1:0"], 5, "none"),
        (["send", ".hidden", "--listen", "127.0.0.1:0"], 2, "begin with a dot"),
        (["send", "/", "--listen", "127.0.0.1:0"], 2, "name"),
        (["send", "/dev/null", "--listen", "127.0.0.1:0"], 6, "neither a file nor a folder"),
        (["send", "f", "--listen", "192.0.2.7:9000"], 1, "192.0.2.7"),
    ],
)
def test_what_cannot_be(direct, arguments, code, told):
    for name in ("f", ".hidden"):
        (direct.here / name).write_bytes(b"x")
    ended = subprocess.run([SLUICE, *arguments], capture_output=True, text=True, cwd=direct.here, timeout=DEADLINE_S)
    assert ended.returncode == code, ended.stderr
    assert told in ended.stderr
    assert "short" not in ended.stderr
