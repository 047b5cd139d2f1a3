"""A server under measurement: started, awaited, ended with all its processes."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from measure import Failed, tail
from place import Place
from processes import tree

_START_DEADLINE_S = 20
_END_DEADLINE_S = 10
_POLL_S = 0.005
_ANNOUNCED = re.compile(r"(?:127\.0\.0\.1|localhost):([1-9]\d*)")


class Server:
    """A running server; ready, with its `port`, when the constructor returns.

    Without `port` the server picks one and prints it, which also says that it listens. A `port` given is
    asked by connecting until someone answers.
    """

    def __init__(self, place: Place, argv: list[str], port: int | None = None):
        self._log = place.etc / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        try:
            self.port = self._until(self._announced if port is None else lambda: self._answers(port))
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        members = tree(self.pid) if self._process.poll() is None else []
        if members:
            self._process.terminate()
        try:
            self._process.wait(_END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            for member in members:
                try:
                    os.kill(member, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._process.wait()

    def _until(self, ask) -> int:
        deadline_s = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline_s:
            port = ask()
            if port:
                return port
            if self._process.poll() is not None:
                raise Failed(f"the server ended at once: {tail(self._log)}")
            time.sleep(_POLL_S)
        raise Failed(f"the server was not ready in {_START_DEADLINE_S} s: {tail(self._log)}")

    def _announced(self) -> int | None:
        found = _ANNOUNCED.search(self._log.read_text(errors="replace"))
        return int(found[1]) if found else None

    @staticmethod
    def _answers(port: int) -> int | None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return port
        except OSError:
            return None


def write_config(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)
