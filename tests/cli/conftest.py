"""The program under test, and what its tests share. The binary is $SLUICE_BUILD/sluice."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "release")) / "sluice"


class Running:
    """A started program whose lines of standard output can be awaited."""

    def __init__(self, process):
        self.process = process

    def port(self):
        """Where it listens, once it says so."""
        return int(re.search(r"127.0.0.1:(\d+)", self.wait_for("127.0.0.1:"))[1])

    def wait_for(self, text, pipe=None):
        """The next line that holds the text."""
        for line in iter((pipe or self.process.stdout).readline, b""):
            if text in line.decode():
                return line.decode()
        raise AssertionError(f"it ended without {text!r}: {self.finish()}")

    def finish(self, timeout=60):
        """Exit code, the rest of standard output, standard error."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, (err or b"").decode(errors="surrogateescape")


class Program:
    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith("SLUICE_")
        }
        self.environment.update(XDG_CONFIG_HOME=str(folder / "no-config"), TERM="xterm", TZ="UTC")
        self.environment.pop("NO_COLOR", None)

    def start(self, *arguments, env=None, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [BINARY, *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            **options,
        )
        self.started.append(process)
        return Running(process)

    def run(self, *arguments, env=None, **options):
        """Exit code, standard output, standard error, as text."""
        code, out, err = self.start(*arguments, env=env, **options).finish()
        return code, (out or b"").decode(), err

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()


@pytest.fixture
def program(tmp_path):
    started = Program(tmp_path)
    yield started
    started.end()
