"""idle_connections.py PORT COUNT PATH: opens COUNT connections, has one request answered on each, and holds them.

At the end a line of JSON says what the kernel needed for each, both ends together.
"""

import json
import re
import select
import socket
import sys
import time
from pathlib import Path

_AT_ONCE = 500
_HOLD_S = 0.5  # several looks of whoever watches the server's memory
_PAGE_BYTES = 4096


def main(port: int, count: int, path: str):
    before = kernel_bytes()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    links = []
    while len(links) < count:
        links += ask_all(port, min(_AT_ONCE, count - len(links)), request)
    time.sleep(_HOLD_S)
    print(json.dumps({"connections": count, "kernel_bytes": (kernel_bytes() - before) / count}))


def ask_all(port: int, count: int, request: bytes) -> list[socket.socket]:
    """As many connections, each with its response taken."""
    links, missing = {}, {}
    poll = select.epoll()
    for _ in range(count):
        link = socket.create_connection(("127.0.0.1", port))
        links[link.fileno()] = link
        missing[link.fileno()] = None
        poll.register(link, select.EPOLLIN)
        link.sendall(request)
    while missing:
        for number, _ in poll.poll():
            taken = links[number].recv(1 << 17)
            if not taken:
                sys.exit("the server closed a connection")
            if missing[number] is None:
                head, _, taken = taken.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                if not head.startswith(b"HTTP/1.1 200 ") or not length:
                    sys.exit(f"no file: {head!r}")
                missing[number] = int(length[1])
            missing[number] -= len(taken)
            if missing[number] == 0:
                del missing[number]
                poll.unregister(number)
    return list(links.values())


def kernel_bytes() -> int:
    """What the kernel keeps for itself, all of the machine: caches of objects, and TCP's buffers."""
    slab = int(re.search(r"SUnreclaim:\s+(\d+) kB", Path("/proc/meminfo").read_text())[1]) * 1024
    buffers = int(re.search(r"^TCP: .* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.M)[1])
    return slab + buffers * _PAGE_BYTES


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
