"""The manual pages are those of --help, and clean roff."""

import pathlib
import re
import shutil
import subprocess

import pytest

from cli.commands import COMMANDS

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "man"


def page_of(name):
    return PAGES / ("sluice.1" if name == "sluice" else f"sluice-{name}.1")


@pytest.mark.parametrize("name", ["sluice", *COMMANDS])
def test_the_page_is_in_step_with_the_program(program, name):
    code, out, _ = program.run("--man", name)
    assert code == 0
    assert page_of(name).read_text() == out, "write the pages anew: ninja -C build/release man"


def test_there_is_no_page_of_a_command_that_is_gone():
    assert {page.name for page in PAGES.iterdir()} == {
        page_of(name).name for name in ["sluice", *COMMANDS]
    }


@pytest.mark.parametrize("name", ["sluice", *COMMANDS])
def test_groff_has_nothing_to_complain_about(program, name):
    if not shutil.which("groff"):
        return
    _, page, _ = program.run("--man", name)
    made = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", "-P-c"], input=page.encode(), capture_output=True
    )
    assert made.stderr == b""
    shown = re.sub(r".\x08", "", made.stdout.decode()).replace("\u2010\n", "")
    # What --help says is there, whatever the line breaks.
    _, text, _ = program.run(*([] if name == "sluice" else [name]), "--help")
    flags = re.findall(r"--[a-z-]+", text)
    for flag in flags:
        assert flag in shown.replace("\u2212", "-").replace("\u2010", "-"), flag


def test_an_unknown_page_is_a_usage_error(program):
    assert program.run("--man", "sing")[0] == 2
