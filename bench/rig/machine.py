"""The machine that the figures belong to."""

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


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
