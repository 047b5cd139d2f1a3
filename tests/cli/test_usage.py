"""What is asked for wrongly, and what --help says."""

import re
import socket

import pytest

from cli.commands import COMMANDS



def test_help_lists_the_commands_that_work_and_no_other(program):
    code, out, err = program.run("--help")
    assert (code, err) == (0, "")
    listed = re.search(r"Commands:\n((?:  \S.*\n)+)", out)[1]
    assert [line.split()[0] for line in listed.splitlines()] == COMMANDS
    for text in ["Exit codes:", "9  interrupted", "config", "NO_COLOR", "sluice://HOST[:PORT]/path"]:
        assert text in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_examples_and_every_flag_with_its_variable(program, command):
    code, out, err = program.run(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: sluice {command} [OPTIONS]" in out
    assert "Examples:" in out
    # A flag's text ends where the next flag, or the next part, begins.
    flags = re.findall(r"^  (?:-\w, )?--([a-z-]+)(.*(?:\n {8}.*)*)", out, re.MULTILINE)
    assert flags[0][0] == "help"
    for name, text in flags[1:]:
        variable = "SLUICE_" + name.upper().replace("-", "_")
        assert f"[env: {variable}]" in " ".join(text.split()), name
    assert all(len(line) <= 80 for line in out.splitlines())


def test_help_names_defaults(program):
    _, out, _ = program.run("serve", "--help")
    assert "[default: 127.0.0.1:8080]" in " ".join(out.split())
    assert "[default: 4096]" in " ".join(out.split())


@pytest.mark.parametrize("command", ["sing", "dance"])
def test_commands_of_later_work_are_unknown(program, command):
    code, _, err = program.run(command)
    assert code == 2
    assert f'unknown command "{command}"' in err


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], ["Commands:"]),
        (["putt"], ['unknown command "putt"; did you mean "put"?', "sluice --help"]),
        (["--frobnicate"], ['unknown flag "--frobnicate"']),
        (["put"], ["required", "sluice put --help"]),
        (["put", "file"], ["give what to upload, and last the URL"]),
        (["put", "file", "host/path"], ["does not begin with sluice://", "sluice://HOST"]),
        (["put", "--overwrit", "a", "b"], ['"--overwrit"; did you mean "--overwrite"?']),
        (["put", "-j", "65", "a", "b"], ['"65"', "from 0 to 64"]),
        (["put", "-j", "few", "a", "b"], ['"few"', "from 0 to 64"]),
        (["get"], ["required"]),
        (["get", "http://host/a"], ["names nothing below /files/"]),
        (["rm", "http://host/files/a"], ["does not begin with sluice://"]),
        (["ls", "sluice://host/../a"], ["'..'"]),
        (["mv", "sluice://host/a", "b"], ["does not begin with sluice://"]),
        (["rm", "sluice://host/a", "extra"], ["extra"]),
        (["verify", "sluice://"], ["host is missing"]),
        (["serve", "--listen", "nowhere"], ["nowhere"]),
        (["serve", "--log-level", "loud"], ['"loud"', "debug, info"]),
        (["serve", "--backlog", "0"], ['"0"']),
        (["completions", "csh"], ['"csh"', "bash"]),
        (["send", "--plain", "f"], ["HOST:PORT", "--listen"]),
        (["send", "--plain", "f", "h:1", "--listen", "h:2"], ["either HOST:PORT"]),
        (["send", "--plain", "f", "host"], ["host"]),
        (["send", "--plain", "f", "host:0"], ["give a host and a port"]),
        (["recv", "--plain", "host:1"], ["carries no name", "-o FILE"]),
        (["recv", "--plain", "-o", "f", "h:1", "--max-bytes", "2147483648"], ["2147483648"]),
        (["recv", "--plain", "-o", "f", "h:1", "--timeout", "0"], ['"0"']),
        (["--config", "no-such-file", "version"], ["no-such-file"]),
    ],
)
def test_usage_errors_are_exit_2_and_say_why(program, arguments, words):
    code, out, err = program.run(*arguments)
    assert (code, out) == (2, "")
    for word in words:
        assert word in err, err


def test_a_file_is_not_served(program, tmp_path):
    (tmp_path / "film.mov").write_bytes(b"film")
    code, out, err = program.run("serve", str(tmp_path / "film.mov"))
    assert (code, out) == (2, "")
    assert err.startswith("sluice: error: serve ") and "give the folder that it is in" in err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["film.mov"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.org:0"])
def test_serving_strangers_needs_to_be_meant(program, address):
    code, out, err = program.run("serve", "--listen", address)
    assert (code, out) == (2, "")
    assert address in err and "--plaintext" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["put", "/etc/hostname", "URL"],
        ["get", "URL"],
        ["ls", "URL"],
        ["rm", "URL"],
        ["mv", "URL", "URL"],
        ["mkdir", "URL"],
        ["verify", "URL"],
    ],
)
def test_no_server_is_exit_3_and_names_it(program, arguments):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        place = f"127.0.0.1:{unused.getsockname()[1]}"
    arguments = [f"sluice://{place}/a" if each == "URL" else each for each in arguments]
    code, out, err = program.run(*arguments)
    assert (code, out) == (3, ""), err
    assert place in err and "hint" in err


def test_version(program):
    assert program.run("version") == program.run("--version")
    code, out, _ = program.run("version")
    assert code == 0 and re.fullmatch(r"sluice \d+\.\d+\.\d+\n", out)


def test_a_full_disk_behind_standard_output_is_told(program):
    with open("/dev/full", "wb") as full:
        code, _, err = program.run("version", stdout=full)
    assert code == 8
    assert "write to standard output" in err


def test_bytes_that_act_on_a_terminal_are_escaped_in_errors(program):
    code, _, err = program.run("ls", "sluice://host/\x1b]0;owned\x07/\u202egpj")
    assert code == 2
    code, _, err = program.run("put\x1b[2J")
    assert code == 2
    assert "\x1b" not in err and "\\x1b[2J" in err
    code, _, err = program.run("recv", "--plain", "-o", "no/\u202egpj\x1b[1m", "127.0.0.1:1")
    assert code == 5
    assert "\x1b" not in err and "\u202e" not in err and "\\xe2\\x80\\xaegpj\\x1b[1m" in err
