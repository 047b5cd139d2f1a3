"""How each server is started. A server lives for one run, so that its peak memory is that run's."""

import os
import pwd
from pathlib import Path

from measure import Failed
from network import free_port
from nginx import start_nginx
from place import Place
from server import Server, write_config


def sluice(place: Place) -> Server:
    return Server(place, [f"{place.build}/sluice", "serve", str(place.site), "--listen", "127.0.0.1:0", "--public", "write"])


def unsynced_sluice(place: Place) -> Server:
    return Server(place, [f"{place.build}/bench/transfer/unsynced_server", str(place.site)])


def nginx(place: Place) -> Server:
    return start_nginx(
        place,
        http="client_max_body_size 0; client_body_buffer_size 1m;",
        location="dav_methods PUT;",
    )


def rsync(place: Place) -> Server:
    port = free_port()
    config = write_config(
        place.etc / "rsyncd.conf",
        f"""use chroot = no
{"uid = 0" if os.geteuid() == 0 else ""}
{"gid = 0" if os.geteuid() == 0 else ""}
[site]
path = {place.site}
read only = no
""",
    )
    return Server(
        place,
        ["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}", f"--config={config}"],
        port,
    )


def xrootd(place: Place) -> Server:
    """It refuses to run as root, so it gets a user of its own there."""
    port, state = free_port(), place.work / "xrootd"
    state.mkdir(exist_ok=True)
    config = write_config(
        place.etc / "xrootd.cfg",
        f"""all.export /
oss.localroot {place.site}
all.adminpath {state}
all.pidpath {state}
""",
    )
    argv = ["xrootd", "-I", "v4", "-p", str(port), "-c", config]
    if os.geteuid() == 0:
        user = _unprivileged_user()
        os.chown(state, user.pw_uid, user.pw_gid)
        argv = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *argv]
    return Server(place, argv, port)


def raw_sender(place: Place, streams: int) -> Server:
    return Server(place, [f"{place.build}/bench/transfer/raw_send", "listen:0", str(place.file), str(streams)])


def raw_receiver(place: Place, streams: int, flags: tuple[str, ...]) -> Server:
    return Server(
        place,
        [
            f"{place.build}/bench/transfer/raw_recv",
            "listen:0",
            f"{place.up}/file.bin",
            str(place.size_bytes),
            f"--streams={streams}",
            *flags,
        ],
    )


def raw_tree_sender(place: Place, streams: int) -> Server:
    return Server(place, [f"{place.build}/bench/transfer/raw_small_send", "listen:0", str(place.tree), str(streams)])


def raw_tree_receiver(place: Place, streams: int, flags: tuple[str, ...]) -> Server:
    program = f"{place.build}/bench/transfer/raw_small_recv"
    return Server(place, [program, "listen:0", str(place.up), f"--streams={streams}", *flags])


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("xrootd", "daemon", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failed("xrootd does not run as root, and there is no other user for it")
