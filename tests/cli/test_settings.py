"""Flag, environment, config file, default: in this order."""

import re
import socket
import struct

import pytest

DEFAULT = 2**31 - 1


def max_bytes_in_force(program, *arguments, env=None):
    """What `recv` takes --max-bytes to be: it refuses, or begins, a file of the greatest length."""
    running = program.start(
        "recv", "--plain", "-o", "out", "--listen", "127.0.0.1:0", *arguments, env=env
    )
    with socket.create_connection(("127.0.0.1", running.port())) as connection:
        connection.sendall(struct.pack("<i", DEFAULT))
    _, _, err = running.finish()
    refused = re.search(r"at most (\d+) are allowed", err)
    return int(refused[1]) if refused else DEFAULT


@pytest.fixture
def config(program, tmp_path):
    """Writes the config file that is read without being asked for."""

    def write(text):
        folder = tmp_path / "home" / "sluice"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(text)
        program.environment["XDG_CONFIG_HOME"] = str(tmp_path / "home")

    return write


def test_the_order(program, config):
    assert max_bytes_in_force(program) == DEFAULT
    config("[recv]\nmax-bytes = 33\n")
    assert max_bytes_in_force(program) == 33
    environment = {"SLUICE_MAX_BYTES": "22"}
    assert max_bytes_in_force(program, env=environment) == 22
    assert max_bytes_in_force(program, "--max-bytes", "11", env=environment) == 11
    assert max_bytes_in_force(program, "--max-bytes", "11") == 11


def test_a_key_of_the_command_comes_before_one_of_all_commands(program, config):
    config("max-bytes = 44\n")
    assert max_bytes_in_force(program) == 44
    config("max-bytes = 44\n[recv]\nmax-bytes = 33\n[send]\ntimeout = 1\n")
    assert max_bytes_in_force(program) == 33


def test_keys_and_variables_of_other_commands_do_not_disturb(program, config):
    config('streams = 3\n[serve]\nlisten = ["127.0.0.1:1", "127.0.0.1:2"]\n')
    assert max_bytes_in_force(program, env={"SLUICE_BACKLOG": "none", "SLUICE_STREAMS": "?"}) == DEFAULT


def test_an_empty_variable_is_none(program, config):
    config("max-bytes = 33\n")
    assert max_bytes_in_force(program, env={"SLUICE_MAX_BYTES": ""}) == 33


def test_home_without_xdg(program, tmp_path):
    folder = tmp_path / "me" / ".config" / "sluice"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("max-bytes = 55\n")
    home = {"XDG_CONFIG_HOME": "", "HOME": str(tmp_path / "me")}
    assert max_bytes_in_force(program, env=home) == 55


def test_a_named_config_file(program, config, tmp_path):
    config("max-bytes = 33\n")
    (tmp_path / "other.toml").write_text("max-bytes = 66\n")
    (tmp_path / "third.toml").write_text("max-bytes = 77\n")
    assert max_bytes_in_force(program, "--config", "other.toml") == 66
    assert max_bytes_in_force(program, env={"SLUICE_CONFIG": "other.toml"}) == 66
    environment = {"SLUICE_CONFIG": "other.toml"}
    assert max_bytes_in_force(program, "--config", "third.toml", env=environment) == 77


@pytest.mark.parametrize("where", ["flag", "environment"])
def test_a_named_config_file_that_is_missing_is_an_error(program, where):
    if where == "flag":
        code, _, err = program.run("version", "--config", "none.toml")
    else:
        code, _, err = program.run("version", env={"SLUICE_CONFIG": "none.toml"})
    assert code == 2
    assert "none.toml" in err


@pytest.mark.parametrize(
    "text, key",
    [
        ("frobnicate = 1\n", "frobnicate"),
        ("[recv]\nbacklog = 1\n", "recv.backlog"),
        ("[nothing]\ntimeout = 1\n", "nothing.timeout"),
        ("[recv]\nhelp = true\n", "recv.help"),
        ("config = 'x'\n", "config"),
    ],
)
def test_a_key_that_no_command_knows_is_an_error(program, config, text, key):
    config(text)
    code, _, err = program.run("version")
    assert code == 2
    assert key in err and "config" in err


@pytest.mark.parametrize("source", ["variable", "file"])
@pytest.mark.parametrize("value, code", [("true", 0), ("1", 0), ("false", 6)])
def test_a_flag_without_a_value(program, config, tmp_path, source, value, code):
    (tmp_path / "out").write_bytes(b"old")
    env = {"SLUICE_OVERWRITE": value} if source == "variable" else {}
    if source == "file":
        config(f"overwrite = {value}\n")
    running = program.start("recv", "--plain", "-o", "out", "--listen", "127.0.0.1:0", env=env)
    if code == 0:
        with socket.create_connection(("127.0.0.1", running.port())) as connection:
            connection.sendall(struct.pack("<i", 0))
    assert running.finish()[0] == code


def test_a_bad_value_in_the_environment_is_a_usage_error(program):
    code, _, err = program.run("recv", "--plain", "h:1", env={"SLUICE_TIMEOUT": "soon"})
    assert code == 2
    assert "soon" in err and "--timeout" in err
