"""What the client of tus can do at most: a server that answers it, and drops what it sends.

One upload at a time, as the client of this benchmark makes it: a POST, then a PATCH with all of the file.
"""

import re
import socket

_BUFFER_BYTES = 1 << 20
_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


def read_head(link):
    """The bytes up to the empty line, and those behind it that came with them."""
    came = b""
    while b"\r\n\r\n" not in came:
        more = link.recv(1 << 16)
        if not more:
            return None, b""
        came += more
    head, body = came.split(b"\r\n\r\n", 1)
    return head + b"\r\n", body


def drop(link, left):
    buffer = bytearray(_BUFFER_BYTES)
    while left > 0:
        got = link.recv_into(buffer, min(left, _BUFFER_BYTES))
        if got == 0:
            return
        left -= got


def answer(link, port):
    while True:
        head, body = read_head(link)
        if head is None:
            return
        length = int(_LENGTH.search(head)[1])
        drop(link, length - len(body))
        if head.startswith(b"POST"):
            said = f"201 Created\r\nLocation: http://127.0.0.1:{port}/tus/1\r\nContent-Length: 0"
        else:
            said = f"204 No Content\r\nUpload-Offset: {length}"
        link.sendall(f"HTTP/1.1 {said}\r\nTus-Resumable: 1.0.0\r\n\r\n".encode())


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    print(f"127.0.0.1:{port}", flush=True)
    while True:
        link, _ = listener.accept()
        with link:
            answer(link, port)


if __name__ == "__main__":
    main()
