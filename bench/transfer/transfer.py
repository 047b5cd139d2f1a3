#!/usr/bin/python3
"""sluice beside its peers and the raw limit, in interleaved rounds: `./dev bench transfer`.

Read main() from the top: prepare, measure each task, print its table. Progress goes to standard error,
tables to standard output. Exit code 1 says that a subject failed; one that is not installed is skipped.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "rig"))

import machine
import network
import table
from place import SMALL_FILE_BYTES, Place
from rounds import Subject, Task, measure_task, say
from sizes import size
from subjects import TASKS
from tls_subjects import TLS_TASKS

_ROOT = Path(__file__).resolve().parents[2]
_SLOWEST_BYTES_PER_S = 20e6
_SLOWEST_FILES_PER_S = 50
_QUIET_LOAD = 0.5


def main() -> int:
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    alone = network.enter_own_namespace()
    said = alone or network.set_congestion(options.congestion)
    if said:
        say(f"the congestion control stays the host's: {said}")
    congestion = network.congestion_in_use()
    say(f"congestion control: {congestion}")

    with Place(options.work, options.build, options.size, options.files, options.small_size) as place:
        if too_small(place, options):
            return 2
        facts = machine.describe(place.file_system(), congestion)
        if machine.load() > _QUIET_LOAD:
            say(f"the machine is busy (load {machine.load():.1f}): the figures will be poor")
        say(f"making {options.size / 1e9:.2f} GB and {options.files} small files in {place.work}")
        place.make_content()
        print(table.heading(facts, options.runs), flush=True)
        report = {"machine": facts, "size_bytes": options.size, "files": options.files, "tasks": {}}
        failed = False
        for task in chosen_tasks(options):
            subjects = chosen_subjects(task, options)
            costs, missing = measure_task(task, subjects, place, options.runs, deadline_s(place))
            failed = failed or any(not reason.startswith("skipped") for reason in missing.values())
            limit = costs.get(task.subjects[0].name, [])
            rows = {
                name: table.figures(task, runs, limit, options.size, options.files)
                for name, runs in costs.items()
            }
            print(table.markdown(task, rows, missing, options.size, options.files, options.small_size), flush=True)
            report["tasks"][task.key] = {"subjects": rows, "missing": missing}
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    return 1 if failed else 0


def chosen_tasks(options) -> list[Task]:
    return [
        task
        for task in (TLS_TASKS if options.tls else TASKS)
        if (not options.task or task.key in options.task) and (options.files or not task.counts_files)
    ]


def chosen_subjects(task: Task, options) -> list[Subject]:
    """The limit is always measured: the ratios need it."""
    return [
        subject
        for number, subject in enumerate(task.subjects)
        if not options.only or number == 0 or any(word in subject.name for word in options.only)
    ]


def deadline_s(place: Place) -> float:
    return 60 + place.size_bytes / _SLOWEST_BYTES_PER_S + place.files / _SLOWEST_FILES_PER_S


def too_small(place: Place, options) -> bool:
    """There must be room for the source, one target and what a server holds on to meanwhile."""
    free_bytes = shutil.disk_usage(place.work).free
    if free_bytes < 3 * options.size:
        say(f"{place.work} has {free_bytes / 1e9:.1f} GB free, {3 * options.size / 1e9:.1f} are needed")
        return True
    if place.file_system() == "tmpfs":
        say(f"{place.work} is memory, not a disk: see --work")
    return False


def parse_options():
    parser = argparse.ArgumentParser(description="sluice beside its peers and the raw limit")
    parser.add_argument("--size", type=size, default=4 << 30, help="of the big file (default 4GiB)")
    parser.add_argument("--files", type=int, default=10_000, help="small files; 0 leaves them out")
    parser.add_argument("--small-size", type=size, default=SMALL_FILE_BYTES, help="of each (default 16KiB)")
    parser.add_argument("--runs", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="subjects whose name has one of these")
    parser.add_argument("--task", nargs="+", choices=[task.key for task in TASKS], help="default: all")
    parser.add_argument("--tls", action="store_true", help="encrypted: beside nginx with TLS 1.3, and scp")
    parser.add_argument("--congestion", default="cubic", help="congestion control (default cubic)")
    parser.add_argument("--work", default=tempfile.gettempdir(), help="folder for the content, on a real disk")
    parser.add_argument("--build", type=Path, default=_ROOT / "build/release", help="default build/release")
    parser.add_argument("--json", metavar="FILE", help="all figures of all runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
