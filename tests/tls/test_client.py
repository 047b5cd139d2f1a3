"""sluice's own client inside TLS: transfers, and whom it believes."""

import os
import re
import stat

import pytest

from client.conftest import MIB, Running, content, tree_of
from conftest import SLUICE
from product.conftest import log_of, make_file, sha256, until
from tls.conftest import put_in_place


@pytest.fixture
def source(tmp_path):
    """A tree with files of all kinds of sizes."""
    folder = tmp_path / "source"
    sizes = {"empty": 0, "tiny": 7, "small/a": 16_384, "small/b": 70_000, "half": 600_000, "big": 9 * MIB + 5}
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_file(folder / name, size, seed=size)
    return folder


def test_a_tree_goes_there_and_back(secure, sluice, source, tmp_path):
    server = secure()
    sluice("put", "-j", "4", source, server.url + "/", check=0)
    sluice("verify", server.url + "/source", source, check=0)
    listed = sluice("ls", "-R", server.url + "/", check=0).out.split("\n")
    assert "source/small/b" in listed
    sluice("get", "-j", "4", server.url + "/source", "-o", f"{tmp_path}/back/", check=0)
    assert tree_of(tmp_path / "back" / "source") == tree_of(source)
    sluice("mv", server.url + "/source/tiny", server.url + "/source/moved", check=0)
    sluice("rm", "-r", server.url + "/source", check=0)
    assert not (server.root / "source").exists()


def test_one_big_file_over_four_connections(secure, sluice, tmp_path):
    server = secure()
    file = make_file(tmp_path / "big", 64 * MIB + 12_345)
    sluice("put", "-j", "4", file, server.url + "/", check=0)
    sluice("get", "-j", "4", server.url + "/big", "-o", tmp_path / "back", check=0)
    assert sha256(server.root / "big") == sha256(tmp_path / "back") == sha256(file)
    sluice("scrub", server.url + "/", check=0)


def test_a_killed_server_loses_nothing_of_an_upload(secure, tmp_path):
    server = secure()
    file = make_file(tmp_path / "big", 512 * MIB)
    put = Running("put", "-j", "2", file, server.url + "/")
    try:
        put.until_bytes(100 * MIB)
        server.kill()
        server.restart()
        assert put.process.wait(120) == 0, put.process.stderr.read()
    finally:
        put.process.kill()
    assert sha256(server.root / "big") == sha256(file)


def test_by_the_address_of_a_browser(certified, sluice, authority, tmp_path, home):
    server = certified()
    (server.root / "a.bin").write_bytes(content(3 * MIB))
    place = f"https://127.0.0.1:{server.port}/files/"
    env = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
    assert sluice("ls", place, check=0, env=env).out == "a.bin\n"
    sluice("get", place + "a.bin", "-o", tmp_path / "a", check=0, env=env)
    assert (tmp_path / "a").read_bytes() == content(3 * MIB)
    assert not home.exists()


def test_what_happens_is_told(secure, sluice, tmp_path):
    server = secure()
    following = Running("ls", "--follow", server.url + "/")
    try:
        (tmp_path / "new").write_bytes(b"x")
        until(lambda: "/api/events" in log_of(server) or following.process.poll() is None, "it runs")
        sluice("put", tmp_path / "new", server.url + "/", check=0)
        told = following.next_event()
        while told.get("event") not in ("entry", "change"):
            told = following.next_event()
        assert told["path"] == "new"
    finally:
        following.process.kill()
        following.process.wait()


def test_the_first_certificate_is_kept_and_told_once(secure, sluice, home):
    server = secure()
    first = sluice("ls", server.url + "/", check=0)
    place = f"127.0.0.1:{server.port}"
    assert place in first.err and server.fingerprint in first.err and first.err.count("\n") == 1
    assert (home / "known_hosts").read_text() == f"{place} {server.fingerprint}\n"
    assert stat.S_IMODE((home / "known_hosts").stat().st_mode) == 0o600
    assert sluice("ls", server.url + "/", check=0).err == ""
    assert sluice("hosts", "list", check=0).out == f"{place} {server.fingerprint}\n"


def test_a_changed_certificate_is_refused(secure, sluice, home, tmp_path):
    server = secure()
    sluice("ls", server.url + "/", check=0)
    before = server.fingerprint
    assert server.stop() == 0
    for file in (server.root / ".sluice").glob("tls.*"):
        file.unlink()
    server.restart()
    assert server.fingerprint != before
    (tmp_path / "secret").write_bytes(b"not for strangers")
    for arguments in (["ls", server.url + "/"], ["put", tmp_path / "secret", server.url + "/"]):
        refused = sluice(*arguments, check=4)
        for word in (before, server.fingerprint, str(home / "known_hosts"), f"sluice hosts forget 127.0.0.1:{server.port}"):
            assert word in refused.err, refused.err
        assert "not secure" in refused.err and "log in" not in refused.err, "no password for whoever answers there"
    assert not (server.root / "secret").exists()
    sluice("hosts", "forget", f"127.0.0.1:{server.port}", check=0)
    sluice("ls", server.url + "/", check=0)
    assert sluice("hosts", "list", check=0).out.split() == [f"127.0.0.1:{server.port}", server.fingerprint]


def test_a_certificate_is_kept_from_one_start_to_the_next(secure):
    server = secure()
    before = server.fingerprint
    assert stat.S_IMODE((server.root / ".sluice" / "tls.key").stat().st_mode) == 0o600
    assert server.stop() == 0
    server.restart()
    assert server.fingerprint == before


def test_a_fingerprint_that_is_given_is_the_only_one_believed(secure, sluice, home):
    server = secure()
    sluice("ls", "--tls-fingerprint", server.fingerprint, server.url + "/", check=0)
    with_colons = server.fingerprint.removeprefix("SHA256:").upper()
    with_colons = ":".join(re.findall("..", with_colons))
    sluice("ls", "--tls-fingerprint", with_colons, server.url + "/", check=0)
    wrong = "SHA256:" + "0" * 64
    refused = sluice("ls", "--tls-fingerprint", wrong, server.url + "/", check=4)
    assert wrong in refused.err and server.fingerprint in refused.err
    assert sluice("ls", "--tls-fingerprint", "SHA256:abc", server.url + "/", check=2).err
    assert not home.exists()


def test_a_given_fingerprint_outdoes_an_authority(certified, sluice, authority):
    server = certified()
    env = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
    sluice("ls", "--tls-fingerprint", "SHA256:" + "0" * 64, server.url + "/", check=4, env=env)


def test_an_authority_of_the_system_needs_no_file(certified, sluice, authority, home):
    server = certified()
    env = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
    assert sluice("ls", server.url + "/", check=0, env=env).err == ""
    assert not home.exists()
    assert "is new" in sluice("ls", server.url + "/", check=0).err  # without that authority


def test_an_authority_vouches_for_a_name_only(serve, sluice, authority, tmp_path, home):
    certificate, key = put_in_place(*authority.issue("elsewhere", names="DNS:elsewhere.example"), tmp_path)
    server = serve("--tls-cert", certificate, "--tls-key", key)
    env = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
    assert "is new" in sluice("ls", server.url + "/", check=0, env=env).err
    assert (home / "known_hosts").exists()


def test_another_file_of_known_hosts(secure, sluice, home, tmp_path):
    server = secure()
    file = tmp_path / "here"
    sluice("ls", "--known-hosts", file, server.url + "/", check=0)
    assert server.fingerprint in file.read_text() and not home.exists()
    file.write_text(f"127.0.0.1:{server.port} SHA256:{'1' * 64}\n")
    sluice("ls", "--known-hosts", file, server.url + "/", check=4)
    assert "not found" in sluice("hosts", "forget", "--known-hosts", file, "nas", check=5).err
    sluice("hosts", "forget", "--known-hosts", file, "127.0.0.1", check=0)
    assert file.read_text() == ""


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["hosts", "forget"], ["needs a host"]),
        (["hosts", "list", "nas"], ["takes no host"]),
        (["hosts", "remember"], ["list, forget"]),
        (["ls", "--plaintext", "sluices://127.0.0.1:1/"], ["says TLS", "--plaintext"]),
        (["serve", "--tls", "maybe"], ["auto"]),
        (["serve", "--tls", "auto", "--plaintext"], ["give one"]),
        (["serve", "--tls-cert", "a"], ["go together"]),
        (["serve", "--tls", "auto", "--tls-cert", "a", "--tls-key", "b"], ["either"]),
        (["serve", "--listen", "0.0.0.0:0"], ["--tls auto", "--tls-cert", "--plaintext"]),
    ],
)
def test_usage(sluice, arguments, words):
    refused = sluice(*arguments, check=2)
    for word in words:
        assert word in refused.err, refused.err


def test_a_missing_certificate_is_named(sluice, tmp_path, authority):
    certificate, key = authority.issue("lonely")
    refused = sluice("serve", tmp_path, "--tls-cert", tmp_path / "absent.crt", "--tls-key", key)
    assert refused.returncode == 5 and "absent.crt" in refused.err
    refused = sluice("serve", tmp_path, "--tls-cert", certificate, "--tls-key", certificate)
    assert refused.returncode == 2 and str(certificate) in refused.err


def test_addresses_of_others_are_encrypted_unless_it_is_meant(serve, sluice, tmp_path):
    """0.0.0.0 as the address to call is this machine, and not known as such."""
    plain = serve("--plaintext", "--listen", "0.0.0.0:0")
    port = plain.process.stdout.readline().decode().rsplit(":", 1)[1].strip("/\n")
    place = f"sluice://0.0.0.0:{port}/"
    refused = sluice("ls", place, check=4)
    assert "--plaintext" in refused.err and "TLS" in refused.err
    sluice("ls", "--plaintext", place, check=0)
    sluice("ls", place, check=0, env={**os.environ, "SLUICE_PLAINTEXT": "1"})


def test_sluice_speaks_tls_to_others_by_itself(secure, sluice, tmp_path):
    server = secure("--listen", "0.0.0.0:0")
    port = server.process.stdout.readline().decode().rsplit(":", 1)[1].strip("/\n")
    assert "is new" in sluice("ls", f"sluice://0.0.0.0:{port}/", check=0).err
    refused = sluice("ls", "--plaintext", f"sluice://0.0.0.0:{port}/", check=4)
    assert "speaks TLS only" in refused.err


def test_login_over_tls(secure, sluice, tmp_path):
    """The token goes out inside TLS, to the certificate that was believed, and is kept for that address."""
    server = secure("--public", "none")
    key = (server.root / ".sluice" / "owner-key").read_bytes()
    done = sluice("login", server.url, input=key, check=0)
    assert key.decode().strip() not in done.out + done.err
    (tmp_path / "a").write_bytes(b"content")
    sluice("put", tmp_path / "a", server.url + "/a", check=0)
    sluice("share", server.url + "/a", check=0)
    other = secure("--public", "none", root=tmp_path / "other")
    sluice("login", "--tls-fingerprint", other.fingerprint, server.url, input=key, check=4)
    sluice("ls", other.url, check=4)


def test_accounts_and_tokens_over_tls(secure, sluice, tmp_path):
    """All of `user` and `token`, and a login by what they made."""
    server = secure("--public", "none")
    key = (server.root / ".sluice" / "owner-key").read_bytes()
    there = ["--server", server.url]
    sluice("login", server.url, input=key, check=0)
    sluice("user", "add", "anna", *there, "--grant", "/in=write", "--with-password", input=b"correct horse\n", check=0)
    sluice("user", "grant", "anna", *there, "--grant", "/out=read", check=0)
    sluice("user", "limit", "anna", *there, "--max-files", "5", check=0)
    sluice("user", "passwd", "anna", *there, input=b"another horse\n", check=0)
    listed = sluice("user", "list", *there, check=0).out.splitlines()[0]
    assert listed.startswith("anna /in=see,take,give,change,talk /out=see,take (password)"), listed
    made = sluice("token", "new", "anna", *there, "--label", "laptop", check=0).out.strip()
    number = next(line.split()[0] for line in sluice("token", "list", *there, check=0).out.splitlines() if "laptop" in line)
    by_token = {**os.environ, "SLUICE_TOKEN": made}
    (tmp_path / "a").write_bytes(b"content")
    sluice("put", tmp_path / "a", server.url + "/in/", env=by_token, check=0)
    sluice("put", tmp_path / "a", server.url + "/out/", env=by_token, check=4)
    assert (server.root / "in" / "a").read_bytes() == b"content"
    sluice("user", "list", *there, env=by_token, check=4)
    sluice("token", "revoke", number, *there, check=0)
    sluice("ls", server.url + "/in", env=by_token, check=4)
    sluice("user", "remove", "anna", *there, check=0)
    other = secure("--public", "none", root=tmp_path / "other")
    (tmp_path / "config" / "sluice" / "known_hosts").write_text(f"127.0.0.1:{other.port} {server.fingerprint}\n")
    owner = {**os.environ, "SLUICE_TOKEN": key.decode().strip()}
    refused = sluice("user", "list", "--server", other.url, env=owner, check=4)
    assert "certificate" in refused.err, "it was told no token"
