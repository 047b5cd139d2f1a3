#!/usr/bin/python3
"""Guessers beside honest clients: `./dev bench access`.

In interleaved rounds, for each protocol: the times of 1 MiB GETs of a client that logged in by a token, alone, beside
requests that are no logins, and beside as many wrong logins, from one address and from ten thousand, which come once or
come again when they are told to; and then, beside the same, how people get in who log in by a password that was not said
before. All is on one server, whose memory is told.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "tests"), str(_ROOT / "bench" / "rig")]

import machine
from guessing import ADDRESSES, KINDS, NOTHING, Guessing
from honest import GETS, MIB, log_in, times_ms

_PASSWORD = "correct horse"
_DEADLINE_S = 60


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-access-") as folder:
        print(", ".join(f"{name} {value}" for name, value in machine.describe(options.work, "as it is").items()))
        people = len(KINDS) * len(GETS) * options.rounds * options.people
        with Served(options.build, Path(folder) / "served", people) as server:
            before = server.anonymous_bytes()
            figures = measure(server, options)
            grown = server.anonymous_bytes() - before
    tell(figures, options)
    print(f"\nThe server's anonymous memory: {before / MIB:.1f} MiB before, {grown / MIB:+.1f} MiB behind all of it.")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=_ROOT / "build" / "release", type=Path)
    parser.add_argument("--work", default=tempfile.gettempdir(), help="where the server keeps its data")
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--guesses", default=10_000, type=int, help="while the GETs of one measurement are made")
    parser.add_argument("--guess-rate", default=1000, type=int, help="a second")
    parser.add_argument("--get-rate", default=200, type=int, help="1 MiB GETs a second")
    parser.add_argument("--people", default=3, type=int, help="who log in by a password in each measurement")
    return parser.parse_args()


class Served:
    """A closed server of a folder with people, as long as the block."""

    def __init__(self, build, root, people):
        root.mkdir()
        (root / "file").write_bytes(bytes(MIB))
        self._build, self._root = build, root
        self._start()
        self._stop()
        for number in range(people):
            self._administer("user", "add", f"person{number}", "--grant", "/=read", "--with-password", said=_PASSWORD)
        self._start()
        self.token = (root / ".sluice" / "owner-key").read_text().strip()
        self._people = iter(range(people))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()

    def _start(self):
        self.process = subprocess.Popen(
            [self._build / "sluice", "serve", self._root, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        self.port = int(re.search(rb":(\d+)/", self.process.stdout.readline())[1])

    def _stop(self):
        self.process.terminate()
        self.process.wait(_DEADLINE_S)

    def _administer(self, *arguments, said):
        subprocess.run([self._build / "sluice", *arguments, "--data", self._root / ".sluice"], input=f"{said}\n".encode(),
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip

    def newcomer(self):
        """The name of one who did not log in before, and an address from where nobody did."""
        number = next(self._people)
        return f"person{number}", f"127.200.{number // 250}.{1 + number % 250}"

    def anonymous_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024


def measure(server, options):
    """{(protocol, kind): [figures of each round]}"""
    found = {(protocol, kind): [] for protocol in GETS for kind in KINDS}
    for number in range(options.rounds):
        for protocol, kind in found:
            found[protocol, kind].append(measure_one(server, protocol, kind, options))
            print(f"{number + 1}/{options.rounds} {protocol}, {kind}", file=sys.stderr, flush=True)
    return found


def measure_one(server, protocol, kind, options):
    get = GETS[protocol](server.port, server.token, "file")
    for _ in range(20):
        get()
    with Guessing(kind, server.port, options.guess_rate) as guessing:
        taken = times_ms(get, options.guesses / options.guess_rate, options.get_rate)
        logins = [log_in(server.port, name, _PASSWORD, address)
                  for name, address in (server.newcomer() for _ in range(options.people))]
    percentiles = statistics.quantiles(taken, n=100)
    return {"p50": percentiles[49], "p99": percentiles[98], "logins": logins, "answers": guessing.answers}


def tell(figures, options):
    print(f"\n1 MiB GETs, {options.get_rate} a second; {options.guesses:,} others, {options.guess_rate} a second; many: {ADDRESSES:,}; medians of "
          f"{options.rounds} rounds, the ratio to alone in the same round\n")  # fmt: skip
    print("| protocol | beside it | p50 ms | p99 ms | span | ratio of p99 | logins: tries, s | answers to the others |")
    print("|---|---|---|---|---|---|---|---|")
    for (protocol, kind), rounds in figures.items():
        p99 = [each["p99"] for each in rounds]
        ratio = statistics.median(own / alone["p99"] for own, alone in zip(p99, figures[protocol, NOTHING]))
        logins = [login for each in rounds for login in each["logins"]]
        tries = max(login[0] for login in logins)
        answers = {}
        for each in rounds:
            for status, count in each["answers"].items():
                answers[status] = answers.get(status, 0) + count
        print(f"| {protocol} | {kind} | {statistics.median(each['p50'] for each in rounds):.2f} | {statistics.median(p99):.2f} "
              f"| {min(p99):.2f}-{max(p99):.2f} | {ratio:.2f} | up to {tries}, median {statistics.median(t for _, t in logins):.2f} "
              f"| {', '.join(f'{count} {status}' for status, count in sorted(answers.items()))} |")  # fmt: skip


if __name__ == "__main__":
    main()
