"""The figures as one Markdown table, and as JSON. Everything is the median of the rounds."""

from dataclasses import asdict
from statistics import median

from measure import Cost
from place import Place
from subjects import HttpTask, said

_MIB = 1 << 20
_OURS = "sluice"

NOTES = """\
GB = 10^9 bytes. The ratio is to the best of the others in the same round, so that over 1 is better (of memory: less);
the span is the slowest and the fastest run. CPU is user and system time of client and server together. Memory is the
peak of the server and its processes in a run, resident / of that anonymous, in MiB. Sources are in the page cache. A
round before the first is not counted. Only sluice waits until what it was given is on the disk, and only sluice
leaves bbr for another congestion control on so short a path. All have two workers. Slow connections each give or take
a byte every two seconds, or come again where they were thrown out; the program that plays them runs at nice 19.
"""


def figures(task: HttpTask, costs: dict[str, list[Cost]], place: Place) -> dict[str, dict]:
    """By subject."""
    values = {name: [task.figure(cost, place) for cost in runs] for name, runs in costs.items()}
    return {name: _row(task, runs, values, name, place) for name, runs in costs.items()}


def _row(task: HttpTask, runs: list[Cost], values: dict[str, list[float]], name: str, place: Place) -> dict:
    row = {
        "figure": median(values[name]),
        "span": (min(values[name]), max(values[name])),
        "ratio": _ratio(task, values, name),
        "cpu": median(cost.cpu_s / task.work(cost, place) for cost in runs),
        "resident": max(cost.server.resident for cost in runs),
        "anonymous": max(cost.server.anonymous for cost in runs),
        "runs": [asdict(cost) for cost in runs],
    }
    for key in ("p99_ms", "alone_p99_ms", "slow_bytes_a_s", "kernel_bytes"):
        if task.reads_output and key in said(runs[0]):
            row[key] = median(said(cost)[key] for cost in runs)
    return row


def _ratio(task: HttpTask, values: dict[str, list[float]], name: str) -> float | None:
    """The median of the ratios to the best peer of each round. No peers: sluice, and what only shows a limit."""
    no_peers = {_OURS, *(subject.name for subject in task.subjects if subject.is_limit)}
    peers = [runs for other, runs in values.items() if other not in no_peers]
    if not peers or 0 in map(len, values.values()):
        return None
    best = max if task.more_is_better else min
    rounds = zip(values[name], *peers)
    return median((own / best(of) if task.more_is_better else best(of) / own) for own, *of in rounds)


def markdown(task: HttpTask, rows: dict[str, dict], missing: dict[str, str], title: str) -> str:
    """The rows of one task."""
    digits = 0 if task.unit == "requests/s" else 2
    lines = [
        f"| **{title}** | {task.unit} | | | {task.cpu_unit} | | |",
    ]
    for name, row in rows.items():
        low, high = row["span"]
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        lines.append(
            f"| {name} | {row['figure']:,.{digits}f} | {low:,.{digits}f}-{high:,.{digits}f} | {ratio} "
            f"| {row['cpu']:.3g} | {row['resident'] / _MIB:.1f} / {row['anonymous'] / _MIB:.1f} | {_more(row)} |"
        )
    for name, reason in missing.items():
        lines.append(f"| {name} | {reason.replace('|', '/')} | | | | | |")
    return "\n".join(lines)


def _more(row: dict) -> str:
    if "alone_p99_ms" in row:
        return f"alone {row['alone_p99_ms']:.2f} ms; the slow ones {row['slow_bytes_a_s']:,.0f} bytes/s"
    if "p99_ms" in row:
        return f"p99 {row['p99_ms']:.2f} ms"
    if "kernel_bytes" in row:
        return f"kernel, both ends: {row['kernel_bytes'] / 1024:.1f} KiB each"
    return ""


def heading(machine: dict[str, str], runs: int) -> str:
    facts = "; ".join(f"{name}: {value}" for name, value in machine.items())
    return (
        f"# HTTP, {runs} interleaved rounds\n\n{facts}\n\n{NOTES}\n"
        "| | median | span | ratio | CPU | memory | |\n|---|---|---|---|---|---|---|"
    )
