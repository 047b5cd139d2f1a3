"""Progress, on a terminal and elsewhere, JSON, -q and NO_COLOR."""

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import time
import unicodedata

import pytest

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A pseudo-terminal as the program's standard error."""

    def __init__(self, columns=80):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.text = ""
        self.gaps = []
        self.last = time.monotonic()

    def read(self):
        """What comes next; empty at the end."""
        ready, _, _ = select.select([self.master], [], [], 30)
        assert ready, f"nothing for 30 s behind {self.text!r}"
        try:
            piece = os.read(self.master, 65536)
        except OSError:
            piece = b""
        now = time.monotonic()
        self.gaps.append(now - self.last)
        self.last = now
        self.text += piece.decode()
        return piece

    def read_until(self, done):
        while not done(self.text):
            assert self.read(), f"it ended: {self.text!r}"

    def finish(self):
        os.close(self.slave)
        while self.read():
            pass
        os.close(self.master)
        return self.text


class Transfer:
    """A `recv` whose sender is the test: it decides when bytes move."""

    def __init__(self, program, *arguments, size=1_000_000, name="film.mov", **options):
        self.size = size
        self.running = program.start(
            "recv", "--plain", "-o", name, "--listen", "127.0.0.1:0", *arguments, **options
        )
        self.connection = socket.create_connection(("127.0.0.1", self.running.port()))
        self.connection.sendall(struct.pack("<i", size))

    def send(self, count):
        self.connection.sendall(b"x" * count)
        self.size -= count

    def finish(self):
        self.connection.sendall(b"x" * self.size)
        self.connection.close()
        return self.running.finish()


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def lines_drawn(text):
    """The progress lines, without what moves the cursor."""
    drawn = re.findall(r"\r([^\r\n]*?)\x1b\[K", text)
    return [each for each in drawn if each]


def test_progress_on_a_terminal_is_one_line_and_never_silent_for_a_second(program):
    terminal = Terminal()
    transfer = Transfer(program, stderr=terminal.slave)
    transfer.send(500_000)
    terminal.read_until(lambda text: "receiving 50%" in text)
    begun = len(lines_drawn(terminal.text))
    terminal.gaps.clear()
    # Nothing moves from here on.
    terminal.read_until(lambda text: len(lines_drawn(text)) >= begun + 5)
    assert max(terminal.gaps) < 1
    code, _, _ = transfer.finish()
    text = terminal.finish()
    assert code == 0
    progress, last = text.rsplit("\r\x1b[K", 1)
    assert "\n" not in progress, "the line is rewritten in place"
    assert re.search(r"receiving 50%  500\.0 kB of 1\.0 MB  .*film\.mov", progress)
    assert re.fullmatch(r"received 1\.0 MB in [\d.]+ s\r\n", last)


def test_waiting_for_a_connection_is_not_silent_either(program):
    terminal = Terminal()
    running = program.start(
        "recv", "--plain", "-o", "out", "--listen", "127.0.0.1:0", stderr=terminal.slave
    )
    running.port()
    terminal.read_until(lambda text: len(lines_drawn(text)) >= 3)
    assert all(each.startswith("connecting") for each in lines_drawn(terminal.text))


def test_a_server_that_does_not_answer_is_not_waited_for_in_silence(program):
    terminal = Terminal()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        program.start("ls", f"sluice://{place}/", stderr=terminal.slave)
        terminal.read_until(lambda text: len(lines_drawn(text)) >= 3)
    drawn = lines_drawn(terminal.text)
    assert all(each.startswith("connecting") and place in each for each in drawn)


def test_progress_is_drawn_at_most_ten_times_a_second(program):
    terminal = Terminal()
    transfer = Transfer(program, size=1_000_000_000, stderr=terminal.slave)
    began = time.monotonic()
    while time.monotonic() - began < 1:
        transfer.send(1_000)
        while select.select([terminal.master], [], [], 0)[0]:
            terminal.read()
    seconds = time.monotonic() - began
    assert 2 <= len(lines_drawn(terminal.text)) <= 10 * seconds + 2


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_progress_fits_the_terminal(program, columns):
    terminal = Terminal(columns)
    name = "电影" * 15 + ".mov"
    transfer = Transfer(program, name=name, stderr=terminal.slave)
    transfer.send(500_000)
    terminal.read_until(lambda text: "50%" in text)
    assert max(width(each) for each in lines_drawn(terminal.text)) < columns


def test_progress_follows_a_resized_terminal(program):
    terminal = Terminal(120)
    transfer = Transfer(program, name="n" * 100, stderr=terminal.slave)
    transfer.send(500_000)
    terminal.read_until(lambda text: "50%" in text)
    fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    before = len(lines_drawn(terminal.text))
    # The line that was being drawn meanwhile may still be wide.
    terminal.read_until(lambda text: len(lines_drawn(text)) >= before + 3)
    assert width(lines_drawn(terminal.text)[before + 2]) < 30


def test_a_hostile_name_does_not_reach_the_terminal(program):
    terminal = Terminal(200)
    transfer = Transfer(program, name="a\x1b]0;owned\x07\u202egpj", stderr=terminal.slave)
    transfer.send(500_000)
    terminal.read_until(lambda text: "50%" in text)
    transfer.finish()
    text = terminal.finish()
    assert "owned" in text
    assert "\x1b]" not in text and "\x07" not in text and "\u202e" not in text


def test_elsewhere_there_are_no_control_codes(program):
    transfer = Transfer(program)
    transfer.send(500_000)
    # Standard error is a pipe; a line comes when the phase has lasted a second.
    line = transfer.running.process.stderr.readline().decode()
    assert re.fullmatch(r"receiving 50%  500\.0 kB of 1\.0 MB .*film\.mov\n", line)
    code, _, err = transfer.finish()
    assert code == 0
    assert re.fullmatch(r"received 1\.0 MB in [\d.]+ s\n", err)


def test_what_is_over_at_once_says_one_line(program, tmp_path):
    code, _, err = Transfer(program).finish()
    assert code == 0
    assert re.fullmatch(r"received 1\.0 MB in [\d.]+ s\n", err)


def error_on_a_terminal(program, env):
    terminal = Terminal()
    running = program.start("ls", "nonsense", env=env, stderr=terminal.slave)
    assert running.finish()[0] == 2
    return terminal.finish()


def test_colour_is_for_terminals_that_want_it(program):
    assert COLOUR.search(error_on_a_terminal(program, {}))
    assert COLOUR.search(error_on_a_terminal(program, {"NO_COLOR": ""}))
    assert "\x1b" not in error_on_a_terminal(program, {"NO_COLOR": "1"})
    assert "\x1b" not in error_on_a_terminal(program, {"TERM": "dumb"})
    assert "\x1b" not in program.run("ls", "nonsense")[2]


def test_no_color_keeps_the_progress_line(program):
    terminal = Terminal()
    transfer = Transfer(program, stderr=terminal.slave, env={"NO_COLOR": "1"})
    transfer.send(500_000)
    terminal.read_until(lambda text: "receiving 50%" in text)
    transfer.finish()
    assert not COLOUR.search(terminal.finish())


def test_json_is_one_object_a_line(program):
    transfer = Transfer(program, "--json", name="a\x1b\u202e.mov")
    transfer.send(500_000)
    stdout = transfer.running.process.stdout
    lines, times = [], []
    # Nothing moves, and yet there is news at least once a second.
    while sum(b'"bytes":500000' in line for line in lines) < 3:
        lines.append(stdout.readline())
        times.append(time.monotonic())
    assert max(b - a for a, b in zip(times, times[1:])) < 1.1
    code, rest, err = transfer.finish()
    assert (code, err) == (0, "")
    output = b"".join(lines) + rest
    assert all(32 <= byte < 127 or byte == 10 for byte in output), "nothing that acts on a terminal"
    events = [json.loads(line) for line in output.splitlines()]
    assert [e["phase"] for e in events if e["event"] == "phase"] == ["receiving", "syncing"]
    stalled = [e for e in events if e["event"] == "progress" and e["bytes"] == 500_000][-1]
    assert stalled["bytes_total"] == 1_000_000
    assert stalled["path"] == "a\x1b\u202e.mov"
    assert stalled["phase"] == "receiving"
    assert events[-1]["event"] == "done"
    assert events[-1]["bytes"] == 1_000_000
    assert events[-1]["seconds"] > 0


def test_json_errors(program):
    code, out, err = program.run("recv", "--plain", "--json", "-o", "none/out", "127.0.0.1:1")
    (event,) = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (5, "")
    assert event["event"] == "error"
    assert event["exit_code"] == 5
    assert event["reason"] == "not found"
    assert "none/out" in event["message"]


def test_quiet_is_silent_but_for_errors(program):
    terminal = Terminal()
    transfer = Transfer(program, "-q", stderr=terminal.slave)
    code, out, _ = transfer.finish()
    assert (code, out, terminal.finish()) == (0, b"", "")
    code, out, err = program.run("recv", "--plain", "-q", "-o", "none/out", "127.0.0.1:1")
    assert (code, out) == (5, "")
    assert err.startswith("sluice: error: ") and "none/out" in err
    code, out, err = program.run("recv", "--plain", "-q", "--json", "-o", "none/out", "127.0.0.1:1")
    assert (code, err) == (5, "")
    assert json.loads(out)["event"] == "error"


def test_an_error_says_what_on_what_why_and_what_next(program, tmp_path):
    (tmp_path / "out").write_bytes(b"")
    _, _, err = program.run("recv", "--plain", "-o", "out", "127.0.0.1:1")
    assert err == (
        "sluice: error: write out: already exists\n"
        "sluice: hint: choose another name, or give --overwrite where the command has it\n"
    )
