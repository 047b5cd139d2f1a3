"""A network namespace of its own for the benchmark, with one congestion control for all subjects.

The choice is a property of the route (`ip route ... congctl`), not the sysctl: only a route may name an
algorithm that the host keeps from ordinary programs, and nothing outside the namespace changes. It is a
default; a program that sets TCP_CONGESTION on its own socket still gets what it asks for.
"""

import os
import shutil
import socket
import subprocess
import sys

_INSIDE = "SLUICE_BENCH_NAMESPACE"


def enter_own_namespace() -> str | None:
    """Starts this program again inside a new namespace; returns there, or with the reason why not."""
    if os.environ.get(_INSIDE):
        return None
    if os.geteuid() != 0:
        return "not root, so no network namespace"
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "no unshare or no ip, so no network namespace"
    attempt = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
    if attempt.returncode != 0:
        return attempt.stderr.strip()
    os.environ[_INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])


def set_congestion(name: str) -> str | None:
    """Brings up loopback with the congestion control `name`; returns what went wrong, if anything."""
    if not os.environ.get(_INSIDE):
        return "not in a namespace of its own"
    commands = ["ip link set lo up"] + [
        f"ip route replace local {prefix} dev lo proto kernel scope host src 127.0.0.1 table local congctl {name}"
        for prefix in ("127.0.0.0/8", "127.0.0.1")
    ]
    for command in commands:
        done = subprocess.run(command.split(), capture_output=True, text=True)
        if done.returncode != 0:
            return f"{command}: {done.stderr.strip()}"
    return None


def congestion_in_use() -> str:
    """The congestion control that both ends of a new loopback connection really have."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as near, listener.accept()[0] as far:
            names = {
                end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()
                for end in (near, far)
            }
    return " and ".join(sorted(names))


def free_port() -> int:
    """A port that nobody holds. In the namespace nobody else takes it before its server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
