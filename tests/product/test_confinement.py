"""What the server's process gave up before it serves anybody."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from conftest import DEADLINE_S, IS_SANITIZED, SLUICE, read_line
from http_client import Line
from product.conftest import log_of, until
from tls.conftest import Authority, put_in_place

NOBODY = 65534
# The checkers of such builds look into the process, which gives up nothing then.
pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="a build with sanitizers")


def test_it_leaves_no_core_file(serve):
    server = serve()
    limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4:6] == ["0", "0"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts programs of others")
def test_nobody_of_its_own_user_looks_into_it():
    """The files of a process that may be looked into belong to its user; of one that may not, to root."""
    folder = tempfile.mkdtemp()
    try:
        os.chown(folder, NOBODY, NOBODY)
        copy = shutil.copy(SLUICE, folder)
        server = subprocess.Popen([copy, "serve", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, user=NOBODY, group=NOBODY, extra_groups=[])  # fmt: skip
        try:
            read_line(server.stdout)
            assert os.stat(f"/proc/{server.pid}/environ").st_uid == 0
        finally:
            server.kill()
            server.wait(DEADLINE_S)
    finally:
        shutil.rmtree(folder)


def test_files_get_the_mode_that_its_umask_says(tmp_path):
    """Read from /proc, which is one of the few other places that it opens."""
    root, data = tmp_path / "served", tmp_path / "data"
    root.mkdir()
    server = subprocess.Popen([str(SLUICE), "serve", str(root), "--data", str(data), "--public", "write", "--listen",
                               "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, umask=0o027)  # fmt: skip
    try:
        port = int(read_line(server.stdout).rstrip("/\n").rsplit(":", 1)[1])
        with Line("127.0.0.1", port) as line:
            assert line.ask("PUT", "/files/in/a", body=b"x").status == 201
        assert (root / "in" / "a").stat().st_mode & 0o777 == 0o640
        assert (root / "in").stat().st_mode & 0o777 == 0o750
        assert data.stat().st_mode & 0o777 == 0o700
    finally:
        server.kill()
        server.wait(DEADLINE_S)


@pytest.fixture
def certified(serve, tmp_path):
    """A server with its certificate in a folder of its own, and the authority that made it."""
    for name in ("made", "own", "elsewhere"):
        (tmp_path / name).mkdir()
    authority = Authority(tmp_path / "made")
    own = put_in_place(*authority.issue("first"), tmp_path / "own")
    server = serve("--tls-cert", own[0], "--tls-key", own[1])
    if "the server could open any file" in log_of(server):
        pytest.skip("this kernel has no Landlock, and the server said so")
    return server, authority, tmp_path


def test_it_opens_nothing_but_what_it_serves_and_its_own(certified):
    """The certificate is the one name that it opens again: a link to elsewhere is not followed."""
    server, authority, folder = certified
    put_in_place(*authority.issue("second"), folder / "own")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: log_of(server).count("new connections see the certificate") == 1, "the new one is read")
    outside = put_in_place(*authority.issue("third"), folder / "elsewhere")
    for file in outside:
        (folder / "own" / file.name).unlink()
        (folder / "own" / file.name).symlink_to(file)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "the certificate from before stays" in log_of(server), "the bad one is refused")
    assert log_of(server).count("new connections see the certificate") == 1


def test_what_it_starts_gets_no_more_rights(certified):
    server, _, _ = certified
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status


def test_a_kernel_without_it_is_told_of(tmp_path):
    """As in a container that forbids it: the server serves, and says what it could not do."""
    pytest.importorskip("ctypes")
    program = (
        "import ctypes, os, struct, sys\n"
        # seccomp: landlock_create_ruleset (444) fails with ENOSYS, all else is allowed.
        "code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]\n"
        "filters = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *each) for each in code))\n"
        "program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(code), ctypes.addressof(filters)))\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.prctl(38, 1, 0, 0, 0) == 0\n"
        "assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0, ctypes.get_errno()\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    (tmp_path / "served").mkdir()
    server = subprocess.Popen([sys.executable, "-c", program, SLUICE, "serve", tmp_path / "served", "--listen", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert "this kernel has no Landlock, or it is switched off" in read_line(server.stderr)
        assert "sluice://" in read_line(server.stdout)
    finally:
        server.kill()
        server.wait(DEADLINE_S)
