"""The machine that the figures belong to."""

import mmap
import os
import platform
from datetime import date
from pathlib import Path


def describe(file_system: str, congestion: str) -> dict[str, str]:
    return {
        "date": date.today().isoformat(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / (1 << 30):.0f} GiB",
        "kernel": platform.release(),
        "file system": file_system,
        "congestion control": congestion,
        "load before": f"{load():.1f}",
    }


def load() -> float:
    """Runnable processes, averaged over the last minute."""
    return os.getloadavg()[0]


def touch_free_memory(size_bytes: int):
    """Has the pages that a run of so many bytes will take backed by the machine.

    A hypervisor backs a page of its guest at the first use, and takes back those that are free for a while: a
    run that meets such pages pays several times what its own work costs, and the next one does not.
    """
    free_kib = int(Path("/proc/meminfo").read_text().partition("MemFree:")[2].split()[0])
    size_bytes = min(size_bytes, free_kib * 1024 * 9 // 10)
    if size_bytes > 0:
        mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE).close()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
