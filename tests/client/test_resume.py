"""What an interruption costs: nothing that had arrived, and never a wrong file."""

import signal

from client.conftest import MIB, content

SIZE = 192 * MIB


def source_in(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(content(MIB, 7) + content(MIB, 8) * (SIZE // MIB - 1))
    return source


def test_server_crash_in_a_put(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    put = running("put", source, server.url + "/f")
    put.until_bytes(SIZE // 4)
    server.kill()
    assert not (server.root / "f").exists()
    server.restart()
    assert put.end() == 0, put.errors
    assert (server.root / "f").read_bytes() == source.read_bytes()


def test_server_crash_in_a_get(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    (server.root / "f").write_bytes(source.read_bytes())
    get = running("get", server.url + "/f", "-o", tmp_path / "f")
    get.until_bytes(SIZE // 4)
    server.kill()
    assert not (tmp_path / "f").exists()
    server.restart()
    assert get.end() == 0, get.errors
    assert (tmp_path / "f").read_bytes() == source.read_bytes()


def test_killed_put_goes_on(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    first = running("put", source, server.url + "/f")
    first.until_bytes(SIZE // 2)
    first.kill()
    assert not (server.root / "f").exists()
    second = running("put", source, server.url + "/f")
    assert second.end() == 0, second.errors
    assert (server.root / "f").read_bytes() == source.read_bytes()
    assert any(event.get("phase") == "comparing" for event in second.events)


def test_interrupted_put_says_so_and_goes_on(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    first = running("put", source, server.url + "/f")
    first.until_bytes(SIZE // 2)
    assert first.interrupt() == 9
    assert not (server.root / "f").exists()
    second = running("put", source, server.url + "/f")
    assert second.end() == 0, second.errors
    assert (server.root / "f").read_bytes() == source.read_bytes()


def test_killed_get_goes_on(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    (server.root / "f").write_bytes(source.read_bytes())
    first = running("get", server.url + "/f", "-o", tmp_path / "f")
    first.until_bytes(SIZE // 2)
    first.process.send_signal(signal.SIGSTOP)
    first.kill()
    assert not (tmp_path / "f").exists()
    second = running("get", server.url + "/f", "-o", tmp_path / "f")
    assert second.end() == 0, second.errors
    assert (tmp_path / "f").read_bytes() == source.read_bytes()
    assert second.result["bytes_moved"] <= SIZE - SIZE // 2 + 32 * MIB
    assert any(event.get("phase") == "comparing" for event in second.events)


def test_source_that_changed_is_not_mixed(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    first = running("put", source, server.url + "/f")
    first.until_bytes(SIZE // 2)
    first.kill()
    with open(source, "r+b") as file:
        file.seek(3 * MIB)
        file.write(content(MIB, 9))
    second = running("put", source, server.url + "/f")
    assert second.end() == 0, second.errors
    assert (server.root / "f").read_bytes() == source.read_bytes()


def test_damaged_partial_is_found(serve, running, tmp_path):
    server = serve()
    source = source_in(tmp_path)
    (server.root / "f").write_bytes(source.read_bytes())
    partial = tmp_path / ".f.sluice-part"
    damaged = bytearray(source.read_bytes()[:SIZE // 2])
    damaged[5 * MIB + 3] ^= 1
    partial.write_bytes(damaged)
    get = running("get", server.url + "/f", "-o", tmp_path / "f")
    assert get.end() == 0, get.errors
    assert (tmp_path / "f").read_bytes() == source.read_bytes()
    assert get.result["bytes_moved"] == SIZE // 2 + MIB
    assert not partial.exists()
