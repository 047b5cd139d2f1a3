"""JavaScript programs of the tests: their packages, installed once below build/, and their processes."""

import fcntl
import json
import shutil
import subprocess

from conftest import DEADLINE_S, ROOT, read_line


def install(sources, name):
    """The folder with the programs of `sources` and the packages that their lock pins: build/NAME.

    One of several test runs does it, the others wait; what is as it should be is not touched, since it may be running.
    """
    folder = ROOT / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    lock = (sources / "package-lock.json").read_text()
    done = folder / "installed"
    with open(folder / "lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for each in sources.iterdir():
            there = folder / each.name
            if not there.exists() or there.read_bytes() != each.read_bytes():
                shutil.copy(each, there)
        if not done.exists() or done.read_text() != lock:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=600)
            done.write_text(lock)
    return folder


class Program:
    """One of them, told what to do by an object of JSON; it says what happens, an object a line."""

    def __init__(self, folder, script, wanted):
        self.process = subprocess.Popen(["node", script, json.dumps(wanted, default=str)], cwd=folder,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def until(self, name, deadline_s=DEADLINE_S):
        """The next thing of that name that it says."""
        while name not in (said := json.loads(read_line(self.process.stdout, deadline_s))):
            assert "error" not in said, said
        return said

    def tell(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        """As an operator does it, so that it can end what it started."""
        self.process.terminate()
        self.process.wait(DEADLINE_S)

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)
