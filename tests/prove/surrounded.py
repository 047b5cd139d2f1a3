"""A served folder with secrets around it, under all names that a way out could end with."""

import os
import shutil

CANARY = b"canary-outside-of-the-folder"
OUT_OF_THE_SYSTEM = b"root:x:0"  # of /etc/passwd
OURS = ("", "in")  # stay where they are
KEPT = {*OURS, "baits", ".hidden", ".sluice", "leads-out", "to-root", "up"}


def is_secret(answer):
    return CANARY in answer or OUT_OF_THE_SYSTEM in answer


def state_of(folder, without):
    """All names, sizes, times and contents below, but for one folder."""
    found = {}
    for where, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if os.path.join(where, each) != without]
        for name in [*folders, *files]:
            path = os.path.join(where, name)
            facts = os.lstat(path)
            if path.endswith(".log"):
                continue
            found[path] = (facts.st_mode, facts.st_size, facts.st_mtime_ns if name not in folders else 0, facts.st_ino)
    return found


class Surrounded:
    """Made below `folder`; whoever starts a server of `served` says where it is. Goes to other processes as a copy."""

    def __init__(self, folder):
        self.folder = folder
        around = folder / "around"
        self.served = around / "served"
        (self.served / "in").mkdir(parents=True)
        (self.served / "baits").mkdir()
        for name in ("secret", "e", "f", "2", "5", "ef", "25", "e5", "in/e", "etc/passwd"):
            (around / name).parent.mkdir(exist_ok=True)
            (around / name).write_bytes(CANARY)
        (folder / "secret").write_bytes(CANARY)
        for name in (".hidden", "in/.hidden"):
            (self.served / name).write_bytes(CANARY)
        (self.served / "leads-out").symlink_to(around)
        (self.served / "to-root").symlink_to("/")
        (self.served / "in" / "up").symlink_to("../..")
        (self.served / "baits" / "0").write_bytes(b"bait")
        self.baits = 0

    def surrounds(self, server):
        self.host, self.port = server.host, server.port
        self.before, self.hidden_before = self.state(), self.hidden()

    def state(self):
        return state_of(self.folder, str(self.served))

    def hidden(self):
        found = {name: (self.served / name).read_bytes() for name in (".hidden", "in/.hidden")}
        links = {name: os.readlink(self.served / name) for name in ("leads-out", "to-root", "in/up")}
        return found | links

    def bait(self):
        """The name of a new file, to be moved to wherever somebody wants to."""
        self.baits += 1
        os.link(self.served / "baits" / "0", self.served / "baits" / str(self.baits))
        return f"baits/{self.baits}"

    def check(self):
        assert self.state() == self.before, "something outside was written"
        assert self.hidden() == self.hidden_before

    def tidy(self):
        """Away with what the requests made."""
        for where in (self.served, self.served / "in", self.served / "baits"):
            for each in where.iterdir():
                if each.name in KEPT or each == self.served / "baits" / "0":
                    continue
                if each.is_dir() and not each.is_symlink():
                    shutil.rmtree(each, ignore_errors=True)
                else:
                    each.unlink(missing_ok=True)
