"""Holds the includes of every room against the table of allowed arrows.

Run as a program (`./dev lint`), or by pytest through test_house.py. A room may include its own headers, those of the
rooms in its row, and the public library's; nothing else of ours.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Room: the rooms that it may use. Everything may use base and the public library (frame).
ALLOWED = {
    "frame": set(),
    "base": set(),
    "wire": set(),
    "net": {"wire"},
    "catalog": set(),
    "store": set(),
    "transfer": {"store", "catalog"},
    "native": {"net", "wire", "transfer"},
    "http": {"net", "transfer"},
    "server": {"native", "http", "net", "wire", "transfer", "store", "catalog"},
    "client": {"net", "wire"},
    "cli": {"client", "server"},
}
INCLUDE = re.compile(r'^#include "([a-z]+)/', re.MULTILINE)


def sources(room):
    folder = ROOT / "cli" if room == "cli" else ROOT / "src" / room
    return sorted(p for p in folder.rglob("*") if p.suffix in {".h", ".cc"})


def violations():
    """Every include that no arrow allows, as "file includes room"."""
    found = []
    for room, allowed in ALLOWED.items():
        permitted = allowed | {room, "sluice"} | (set() if room == "frame" else {"base"})
        for path in sources(room):
            for used in INCLUDE.findall(path.read_text()):
                if used not in permitted:
                    found.append(f"{path.relative_to(ROOT)} includes {used}/")
    for path in sorted((ROOT / "examples").rglob("*.cc")):
        for used in INCLUDE.findall(path.read_text()):
            if used != "sluice":
                found.append(f"{path.relative_to(ROOT)} includes {used}/, not only the public library")
    return found


if __name__ == "__main__":
    broken = violations()
    for line in broken:
        print(line, file=sys.stderr)
    sys.exit(1 if broken else 0)
