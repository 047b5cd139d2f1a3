"""Runs one client against one server, and says what it cost."""

import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import Memory, MemoryWatch, cpu_seconds, memory


class Failed(Exception):
    """A subject did not do its work; the text says what and why."""


@dataclass
class Cost:
    wall_s: float
    client_cpu_s: float
    server_cpu_s: float = 0.0
    client: Memory = field(default_factory=Memory)
    server: Memory = field(default_factory=Memory)
    server_at_start: Memory = field(default_factory=Memory)
    said: str = ""  # the client's standard output, where it is kept

    @property
    def cpu_s(self) -> float:
        return self.client_cpu_s + self.server_cpu_s


def tail(log: Path) -> str:
    """The last words of a log, on one line."""
    return " / ".join(log.read_text(errors="replace").split("\n")[-6:]).strip(" /")


def run_client(
    argv: list[str], server_pid: int | None, log: Path, deadline_s: float, output: Path | None = None
) -> Cost:
    """Runs `argv` to its end, standard output into `output` or nowhere. Start to exit is the wall time."""
    server_before_s = cpu_seconds(server_pid) if server_pid else 0.0
    before = memory(server_pid) if server_pid else Memory()
    with log.open("wb") as errors, (output or Path(os.devnull)).open("wb") as said:
        start_s = time.monotonic()
        client = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=errors)
        pids = {"client": client.pid} | ({"server": server_pid} if server_pid else {})
        with MemoryWatch(**pids) as watch:
            usage, status, end_s = _wait(client, deadline_s)
    if status != 0:
        raise Failed(f"{argv[0]} ended with {status}: {tail(log)}")
    return Cost(
        wall_s=end_s - start_s,
        client_cpu_s=usage.ru_utime + usage.ru_stime,
        server_cpu_s=cpu_seconds(server_pid) - server_before_s if server_pid else 0.0,
        client=watch.peaks["client"],
        server=watch.peaks.get("server", Memory()),
        server_at_start=before,
        said=output.read_text(errors="replace") if output else "",
    )


def _wait(client: subprocess.Popen, deadline_s: float):
    """Waits with wait4, for the resources of the client and of what it reaped; kills it when late."""
    late = threading.Timer(deadline_s, client.kill)
    late.start()
    try:
        _, status, usage = os.wait4(client.pid, 0)
        end_s = time.monotonic()
    except BaseException:
        client.kill()
        client.wait()
        raise
    finally:
        late.cancel()
    client.returncode = os.waitstatus_to_exitcode(status)
    return usage, client.returncode, end_s
