"""Filter of a proxy that knows of every upload what the server told to be durable, and so what must
never be sent again."""

import collections
import threading

from product.proxy import DOWN, UP
from wire_format import frame, messages


class Told:
    """Holds for all uploads to paths that are used once. `wants_checkpoint()` says behind which
    blocks the line asks for a checkpoint: small files are over before the server would make one."""

    def __init__(self, wants_checkpoint=lambda: False):
        self.durable = collections.defaultdict(set)  # path -> blocks
        self.sent_in_vain = []  # (path, block): was told before the PUT that it came behind
        self.blocks = 0  # handed on, both ways
        self._wants_checkpoint = wants_checkpoint
        self._requests = {}  # (connection, request) -> (path, blocks that were durable at its PUT)
        self._path_of = {}  # upload id -> path
        self._news = threading.Condition()

    def __call__(self, passing):
        if passing.name != "BLOCKS_DURABLE":
            self._note(passing)

    def heard(self, passing):
        """A client that is gone hears no more: what it was not sent was not told."""
        if passing.name == "BLOCKS_DURABLE":
            self._note(passing)

    def _note(self, passing):
        with self._news:
            note = getattr(self, "_" + passing.name.lower(), None)
            if note:
                note(passing, (passing.connection, passing.request))

    def wait_for(self, count, deadline_s=60):
        """Until so many more blocks passed."""
        with self._news:
            enough = self.blocks + count
            came = self._news.wait_for(lambda: self.blocks >= enough, deadline_s)
            assert came, f"no {count} blocks within {deadline_s} s"

    def told_blocks(self):
        with self._news:
            return sum(map(len, self.durable.values()))

    def _put(self, passing, key):
        put = messages.Put.FromString(bytes(passing.data[12:]))
        path = self._path_of.get(put.upload_id) if put.upload_id else put.path
        if not put.whole:
            self._requests[key] = (path, frozenset(self.durable[path]))

    def _put_opened(self, passing, key):
        opened = messages.PutOpened.FromString(bytes(passing.data[12:]))
        self._path_of[opened.upload_id] = self._requests[key][0]

    def _block(self, passing, key):
        self.blocks += 1
        self._news.notify_all()
        if passing.way == UP and key in self._requests:
            path, sure = self._requests[key]
            if passing.block in sure:
                self.sent_in_vain.append((path, passing.block))
            if self._wants_checkpoint():
                passing.data += frame("CHECKPOINT", passing.request)

    def _blocks_durable(self, passing, key):
        assert passing.way == DOWN
        self.durable[self._requests[key][0]] |= passing.durable
