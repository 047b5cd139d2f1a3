"""What is measured: for each task who takes part, sluice first."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import servers
from measure import Cost, Failed
from place import SMALL_FILE_BYTES, Place
from rounds import Subject, Task

CONNECTIONS = 64  # that wrk keeps
IDLE_CONNECTIONS = 10_000
_HERE = Path(__file__).resolve().parent
_WRK_S = 5


@dataclass(frozen=True)
class HttpTask(Task):
    unit: str = "GB/s"
    more_is_better: bool = True
    figure: Callable[[Cost, Place], float] = lambda cost, place: place.size_bytes / 1e9 / cost.wall_s
    cpu_unit: str = "s/GB"
    work: Callable[[Cost, Place], float] = lambda cost, place: place.size_bytes / 1e9  # in units of CPU


# Each server, where its site begins, and what it needs.
_SITES = {
    "sluice": (servers.sluice, "/files", {"builds": ("sluice",)}),
    "nginx": (servers.nginx, "", {"needs": ("nginx",)}),
    "nginx, open_file_cache": (servers.nginx_with_open_file_cache, "", {"needs": ("nginx",)}),
    "lighttpd": (servers.lighttpd, "", {"needs": ("lighttpd",)}),
}


def _of_sites(client, needs: tuple[str, ...] = (), builds: tuple[str, ...] = ()) -> list[Subject]:
    """`client(place, port, prefix)` against each server of files."""

    def command(prefix: str):
        return lambda place, port: client(place, port, prefix)

    return [
        Subject(
            name,
            command(prefix),
            server,
            needs=(*more.get("needs", ()), *needs),
            builds=(*more.get("builds", ()), *builds),
        )
        for name, (server, prefix, more) in _SITES.items()
    ]


def _raw_get(place: Place, port: int, prefix: str) -> list[str]:
    return [
        f"{place.build}/bench/http/raw_get", f"connect:{port}", f"{prefix}/{place.file.name}", str(place.size_bytes)
    ]


def _curl(place: Place, port: int, prefix: str) -> list[str]:
    return ["curl", "-sS", "-f", "-o", "/dev/null", f"http://127.0.0.1:{port}{prefix}/{place.file.name}"]


def _wrk(place: Place, port: int, prefix: str) -> list[str]:
    return [
        "wrk", f"-t{servers.WORKERS}", f"-c{CONNECTIONS}", f"-d{_WRK_S}s", "-s", str(_HERE / "small_files.lua"),
        f"http://127.0.0.1:{port}/", "--", prefix, str(place.files),
    ]


def _idle(place: Place, port: int, prefix: str) -> list[str]:
    program = str(_HERE / "idle_connections.py")
    return [sys.executable, program, str(port), str(IDLE_CONNECTIONS), f"{prefix}/tree/0000/00"]


def _crowd(place: Place, port: int, prefix: str) -> list[str]:
    return [sys.executable, str(_HERE / "slow_crowd_p99.py"), str(port), str(IDLE_CONNECTIONS), prefix]


def _tus(modules: Path, folder: str):
    def client(place: Place, port: int) -> list[str]:
        return ["node", str(modules / "tus_upload.mjs"), str(place.file), f"http://127.0.0.1:{port}/tus/{folder}"]

    return client


def said(cost: Cost) -> dict:
    """The line of JSON among what a client printed."""
    return next(json.loads(line) for line in cost.said.splitlines() if line.startswith("{"))


def _answers(cost: Cost) -> dict:
    told = said(cost)
    if told["errors"] or told["bytes"] < told["requests"] * SMALL_FILE_BYTES:
        raise Failed(f"some requests were not answered with their file: {told}")
    return told


def _requests_a_second(cost: Cost, _: Place) -> float:
    told = _answers(cost)
    return told["requests"] / told["seconds"]


def _kib_a_connection(cost: Cost, _: Place) -> float:
    return (cost.server.anonymous - cost.server_at_start.anonymous) / 1024 / IDLE_CONNECTIONS


def _nothing(place: Place, whole: bool) -> None:
    return None


def tasks(modules: Path) -> list[HttpTask]:
    raw_limit = Subject(
        "no HTTP: sendfile, recv",
        lambda p, port: [
            f"{p.build}/bench/transfer/raw_recv", f"connect:{port}", "-", str(p.size_bytes), "--streams=1"
        ],
        servers.raw_sender,
        builds=("bench/transfer/raw_send", "bench/transfer/raw_recv"),
        is_limit=True,
    )
    return [
        HttpTask(
            "get", "GET to a raw receiver", lambda p: p.file, _nothing,
            [*_of_sites(_raw_get, builds=("bench/http/raw_get",)), raw_limit],
        ),
        HttpTask("curl", "GET to curl", lambda p: p.file, _nothing, _of_sites(_curl, ("curl",))),
        HttpTask(
            "small", "Small files", lambda p: p.tree, _nothing, _of_sites(_wrk, ("wrk",)),
            reads_output=True, check=_answers, unit="requests/s", figure=_requests_a_second, cpu_unit="ms/request",
            work=lambda cost, _: _answers(cost)["requests"] / 1000,
        ),
        HttpTask(
            "idle", f"{IDLE_CONNECTIONS:,} idle connections", lambda p: p.tree, _nothing, _of_sites(_idle),
            reads_output=True, unit="KiB each", more_is_better=False, figure=_kib_a_connection,
            cpu_unit="ms each", work=lambda *_: IDLE_CONNECTIONS / 1000,
        ),
        HttpTask(
            "crowd", f"1 MiB GETs beside {IDLE_CONNECTIONS:,} slow connections", lambda p: p.file, _nothing,
            _of_sites(_crowd), reads_output=True, unit="ms p99", more_is_better=False,
            figure=lambda cost, _: said(cost)["p99_ms"], cpu_unit="s", work=lambda *_: 1,
        ),
        HttpTask(
            "tus", "Upload with tus-js-client", lambda p: p.file,
            lambda p, whole: p.difference_of_file(p.up / p.file.name, whole),
            [
                Subject("sluice", _tus(modules, "up/"), servers.sluice, ("node",), ("sluice",)),
                Subject("@tus/server", _tus(modules, ""), partial(servers.tus_node_server, modules=modules), ("node",)),
                Subject("no store: dropped", _tus(modules, ""), servers.tus_sink, ("node",), is_limit=True, drops=True),
            ],
        ),
    ]
