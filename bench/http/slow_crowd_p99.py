"""slow_crowd_p99.py PORT COUNT PREFIX: an honest client's 1 MiB GETs, alone and beside COUNT slow connections.

At the end a line of JSON says the p99 of both. The slow ones are a process of their own, and who is thrown out comes
again; see tests/slow_crowd.py.
"""

import json
import multiprocessing
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from slow_crowd import Crowd

_GETS = 1000
_HONEST_BYTES = 1 << 20
_STEP_S = 2.0  # between two bytes of a slow connection


def main(port: int, count: int, prefix: str):
    path = f"{prefix}/file.bin"
    alone_ms = p99_ms(port, path)
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    crowd = multiprocessing.Process(target=be_slow, args=(port, count, path, ready, stop))
    crowd.start()
    ready.wait()
    beside_ms = p99_ms(port, path)
    stop.set()
    crowd.join()
    print(json.dumps({"alone_p99_ms": alone_ms, "p99_ms": beside_ms, "slow": count}))


def be_slow(port: int, count: int, path: str, ready, stop):
    with Crowd("127.0.0.1", port, count, path, renew=True) as crowd:
        ready.set()
        while not stop.is_set():
            crowd.step(_STEP_S)


def p99_ms(port: int, path: str) -> float:
    """Of many requests on one connection, each for the first MiB."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-{_HONEST_BYTES - 1}\r\n\r\n".encode()
    taken_ms = []
    buffer = bytearray(1 << 18)
    with socket.create_connection(("127.0.0.1", port)) as link:
        for _ in range(_GETS):
            begin_s = time.perf_counter()
            link.sendall(request)
            head = link.recv(4096)
            while b"\r\n\r\n" not in head:
                head += link.recv(4096)
            if not head.startswith(b"HTTP/1.1 206 "):
                sys.exit(f"no part of the file: {head[:200]!r}")
            left = _HONEST_BYTES - (len(head) - head.index(b"\r\n\r\n") - 4)
            while left > 0:
                got = link.recv_into(buffer, min(len(buffer), left))
                if got == 0:
                    sys.exit("the server closed the connection")
                left -= got
            taken_ms.append((time.perf_counter() - begin_s) * 1000)
    return statistics.quantiles(taken_ms, n=100)[98]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
