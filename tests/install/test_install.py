"""The library as a program outside of this tree finds it: installed, through CMake and pkg-config."""

import os
import pathlib
import re
import shlex
import socket
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES CXX)
find_package(sluice 0.1 REQUIRED)
add_executable(outside {source})
target_link_libraries(outside PRIVATE sluice::sluice)
"""


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=1200, **more)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The library alone, built and installed: no protobuf, no SQL, no test library asked for."""
    build = tmp_path_factory.mktemp("build")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DSLUICE_LIBRARY_ONLY=ON",
        "-DSLUICE_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    run("cmake", "--build", build, "--target", "sluice_frame", "-j2")
    run("cmake", "--install", build, "--component", "development", "--prefix", prefix)
    return prefix


def headers_of(root):
    """All of the library, with those that are only parts of others."""
    folder = root / "include" / "sluice"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_every_public_header_is_installed_and_stands_alone(prefix, tmp_path):
    public = headers_of(ROOT)
    assert headers_of(prefix) == public
    for header in public:
        source = tmp_path / "alone.cc"
        source.write_text(f'#include "sluice/{header}"\n')
        run("g++", "-std=c++23", "-fsyntax-only", "-I", prefix / "include", source)


def test_find_package(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        CMAKE_LISTS.format(source=ROOT / "examples" / "sticky_packets.cc"))
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    assert '"onetwothree"' in run(tmp_path / "build" / "outside")


def test_pkg_config(prefix, tmp_path):
    found = list(prefix.rglob("sluice.pc"))
    assert len(found) == 1
    environment = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent)}
    flags = shlex.split(run("pkg-config", "--cflags", "--libs", "sluice", env=environment))
    program = tmp_path / "outside"
    run("g++", "-std=c++23", "-o", program, ROOT / "examples" / "sticky_packets.cc", *flags)
    assert '"onetwothree"' in run(program)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_program_in_the_readme_echoes(prefix, tmp_path, page):
    """Word for word, but for the port: a test takes one that the kernel picks."""
    program = re.search(r"```cpp\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)[1]
    assert program.count("9000") == 1
    (tmp_path / "echo.cc").write_text(program.replace("9000", "0"))
    flags = shlex.split(run("pkg-config", "--cflags", "--libs", "sluice", env={
        **os.environ, "PKG_CONFIG_PATH": str(next(prefix.rglob("sluice.pc")).parent)}))
    run("g++", "-std=c++23", "-o", tmp_path / "echo", tmp_path / "echo.cc", *flags)
    with subprocess.Popen([tmp_path / "echo"]) as echo:
        try:
            with socket.create_connection(("127.0.0.1", port_of(echo)), timeout=60) as peer:
                frame = struct.pack(">I", 6) + "你好".encode()
                peer.sendall(frame)
                assert peer.recv(len(frame), socket.MSG_WAITALL) == frame
        finally:
            echo.kill()


def port_of(program):
    """The program does not say when it listens, so this asks the system until it does, or ends."""
    while True:
        for line in run("ss", "-Hltnp").splitlines():
            if f"pid={program.pid}," in line:
                return int(line.split()[3].rsplit(":", 1)[1])
        assert program.poll() is None, "the program ended"


def test_the_prefix_can_move(prefix, tmp_path):
    moved = tmp_path / "moved"
    prefix.rename(moved)
    try:
        environment = {**os.environ,
                       "PKG_CONFIG_PATH": str(next(moved.rglob("sluice.pc")).parent)}
        flags = run("pkg-config", "--cflags", "sluice", env=environment).split()
        include = next(flag[2:] for flag in flags if flag.startswith("-I"))
        assert (pathlib.Path(include) / "sluice" / "listener.h").exists()
        for text in moved.rglob("*.cmake"):
            assert str(prefix) not in text.read_text(), text
    finally:
        moved.rename(prefix)
