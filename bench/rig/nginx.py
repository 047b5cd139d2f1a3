"""nginx, as the benchmarks set it up: the content of `place`, sent with sendfile, nothing logged."""

import os

from network import free_port
from place import Place
from server import Server, write_config


def start_nginx(
    place: Place, *, main: str = "worker_processes auto;", events: str = "", http: str = "", listen: str = "",
    location: str = "",
) -> Server:
    """`main`, `events`, `http`, `listen` and `location` are more lines of those parts of its configuration."""
    port, temporary = free_port(), place.work / "nginx"
    temporary.mkdir(exist_ok=True)
    paths = "".join(
        f"  {kind}_temp_path {temporary}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = write_config(
        place.etc / "nginx.conf",
        f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off;
pid {temporary}/pid;
error_log stderr;
{main}
events {{ {events} }}
http {{
{paths}
  access_log off;
  sendfile on;
  tcp_nopush on;
  {http}
  server {{
    listen 127.0.0.1:{port} {listen};
    root {place.site};
    location / {{ {location} }}
  }}
}}
""",
    )
    return Server(place, ["nginx", "-e", "stderr", "-c", config], port)
