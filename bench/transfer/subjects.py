"""What is measured: for each task its subjects, the limit first."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import servers
from place import Place
from rounds import Subject, Task

def _sluice(name: str, client, **more) -> Subject:
    return Subject(name, client, servers.sluice, builds=("sluice",), **more)


def _unsynced_sluice(client) -> Subject:
    """The same without the contract: what it costs is the difference."""
    builds = ("sluice", "bench/transfer/unsynced_server")
    return Subject("sluice put, nothing synced", client, servers.unsynced_sluice, builds=builds)


def then_sync(subject: Subject, sync: Callable[[Place], list[str]]) -> Subject:
    """A peer that syncs nothing, and then somebody who waits until the disk has it."""

    def client(place: Place, port: int) -> list[str]:
        return ["sh", "-c", f'"$@" && {shlex.join(sync(place))}', "sh", *subject.client(place, port)]

    return replace(subject, name=f"{subject.name}, then sync", client=client)


def raw_get(name: str, streams: int, output, *flags: str) -> Subject:
    def client(place: Place, port: int) -> list[str]:
        program = f"{place.build}/bench/transfer/raw_recv"
        size = str(place.size_bytes)
        return [program, f"connect:{port}", output(place), size, f"--streams={streams}", *flags]

    server = partial(servers.raw_sender, streams=streams)
    return Subject(name, client, server, builds=("bench/transfer/raw_send", "bench/transfer/raw_recv"))


def raw_put(name: str, streams: int, *flags: str) -> Subject:
    def client(place: Place, port: int) -> list[str]:
        return [f"{place.build}/bench/transfer/raw_send", f"connect:{port}", str(place.file), str(streams)]

    server = partial(servers.raw_receiver, streams=streams, flags=flags)
    return Subject(name, client, server, builds=("bench/transfer/raw_send", "bench/transfer/raw_recv"))


_RAW_TREE = ("bench/transfer/raw_small_send", "bench/transfer/raw_small_recv")


def raw_get_tree(name: str, streams: int, *flags: str) -> Subject:
    def client(place: Place, port: int) -> list[str]:
        program = f"{place.build}/bench/transfer/raw_small_recv"
        return [program, f"connect:{port}", str(place.here), f"--streams={streams}", *flags]

    return Subject(name, client, partial(servers.raw_tree_sender, streams=streams), builds=_RAW_TREE)


def raw_put_tree(name: str, streams: int, *flags: str) -> Subject:
    def client(place: Place, port: int) -> list[str]:
        program = f"{place.build}/bench/transfer/raw_small_send"
        return [program, f"connect:{port}", str(place.tree), str(streams)]

    server = partial(servers.raw_tree_receiver, streams=streams, flags=flags)
    return Subject(name, client, server, builds=_RAW_TREE)


def _nginx(name: str, client, **more) -> Subject:
    return Subject(name, client, servers.nginx, ("curl", "nginx"), **more)


def _rsync(name: str, client) -> Subject:
    return Subject(name, client, servers.rsync, ("rsync",))


def _xrootd(name: str, client, **more) -> Subject:
    return Subject(name, client, servers.xrootd, ("xrdcp", "xrootd", "setpriv"), **more)


def _http(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}/{path}"


def _root(port: int, path: str) -> str:
    return f"root://127.0.0.1:{port}//{path}"


def _module(port: int, path: str) -> str:
    return f"rsync://127.0.0.1:{port}/site/{path}"


def _native(port: int, path: str) -> str:
    return f"sluice://127.0.0.1:{port}/{path}"


def _binary(place: Place) -> str:
    return f"{place.build}/sluice"


def _here(place: Place) -> str:
    return f"{place.here}/file.bin"


_XRDCP = ("xrdcp", "--nopbar", "--force")

_DOWN_FILE = [
    raw_get("raw limit", 1, _here),
    raw_get("raw limit, 2 streams", 2, _here),
    raw_get("raw limit, direct I/O, synced", 1, _here, "--direct", "--sync"),
    _sluice("sluice get", lambda p, port: [_binary(p), "get", _native(port, "file.bin"), "-o", _here(p)]),
    _nginx("nginx, curl", lambda p, port: ["curl", "-sS", "-f", "-o", _here(p), _http(port, "file.bin")]),
    _rsync(
        "rsync -W --inplace",
        lambda p, port: ["rsync", "-W", "--inplace", _module(port, "file.bin"), _here(p)],
    ),
    _rsync("rsync", lambda p, port: ["rsync", _module(port, "file.bin"), _here(p)]),
    _xrootd("xrdcp", lambda p, port: [*_XRDCP, _root(port, "file.bin"), _here(p)]),
    _xrootd(
        "xrdcp, 4 streams",
        lambda p, port: [*_XRDCP, "--streams", "4", _root(port, "file.bin"), _here(p)],
    ),
]

_DOWN_NOTHING = [
    raw_get("raw limit", 1, lambda p: "-"),
    raw_get("raw limit, 2 streams", 2, lambda p: "-"),
    _sluice(
        "sluice get",
        lambda p, port: [_binary(p), "get", _native(port, "file.bin"), "-o", "-"],
        writes_stdout=True,
    ),
    _nginx("nginx, curl", lambda p, port: ["curl", "-sS", "-f", _http(port, "file.bin")], writes_stdout=True),
    _xrootd("xrdcp", lambda p, port: [*_XRDCP, _root(port, "file.bin"), "-"], writes_stdout=True),
    _xrootd(
        "xrdcp, 4 streams",
        lambda p, port: [*_XRDCP, "--streams", "4", _root(port, "file.bin"), "-"],
        writes_stdout=True,
    ),
]

def _put_file(place: Place, port: int) -> list[str]:
    return [_binary(place), "put", str(place.file), _native(port, "up/file.bin")]


def _put_tree(place: Place, port: int) -> list[str]:
    return [_binary(place), "put", str(place.tree), _native(port, "up/")]


_RSYNC_FILE = _rsync(
    "rsync -W --inplace",
    lambda p, port: ["rsync", "-W", "--inplace", str(p.file), _module(port, "up/file.bin")],
)
_RSYNC_TREE = _rsync(
    "rsync -a", lambda p, port: ["rsync", "-a", str(p.tree), _module(port, "up/")]
)

_UP_FILE = [
    raw_put("raw limit", 1),
    raw_put("raw limit, 2 streams", 2),
    raw_put("raw limit, direct I/O, synced", 1, "--direct", "--sync"),
    _sluice("sluice put", _put_file),
    _unsynced_sluice(_put_file),
    _nginx(
        "curl -T, nginx WebDAV",
        lambda p, port: ["curl", "-sS", "-f", "-T", str(p.file), _http(port, "up/file.bin")],
    ),
    _RSYNC_FILE,
    then_sync(_RSYNC_FILE, lambda p: ["sync", str(p.up / "file.bin")]),
    _rsync("rsync", lambda p, port: ["rsync", str(p.file), _module(port, "up/file.bin")]),
    _xrootd("xrdcp", lambda p, port: [*_XRDCP, str(p.file), _root(port, "up/file.bin")]),
    _xrootd(
        "xrdcp, 4 streams",
        lambda p, port: [*_XRDCP, "--streams", "4", str(p.file), _root(port, "up/file.bin")],
    ),
]

_DOWN_TREE = [
    Subject("cp -r", lambda p, port: ["cp", "-r", str(p.tree), str(p.here)]),
    raw_get_tree("raw limit, 2 streams", 2),
    raw_get_tree("raw limit, 8 streams, direct I/O, synced", 8, "--direct", "--sync"),
    _sluice("sluice get", lambda p, port: [_binary(p), "get", _native(port, "tree"), "-o", str(p.here)]),
    _rsync("rsync -a", lambda p, port: ["rsync", "-a", _module(port, "tree"), str(p.here)]),
    _xrootd(
        "xrdcp -r --parallel 4",
        lambda p, port: [*_XRDCP, "-r", "--parallel", "4", _root(port, "tree"), str(p.here)],
    ),
]

_UP_TREE = [
    Subject("cp -r", lambda p, port: ["cp", "-r", str(p.tree), str(p.up)]),
    raw_put_tree("raw limit, 2 streams", 2),
    raw_put_tree("raw limit, 2 streams, synced", 2, "--sync"),
    raw_put_tree("raw limit, 8 streams, direct I/O, synced", 8, "--direct", "--sync"),
    _sluice("sluice put", _put_tree),
    _unsynced_sluice(_put_tree),
    _RSYNC_TREE,
    then_sync(_RSYNC_TREE, lambda p: ["sync", "-f", str(p.up)]),
    _xrootd(
        "xrdcp -r --parallel 4",
        lambda p, port: [*_XRDCP, "-r", "--parallel", "4", str(p.tree), _root(port, "up/")],
    ),
]

TASKS = [
    Task(
        "download",
        "Download to a file",
        lambda p: p.file,
        lambda p, whole: p.difference_of_file(p.here / "file.bin", whole),
        _DOWN_FILE,
    ),
    Task("nothing", "Download to nothing", lambda p: p.file, lambda p, whole: None, _DOWN_NOTHING),
    Task(
        "upload",
        "Upload to a file",
        lambda p: p.file,
        lambda p, whole: p.difference_of_file(p.up / "file.bin", whole),
        _UP_FILE,
    ),
    Task(
        "tree-down",
        "Many small files down",
        lambda p: p.tree,
        lambda p, whole: p.difference_of_tree(p.here, whole),
        _DOWN_TREE,
        counts_files=True,
    ),
    Task(
        "tree-up",
        "Many small files up",
        lambda p: p.tree,
        lambda p, whole: p.difference_of_tree(p.up, whole),
        _UP_TREE,
        counts_files=True,
    ),
]
