"""The unit for systemd: what systemd says of it, and that it is installed."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "packaging" / "sluice.service"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")


@pytest.fixture
def unit(tmp_path):
    """As installed; its program is one that is there, and its manual is not asked for."""
    text = UNIT.read_text().replace("@CMAKE_INSTALL_FULL_BINDIR@/sluice", "/bin/true")
    text = re.sub("^Documentation=.*$", "", text, flags=re.MULTILINE)
    made = tmp_path / "sluice.service"
    made.write_text(text)
    return made


@needs_systemd
def test_systemd_understands_it(unit):
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0 and "sluice.service" not in done.stderr, done.stderr


@needs_systemd
def test_little_is_exposed(unit):
    """0 is nothing, 10 is all that a service can do. An unconfined one has 9.6."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", str(unit)],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_it_is_a_user_of_its_own_that_writes_one_folder():
    text = UNIT.read_text()
    for line in ("User=sluice", "ProtectSystem=strict", "ReadWritePaths=/srv/sluice", "NoNewPrivileges=yes",
                 "MemoryDenyWriteExecute=yes", "SystemCallFilter=@system-service", "LimitCORE=0"):  # fmt: skip
        assert line in text.splitlines()
    assert (ROOT / "packaging" / "sluice.sysusers").read_text().splitlines()[1].startswith("u sluice ")
