"""The servers, each tuned as its manual says for sending files. A server lives for one run."""

import resource
import sys
from pathlib import Path

from network import free_port
from nginx import start_nginx
from place import Place
from server import Server, write_config

WORKERS = 2
CONNECTIONS = 12_000  # a little over what the tasks open
_REQUESTS = 1_000_000_000  # of one connection
_IDLE_S = 600


def _descriptors() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def sluice(place: Place) -> Server:
    return Server(
        place,
        [
            f"{place.build}/sluice",
            "serve",
            str(place.site),
            "--listen=127.0.0.1:0",
            "--public=write",
            f"--threads={WORKERS}",
            f"--max-connections={CONNECTIONS}",
            f"--idle-timeout={_IDLE_S}s",
        ],
    )


def nginx(place: Place, cache: bool = False) -> Server:
    kept = f"open_file_cache max={CONNECTIONS * 2} inactive=600s; open_file_cache_valid 600s;" if cache else ""
    return start_nginx(
        place,
        main=f"worker_processes {WORKERS}; worker_rlimit_nofile {_descriptors()};",
        events=f"worker_connections {CONNECTIONS}; multi_accept on;",
        http=f"keepalive_requests {_REQUESTS}; keepalive_timeout {_IDLE_S}s; {kept}",
        listen="reuseport backlog=4096",
    )


def nginx_with_open_file_cache(place: Place) -> Server:
    return nginx(place, cache=True)


def lighttpd(place: Place) -> Server:
    port = free_port()
    config = write_config(
        place.etc / "lighttpd.conf",
        f"""server.document-root = "{place.site}"
server.bind = "127.0.0.1"
server.port = {port}
server.max-worker = {WORKERS}
server.max-fds = {_descriptors()}
server.max-connections = {CONNECTIONS}
server.listen-backlog = 4096
server.network-backend = "sendfile"
server.max-keep-alive-requests = 65000
server.max-keep-alive-idle = {_IDLE_S}
server.max-read-idle = {_IDLE_S}
server.max-write-idle = {_IDLE_S}
server.errorlog = "/dev/null"
""",
    )
    return Server(place, ["lighttpd", "-D", "-f", config], port)


def raw_sender(place: Place) -> Server:
    return Server(place, [f"{place.build}/bench/transfer/raw_send", "listen:0", str(place.file), "1"])


def tus_sink(place: Place) -> Server:
    return Server(place, [sys.executable, str(Path(__file__).resolve().parent / "tus_sink.py")])


def tus_node_server(place: Place, modules: Path) -> Server:
    """The tus project's own; it keeps what arrives in the folder of uploads under the name that is asked for."""
    return Server(place, ["node", str(modules / "tus_server.mjs"), str(place.up), place.file.name])
