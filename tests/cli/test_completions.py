"""The completion scripts; the one of bash in a real bash."""

import re
import shutil
import subprocess

import pytest

from cli.commands import COMMANDS


@pytest.fixture
def complete(program, tmp_path):
    """What bash offers for a line; the last word is the one being typed."""
    code, script, _ = program.run("completions", "bash")
    assert code == 0

    def run(*words):
        ask = (
            script
            + f"COMP_WORDS=({' '.join(repr(word) for word in ('sluice', *words))})\n"
            + f"COMP_CWORD={len(words)}\n_sluice\n"
            + 'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        made = subprocess.run(["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True)
        assert made.stderr == ""
        return sorted(made.stdout.split())

    return run


def test_bash_completes_commands(complete):
    assert complete("") == sorted([*COMMANDS, "--help", "--version"])
    assert complete("se") == ["send", "serve"]


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_completes_every_flag(program, complete, command):
    _, text, _ = program.run(command, "--help")
    flags = re.findall(r"^  (?:(-\w), )?(--[a-z-]+)", text, re.MULTILINE)
    expected = sorted(name for pair in flags for name in pair if name)
    assert complete(command, "-") == expected


def test_bash_completes_choices_and_files(complete, tmp_path):
    assert complete("serve", "--log-level", "") == ["debug", "error", "info", "off", "warning"]
    assert complete("completions", "") == ["bash", "fish", "zsh"]
    (tmp_path / "film.mov").touch()
    assert complete("put", "fi") == ["film.mov"]
    assert complete("recv", "-o", "fi") == ["film.mov"]


def test_bash_registers_the_function(program):
    _, script, _ = program.run("completions", "bash")
    made = subprocess.run(
        ["bash", "-c", script + "complete -p sluice"], capture_output=True, text=True
    )
    assert made.stdout == "complete -o filenames -F _sluice sluice\n"


@pytest.mark.parametrize("shell, check", [("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
def test_the_other_scripts_name_every_command_and_parse(program, shell, check, tmp_path):
    code, script, _ = program.run("completions", shell)
    assert code == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", script)
    assert "overwrite" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([*check, "script"], cwd=tmp_path, check=True)
