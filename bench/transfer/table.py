"""The figures as Markdown and as JSON. Ratios are of the same round; all else is the median of the rounds."""

from dataclasses import asdict
from statistics import median

from measure import Cost
from subjects import Task

_MIB = 1 << 20

NOTES = """\
GB = 10^9 bytes. The ratio is the median of the ratios to the first row within one round; the span is the
slowest and the fastest run. CPU is user and system time of client and server together (the kernel's own
writing back of pages is in nobody's). Memory is the peak of a run, server / client, in MiB; anonymous is
that part of it that no file backs, sampled. Sources are in the page cache; each run starts with an empty
target and no dirty pages, on memory that was touched just before (a hypervisor takes back what its guest
leaves free, and giving it again would be most of the cost of small files). A round before the first, not counted, compared the content. Only sluice, and what
says so, waits for the disk. All have the congestion control named above, except that sluice leaves bbr for
another on so short a path.
"""


def figures(task: Task, costs: list[Cost], limit: list[Cost], size_bytes: int, files: int) -> dict:
    work = files if task.counts_files else size_bytes / 1e9
    cpu_work = files / 1000 if task.counts_files else size_bytes / 1e9
    return {
        "rate": median(work / cost.wall_s for cost in costs),
        "slowest": min(work / cost.wall_s for cost in costs),
        "fastest": max(work / cost.wall_s for cost in costs),
        "ratio": median(base.wall_s / cost.wall_s for cost, base in zip(costs, limit)) if limit else None,
        "cpu": median(cost.cpu_s for cost in costs) / cpu_work,
        "server_memory": max(cost.server.resident for cost in costs),
        "client_memory": max(cost.client.resident for cost in costs),
        "server_anonymous": max(cost.server.anonymous for cost in costs),
        "client_anonymous": max(cost.client.anonymous for cost in costs),
        "runs": [asdict(cost) for cost in costs],
    }


def markdown(
    task: Task, rows: dict[str, dict], missing: dict[str, str], size_bytes: int, files: int, small_bytes: int
) -> str:
    """`rows` holds figures by subject, `missing` the reason why a subject has none."""
    if task.counts_files:
        what = f"{files:,} files of {small_bytes:,} bytes"
        rate, cpu, digits = "files/s", "CPU s/1,000 files", 0
    else:
        what = f"{size_bytes / (1 << 30):.3g} GiB"
        rate, cpu, digits = "GB/s", "CPU s/GB", 2
    lines = [
        f"## {task.title}: {what}",
        "",
        f"| subject | {rate} | span | ratio | {cpu} | memory | anonymous |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['rate']:,.{digits}f} | {row['slowest']:,.{digits}f}-{row['fastest']:,.{digits}f} "
            f"| {_ratio(row)} | {row['cpu']:.2f} | {_pair(row, 'memory')} | {_pair(row, 'anonymous')} |"
        )
    for name, reason in missing.items():
        lines.append(f"| {name} | {reason.replace('|', '/')} | | | | | |")
    return "\n".join(lines) + "\n"


def heading(machine: dict[str, str], runs: int) -> str:
    facts = "; ".join(f"{name}: {value}" for name, value in machine.items())
    return f"# Transfers, {runs} interleaved rounds\n\n{facts}\n\n{NOTES}"


def _ratio(row: dict) -> str:
    return "-" if row["ratio"] is None else f"{row['ratio']:.2f}"


def _pair(row: dict, kind: str) -> str:
    return " / ".join(
        f"{row[f'{side}_{kind}'] / _MIB:.1f}" if row[f"{side}_{kind}"] else "-" for side in ("server", "client")
    )
