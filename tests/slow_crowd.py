"""Very many connections that do as little as they can, from one thread: what a slow-loris attack looks like.

Each kind begins in its own way, and then gives or takes one byte at each `step`:

    silent   says nothing
    tls      the first byte of a TLS handshake, and nothing else
    head     a request's head that never ends
    body     a request whose body never ends
    reader   asks for a big file, and takes it byte by byte
"""

import select
import socket
import time

KINDS = ("silent", "tls", "head", "body", "reader")
_AT_ONCE = 200  # opened before the others are looked after
_SMALL_BUFFER = 2048
_TURN_S = 0.01


class _Slow:
    def __init__(self, address, kind, number, big_path):
        self.kind = kind
        self.ended = False
        self.dripped = 0  # bytes
        self.link = socket.socket()
        if kind == "reader":
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        self.link.connect(address)
        self.link.setblocking(False)
        begin = {
            "silent": b"",
            "tls": b"\x16",
            "head": b"GET /files/ok.txt HTTP/1.1\r\nHost: localhost\r\nX: ",
            "body": b"PUT /files/slow-%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" % number,
            "reader": b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % big_path.encode(),
        }[kind]
        if begin:
            self.link.sendall(begin)

    def drip(self):
        """Whether the server still holds the connection, as far as a byte can tell."""
        try:
            if self.kind in ("head", "body"):
                self.dripped += self.link.send(b"x")
            elif self.kind == "reader":
                taken = self.link.recv(1)
                self.dripped += len(taken)
                return taken != b""
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def has_ended(self):
        """After a wake-up: whether it is the end. What the server says before it does not matter."""
        try:
            while taken := self.link.recv(4096):
                if len(taken) < 4096:
                    return False
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True


class Crowd:
    """`renew`: who is thrown out comes again, when its next byte would have been due."""

    def __init__(self, host, port, count, big_path, kinds=KINDS, renew=False):
        self.address = (host, port)
        self.big_path = big_path
        self.renew = renew
        self.poll = select.epoll()
        self.slow = {}
        self.places = []  # everybody, also those that ended
        self.opened = 0
        self.ended = dict.fromkeys(kinds, 0)
        self._dripped_by_ended = 0
        wanted = [kinds[number % len(kinds)] for number in range(count)]
        for first in range(0, count, _AT_ONCE):
            self.places += [self._open(kind) for kind in wanted[first:first + _AT_ONCE]]
            self._look(0)

    def __len__(self):
        return len(self.slow)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.slow.values():
            each.link.close()
        self.slow.clear()
        self.poll.close()

    @property
    def dripped(self):
        """Bytes that were given and taken so far."""
        return self._dripped_by_ended + sum(each.dripped for each in self.slow.values())

    def count(self, kind):
        return sum(each.kind == kind for each in self.slow.values())

    def step(self, pause_s):
        """Every connection gives or takes its byte, spread over `pause_s`; those that ended are noticed."""
        begin = time.monotonic()
        turns = max(1, int(pause_s / _TURN_S))
        for turn in range(turns):
            for place in range(turn, len(self.places), turns):
                each = self.places[place]
                if each.ended and self.renew:
                    self.places[place] = self._open(each.kind)
                elif not each.ended and not each.drip():
                    self._end(each)
            self._look(0)
            while (left := begin + (turn + 1) * pause_s / turns - time.monotonic()) > 0:
                self._look(left)

    def _open(self, kind):
        each = _Slow(self.address, kind, self.opened, self.big_path)
        self.opened += 1
        self.slow[each.link.fileno()] = each
        # Of a reader only the end of the connection: it has always something to read.
        wanted = select.EPOLLRDHUP if kind == "reader" else select.EPOLLIN | select.EPOLLRDHUP
        self.poll.register(each.link, wanted)
        return each

    def _look(self, wait_s):
        for number, event in self.poll.poll(wait_s):
            each = self.slow.get(number)
            if each is None:
                continue
            gone = event & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP)
            if gone or (each.kind != "reader" and each.has_ended()):
                self._end(each)

    def _end(self, each):
        del self.slow[each.link.fileno()]
        self.poll.unregister(each.link)
        each.link.close()
        each.ended = True
        self._dripped_by_ended += each.dripped
        self.ended[each.kind] += 1
