"""Either side is killed in the middle, or the line is: it goes on where it was."""

import signal

import pytest

from client.conftest import MIB
from conftest import DEADLINE_S
from direct.conftest import KEY

SIZE = 40 * MIB - 1000
HOLD = 25 * MIB  # of all that goes over the line
HERE = 8 * MIB  # what the receiver has by then at the least


@pytest.fixture
def halved(direct, listens):
    """The line stands still in the middle, and the receiver has a part."""
    source = direct.file(SIZE)
    sender, receiver, side, line = direct.pair(listens, source, direct.there, HOLD)
    receiver.until_bytes(HERE)
    assert line.stands.wait(DEADLINE_S)
    return source, sender, receiver, side, line


def partial(direct):
    return [path.name for path in direct.there.iterdir()]


def check_whole(direct, source, sender, receiver):
    assert receiver.end() == 0, receiver.result
    assert sender.end() == 0, sender.result
    assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()
    # What was sent in vain is what stood in the line, and what the receiver had not written.
    assert receiver.result["bytes_moved"] <= SIZE - HERE
    assert [path.name for path in direct.there.iterdir()] == ["day1.mov"]


def test_the_side_that_calls_is_killed(direct, listens, halved):
    """The other one waits for it."""
    source, sender, receiver, side, line = halved
    caller, waits = (receiver, sender) if listens == "send" else (sender, receiver)
    caller.kill()
    assert partial(direct) == [".day1.mov.sluice-part"]
    line.close()
    if listens == "send":
        again = direct.call("recv", direct.there, side.port, side.key)
        check_whole(direct, source, waits, again)
        # Its count is of both lines: with what of the first one only reached the system, up to the whole file.
        assert HERE <= waits.result["bytes_moved"] - again.result["bytes_moved"] <= SIZE
    else:
        again = direct.call("send", source, side.port, side.key)
        assert again.end() == 0, again.result
        assert waits.end() == 0, waits.result
        assert again.result["bytes_moved"] <= SIZE - HERE
        assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()
    assert any("waited for" in event.get("message", "") for event in waits.events) or listens == "recv"


def test_the_side_that_listens_is_killed(direct, listens, halved):
    """Both are run again, the one that listens with the same key: so the other side's command stays the same."""
    source, sender, receiver, side, line = halved
    caller, listener = (receiver, sender) if listens == "send" else (sender, receiver)
    caller.kill()
    listener.kill()
    again = direct.listen(listens, source if listens == "send" else direct.there, key=side.key)
    if listens == "send":
        receiver = direct.call("recv", direct.there, again.port, side.key)
        check_whole(direct, source, again.process, receiver)
    else:
        sender = direct.call("send", source, again.port, side.key)
        check_whole(direct, source, sender, again.process)


def test_a_lost_line(direct, listens, halved):
    """Nobody is killed: the side that called calls again by itself."""
    source, sender, receiver, side, line = halved
    line.cut()
    assert receiver.end() == 0, receiver.result
    assert sender.end() == 0, sender.result
    assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()
    assert receiver.result["bytes_moved"] <= SIZE
    direct.check_nothing_stays()


def test_an_interruption_says_how_it_goes_on(direct, listens, halved):
    source, sender, receiver, side, line = halved
    assert receiver.interrupt() == 9
    assert "resume" in receiver.result["advice"]
    assert partial(direct) == [".day1.mov.sluice-part"]
    assert sender.interrupt() == 9


def test_another_file_meanwhile(direct, listens, halved):
    """Other content under the same name: nothing of the first is in it."""
    source, sender, receiver, side, line = halved
    receiver.kill()
    sender.kill()
    source = direct.file(SIZE, seed=2)
    sender, receiver, _, _ = direct.pair(listens, source, direct.there)
    assert (receiver.end(), sender.end()) == (0, 0)
    assert (direct.there / "day1.mov").read_bytes() == source.read_bytes()
