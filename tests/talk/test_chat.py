"""`sluice chat`: rows 1 to 3 of the exercise for the product, in pipes and on a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import pytest

from conftest import DEADLINE_S, SLUICE, read_line


class Chat:
    """A `sluice chat` in pipes."""

    def __init__(self, who, path, *options):
        env = {**os.environ, "SLUICE_TOKEN": who.token or "", "USER": "tester"}
        if not who.token:
            env.pop("SLUICE_TOKEN")
        self.process = subprocess.Popen(
            [str(SLUICE), "chat", f"{who.house.url}/{path}", *options], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(DEADLINE_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, pattern):
        """The next line that has it."""
        while True:
            line = read_line(self.process.stdout)
            if found := re.search(pattern, line):
                return found

    def end(self):
        """The end of the input; the exit code and what else came."""
        self.process.stdin.close()
        rest = self.process.stdout.read().decode()
        return self.process.wait(DEADLINE_S), rest


@pytest.fixture
def chat(anna, film):
    with Chat(anna, film) as opened:
        opened.expect("1 here: ")
        yield opened


def test_row1_terminal_and_page_talk_to_each_other(anna, ben, film, chat):
    with ben.live() as page:
        page.join(film)
        for text in ("hello", "你好,世界", "再见 🎬", "مرحبا"):
            chat.type(text + "\n")
            assert page.hear()["text"] == text
            chat.expect(rf"^\[\d+\] .* {anna.name}: {text}$")
            ben.say(film, f"{text}!")
            chat.expect(rf"^\[\d+\] .* {ben.name}: {text}!$")
            assert page.hear()["text"] == f"{text}!"
    assert chat.end() == (0, "")


def test_row2_an_empty_line_is_not_sent_and_blocks_nothing(anna, film, chat):
    chat.type("\n \n\t\n\r\nafter\n\n")
    chat.expect(": after$")
    assert chat.end() == (0, "")
    assert anna.texts(film) == ["after"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_row3_the_others_go_on_after_one_left(anna, ben, film, chat, end):
    with Chat(ben, film) as other:
        other.expect("2 here: ")
        other.process.send_signal(end)
        assert other.process.wait(DEADLINE_S) in (9, -9)
    with Chat(ben, film) as another:
        another.expect("2 here: ")
        chat.type("still here\n")
        another.expect(": still here$")
    assert chat.end()[0] == 0


def test_what_was_said_before_comes_first(anna, ben, film):
    for i in range(4):
        ben.say(film, f"before {i}")
    with Chat(anna, film, "--history", "2") as chat:
        chat.type("now\n")
        code, out = chat.end()
    lines = [line.split(": ", 1)[1] for line in out.splitlines() if line.startswith("[")]
    assert (code, lines) == (0, ["before 2", "before 3", "now"])


def test_words_with_a_slash(anna, ben, film, chat):
    first = ben.say(film, "which?")
    chat.expect(": which[?]$")
    chat.type(f"/at 1:23.5 the sky\n/reply {first['id']} that one\n/resolve {first['id']}\n//slash\n/who\n/sing\n")
    chat.expect(rf"\] .* {anna.name} @1:23.500: the sky$")
    chat.expect(rf" {anna.name} -> {first['id']}: that one$")
    chat.expect(rf"^\* \[{first['id']}\] .* {ben.name} \(resolved\): which[?]$")
    chat.expect(": /slash$")
    chat.type("/quit\n")
    assert chat.process.wait(DEADLINE_S) == 0
    assert b"there is no /sing" in chat.process.stderr.read()
    said = anna.page(film)["messages"]
    assert [(each["text"], each["at_ms"], each["reply_to"], each["resolved"]) for each in said] == [
        ("which?", None, None, True), ("the sky", 83500, None, False), ("that one", None, first["id"], False),
        ("/slash", None, None, False)]  # fmt: skip


def test_many_lines_are_all_said_in_their_order(anna, film):
    """More than may be said at once: they wait."""
    lines = [f"line {i} 片" for i in range(30)]
    with Chat(anna, film, "-q") as chat:
        chat.type("\n".join(lines))  # the last one has no end of line
        assert chat.end()[0] == 0
    assert anna.texts(film) == lines


def test_json(anna, ben, film):
    with Chat(anna, film, "--json") as chat:
        here = json.loads(read_line(chat.process.stdout))
        assert here == {"event": "here", "count": 1, "people": [{"name": anna.name, "guest": False}]}
        said = ben.say(film, "a\nb", at_ms=5)
        told = json.loads(read_line(chat.process.stdout))
        assert told == {"event": "message"} | {k: v for k, v in said.items() if k not in ("kind", "drawing")} | {"mine": False}
        code, out = chat.end()
    assert (code, json.loads(out)["event"]) == (0, "done")


def test_listening_goes_on_after_the_input(anna, ben, film):
    with Chat(anna, film, "--listen") as chat:
        chat.process.stdin.close()
        chat.expect("1 here")
        ben.say(film, "heard")
        chat.expect(": heard$")
        chat.process.send_signal(signal.SIGINT)
        assert chat.process.wait(DEADLINE_S) == 9


def test_a_restart_of_the_server_loses_nothing_and_shows_nothing_twice(open_talk):
    house = open_talk()
    (house.root / "a.mp4").write_bytes(b"a")
    anna, ben = house.somebody(), house.somebody()
    with Chat(anna, "a.mp4") as chat:
        chat.expect("1 here")
        ben.say("a.mp4", "before")
        chat.expect(": before$")
        house.kill()
        chat.type("said while it was away\n")
        house.restart()
        chat.expect(": said while it was away$")
        ben.say("a.mp4", "after")
        chat.expect(": after$")
        assert chat.end() == (0, "")
    assert ben.texts("a.mp4") == ["before", "said while it was away", "after"]


def test_texts_of_others_do_not_act_on_a_terminal(house, film, ben):
    """The server refuses controls; overrides of direction are somebody's text, and are shown escaped."""
    ben.say(film, "a\u202eb\nsecond")
    with Chat(house.somebody(), film) as chat:
        _, out = chat.end()
    assert "a\\xe2\\x80\\xaeb" in out and "\u202e" not in out
    assert "\n    second\n" in out


@pytest.mark.parametrize(("rights", "code"), [("see,take", 4), ("give", 5)])
def test_who_may_not_talk_is_told(house, film, rights, code):
    with Chat(house.somebody(rights), film) as chat:
        assert chat.end()[0] == code


def test_nothing_there_and_nobody_there(house, anna, film):
    with Chat(anna, "none.mp4") as chat:
        assert chat.end()[0] == 5
    gone = subprocess.run([str(SLUICE), "chat", "sluice://127.0.0.1:1/a"], stdin=subprocess.DEVNULL, capture_output=True)
    assert gone.returncode == 3


def test_what_could_not_be_said_is_an_error(anna, film):
    with Chat(anna, film) as chat:
        chat.type("/reply 999999 to nothing\nfine\n")
        code, _ = chat.end()
        assert code != 0
        assert b"not done: to nothing" in chat.process.stderr.read()
    assert anna.texts(film) == ["fine"]


def test_a_right_that_is_taken_away_ends_it(house, anna, film, chat):
    house.grant(anna, "see,take")
    assert chat.process.wait(DEADLINE_S) == 4


def test_a_guest_by_the_name_that_it_gives(serve):
    from talk.conftest import Person

    server = serve("--public", "write")
    guest = Person(server, None, None)
    for options, name in (((), "tester"), (("--name", "Mia"), "Mia")):
        with Chat(guest, "", *options) as chat:
            chat.type("hello\n")
            chat.expect(rf" {name} \(guest\): hello$")
            assert chat.end()[0] == 0


# --- on a terminal ---


class Terminal:
    """A `sluice chat` on a terminal of 40 columns."""

    def __init__(self, who, path, columns=40):
        self.process, self.end = None, None
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", SLUICE_TOKEN=who.token)
            os.execv(str(SLUICE), [str(SLUICE), "chat", f"{who.house.url}/{path}"])
        self.pid = pid
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.seen = ""
        self.bytes = b""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self):
        ready = select.poll()
        ready.register(self.terminal, select.POLLIN)
        if not ready.poll(DEADLINE_S * 1000):
            raise TimeoutError(self.seen)
        try:
            got = os.read(self.terminal, 65536)
        except OSError:
            got = b""
        self.bytes += got
        self.seen = self.bytes.decode(errors="replace")
        return bool(got)

    def expect(self, pattern, after=0):
        """Where it ends on the screen's tape."""
        while not (found := re.compile(pattern, re.S).search(self.seen, after)):
            if not self.read():
                raise EOFError(self.seen)
        return found.end()

    def code(self):
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.terminal)


def test_row1_on_a_terminal_what_comes_in_goes_above_the_line_being_typed(anna, ben, film):
    with Terminal(anna, film) as screen:
        at = screen.expect("1 here: .*> ")
        screen.type("你好 half")
        at = screen.expect("half", at)
        ben.say(film, "in between")
        at = screen.expect(r"\r\033\[J\[\d+\] [^\n]*: in between\r\n", at)  # the line was taken away first
        at = screen.expect("> 你好 half", at)  # and is there again
        screen.type(" of it\r")
        at = screen.expect(rf"{anna.name}: 你好 half of it\r\n", at)
        assert anna.texts(film) == ["in between", "你好 half of it"]
        screen.type("\r\r")
        screen.type("next\r")
        at = screen.expect(rf"{anna.name}: next\r\n", at)
        screen.type("/quit\r")
        assert screen.code() == 0
    assert anna.texts(film) == ["in between", "你好 half of it", "next"]


def test_a_line_over_several_rows_is_taken_away_whole(anna, ben, film):
    """Wide characters take two columns: 2 + 30 * 2 columns are two rows of 40."""
    with Terminal(anna, film) as screen:
        at = screen.expect("1 here: .*> ")
        screen.type("片" * 30)
        at = screen.expect("片.*" * 29, at)
        ben.say(film, "above")
        screen.expect(r"\r\033\[1A\033\[J\[\d+\] [^\n]*: above\r\n", at)
        screen.type("\r")
        screen.expect(rf"{anna.name}: {'片' * 30}\r\n")


def test_texts_of_others_are_escaped_above_the_line_being_typed(anna, ben, film):
    ben.say(film, "before \u202e")
    with Terminal(anna, film) as screen:
        at = screen.expect(r"before \\xe2\\x80\\xae\r\n")
        screen.type("half")
        at = screen.expect("half", at)
        ben.say(film, "live \u2066x")
        screen.expect(r"live \\xe2\\x81\\xa6x\r\n", at)
        assert not re.search("[\u202e\u2066]", screen.seen)


def test_editing_a_line(anna, film):
    with Terminal(anna, film) as screen:
        at = screen.expect("1 here: .*> ")
        screen.type("wrold\x7f\x7f\x7f\x7forld\x01hello \r")  # backspaces, and to the beginning
        at = screen.expect(rf"{anna.name}: hello world\r\n", at)
        screen.type("\x1b[A!\r")  # the line before, again
        screen.expect(r": hello world!\r\n", at)


def test_the_end_of_the_input_and_a_signal(anna, film):
    with Terminal(anna, film) as screen:
        screen.expect("1 here: .*> ")
        screen.type("\x04")
        assert screen.code() == 0
    with Terminal(anna, film) as screen:
        screen.expect("1 here: .*> ")
        screen.type("half\x03")
        assert screen.code() == 9


def test_a_terminal_waits_for_its_server(open_talk):
    house = open_talk()
    anna = house.somebody()
    with Terminal(anna, "") as screen:
        at = screen.expect("1 here: .*> ")
        house.kill()
        at = screen.expect("trying again", at)
        screen.type("said meanwhile\r")
        house.restart()
        at = screen.expect("here again", at)
        screen.expect(r": said meanwhile\r\n", at)
    assert anna.texts("") == ["said meanwhile"]
