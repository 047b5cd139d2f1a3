"""Interleaved rounds: every subject of a task once, then all of them again."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import machine
from measure import Cost, Failed, run_client, tail
from place import Place
from server import Server

# Program to Debian package. sluice and the raw programs come from the build folder instead.
PACKAGES = {
    "curl": "curl",
    "lighttpd": "lighttpd",
    "nginx": "nginx-light",
    "node": "nodejs",
    "openssl": "openssl",
    "rsync": "rsync",
    "/usr/sbin/sshd": "openssh-server",
    "scp": "openssh-client",
    "setpriv": "util-linux",
    "ssh-keygen": "openssh-client",
    "wrk": "wrk",
    "xrdcp": "xrootd-client",
    "xrootd": "xrootd-server",
}

# What a run takes, as a multiple of the content: the target's pages, buffers, and metadata of small files.
_MEMORY_OF_A_RUN = 2


@dataclass(frozen=True)
class Subject:
    name: str
    client: Callable[[Place, int], list[str]]  # place, port -> the command
    server: Callable[[Place], Server] | None = None
    needs: tuple[str, ...] = ()  # of PACKAGES
    builds: tuple[str, ...] = ()  # files below the build folder
    writes_stdout: bool = False  # its content can be checked there
    is_limit: bool = False  # nobody's program: it shows what nobody can be faster than, and is no peer
    drops: bool = False  # its server keeps nothing that could be checked


@dataclass(frozen=True)
class Task:
    key: str
    title: str
    source: Callable[[Place], Path]
    difference: Callable[[Place, bool], str | None]
    subjects: list[Subject] = field(default_factory=list)
    counts_files: bool = False
    reads_output: bool = False  # of the clients: Cost.said
    check: Callable[[Cost], object] = lambda cost: None  # throws Failed where the client did not get what it wants


def measure_task(
    task: Task, subjects: list[Subject], place: Place, runs: int, deadline_s: float
) -> tuple[dict[str, list[Cost]], dict[str, str]]:
    """The costs of each subject, round by round, and why the others have none.

    Round 0 is not counted. It compares the content.
    """
    costs, missing = {}, {}
    for subject in subjects:
        reason = absent(subject, place)
        if reason:
            missing[subject.name] = reason
            say(f"{task.key}: {subject.name}: {reason}")
        else:
            costs[subject] = []
    for number in range(runs + 1):
        warm_up = number == 0
        for subject in list(costs):
            try:
                cost = run_once(task, subject, place, deadline_s, whole=warm_up)
            except Failed as failure:
                missing[subject.name] = f"failed: {failure}"
                say(f"{task.key}: {subject.name}: failed: {failure}")
                del costs[subject]
                continue
            if not warm_up:
                costs[subject].append(cost)
            say(f"{task.key} {number}/{runs}: {subject.name}: {cost.wall_s:.2f} s")
    return {subject.name: counted for subject, counted in costs.items()}, missing


def run_once(task: Task, subject: Subject, place: Place, deadline_s: float, whole: bool) -> Cost:
    place.make_ready(task.source(place))
    log = place.etc / "client.log"
    with subject.server(place) if subject.server else nullcontext() as server:
        argv = subject.client(place, server.port if server else 0)
        output = place.etc / "client.out" if task.reads_output else None
        machine.touch_free_memory(_MEMORY_OF_A_RUN * place.bytes_of(task.source(place)))
        cost = run_client(argv, server.pid if server else None, log, deadline_s, output)
        if whole and subject.writes_stdout:
            check_stdout(argv, place, log)
    task.check(cost)
    difference = None if subject.drops else task.difference(place, whole)
    if difference:
        raise Failed(difference)
    return cost


def check_stdout(argv: list[str], place: Place, log: Path):
    """Runs the client once more, with its output into a digest."""
    with log.open("wb") as errors, subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
    ) as client:
        digest = hashlib.sha256()
        while chunk := client.stdout.read(1 << 20):
            digest.update(chunk)
    if client.returncode != 0:
        raise Failed(f"{argv[0]} into a pipe ended with {client.returncode}: {tail(log)}")
    if digest.hexdigest() != place.file_sha256:
        raise Failed("its standard output has other content than the source")


def absent(subject: Subject, place: Place) -> str | None:
    packages = [PACKAGES[program] for program in subject.needs if not shutil.which(program)]
    if packages:
        return f"skipped: apt-get install {' '.join(packages)}"
    files = [name for name in subject.builds if not (place.build / name).exists()]
    return f"skipped: not built: {' '.join(files)}" if files else None


def say(text: str):
    print(text, file=sys.stderr, flush=True)
