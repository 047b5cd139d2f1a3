"""How each server is started and ended. A server lives for one run, so that its peak memory is that run's."""

import os
import pwd
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from measure import Failed, tail
from network import free_port
from place import Place
from processes import tree

_START_DEADLINE_S = 20
_END_DEADLINE_S = 10
_POLL_S = 0.005
_ANNOUNCED = re.compile(r"(?:127\.0\.0\.1|localhost):([1-9]\d*)")


class Server:
    """A running server; ready, with its `port`, when the constructor returns.

    Without `port` the server picks one and prints it, which also says that it listens. A `port` given is
    asked by connecting until someone answers.
    """

    def __init__(self, place: Place, argv: list[str], port: int | None = None):
        self._log = place.etc / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        try:
            self.port = self._until(self._announced if port is None else lambda: self._answers(port))
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        members = tree(self.pid) if self._process.poll() is None else []
        if members:
            self._process.terminate()
        try:
            self._process.wait(_END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            for member in members:
                try:
                    os.kill(member, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._process.wait()

    def _until(self, ask) -> int:
        deadline_s = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline_s:
            port = ask()
            if port:
                return port
            if self._process.poll() is not None:
                raise Failed(f"the server ended at once: {tail(self._log)}")
            time.sleep(_POLL_S)
        raise Failed(f"the server was not ready in {_START_DEADLINE_S} s: {tail(self._log)}")

    def _announced(self) -> int | None:
        found = _ANNOUNCED.search(self._log.read_text(errors="replace"))
        return int(found[1]) if found else None

    @staticmethod
    def _answers(port: int) -> int | None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return port
        except OSError:
            return None


def sluice(place: Place) -> Server:
    return Server(place, [f"{place.build}/sluice", "serve", str(place.site), "--listen", "127.0.0.1:0"])


def unsynced_sluice(place: Place) -> Server:
    return Server(place, [f"{place.build}/bench/transfer/unsynced_server", str(place.site)])


def nginx(place: Place) -> Server:
    port, temporary = free_port(), place.work / "nginx"
    temporary.mkdir(exist_ok=True)
    paths = "".join(
        f"  {kind}_temp_path {temporary}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = _write(
        place.etc / "nginx.conf",
        f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off;
pid {temporary}/pid;
error_log stderr;
worker_processes auto;
events {{}}
http {{
{paths}
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  server {{
    listen 127.0.0.1:{port};
    root {place.site};
    location / {{ dav_methods PUT; }}
  }}
}}
""",
    )
    return Server(place, ["nginx", "-e", "stderr", "-c", config], port)


def rsync(place: Place) -> Server:
    port = free_port()
    config = _write(
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
    config = _write(
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


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("xrootd", "daemon", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failed("xrootd does not run as root, and there is no other user for it")


def _write(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)
