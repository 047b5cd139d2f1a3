#!/usr/bin/python3
"""A crowd in one room, and a long history: `./dev bench talk`.

First the page and `sluice chat` talk to each other. Rounds of crowds are interleaved: one over WebSocket, then one over the
native protocol, then all again. Tables go to standard output. A latency is from before a message is posted, over its commit on the disk, until a listener has it; the crowd is
one process, so that the last listener's latency has the reading of all others in it.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import re
import resource
import select
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "tests"), str(_ROOT / "bench" / "rig")]

import machine

_PAUSE_S = 0.25  # between two messages: one talker may say 5 a second
_SENT = re.compile(rb"sent (\d+)\.")  # no space at the end: a terminal does not send it
_HISTORY_ASKED = 50
_DEADLINE_S = 60


def main():
    options = parse_options()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-talk-") as folder:
        print(", ".join(f"{name} {value}" for name, value in machine.describe(options.work, "as it is").items()))
        both_ways(options, Path(folder) / "pair")
        crowds(options, Path(folder) / "crowd")
        history(options, Path(folder) / "history")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=_ROOT / "build" / "release", type=Path)
    parser.add_argument("--work", default=tempfile.gettempdir(), help="where the server keeps its data")
    parser.add_argument("--listeners", default=1000, type=int)
    parser.add_argument("--messages", default=20, type=int, help="in each round")
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--pair-messages", default=200, type=int, help="each way between the page and a terminal")
    parser.add_argument("--history", default=100_000, type=int, help="messages of the long conversation")
    return parser.parse_args()


class Served:
    """An open server of a folder, as long as the block."""

    def __init__(self, build, root, *options):
        root.mkdir(exist_ok=True)
        (root / "a.mp4").write_bytes(b"film")
        self.process = subprocess.Popen(
            [build / "sluice", "serve", root, "--listen", "127.0.0.1:0", "--public", "write", *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        self.port = int(re.search(rb":(\d+)/", self.process.stdout.readline())[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(_DEADLINE_S)

    def anonymous_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024


# --- the page and a terminal ---


def both_ways(options, root):
    with Served(options.build, root) as server:
        page = join_by_websocket(server.port)
        chat = subprocess.Popen([options.build / "sluice", "chat", f"sluice://127.0.0.1:{server.port}/a.mp4", "--name", "anna"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        chat.stdout.readline()  # it is there
        ways = {
            "page to terminal": (lambda text: send_text(page, {"kind": "say", "path": "a.mp4", "text": text}), chat.stdout),
            "terminal to page": (lambda text: os.write(chat.stdin.fileno(), text.encode() + b"\n"), page),
        }
        print(f"\nThe page (WebSocket) and `sluice chat`, {options.pair_messages} messages each way\n")
        print("| way | p50 ms | p99 ms | slowest ms |\n|---|---|---|---|")
        for name, (send, ear) in ways.items():
            taken = [one_message(send, ear) for _ in range(options.pair_messages)]
            percentiles = statistics.quantiles(taken, n=100)
            print(f"| {name} | {percentiles[49]:.1f} | {percentiles[98]:.1f} | {max(taken):.1f} |")
        chat.stdin.close()
        chat.wait(_DEADLINE_S)
        page.close()


def one_message(send, ear):
    """What it took to the other side, in ms; then a pause, since nobody may say more than 5 a second."""
    began = time.monotonic_ns()
    text = f"sent {began}."
    send(text)
    heard = b""
    while text.encode() not in heard:
        left_s = _DEADLINE_S - (time.monotonic_ns() - began) / 1e9  # other things come meanwhile
        if left_s <= 0 or not select.select([ear], [], [], left_s)[0]:
            sys.exit("a message did not come")
        heard = heard[-64:] + os.read(ear.fileno(), 1 << 16)
    taken_ms = (time.monotonic_ns() - began) / 1e6
    time.sleep(_PAUSE_S)
    return taken_ms


def send_text(link, message):
    wish = json.dumps(message).encode()
    link.sendall(bytes([0x81, 0x80 | len(wish), 0, 0, 0, 0]) + wish)


# --- a crowd ---


def crowds(options, root):
    rows = {"WebSocket": [], "native": []}
    for number in range(options.rounds + 1):  # the first one is not counted
        for carrier, join in (("WebSocket", join_by_websocket), ("native", join_by_native)):
            # A server of its own: one that had a crowd before keeps the memory for the next.
            with Served(options.build, root, "--max-connections", str(options.listeners + 64)) as server:
                figures = one_crowd(server, join, options)
            if number > 0:
                rows[carrier].append(figures)
    print(f"\n{options.listeners} listeners, {options.messages} messages a round, {options.rounds} rounds; medians\n")
    print("| carrier | p50 ms | p99 ms | slowest ms | KiB a listener | messages delivered |")
    print("|---|---|---|---|---|---|")
    for carrier, rounds in rows.items():
        middle = [statistics.median(column) for column in zip(*rounds)]
        print(f"| {carrier} | {middle[0]:.1f} | {middle[1]:.1f} | {middle[2]:.1f} | {middle[3]:.1f} | {middle[4]:.0f} |")


def one_crowd(server, join, options):
    before = server.anonymous_bytes()
    links = [join(server.port) for _ in range(options.listeners)]
    talker = multiprocessing.Process(target=talk, args=(server.port, options.messages))
    talker.start()
    taken_ms = listen(links, options.messages)
    talker.join()
    kib = (server.anonymous_bytes() - before) / len(links) / 1024
    for link in links:
        link.close()
    percentiles = statistics.quantiles(taken_ms, n=100)
    return percentiles[49], percentiles[98], max(taken_ms), kib, len(taken_ms)


def talk(port, messages):
    time.sleep(1.5)  # who is there is told first
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=_DEADLINE_S)
    for _ in range(messages):
        body = json.dumps({"path": "a.mp4", "text": f"sent {time.monotonic_ns()}."})
        link.request("POST", "/api/say", body, {"Content-Type": "application/json"})
        answer = link.getresponse()
        if answer.status != 201:
            sys.exit(f"not said: {answer.status} {answer.read()!r}")
        answer.read()
        time.sleep(_PAUSE_S)


def listen(links, messages):
    """What each message took to each listener, in ms."""
    taken_ms = []
    poll = select.epoll()
    unread = {}
    for link in links:
        link.setblocking(False)
        poll.register(link, select.EPOLLIN)
        unread[link.fileno()] = (link, b"")
    while len(taken_ms) < len(links) * messages:
        ready = poll.poll(_DEADLINE_S)
        if not ready:
            sys.exit(f"only {len(taken_ms)} of {len(links) * messages} messages came")
        for number, _ in ready:
            link, before = unread[number]
            came = link.recv(1 << 16)
            if not came:
                sys.exit("the server closed a connection")
            now = time.monotonic_ns()
            text, end = before + came, 0
            for found in _SENT.finditer(text):
                taken_ms.append((now - int(found[1])) / 1e6)
                end = found.end()
            unread[number] = (link, text[max(end, len(text) - 64) :])
    return taken_ms


def join_by_websocket(port):
    link = socket.create_connection(("127.0.0.1", port), _DEADLINE_S)
    link.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += link.recv(1)
    send_text(link, {"kind": "join", "path": "a.mp4"})
    while b'"kind":"joined"' not in answer:
        answer += link.recv(4096)
    return link


def join_by_native(port):
    import wire_format as wire

    link = socket.create_connection(("127.0.0.1", port), _DEADLINE_S)
    join = wire.frame("TALK_JOIN", 1, wire.messages.TalkJoin(path="a.mp4"))
    link.sendall(wire.client_preface() + wire.frame("HELLO", 0, wire.messages.Hello()) + join)
    answer = b""
    while b"\x08\x01\x12\x05a.mp4" not in answer:  # what: TALK_JOINED
        answer += link.recv(4096)
    return link


# --- a long conversation ---


def history(options, root):
    with Served(options.build, root):
        pass
    fill(root / ".sluice" / "catalog.db", options.history)
    middle, version = options.history // 2, options.history + 1 - 100
    questions = {
        "the newest 100": "limit=100",
        "100 in the middle": f"limit=100&before={middle}",
        "500 in the middle": f"limit=500&before={middle}",
        "the last 100 changes": f"limit=100&after_version={version}",
        "a search for what is rare": "search=number%2012345%20",
        "a search for what is nowhere": "search=nowhere",
    }
    taken = {name: [] for name in questions}
    with Served(options.build, root) as server:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_DEADLINE_S)
        for _ in range(_HISTORY_ASKED):
            for name, query in questions.items():
                began = time.perf_counter()
                link.request("GET", f"/api/talk/a.mp4?{query}")
                answer = link.getresponse()
                if answer.status != 200:
                    sys.exit(f"{name}: {answer.status}")
                answer.read()
                taken[name].append((time.perf_counter() - began) * 1000)
    print(f"\nA conversation of {options.history} messages, each question {_HISTORY_ASKED} times\n")
    print("| asked for | p50 ms | p99 ms |\n|---|---|---|")
    for name, times in taken.items():
        print(f"| {name} | {statistics.median(times):.1f} | {statistics.quantiles(times, n=100)[98]:.1f} |")


def fill(catalog, count):
    """As if it had all been said: at 5 a second it would take hours."""
    with sqlite3.connect(catalog) as rows:
        rows.execute("INSERT INTO talk_room (id, path, messages) VALUES (1, 'a.mp4', ?)", (count,))
        rows.executemany(
            "INSERT INTO talk_message VALUES (?, 1, ?, '', 'anna', 1, 1764150000000, ?, ?, NULL, NULL, 0, 0, 0, '', '')",
            ((i, i, f"The sky flickers here, see message number {i} of many", i * 40) for i in range(2, count + 2)))  # fmt: skip
        rows.execute("UPDATE talk_change SET last = ?", (count + 1,))
    rows.close()


if __name__ == "__main__":
    main()
