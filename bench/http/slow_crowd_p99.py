"""slow_crowd_p99.py PORT COUNT PREFIX: an honest client's 1 MiB GETs, alone and beside COUNT slow connections.

At the end a line of JSON says the p99 of both, and how many bytes the slow ones gave and took a second meanwhile. They
are a process of their own that gets what processor the others leave, since their real ones would be other machines;
each does something every two seconds, and who is thrown out comes again then; see tests/slow_crowd.py.
"""

import json
import multiprocessing
import os
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from slow_crowd import Crowd

_GETS = 1000  # on one connection
_BESIDE_S = 12.0  # at least: servers throw out who is slow after ten
_HONEST_BYTES = 1 << 20
_STEP_S = 2.0  # between two bytes of a slow connection
_LEAST_NICE = 19


def main(port: int, count: int, prefix: str):
    path = f"{prefix}/file.bin"
    alone_ms = p99_ms(port, path, 0)
    here, there = multiprocessing.Pipe()
    crowd = multiprocessing.Process(target=be_slow, args=(port, count, path, there, here), daemon=True)
    crowd.start()
    there.close()
    here.recv()  # all are there
    beside_ms = p99_ms(port, path, _BESIDE_S)
    here.send("enough")
    rate = here.recv()
    crowd.join()
    print(json.dumps({"alone_p99_ms": alone_ms, "p99_ms": beside_ms, "slow": count, "slow_bytes_a_s": rate}))


def stand_back():
    """Niceness counts only among the processes of a session, and then that of the session counts (sched(7))."""
    os.setsid()
    os.nice(_LEAST_NICE)
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text(str(_LEAST_NICE))


def be_slow(port: int, count: int, path: str, link, others_end):
    others_end.close()  # so that the link ends with the honest client
    stand_back()
    with Crowd("127.0.0.1", port, count, path, renew=True) as crowd:
        link.send("all are there")
        begin_s, before = time.monotonic(), crowd.dripped
        while not link.poll():
            crowd.step(_STEP_S)
        link.send((crowd.dripped - before) / (time.monotonic() - begin_s))


def p99_ms(port: int, path: str, at_least_s: float) -> float:
    """Of many requests, one after the other, each for the first MiB."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-{_HONEST_BYTES - 1}\r\n\r\n".encode()
    taken_ms = []
    end_s = time.perf_counter() + at_least_s
    while not taken_ms or time.perf_counter() < end_s:
        with socket.create_connection(("127.0.0.1", port)) as link:
            taken_ms += [get_ms(link, request) for _ in range(_GETS)]
    return statistics.quantiles(taken_ms, n=100)[98]


def get_ms(link: socket.socket, request: bytes, buffer=bytearray(1 << 18)) -> float:
    begin_s = time.perf_counter()
    link.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        head += receive(link, buffer, 4096)
    if not head.startswith(b"HTTP/1.1 206 "):
        sys.exit(f"no part of the file: {head[:200]!r}")
    left = _HONEST_BYTES - (len(head) - head.index(b"\r\n\r\n") - 4)
    while left > 0:
        left -= len(receive(link, buffer, left))
    return (time.perf_counter() - begin_s) * 1000


def receive(link: socket.socket, buffer: bytearray, most: int) -> memoryview:
    got = link.recv_into(buffer, min(len(buffer), most))
    if got == 0:
        sys.exit("the server closed the connection")
    return memoryview(buffer)[:got]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
