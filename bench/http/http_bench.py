#!/usr/bin/python3
"""sluice's HTTP side beside its peers, in interleaved rounds: `./dev bench http`.

Read main() from the top: prepare, measure each task under each congestion control, print the tables. Progress goes to
standard error, tables to standard output. Exit code 1 says that a subject failed; one that is not installed is skipped.
"""

import argparse
import json
import resource
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "rig"))

import machine
import network
import table
from place import SMALL_FILE_BYTES, Place
from rounds import Subject, measure_task, say
from sizes import size
from subjects import HttpTask, tasks

_ROOT = Path(__file__).resolve().parents[2]
_DEADLINE_S = 300
_KEYS = ["get", "curl", "small", "idle", "crowd", "tus"]


def main() -> int:
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    alone = network.enter_own_namespace()
    raise_descriptor_limit()
    report, failed = {}, False
    for congestion in options.congestion:
        said = alone or network.set_congestion(congestion)
        if said:
            say(f"the congestion control stays the host's: {said}")
        figures, trouble = measure_all(options)
        report[congestion] = figures
        failed = failed or trouble
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    return 1 if failed else 0


def measure_all(options) -> tuple[dict, bool]:
    """The figures of every task, and whether a subject failed."""
    report, failed = {}, False
    chosen = [task for task in tasks(options.modules) if task.key in options.task]
    downloads = [task for task in chosen if task.key != "tus"]
    for group, size_bytes, files in (
        (downloads, options.size, options.files),
        ([task for task in chosen if task.key == "tus"], options.upload, 0),
    ):
        if not group:
            continue
        with Place(options.work, options.build, size_bytes, files) as place:
            facts = machine.describe(place.file_system(), network.congestion_in_use())
            say(f"making {size_bytes / 1e9:.2f} GB and {files} small files in {place.work}")
            place.make_content()
            if not report:
                print(table.heading(facts, options.runs), flush=True)
                report["machine"] = facts
            for task in group:
                costs, missing = measure_task(task, chosen_subjects(task, options), place, options.runs, _DEADLINE_S)
                failed = failed or any(not reason.startswith("skipped") for reason in missing.values())
                rows = table.figures(task, costs, place)
                print(table.markdown(task, rows, missing, title(task, place)), flush=True)
                report[task.key] = {"subjects": rows, "missing": missing}
    print(flush=True)
    return report, failed


def title(task: HttpTask, place: Place) -> str:
    if task.unit == "GB/s":
        return f"{task.title}, {place.size_bytes / (1 << 30):.3g} GiB"
    if task.key == "small":
        return f"{task.title}, {place.files:,} of {SMALL_FILE_BYTES >> 10} KiB, wrk"
    return task.title


def chosen_subjects(task: HttpTask, options) -> list[Subject]:
    return [
        subject for subject in task.subjects if not options.only or any(word in subject.name for word in options.only)
    ]


def raise_descriptor_limit():
    """For ten thousand connections; servers and clients inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def parse_options():
    parser = argparse.ArgumentParser(description="sluice's HTTP side beside its peers")
    parser.add_argument("--size", type=size, default=4 << 30, help="of the big file (default 4GiB)")
    parser.add_argument("--upload", type=size, default=1 << 30, help="of what is uploaded with tus (default 1GiB)")
    parser.add_argument("--files", type=int, default=10_000, help="small files (default 10000)")
    parser.add_argument("--runs", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="subjects whose name has one of these")
    parser.add_argument("--task", nargs="+", choices=_KEYS, default=_KEYS, help="default: all")
    parser.add_argument("--congestion", nargs="+", default=["cubic", "bbr"], help="congestion controls, one by one")
    parser.add_argument("--work", default=tempfile.gettempdir(), help="folder for the content, on a real disk")
    parser.add_argument("--build", type=Path, default=_ROOT / "build/release", help="default build/release")
    parser.add_argument("--modules", type=Path, default=_ROOT / "build/bench-http", help="where ./dev put tus")
    parser.add_argument("--json", metavar="FILE", help="all figures of all runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
