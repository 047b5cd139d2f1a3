"""What goes on beside the honest client: nothing, requests that are no logins, or wrong logins. One process each.

Each kind sends the same number of requests a second, so that a difference between them is what guessing costs.
"""

import base64
import multiprocessing
import secrets
import select
import socket
import time

_ENDS_AT_ONCE = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: ports are free again
_STEP_S = 0.005
ADDRESSES = 10_000

NOTHING = "alone"
REQUESTS = "requests without a login"
ONE = "wrong logins from one address"
MANY = "wrong logins from many addresses"
TWICE = "the same, each comes twice"
KINDS = [NOTHING, REQUESTS, ONE, MANY, TWICE]


class Guessing:
    """As long as the block; `answers` is how often each status came then."""

    def __init__(self, kind, port, rate):
        ours, theirs = multiprocessing.Pipe()
        self._told = ours
        self._end = multiprocessing.Event()
        self._process = multiprocessing.Process(target=_guess, args=(kind, port, rate, self._end, theirs))
        self.answers = {}

    def __enter__(self):
        self._process.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self.answers = self._told.recv()
        self._process.join()


def _guess(kind, port, rate, end, told):
    answers, waiting = {}, {}
    accounts = f"user{secrets.token_hex(4)}"  # nobody asked for them before
    poll = select.epoll()
    begun, made = time.monotonic(), 0
    while kind != NOTHING and (waiting or not end.is_set()):
        due = 0 if end.is_set() else int((time.monotonic() - begun) * rate) + 1
        while made < due:
            who = made if kind != TWICE else _back_a_second_later(made, rate)
            link = _ask(kind, port, who, accounts)
            waiting[link.fileno()] = link
            poll.register(link, select.EPOLLIN)
            made += 1
        for number, _ in poll.poll(_STEP_S):
            poll.unregister(number)
            status = _status_of(waiting.pop(number))
            answers[status] = answers.get(status, 0) + 1
    told.send(answers)


def _back_a_second_later(number, rate):
    """Whose turn it is where each comes twice: in one second `rate` new ones, in the next the same."""
    second, place = divmod(number, rate)
    return second // 2 * rate + place


def _ask(kind, port, number, accounts):
    """A connection with one request on it, for an account of its own."""
    place = number % ADDRESSES
    address = f"127.1.{place // 250}.{1 + place % 250}" if kind != ONE else "127.0.0.7"
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ENDS_AT_ONCE)
    link.bind((address, 0))
    link.connect(("127.0.0.1", port))
    login = base64.b64encode(f"{accounts}{number}:a wrong password".encode()).decode()
    field = "" if kind == REQUESTS else f"Authorization: Basic {login}\r\n"
    link.sendall(f"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\n{field}\r\n".encode())
    return link


def _status_of(link):
    with link:
        try:
            return link.recv(4096)[9:12].decode() or "closed"
        except ConnectionError:
            return "closed"
