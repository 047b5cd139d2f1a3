"""Clients that change a served folder as fast as they can until the server is gone, and keep a
ledger of what they were told."""

import pathlib
import subprocess
import threading

import wire_client
from conftest import SLUICE
from prove.ledger import Content, Partial
from wire_format import BLOCK_BYTES, block_count, block_of, messages

ENDS = (wire_client.Ended, wire_client.Failed, OSError, TimeoutError)
FOLDER_BYTES_MAX = 12 << 20  # of one client's files: the volume is small


class Bytes:
    """Random content without the cost of making it: pieces of one random buffer."""

    def __init__(self, choices, size=16 << 20):
        self._all = choices.randbytes(size)

    def piece(self, choices, size):
        at = choices.randrange(len(self._all) - size)
        return self._all[at : at + size]


class Worker(threading.Thread):
    """One client with a folder of its own. `is_over`: the server is being taken away, and errors
    are to be expected from now on."""

    def __init__(self, name, server, ledger, pool, choices, is_over):
        super().__init__(name=name, daemon=True)
        self.server, self.ledger, self.pool, self.choices = server, ledger, pool, choices
        self.is_over = is_over
        self.problem = None
        self.links = []

    def run(self):
        try:
            self.links = [self.connect()]
            while not self.is_over.is_set():
                if self.stored_bytes() > FOLDER_BYTES_MAX:
                    self.remove_folder(self.name)
                self.step()
        except ENDS as end:
            if not self.is_over.is_set():
                self.problem = end
        except BaseException as problem:
            self.problem = problem
        finally:
            for link in self.links:
                link.close()

    def connect(self):
        return wire_client.Connection(self.server.host, self.server.port)

    @property
    def link(self):
        return self.links[0]

    def mine(self, below=""):
        folder = f"{self.name}/{below}"
        return {path: content for path, content in list(self.ledger.files.items()) if path.startswith(folder)}

    def stored_bytes(self):
        return sum(content.size for content in self.mine().values())

    def remove_folder(self, path):
        """File by file it may be half done."""
        changes = [self.ledger.begin({file: None}) for file in self.mine(path.partition("/")[2])]
        self.link.remove(path, recursive=True)
        for change in changes:
            self.ledger.done(change)

    def fields(self, path, data):
        """Of a PUT that makes the file or replaces what is there, and its content."""
        there = self.ledger.files.get(path)
        replace = there and messages.Replace(size_bytes=there.size, mtime_ns=there.mtime_ns)
        mtime_ns = self.choices.randrange(10**9, 2 * 10**18)
        return {"mtime_ns": mtime_ns, "replace": replace, "parents": True}, Content.of(data, mtime_ns)


class SmallFiles(Worker):
    """Whole files in pipelines, new and over older ones."""

    def step(self):
        asked = []
        for number in self.choices.sample(range(60), self.choices.randint(1, 24)):
            data = self.pool.piece(self.choices, int(self.choices.paretovariate(0.6) * 50) % 300_000)
            path = f"{self.name}/{number % 5}/{number}"
            fields, content = self.fields(path, data)
            change = self.ledger.begin({path: content})
            asked.append((self.link.begin_whole(path, data, **fields), data, change))
        for request, data, change in asked:
            self.link.end_whole(request, data)
            self.ledger.done(change)


class LargeFiles(Worker):
    """Uploads over two connections, blocks in any order; some are finished, some thrown away, some
    left for later."""

    def step(self):
        if len(self.links) < 2:
            self.links.append(self.connect())
        path = f"{self.name}/{self.choices.randrange(6)}"
        data = self.pool.piece(self.choices, self.choices.randint(1, 5 * BLOCK_BYTES))
        fields, content = self.fields(path, data)
        partial = Partial({"path": path, "size_bytes": len(data), "resume": True, **fields}, data)
        self.ledger.partials.add(partial)
        first = self.link.open(**partial.fields)
        partial.upload_id = first.upload_id
        self.send(partial, [first, self.links[1].join(first.upload_id)])
        if self.choices.random() < 0.15:
            partial.is_aborting = True
            first.abort()
            self.ledger.hear()
        else:
            partial.finishing = self.ledger.begin({path: content})
            first.finish()
            self.ledger.done(partial.finishing)
        self.ledger.partials.discard(partial)

    def send(self, partial, uploads):
        blocks = list(range(block_count(partial.data)))
        self.choices.shuffle(blocks)
        mine = [set(blocks[0::2]), set(blocks[1::2])]
        for number in blocks:
            upload = uploads[number in mine[1]]
            upload.send_block(number, block_of(partial.data, number))
            if self.choices.random() < 0.3:
                upload.checkpoint()
        for upload, sent in zip(uploads, mine):
            upload.checkpoint()
            while not sent <= upload.durable:
                upload.take_reply()
                self.ledger.durable(partial, set(upload.durable))
        uploads[1].leave()


class Names(Worker):
    """Files and folders renamed, renamed over others, removed."""

    def step(self):
        files = list(self.mine())
        if len(files) < 4:
            return self.make()
        one, other = self.choices.sample(files, 2)
        act = self.choices.choice([self.make, self.rename, self.rename_over, self.rename_folder, self.remove])
        act() if act == self.make else act(one, other)

    def make(self):
        data = self.pool.piece(self.choices, self.choices.randint(1, 40_000))
        path = f"{self.name}/{self.choices.randrange(4)}/{self.choices.randrange(3)}/{self.choices.randrange(9)}"
        fields, content = self.fields(path, data)
        change = self.ledger.begin({path: content})
        self.link.put_whole(path, data, **fields)
        self.ledger.done(change)

    def rename(self, path, other):
        target = f"{other.rpartition('/')[0]}/{self.choices.randrange(10**9)}"
        change = self.ledger.begin({path: None, target: self.ledger.files[path]})
        self.link.rename(path, target)
        self.ledger.done(change)

    def rename_over(self, path, target):
        there = self.ledger.files[target]
        change = self.ledger.begin({path: None, target: self.ledger.files[path]})
        self.link.rename(path, target, messages.Replace(size_bytes=there.size, mtime_ns=there.mtime_ns))
        self.ledger.done(change)

    def rename_folder(self, path, _):
        folder = path.rpartition("/")[0]
        target = f"{self.name}/{self.choices.randrange(10**9)}"
        inside = self.mine(folder.partition("/")[2] + "/")
        moved = {target + file[len(folder) :]: content for file, content in inside.items()}
        change = self.ledger.begin(dict.fromkeys(inside) | moved)
        self.link.rename(folder, target)
        self.ledger.done(change)

    def remove(self, path, _):
        change = self.ledger.begin({path: None})
        self.link.remove(path)
        self.ledger.done(change)


class Program(Worker):
    """`sluice put` of a tree, again and again. `source` is a folder; its files stay as they are."""

    def __init__(self, *arguments, source):
        super().__init__(*arguments)
        self.source = pathlib.Path(source)
        self.files = {str(path.relative_to(self.source.parent)): Content.found(path)
                      for path in self.source.rglob("*") if path.is_file()}
        self.process = None
        self.target = None

    def step(self):
        self.target = f"{self.name}/{self.choices.randrange(10**9)}"
        code, said = self.put()
        if code != 0 and not self.is_over.is_set():
            raise AssertionError(f"sluice put: exit {code}: {said}")

    def put(self):
        changes = [self.ledger.begin({f"{self.target}/{path}": content}) for path, content in self.files.items()]
        self.process = subprocess.Popen(
            [str(SLUICE), "put", "-q", str(self.source), f"{self.server.url}/{self.target}/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if self.is_over.is_set():
            self.process.kill()
        said = self.process.communicate()[1].decode()
        if self.process.returncode == 0:
            for change in changes:
                self.ledger.done(change)
        return self.process.returncode, said

    def kill(self):
        if self.process:
            self.process.kill()

    def go_on(self):
        """What was cut off, run again when the server is back."""
        self.is_over.clear()
        if self.target:
            code, said = self.put()
            assert code == 0, f"sluice put, again: exit {code}: {said}"
