"""What was acknowledged, and so must be found whatever happens to the server.

A change that was asked for and not answered may be found done or not done, but not half done.
Each path is in one such change at most.
"""

import collections
import os
import pathlib
import sqlite3
import threading

from wire_format import digest


class Content(collections.namedtuple("Content", "size digest mtime_ns")):
    @classmethod
    def of(cls, data, mtime_ns):
        return cls(len(data), digest(data), mtime_ns)

    @classmethod
    def found(cls, path):
        with open(path, "rb") as file:
            data = file.read()
            return cls.of(data, os.fstat(file.fileno()).st_mtime_ns)


class Change:
    """{path: Content or None} before and after. All of it happens, or nothing."""

    def __init__(self, before, after):
        self.before = before
        self.after = after
        self.happened = None  # not known


class Partial:
    """An upload that is under way. `durable`: the blocks that the server told."""

    def __init__(self, fields, data):
        self.fields = fields  # of the PUT
        self.data = data
        self.upload_id = None
        self.durable = set()
        self.finishing = None  # the Change that its PUT_FINISH asked for
        self.is_aborting = False


class PowerIsGone(OSError):
    pass


class Ledger:
    """Written by several clients, each for paths of its own.

    What is answered after the power went is not written down, since nobody would hear it, and since it may be wrong
    through no fault of the server: an fdatasync that is under way while ext4 is shut down can return 0 for what is never
    written (of 451 that returned 0 in a plain program after 150 shutdowns had begun, 176 were lost; of those that
    returned before, none; Linux 6.18). Such a change may be found done or not done, as if it was not answered.
    """

    def __init__(self):
        self.files = {}
        self.pending = set()
        self.partials = set()
        self.told = collections.Counter()  # files and blocks, ever
        self._is_dark = False
        self._news = threading.Condition()

    def lose_power(self):
        """To be called right before it is taken."""
        with self._news:
            self._is_dark = True

    def restore_power(self):
        with self._news:
            self._is_dark = False

    def hear(self):
        """An answer came. Raises PowerIsGone when nobody hears it."""
        with self._news:
            self._hear()

    def _hear(self):
        if self._is_dark:
            raise PowerIsGone("the power is gone")

    def begin(self, after):
        with self._news:
            change = Change({path: self.files.get(path) for path in after}, after)
            busy = {path for other in self.pending for path in other.after}
            assert not busy & set(after), "the test changes a path twice at a time"
            self.pending.add(change)
        return change

    def done(self, change):
        with self._news:
            self._hear()
            self._settle(change, True)
            self.told["files"] += len(change.after)
            self._news.notify_all()

    def durable(self, partial, blocks):
        with self._news:
            self._hear()
            self.told["blocks"] += len(blocks - partial.durable)
            partial.durable |= blocks
            self._news.notify_all()

    def wait_for(self, count, deadline_s=60):
        """Until so many more answers came."""
        with self._news:
            enough = self.told.total() + count
            came = self._news.wait_for(lambda: self.told.total() >= enough, deadline_s)
            assert came, f"no {count} acknowledgements within {deadline_s} s"

    def _settle(self, change, happened):
        change.happened = happened
        self.pending.discard(change)
        for path, content in change.after.items() if happened else ():
            if content is None:
                self.files.pop(path, None)
            else:
                self.files[path] = content

    def check(self, root):
        """Compares with what is stored, and learns which open changes happened."""
        found = stored_in(root)
        for change in list(self.pending):
            now = {path: found.get(path) for path in change.after}
            assert now in (change.before, change.after), (
                f"half of a change: {change.before} to {change.after} asked for, {now} found")
            self._settle(change, now == change.after)
        differ = {path for path in found.keys() | self.files.keys() if found.get(path) != self.files.get(path)}
        assert not differ, "\n".join(
            f"{path}: acknowledged {self.files.get(path)}, found {found.get(path)}" for path in sorted(differ))


def stored_in(root):
    """{path: Content} of all files that are served."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = pathlib.Path(folder, name)
            found[str(path.relative_to(root))] = Content.found(path)
    return found


def check_no_partials(root):
    """To be called when no upload is open: everything in the folder of partials is of no use then."""
    data = pathlib.Path(root, ".sluice")
    left_over = os.listdir(data / "partials")
    assert left_over == [], f"{left_over} left over; in the catalog stand {_uploads_in(data)}"


def _uploads_in(data):
    with sqlite3.connect(f"file:{next(data.glob('*.db'))}?mode=ro", uri=True) as catalog:
        return catalog.execute("SELECT id, path, size_bytes, state FROM upload WHERE state != 2").fetchall()
