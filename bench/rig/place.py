"""The work folder: the content that is moved, the targets, and the proof that both are equal.

    work/site/file.bin      the big file; every server serves work/site
    work/site/tree/NN/NN    the small files
    work/site/up/           target of uploads
    work/here/              target of downloads
    work/etc/               configuration and logs of the servers
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SMALL_FILE_BYTES = 16 << 10
_FILES_PER_FOLDER = 100
_CHUNK_BYTES = 1 << 20


class Place:
    def __init__(self, below: str, build: Path, size_bytes: int, files: int, small_bytes: int = SMALL_FILE_BYTES):
        self.build = build
        self.size_bytes = size_bytes
        self.files = files
        self.small_bytes = small_bytes
        self.work = Path(tempfile.mkdtemp(prefix="sluice-bench-", dir=below))
        self.work.chmod(0o755)  # xrootd runs as another user
        self.site, self.here, self.etc = (self.work / name for name in ("site", "here", "etc"))
        self.file, self.tree, self.up = (self.site / name for name in ("file.bin", "tree", "up"))
        self.site.mkdir()
        self.etc.mkdir()
        self._put_away_count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.work)

    def file_system(self) -> str:
        found = subprocess.run(
            ["df", "--output=fstype", self.work], capture_output=True, text=True, check=True
        )
        return found.stdout.split()[-1]

    def make_content(self):
        digest = hashlib.sha256()
        with self.file.open("wb") as out:
            for left in range(self.size_bytes, 0, -_CHUNK_BYTES):
                chunk = os.urandom(min(left, _CHUNK_BYTES))
                digest.update(chunk)
                out.write(chunk)
        self.file_sha256 = digest.hexdigest()
        for number in range(self.files):
            folder = self.tree / f"{number // _FILES_PER_FOLDER:04}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number % _FILES_PER_FOLDER:02}").write_bytes(os.urandom(self.small_bytes))

    def make_ready(self, source: Path):
        """Empty targets, no dirty pages of the last run, and the source in the page cache."""
        for target in (self.here, self.up):
            self._put_away(target)
            target.mkdir()
            target.chmod(0o777)
        os.sync()
        for file in _files(source):
            with file.open("rb", buffering=0) as content:
                while content.read(_CHUNK_BYTES):
                    pass

    def bytes_of(self, source: Path) -> int:
        return self.size_bytes if source == self.file else self.files * self.small_bytes

    def _put_away(self, target: Path):
        """What the last run left. Small files stay until the end: where many were just deleted, ext4
        makes new ones up to ten times slower, which would hide what the subjects cost."""
        if not target.exists():
            return
        (target / self.file.name).unlink(missing_ok=True)
        self._put_away_count += 1
        target.rename(self.work / f"done-{self._put_away_count}")

    def difference_of_file(self, target: Path, whole: bool) -> str | None:
        """What is wrong with the copy of the big file; its content is read if `whole`."""
        if not target.is_file():
            return f"{target} is missing"
        if target.stat().st_size != self.size_bytes:
            return f"{target} has {target.stat().st_size} bytes instead of {self.size_bytes}"
        if whole and sha256(target) != self.file_sha256:
            return f"{target} has other content than its source"
        return None

    def difference_of_tree(self, target: Path, whole: bool) -> str | None:
        """The same for the small files, which may be in `target` or in a folder `tree` there."""
        root = target / "tree" if (target / "tree").is_dir() else target
        want = {file.relative_to(self.tree) for file in _files(self.tree)}
        got = {file.relative_to(root): file for file in _files(root)}
        if want != got.keys():
            return f"{root} has {len(got)} files, {len(want & got.keys())} of the {len(want)} wanted"
        for name, file in got.items():
            if file.stat().st_size != self.small_bytes:
                return f"{file} has {file.stat().st_size} bytes instead of {self.small_bytes}"
            if whole and file.read_bytes() != (self.tree / name).read_bytes():
                return f"{file} has other content than its source"
        return None


def _files(below: Path) -> list[Path]:
    if below.is_file():
        return [below]
    return [Path(folder) / name for folder, _, names in os.walk(below) for name in names]


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
