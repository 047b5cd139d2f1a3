"""The program as a client of a closed server, and its accounts."""

import http.server
import json
import os
import pathlib
import socket
import stat
import subprocess
import threading
import time

import pytest

from conftest import DEADLINE_S, SLUICE

from access.conftest import run

PASSWORD = "correct horse battery"


@pytest.fixture
def house(open_house):
    return open_house()


@pytest.fixture
def home(tmp_path):
    """An environment with a home of its own, and no token."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_TOKEN")}
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path / "config")}


def kept_in(home):
    return pathlib.Path(home["XDG_CONFIG_HOME"]) / "sluice" / "credentials"


def test_refused_it_says_what_to_do(house, sluice, home):
    done = sluice("ls", house.url, env=home, check=4)
    assert "log in with: sluice login URL" in done.err


def test_login_keeps_a_token_where_only_its_owner_reads_it(house, sluice, home, tmp_path):
    link = f"http://{house.host}:{house.port}/#key={house.owner_key}"
    for typed in (house.owner_key, link):
        done = sluice("login", house.url, env=home, input=typed.encode() + b"\n", check=0)
        assert house.owner_key not in done.out + done.err
        sluice("ls", house.url, env=home, check=0)
    assert stat.S_IMODE(kept_in(home).stat().st_mode) == 0o600
    assert kept_in(home).read_text().count(house.owner_key) == 1
    (tmp_path / "a").write_bytes(b"content")
    sluice("put", tmp_path / "a", house.url + "/", env=home, check=0)
    sluice("get", house.url + "/a", "-o", tmp_path / "b", env=home, check=0)
    sluice("get", f"http://{house.host}:{house.port}/files/a", "-o", tmp_path / "c", env=home, check=0)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() == b"content"
    sluice("verify", house.url + "/a", tmp_path / "a", env=home, check=0)
    sluice("login", "--forget", house.url, env=home, check=0)
    sluice("ls", house.url, env=home, check=4)


def add_with_password(house, name, password):
    house.stop()
    run("user", "add", name, "--grant", "/=read", "--with-password", "--data", house.data, input=password + "\n")
    house.restart()


@pytest.mark.parametrize("scheme", ["sluice", "http"])
def test_login_trades_a_password_for_a_token(house, sluice, home, scheme):
    add_with_password(house, "anna", PASSWORD)
    url = f"{scheme}://{house.host}:{house.port}"
    login = ("login", "--account", "anna", url)
    done = sluice(*login, env=home, input=b"another one\n", check=4)
    assert "no such account, or another password: not allowed\n" in done.err and "sluice login" not in done.err
    assert not kept_in(home).exists()
    done = sluice("login", "--account", "bert", url, env=home, input=PASSWORD.encode(), check=4)
    assert "no such account, or another password" in done.err
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 24 * 3600))
    done = sluice(*login, env=home, input=PASSWORD.encode() + b"\n", check=0)
    assert f"logged in to {house.host}:{house.port} until {until}" in done.out + done.err
    kept = kept_in(home).read_text()
    assert PASSWORD not in kept + done.out + done.err and kept.split()[1] not in done.out + done.err
    sluice("ls", house.url, env=home, check=0)
    told = run("token", "list", "--server", house.url, env={**home, "SLUICE_TOKEN": house.owner_key})
    assert f" anna until {until} (sluice on {socket.gethostname()})" in told
    # The password's change ends it.
    run("user", "passwd", "anna", "--server", house.url, input=PASSWORD + "!\n",
        env={**home, "SLUICE_TOKEN": house.owner_key})  # fmt: skip
    sluice("ls", house.url, env=home, check=4)


def test_to_forget_ends_what_a_password_was_traded_for(house, sluice, home):
    add_with_password(house, "anna", PASSWORD)
    sluice("login", "--account", "anna", house.url, env=home, input=PASSWORD.encode(), check=0)
    session = kept_in(home).read_text().split()[1]
    assert house.ask(session, "GET", "/api/list/").status == 200
    # Not what another way to log in says.
    sluice("login", "--forget", house.url, env={**home, "SLUICE_TOKEN": house.owner_key}, check=0)
    assert house.ask(session, "GET", "/api/list/").status == 401
    assert kept_in(home).read_text() == ""
    # A token that was made is no session: it goes on, and is forgotten all the same.
    for _ in range(2):
        sluice("login", house.url, env=home, input=house.owner_key.encode(), check=0)
        done = sluice("login", "--forget", house.url, env=home, check=0)
        assert "not told" not in done.err and kept_in(home).read_text() == ""
    sluice("login", house.url, env=home, input=house.owner_key.encode(), check=0)
    house.stop()
    done = sluice("login", "--forget", house.url, env=home, check=0)
    assert "the server was not told" in done.err and kept_in(home).read_text() == ""


def test_login_changes_a_password(house, sluice, home):
    add_with_password(house, "anna", PASSWORD)
    change = ("login", "--account", "anna", "--change-password", house.url)
    sluice(*change, env=home, input=f"another one\n{PASSWORD}!\n".encode(), check=4)
    sluice(*change, env=home, input=f"{PASSWORD}\n".encode(), check=2)
    sluice(*change, env=home, input=f"{PASSWORD}\nshort\n".encode(), check=2)
    sluice("login", "--change-password", house.url, env=home, input=house.owner_key.encode(), check=2)
    assert not kept_in(home).exists()
    sluice(*change, env=home, input=f"{PASSWORD}\n{PASSWORD}!\n".encode(), check=0)
    assert PASSWORD not in kept_in(home).read_text()
    sluice("ls", house.url, env=home, check=0)
    sluice("login", "--account", "anna", house.url, env=home, input=PASSWORD.encode(), check=4)
    sluice("login", "--account", "anna", house.url, env=home, input=(PASSWORD + "!").encode(), check=0)


def test_no_password_goes_to_another_machine_without_encryption(serve, sluice, home, tmp_path):
    """0.0.0.0 as the address to call is this machine, and not known as such."""
    plain = serve("--plaintext", "--listen", "0.0.0.0:0", "--public", "none", root=tmp_path / "plain")
    port = int(plain.process.stdout.readline().decode().rsplit(":", 1)[1].strip("/\n"))
    owner = {**home, "SLUICE_TOKEN": (plain.root / ".sluice" / "owner-key").read_text().strip()}
    run("user", "add", "anna", "--with-password", "--server", plain.url, input=PASSWORD + "\n", env=owner)
    for scheme in ("http", "sluice"):
        login = ("login", "--account", "anna", f"{scheme}://0.0.0.0:{port}")
        done = sluice(*login, env=home, input=PASSWORD.encode(), check=4)
        assert "--plaintext" in done.err and PASSWORD not in done.err
        assert not kept_in(home).exists()
    assert "anna" not in [json.loads(line)["who"] for line in (plain.root / ".sluice" / "audit.log").open()]
    sluice(*login, "--plaintext", env=home, input=PASSWORD.encode(), check=0)


def test_login_keeps_the_password_of_a_link_no_more_than_that_of_an_account(house, sluice, home):
    (house.root / "day").mkdir()
    (house.root / "day" / "a").write_bytes(b"content")
    link = house.link(house.owner_key, "day", "watch", password=PASSWORD)
    address = f"{house.url}/#link={link['secret']}"
    sluice("login", address, env={**home, "SLUICE_LINK_PASSWORD": "another one"}, check=4)
    assert not kept_in(home).exists()
    sluice("login", address, env={**home, "SLUICE_LINK_PASSWORD": PASSWORD}, check=0)
    assert PASSWORD not in kept_in(home).read_text()
    assert "a" in sluice("ls", house.url + "/day", env=home, check=0).out
    house.post(house.owner_key, "/api/links/revoke", id=link["id"])
    sluice("ls", house.url + "/day", env=home, check=4)


def test_a_wrong_token_is_not_kept(house, sluice, home):
    sluice("login", house.url, env=home, input=b"sluice_" + b"A" * 43, check=4)
    assert not kept_in(home).exists()


def test_tokens_from_the_environment_and_from_a_file(house, sluice, home, tmp_path):
    sluice("ls", house.url, env={**home, "SLUICE_TOKEN": house.owner_key}, check=0)
    key = house.data / "owner-key"
    sluice("ls", "--token-file", key, house.url, env=home, check=0)
    loose = tmp_path / "loose"
    loose.write_text(house.owner_key)
    loose.chmod(0o644)
    done = sluice("ls", "--token-file", loose, house.url, env=home, check=4)
    assert "chmod 600" in done.err and house.owner_key not in done.err


def test_a_pasted_link_is_taken_and_wiped(house, sluice, home):
    done = sluice("ls", f"{house.url}/#key={house.owner_key}", env=home, check=0)
    assert house.owner_key not in done.out + done.err
    done = sluice("ls", f"{house.url}/none#key={house.owner_key}", env=home, check=5)
    assert house.owner_key not in done.err
    sluice("login", f"http://{house.host}:{house.port}/#key={house.owner_key}", env=home, check=0)
    sluice("ls", house.url, env=home, check=0)


def test_a_token_goes_to_its_own_server_only(house, sluice, home, serve):
    sluice("login", house.url, env=home, input=house.owner_key.encode(), check=0)
    other = serve("--public", "none", root=house.root.parent / "other")
    sluice("ls", other.url, env=home, check=4)


def test_accounts_are_changed_while_no_server_runs(house, sluice):
    done = sluice("user", "list", "--data", house.data, check=1)
    assert "a server uses it now; stop it first" in done.err
    house.stop()
    done = sluice("user", "list", "--data", house.data, check=0)
    assert done.out == "owner /=admin\n"
    sluice("user", "add", "anna", "--grant", "in=see,give", "--data", house.data, check=0)
    sluice("user", "add", "anna", "--data", house.data, check=6)
    sluice("user", "grant", "anna", "--grant", "/in=read", "--data", house.data, check=0)
    sluice("user", "passwd", "anna", "--data", house.data, input=b"correct horse\n", check=0)
    sluice("user", "passwd", "anna", "--data", house.data, input=b"short\n", check=2)
    done = sluice("user", "list", "--data", house.data, check=0)
    assert done.out == "anna /in=see,take (password)\nowner /=admin\n"
    sluice("user", "remove", "anna", "--data", house.data, check=0)
    sluice("user", "remove", "anna", "--data", house.data, check=5)
    sluice("token", "new", "anna", "--data", house.data, check=5)
    sluice("user", "add", "bert", "--grant", "/in=everything", "--data", house.data, check=2)
    sluice("user", "list", "--data", house.root, check=5)


def test_logins_at_the_same_time_lose_none(serve, home, open_house, tmp_path):
    """One file holds all tokens, and each login writes it anew."""
    houses = [serve("--public", "none", root=tmp_path / f"house{i}") for i in range(4)]
    places = [(house, host) for house in houses for host in ("127.0.0.1", "localhost")]
    for _ in range(3):
        logins = []
        for house, host in places:
            key = (house.root / ".sluice" / "owner-key").read_bytes()
            login = subprocess.Popen([str(SLUICE), "login", f"sluice://{host}:{house.port}"], env=home,
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # fmt: skip
            logins.append(login)
            login.stdin.write(key)
        for login in logins:
            login.stdin.close()
        assert [login.wait(DEADLINE_S) for login in logins] == [0] * len(logins)
        kept = {line.split()[0] for line in kept_in(home).read_text().splitlines()}
        assert kept == {f"{host}:{house.port}" for house, host in places}
        kept_in(home).unlink()


def test_a_token_that_does_not_say_whose_it_is_goes_to_one_server_only(house, serve, sluice, home, tmp_path):
    other = serve("--public", "read", root=tmp_path / "other")
    (other.root / "b").write_bytes(b"other")
    (house.root / "a").write_bytes(b"content")
    given = {**home, "SLUICE_TOKEN": house.owner_key}
    done = sluice("get", f"{house.url}/a", f"{other.url}/b", "-o", f"{tmp_path}/", env=given, check=2)
    assert "sluice login" in done.err and not (tmp_path / "b").exists()
    (house.root / "c").write_bytes(b"third")
    sluice("get", f"{house.url}/a", f"{house.url}/c", "-o", f"{tmp_path}/", env=given, check=0)
    sluice("login", house.url, env=home, input=house.owner_key.encode(), check=0)
    sluice("get", f"{house.url}/a", f"{other.url}/b", "-o", f"{tmp_path}/", env=home, check=0)
    assert (tmp_path / "a").read_bytes() == b"content" and (tmp_path / "b").read_bytes() == b"other"


def test_nobody_logs_in_at_another_machine_without_encryption(serve, sluice, home, tmp_path):
    """0.0.0.0 as the address to call is this machine, and not known as such."""
    house = serve("--plaintext", "--listen", "0.0.0.0:0", "--public", "none", root=tmp_path / "plain")
    port = int(house.process.stdout.readline().decode().rsplit(":", 1)[1].strip("/\n"))
    key = (house.root / ".sluice" / "owner-key").read_text().strip()
    http, plain = f"http://0.0.0.0:{port}/files/", f"sluice://0.0.0.0:{port}/"
    given = {**home, "SLUICE_TOKEN": key}
    for place in (http, plain):
        done = sluice("ls", place, env=given, check=4)
        assert "--plaintext" in done.err and key not in done.err
        sluice("ls", "--plaintext", place, env=given, check=0)
    pasted = f"http://0.0.0.0:{port}/#key={key}"
    sluice("ls", pasted, env=home, check=4)
    sluice("login", pasted, env=home, check=4)
    assert not kept_in(home).exists()
    sluice("login", "--plaintext", pasted, env=home, check=0)
    sluice("ls", http, env=home, check=4)
    sluice("user", "list", "--server", f"http://0.0.0.0:{port}", env=home, check=4)
    sluice("ls", "--plaintext", http, env=home, check=0)
    assert "log in" in sluice("ls", http, env={**home, "XDG_CONFIG_HOME": str(tmp_path / "none")}, check=4).err


class Crowded(http.server.BaseHTTPRequestHandler):
    """Sends away as many as `server.sent_away` says, then gives a token."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.tries += 1
        sends_away = self.server.tries <= self.server.sent_away
        body = {"detail": "log in: many log in right now"} if sends_away else {"token": "sluice_" + "A" * 43}
        body = json.dumps(body).encode()
        self.send_response(429 if sends_away else 200)
        if sends_away:
            self.send_header("Retry-After", str(self.server.wait_s))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def crowded():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Crowded)
    server.tries, server.wait_s = 0, 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("sent_away,wait_s,tries,status", [(3, 1, 4, 0), (4, 1, 4, 1), (1, 600, 1, 1)])
def test_login_in_a_crowd_comes_again_by_itself(crowded, sluice, home, sent_away, wait_s, tries, status):
    """A wait of a second or two is no work for people; a long one, behind wrong passwords, they have to see."""
    crowded.sent_away, crowded.wait_s = sent_away, wait_s
    done = sluice("login", "--account", "anna", crowded.url, env=home, input=PASSWORD.encode(), check=status)
    assert crowded.tries == tries
    assert ("many log in right now" in done.err) == (status != 0)
