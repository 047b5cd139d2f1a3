"""Full disks, limits, volumes that cannot be written: clear answers, nothing wrongly acknowledged,
reading goes on, and uploads go on after relief."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from client.conftest import MIB, content
from conftest import DEADLINE_S, SLUICE, Server
from product.conftest import BLOCK, connect, make_file, names_in, raw, sha256, until
from wire_client import Failed


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"


class Small:
    """A small file system that is gone after the test."""

    def __init__(self, root, kind, size):
        self.root = root
        root.mkdir()
        self.image = None
        if kind == "tmpfs":
            run("mount", "-t", "tmpfs", "-o", f"size={size}", "sluice-test", root)
        else:
            self.image = pathlib.Path("/dev/shm") / f"sluice-full-{os.getpid()}-{root.name}.img"
            with open(self.image, "wb") as file:
                file.truncate(size)
            run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
            self.mount()
            shutil.rmtree(root / "lost+found")

    def mount(self):
        run("mount", "-o", "loop", self.image, self.root)

    def remount(self, options):
        run("mount", "-o", f"remount,{options}", self.root)

    def unmount(self):
        run("umount", self.root)

    def free(self):
        told = os.statvfs(self.root)
        return told.f_bavail * told.f_frsize

    def fill(self, leave):
        """A ballast that leaves that many bytes; its removal is the relief."""
        self.ballast = self.root / ".ballast"
        with open(self.ballast, "wb") as file:
            size = self.free() - leave
            while size > 0:
                try:
                    os.posix_fallocate(file.fileno(), 0, size)
                    break
                except OSError:
                    size -= 256 * 1024
        os.sync()

    def relieve(self):
        self.ballast.unlink()
        os.sync()

    def remove(self):
        subprocess.run(["umount", "-l", str(self.root)], capture_output=True)
        if self.image:
            self.image.unlink(missing_ok=True)


@pytest.fixture
def small(tmp_path):
    """`small("ext4", 64 * MIB)`: a Small of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts small file systems")
    made = []

    def make(kind, size=64 * MIB):
        if kind != "tmpfs" and not (os.path.exists("/dev/loop-control") and shutil.which("mkfs.ext4")):
            pytest.skip("needs loop devices and mkfs.ext4")
        made.append(Small(tmp_path / f"volume{len(made)}", kind, size))
        return made[-1]

    yield make
    for each in made:
        each.remove()


@pytest.fixture
def on(small):
    """`on("ext4", 64 * MIB, *options)`: (the volume, a server of it), ended before the volume goes."""
    servers = []

    def start(kind, size=64 * MIB, *options):
        volume = small(kind, size)
        servers.append(Server(volume.root, *options))
        return volume, servers[-1]

    yield start
    for server in servers:
        server.process.kill()
        server.process.wait(DEADLINE_S)
        server.log.close()


def check_no_space(put):
    assert put.process.returncode == 8, put.result
    assert put.result["exit_code"] == 8 and "no space" in put.result["reason"] + put.result["message"]
    assert "room" in put.result["advice"]


KINDS = ["tmpfs", "ext4"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_room_for_an_upload(on, running, tmp_path, kind):
    """Told before a byte is sent; reading goes on; after relief the same command does it."""
    volume, server = on(kind)
    make_file(server.root / "there", 2 * MIB)
    source = make_file(tmp_path / "f", 24 * MIB)
    volume.fill(leave=8 * MIB)
    put = running("put", source, server.url + "/f")
    put.end()
    check_no_space(put)
    assert "needs 24" in put.result["message"], put.result
    assert list((server.root / ".sluice" / "partials").iterdir()) == []
    with connect(server) as other:
        assert len(other.get("there")) == 2 * MIB
    volume.relieve()
    again = running("put", source, server.url + "/f")
    assert again.end() == 0, again.result
    assert sha256(server.root / "f") == sha256(source)


@pytest.mark.parametrize("kind", KINDS)
def test_full_in_the_middle(on, tmp_path, kind):
    """Of unknown size nothing is allocated, so it ends where the volume does. What was told durable is
    there, and goes on after relief."""
    volume, server = on(kind)
    volume.fill(leave=12 * MIB)
    blocks = 24
    data = content(blocks * BLOCK)
    with connect(server) as other:
        upload = other.open("f")
        sent = 0
        with pytest.raises(Failed) as failed:
            for number in range(blocks):
                upload.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
                upload.checkpoint()
                sent += 1
                while number not in upload.durable:
                    upload.take_reply()
        assert failed.value.code == "NO_SPACE"
        assert failed.value.error.retry == 2  # AFTER_CHANGE
        durable = set(upload.durable)
        assert 4 <= len(durable) < blocks
        held = set(other.digests(upload_id=upload.upload_id)[0])
        assert durable <= held
    server.kill()
    volume.relieve()
    server.restart()
    with connect(server) as other:
        again = other.join(upload.upload_id)
        held = other.digests(upload_id=upload.upload_id)[0]
        assert durable <= set(held)
        missing = [n for n in range(blocks) if n not in held]
        for number in missing:
            again.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
        again.make_durable(missing, data)
        again.finish(len(data))
        assert other.get("f") == data


@pytest.mark.parametrize("kind", KINDS)
def test_full_of_small_files(on, running, tmp_path, kind):
    """Thousands on their way: what is published is whole, what failed is said, and running again sends
    the rest."""
    volume, server = on(kind)
    source = tmp_path / "many"
    source.mkdir()
    for i in range(600):
        (source / f"{i:04}").write_bytes(content(40_000, seed=i))
    volume.fill(leave=12 * MIB)
    put = running("put", source, server.url + "/")
    put.end()
    check_no_space(put)
    published = [p for p in (server.root / "many").iterdir()] if (server.root / "many").exists() else []
    assert len(published) < 600
    for path in published:
        assert path.read_bytes() == (source / path.name).read_bytes()
    volume.relieve()
    again = running("put", source, server.url + "/")
    assert again.end() == 0, again.result
    assert again.result["files"] + again.result["files_unchanged"] == 600
    assert again.result["files_unchanged"] >= len(published)
    assert {p.name: p.read_bytes() for p in (server.root / "many").iterdir()} == {
        p.name: p.read_bytes() for p in source.iterdir()}


def test_full_catalog(on, tmp_path):
    """The last free bytes are gone while an upload is open: its blocks have room, their records have
    none. Nothing is acknowledged; after relief the same upload goes on."""
    volume, server = on("ext4")
    data = content(8 * BLOCK)
    with connect(server) as other:
        upload = other.open("f", size_bytes=len(data))
        volume.fill(leave=0)
        # What the catalog's log has allocated already may take a few commits.
        refused = None
        for number in range(7):
            upload.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
            upload.checkpoint()
            try:
                while number not in upload.durable:
                    upload.take_reply()
            except Failed as failed:
                refused = failed.code
                break
        durable = set(upload.durable)
    assert refused in (None, "NO_SPACE"), refused
    print("durable on a full volume:", sorted(durable), "then", refused)
    volume.relieve()
    with connect(server) as other:
        again = other.join(upload.upload_id)
        held = set(other.digests(upload_id=upload.upload_id)[0])
        assert durable <= held
        again.make_durable([], data)
        missing = [n for n in range(8) if n not in held]
        for number in missing:
            again.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
        again.make_durable(missing, data)
        again.finish()
        assert other.get("f") == data


def test_reserve(on, running, tmp_path):
    """Free space that uploads leave alone, large and small and of unknown size."""
    volume, server = on("tmpfs", 64 * MIB, "--reserve", "40MiB")
    big = make_file(tmp_path / "big", 30 * MIB)
    put = running("put", big, server.url + "/f")
    put.end()
    check_no_space(put)
    fits = make_file(tmp_path / "fits", 20 * MIB)
    put = running("put", fits, server.url + "/fits")
    assert put.end() == 0, put.result
    make_file(volume.root / "by hand", 6 * MIB)
    assert volume.free() < 40 * MIB
    little = tmp_path / "little"
    little.write_bytes(b"x" * 100)
    put = running("put", little, server.url + "/little")
    put.end()
    check_no_space(put)
    put = running("put", "-", server.url + "/piped", stdin=open(fits, "rb"))
    put.end()
    check_no_space(put)
    (volume.root / "by hand").unlink()
    assert running("put", little, server.url + "/little").end() == 0


def test_partials_max(serve, running, tmp_path):
    """All unfinished uploads together; what ends gives its part back."""
    server = serve("--partials-max", "10MiB")
    source = make_file(tmp_path / "f", 6 * MIB)
    with connect(server) as other:
        one = other.open("one", size_bytes=6 * MIB)
        put = running("put", source, server.url + "/f")
        put.end()
        check_no_space(put)
        assert "may take" in put.result["message"]
        with pytest.raises(Failed) as failed:
            piped = other.open("piped")
            for number in range(6):
                piped.send_block(number, content(BLOCK))
                piped.checkpoint()
                while number not in piped.durable:
                    piped.take_reply()
        assert failed.value.code == "NO_SPACE"
        assert piped.durable == {0, 1, 2, 3}
        one.leave()
    server.stop()
    server.restart()  # they count also when nobody writes to them
    with connect(server) as other:
        with pytest.raises(Failed) as failed:
            other.open("two", size_bytes=BLOCK)
        assert failed.value.code == "NO_SPACE"
        other.join(one.upload_id).abort()
    put = running("put", source, server.url + "/f")
    assert put.end() == 0, put.result
    put = running("put", source, server.url + "/g")  # a finished one takes nothing any more
    assert put.end() == 0, put.result


def test_upload_expiry(serve, tmp_path):
    """An unfinished upload that nobody writes to goes, and what it took is free again."""
    server = serve("--upload-expiry", "1s", "--partials-max", "4MiB")
    partials = server.root / ".sluice" / "partials"
    with connect(server) as other:
        other.open("f", size_bytes=4 * MIB).leave()
    assert len(list(partials.iterdir())) == 1
    until(lambda: not list(partials.iterdir()), "it is thrown away")
    with connect(server) as other:
        other.open("g", size_bytes=4 * MIB).abort()


@pytest.mark.parametrize("option, value", [("--reserve", "much"), ("--partials-max", "-1"), ("--upload-expiry", "0s")])
def test_bad_limits(sluice, tmp_path, option, value):
    assert option in sluice("serve", tmp_path, option, value, check=2).err


def test_read_only_volume_is_served_for_reading(small, sluice, running, tmp_path):
    volume = small("tmpfs")
    make_file(volume.root / "f", 2 * MIB)
    volume.remount("ro")
    done = sluice("serve", volume.root, "--listen", "127.0.0.1:0", check=4)
    assert "read-only" in done.err and "--data" in done.err
    server = Server(volume.root, "--data", tmp_path / "state")
    try:
        get = running("get", server.url + "/f", "-o", tmp_path / "back")
        assert get.end() == 0, get.result
        assert (tmp_path / "back").read_bytes() == (volume.root / "f").read_bytes()
        for source in (make_file(tmp_path / "large", 2 * MIB), make_file(tmp_path / "small", 100)):
            put = running("put", source, server.url + "/")
            assert put.end() == 4
            assert "read-only volume" in put.result["message"]
        assert "read-only" in sluice("rm", server.url + "/f", check=4).err
        assert "read-only" in sluice("mkdir", server.url + "/d", check=4).err
        sluice("scrub", server.url + "/", check=0)
        assert server.stop() == 0
    finally:
        server.process.kill()
        server.process.wait(DEADLINE_S)


def test_volume_that_fails_under_way(on, running, sluice, tmp_path):
    """ext4 gives up after an error and becomes read-only. Nothing more is acknowledged, the error says
    what to do, reading goes on; after mounting it anew and a restart the upload goes on."""
    volume, server = on("ext4")
    make_file(volume.root / "there", MIB)
    data = content(6 * BLOCK)
    with connect(server) as other:
        upload = other.open("f", size_bytes=len(data), mtime_ns=7)
        for number in range(3):
            upload.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
        upload.make_durable(range(3), data)
        volume.remount("abort")
        with pytest.raises(Failed) as failed:
            for number in range(3, 6):
                upload.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
            upload.checkpoint()
            while len(upload.durable) < 6:
                upload.take_reply()
        assert failed.value.code in ("IO", "NOT_ALLOWED"), failed.value
        assert upload.durable == {0, 1, 2}
    source = make_file(tmp_path / "g", 100)
    put = running("put", source, server.url + "/g")
    assert put.end() in (1, 4), put.result
    assert "read-only" in put.result["message"].lower() or "refuses writes" in put.result["message"]
    with connect(server) as other:
        assert len(other.get("there")) == MIB
    server.kill()
    volume.unmount()
    checked = subprocess.run(["fsck.ext4", "-y", "-f", volume.image], capture_output=True)
    assert checked.returncode in (0, 1), checked.stdout  # 1: the error flag was set, and is not any more
    volume.mount()
    server.restart()
    with connect(server) as other:
        again = other.open("f", size_bytes=len(data), mtime_ns=7, resume=True)
        held = set(other.digests(upload_id=again.upload_id)[0])
        assert held >= {0, 1, 2}
        missing = [n for n in range(6) if n not in held]
        for number in missing:
            again.send_block(number, data[number * BLOCK : (number + 1) * BLOCK])
        again.make_durable(missing, data)
        again.finish()
        assert other.get("f") == data
