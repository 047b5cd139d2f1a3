"""A file system that can lose its power: an image, in memory where that has room, and a loop device."""

import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import uuid

import pytest

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN
NO_LOG_FLUSH = 2
MAKE = {
    # A small journal wraps often, and so is read back at every mount in another state.
    "ext4": (192 << 20, ["mkfs.ext4", "-q", "-F", "-J", "size=4"]),
    "xfs": (320 << 20, ["mkfs.xfs", "-q", "-f"]),
}


def require(kind):
    """Skips, and says why, where this cannot be done."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts a volume and takes its power away")
    if not os.path.exists("/dev/loop-control"):
        pytest.skip("needs loop devices: there is no /dev/loop-control")
    if shutil.which(MAKE[kind][1][0], path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
        pytest.skip(f"needs {MAKE[kind][1][0]}")


class Volume:
    def __init__(self, kind, folder):
        size, make = MAKE[kind]
        in_memory = pathlib.Path("/dev/shm")
        roomy = in_memory.is_dir() and shutil.disk_usage(in_memory).free > 2 * size
        self.image = (in_memory if roomy else folder) / f"sluice-prove-{uuid.uuid4().hex}.img"
        self.root = folder / "volume"
        self.root.mkdir()
        self.is_mounted = False
        with open(self.image, "wb") as file:
            file.truncate(size)
        _run(*make, self.image)
        try:
            self.mount()
        except AssertionError as refused:
            self.image.unlink()
            pytest.skip(f"needs the right to mount: {refused}")
        for made_by_mkfs in self.root.iterdir():
            made_by_mkfs.rmdir()
        os.sync()

    def mount(self):
        _run("mount", "-o", "loop", self.image, self.root)
        self.is_mounted = True

    def lose_power(self):
        """Nothing that is not on the device by now gets there any more."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def unmount(self):
        _run("umount", self.root)
        self.is_mounted = False

    def remove(self):
        if self.is_mounted:
            self.unmount()
        self.image.unlink()


def _run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"
