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
    "access": {"catalog"},
    "talk": {"catalog"},
    "store": set(),
    "transfer": {"store", "catalog"},
    "native": {"net", "wire", "transfer", "access", "talk"},
    "http": {"net", "transfer", "access", "talk"},
    "server": {"native", "http", "net", "wire", "transfer", "store", "catalog", "access",
               "talk"},
    "client": {"net", "wire"},
    "cli": {"client", "server"},
}
# Who may name a maker of permissions that asks nobody: local tools, and what only tests are made of.
UNASKED = re.compile(r"(caller|permit)_unasked")
UNASKED_FILES = re.compile(
    r"src/base/permission\.(h|cc)|src/server/scrub_folder\.cc"
    r"|src/[a-z]+/(crash_[a-z_]+|test_[a-z]+)\.(h|cc)|.*_test\.cc")
# A unit test may also use these.
TESTS_ALSO = {"transfer": {"access"}, "talk": {"access"}}
# SQL stays in the catalog, tests apart.
SQL = re.compile(r'^#include "catalog/query\.h"', re.MULTILINE)
INCLUDE = re.compile(r'^#include "([a-z]+)/', re.MULTILINE)


def sources(room):
    folder = ROOT / "cli" if room == "cli" else ROOT / "src" / room
    return sorted(p for p in folder.rglob("*") if p.suffix in {".h", ".cc"})


def is_test(path):
    return path.name.endswith("_test.cc") or path.name.startswith("test_")


def violations():
    """Every include that no arrow allows, as "file includes room"."""
    found = []
    for room, allowed in ALLOWED.items():
        permitted = allowed | {room, "sluice"} | (set() if room == "frame" else {"base"})
        for path in sources(room):
            text = path.read_text()
            here = path.relative_to(ROOT).as_posix()
            also = TESTS_ALSO.get(room, set()) if is_test(path) else set()
            for used in INCLUDE.findall(text):
                if used not in permitted | also:
                    found.append(f"{here} includes {used}/")
            if room != "catalog" and not is_test(path) and SQL.search(text):
                found.append(f"{here} includes catalog/query.h, which is SQL")
            if UNASKED.search(text) and not UNASKED_FILES.fullmatch(here):
                found.append(f"{here} acts for a caller that nobody asked")
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
