"""What the kernel says about a process and all its descendants: CPU time and memory (proc(5))."""

import os
import threading
from dataclasses import dataclass

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SAMPLE_EVERY_S = 0.05


@dataclass
class Memory:
    """Peaks in bytes, summed over the processes of one side."""

    resident: int = 0
    anonymous: int = 0


def tree(pid: int) -> list[int]:
    """`pid` and its descendants, children first."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as children:
                for child in children.read().split():
                    found += tree(int(child))
    except OSError:
        pass  # it ended meanwhile
    return found + [pid]


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole tree, with what its members reaped."""
    ticks = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
    return ticks / _TICKS_PER_S


def memory(pid: int) -> Memory:
    """The tree's VmHWM (the kernel's own peak) and its RssAnon of this moment."""
    now = Memory()
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        now.resident += int(line.split()[1]) * 1024
                    elif line.startswith("RssAnon:"):
                        now.anonymous += int(line.split()[1]) * 1024
        except OSError:
            continue
    return now


class MemoryWatch:
    """Samples the memory of some process trees until the `with` block ends.

    The client's ru_maxrss would not do: it counts the parent that forked the client, a Python of 20 MiB.
    """

    def __init__(self, **pids: int):
        self.peaks = {side: Memory() for side in pids}
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _watch(self):
        while True:
            for side, pid in self._pids.items():
                now, peak = memory(pid), self.peaks[side]
                peak.resident = max(peak.resident, now.resident)
                peak.anonymous = max(peak.anonymous, now.anonymous)
            if self._over.wait(_SAMPLE_EVERY_S):
                return
