"""kill -9 of the server at random moments, while a client appends to an upload by tus: an offset that was acknowledged is
never lost, and what lies before it is what was sent."""

import http.client
import threading

from client.conftest import MIB
from conftest import DEADLINE_S
from product.conftest import make_file, sha256
from prove.plan import amount, choices, report
from tus.conftest import Tus

KILLS = amount("OFFSET_KILLS", 15)
SIZE = 24 * MIB + 4321


class Sender(threading.Thread):
    """Sends the rest of an upload in pieces of any size until the server is gone or all is done."""

    def __init__(self, tus, url, whole, pick):
        super().__init__(daemon=True)
        self.tus, self.url, self.whole, self.pick = tus, url, whole, pick
        self.acknowledged, self.sent = 0, len(whole)
        self.began = threading.Event()

    def run(self):
        try:
            at = self.acknowledged = self.sent = self.tus.head(self.url).offset
            while at < len(self.whole):
                size = self.pick.choice([1, 100, 4096, 70_000, MIB, 3 * MIB + 7])
                self.sent = min(at + size, len(self.whole))
                self.began.set()
                answer = self.tus.patch(self.url, at, self.whole[at : self.sent])
                assert answer.status == 204, answer
                self.acknowledged = at = answer.offset
        except (OSError, http.client.HTTPException):
            pass  # the server was killed
        finally:
            self.began.set()


def test_an_acknowledged_offset_survives_kills(serve, tmp_path):
    source = make_file(tmp_path / "source", SIZE)
    whole = source.read_bytes()
    tus = Tus(serve())
    finished = kills = 0
    url = tus.new(SIZE, name="film-0")
    while kills < KILLS:
        pick = choices("offsets", kills)
        sender = Sender(tus, url, whole, pick)
        sender.start()
        sender.began.wait(DEADLINE_S)
        sender.join(pick.uniform(0, 0.3))
        tus.server.kill()
        kills += 1
        sender.join(DEADLINE_S)
        tus.server.restart()
        offset = tus.head(url).offset
        assert sender.acknowledged <= offset <= sender.sent
        if offset < SIZE:
            partial = tus.server.root / ".sluice" / "partials" / f"{url.rsplit('/', 1)[1]}.part"
            with open(partial, "rb") as stored:
                assert stored.read(offset) == whole[:offset]
            continue
        assert sha256(tus.server.root / f"film-{finished}") == sha256(source)
        finished += 1
        url = tus.new(SIZE, name=f"film-{finished}")
    report(f"{kills} kills under appending requests, {finished} uploads finished, no acknowledged byte lost")
