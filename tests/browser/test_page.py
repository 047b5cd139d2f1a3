"""The page as people use it: js/scenarios.mjs says what they do, these tests what is true of the server then."""

import json
import os
import subprocess

import pytest

from client.conftest import MIB, content
from http_client import Line
from product.conftest import make_file, sha256

CLOSED = ("--public", "none")


def names(folder):
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))


# --- folders ---


def test_a_folder_is_tended(tree, people):
    server = tree({"a.txt": b"a", "b.txt": b"bb", "large.bin": b"c" * 5000})
    people("folder", server).until("done")
    assert names(server.root) == ["large.bin", "takes"]


def test_a_folder_comes_as_a_zip(tree, people):
    server = tree({"day-1/a.txt": b"a" * 1000})
    told = people("zip", server).until("done")["done"]
    assert told["name"] == "day-1.zip"
    assert told["bytes"] > 1000


def test_who_looks_on_sees_changes_by_others(tree, people, sluice, tmp_path):
    server = tree({"old.txt": b"x"})
    program = people("look_on", server)
    program.until("ready")
    (tmp_path / "more.txt").write_bytes(b"y")
    sluice("mv", server.url + "/old.txt", server.url + "/new.txt", check=0)
    sluice("put", tmp_path / "more.txt", server.url + "/", check=0)
    program.tell("changed")
    program.until("done")


def test_ten_thousand_files_scroll(tree, people):
    server = tree({f"many/clip-{i}.mov": b"" for i in range(1, 10_001)})
    print(people("many", server).until("done"))


# --- handing in ---


@pytest.fixture
def film(tmp_path):
    make_file(tmp_path / "film.mov", 24 * MIB + 77)
    return tmp_path / "film.mov"


def arrived(server, film, name="film.mov"):
    return sha256(server.root / name) == sha256(film)


def partials(server):
    return list((server.root / ".sluice" / "partials").iterdir())


def test_files_and_folders_are_handed_in(tree, people, tmp_path, film):
    server = tree({"day-1/there.txt": b"x"})
    (tmp_path / "empty.txt").write_bytes(b"")
    card = tmp_path / "card" / "clips"
    card.mkdir(parents=True)
    (card / "a.wav").write_bytes(content(3 * MIB))
    (card / "日本 & <b>.wav").write_bytes(b"z")
    told = people("hand_in", server, files=[film, tmp_path / "empty.txt"], folder=tmp_path / "card").until("done")["done"]
    day = server.root / "day-1"
    assert arrived(server, film, "day-1/film.mov")
    assert (day / "empty.txt").read_bytes() == b""
    assert (day / "card/clips/a.wav").read_bytes() == content(3 * MIB)
    assert (day / "card/clips/日本 & <b>.wav").read_bytes() == b"z"
    digest = subprocess.run(["xxhsum", "-H2", film], capture_output=True, check=True).stdout.split()[0].decode()
    assert f"{digest}  {film.stat().st_size}  day-1/film.mov" in told["receipt"]
    assert "4 / 4" in told["receipt"]


@pytest.mark.slow
def test_a_large_file(tree, people, tmp_path):
    """Longer than 31 bits tell. SLUICE_LARGE_GIB=4 -s shows how fast it is."""
    server = tree({})
    size = int(os.environ.get("SLUICE_LARGE_GIB", 2)) << 30
    make_file(tmp_path / "film.mov", size + 7)
    told = people("large", server, file=tmp_path / "film.mov").until("done", 300)["done"]
    print(f"{size / told['arrived_s'] / 1e9:.2f} GB/s until it is safe, {size / told['compared_s'] / 1e9:.2f} compared")
    assert (server.root / "film.mov").stat().st_size == size + 7
    assert partials(server) == []


def test_files_are_dropped(tree, people):
    server = tree({})
    people("drop", server, names=["one.txt", "two.txt"]).until("done")
    assert (server.root / "one.txt").read_bytes() == b"content of one.txt"
    assert names(server.root) == ["one.txt", "two.txt"]


def test_a_folder_is_dropped_with_its_empty_ones(tree, people):
    server = tree({})
    clip, empty = {"name": "clip.mov", "content": "content"}, {"name": "sound", "inside": []}
    folder = {"name": "day 1", "inside": [clip, {"name": "later", "inside": [empty, {"name": ".cache", "inside": []}]}]}
    people("folder_dropped", server, folder=folder, told="Empty folders, made as they are: day 1/later/sound").until("done")
    assert (server.root / "day 1/clip.mov").read_text() == "content"
    assert names(server.root / "day 1") == ["clip.mov", "later"]
    assert names(server.root / "day 1/later") == ["sound"]
    assert names(server.root / "day 1/later/sound") == []


def test_what_is_left_out_is_told(tree, people, tmp_path):
    server = tree({})
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    (sealed / ".only").write_bytes(b"x")
    told = "Left out, as all names that begin with a dot: .a, .b, .c +1"
    people("left_out", server, names=[".a", ".b", ".c", ".d", "notes.txt"], told=told, folder=sealed).until("done")
    assert names(server.root) == ["notes.txt"]


def test_a_file_comes_from_both_ends(tree, people, tmp_path):
    """The request with all of it is broken off where it meets the slices from the end; nothing is sent over and over."""
    server = tree({})
    make_file(tmp_path / "long.mov", 400 * MIB + 7)
    requests = people("both_ends", server, file=tmp_path / "long.mov").until("done")["done"]["requests"]
    assert arrived(server, tmp_path / "long.mov", "long.mov")
    assert partials(server) == []
    whole, *slices = requests
    assert whole == {"first": 0, "failed": True}
    assert {401 - 64 * n for n in (1, 2)} <= {each["first"] for each in slices}
    assert not any(each["failed"] for each in slices)


def test_pause_and_go_on(tree, people, film):
    server = tree({})
    people("pause", server, file=film).until("done")
    assert arrived(server, film)


def test_cancel_leaves_nothing(tree, people, film):
    server = tree({})
    people("cancel", server, file=film).until("done")
    assert names(server.root) == []
    assert partials(server) == []


def test_goes_on_after_a_reload(tree, people, film):
    """What arrived before is held against the file that is chosen again, and not sent twice."""
    server = tree({})
    told = people("reload", server, file=film, again=film).until("done")["done"]
    assert arrived(server, film)
    assert min(told["firsts"]) >= 1


def test_a_file_that_changed_is_sent_anew(tree, people, film, tmp_path):
    server = tree({})
    changed = tmp_path / "changed" / "film.mov"
    changed.parent.mkdir()
    with open(film, "rb") as source:
        changed.write_bytes(b"!" + source.read()[1:])
    told = people("reload", server, file=film, again=changed).until("done")["done"]
    assert arrived(server, changed)
    assert told["firsts"] == [0]


def test_another_file_is_refused(tree, people, film, tmp_path):
    server = tree({})
    other = tmp_path / "other.mov"
    other.write_bytes(b"short")
    told = people("reload", server, file=film, again=other, expect_refusal=True).until("done")["done"]
    assert told["firsts"] == []
    assert names(server.root) == []


def test_a_killed_server_is_gone_on_with(tree, people, film):
    server = tree({})
    program = people("killed", server, file=film)
    program.until("midway")
    server.kill()
    program.tell("killed")
    program.until("noticed")
    server.restart()
    program.until("done")
    assert arrived(server, film)


def test_a_name_that_is_taken_keeps_both(tree, people, film):
    server = tree({"film.mov": b"another", "film (2).mov": b"and another"})
    people("taken", server, file=film).until("done")
    assert (server.root / "film.mov").read_bytes() == b"another"
    assert arrived(server, film, "film (3).mov")
    assert partials(server) == []


# --- who one is ---


@pytest.fixture
def closed(tree):
    """A closed server, and its owner's key."""
    server = tree({
        "seen.txt": b"x", "day-1/notes.txt": b"n", "day-1/a.bin": b"b" * 100,
    }, *CLOSED)  # fmt: skip
    server.key = (server.root / ".sluice" / "owner-key").read_text().strip()
    return server


@pytest.fixture
def password_of_anna(closed):
    password = "correct horse battery"
    account = {"name": "anna", "password": password, "grants": [{"path": "", "rights": "read"}]}
    with Line(closed.host, closed.port) as line:
        made = line.ask("POST", "/api/accounts", f"Authorization: Bearer {closed.key}", "Content-Type: application/json",
                        body=json.dumps(account).encode())
    assert made.status < 300, made.body
    return password


def test_login_and_logout(closed, people, password_of_anna):
    people("login", closed, password=password_of_anna).until("done")


def test_one_changes_ones_own_password(closed, people, password_of_anna):
    people("own_password", closed, password=password_of_anna, new_password=password_of_anna + "!").until("done")


def test_login_in_a_crowd_comes_again_by_itself(closed, people, password_of_anna):
    people("crowded", closed, password=password_of_anna).until("done")


def test_the_owner_comes_by_a_link(closed, people):
    people("owner", closed, key=closed.key).until("done")


# --- all views ---


@pytest.fixture(scope="module")
def short_film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=duration=10:size=320x180:rate=25",
                    "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", path], check=True)
    return path.read_bytes()


def test_no_view_has_a_serious_fault(closed, people, short_film, tmp_path):
    """axe-core, in light and dark."""
    (closed.root / "day-1" / "film.mp4").write_bytes(short_film)
    (tmp_path / "up.txt").write_bytes(b"x")
    told = people("accessible", closed, key=closed.key, file=tmp_path / "up.txt").until("done")["done"]["told"]
    assert {view: found for view, found in told.items() if found} == {}
    assert len(told) > 15


def test_a_narrow_screen_has_all(closed, people, short_film):
    (closed.root / "day-1" / "film.mp4").write_bytes(short_film)
    assert people("narrow", closed, key=closed.key).until("done")["done"]["wide"] == []
    assert (closed.root / "day-1" / "by thumb").is_dir()


def test_what_people_come_for_is_at_most_three_steps_away(closed, people, short_film, tmp_path):
    (closed.root / "film.mp4").write_bytes(short_film)
    (tmp_path / "up.txt").write_bytes(b"x")
    told = people("paths", closed, key=closed.key, file=tmp_path / "up.txt").until("done")["done"]
    assert set(told) == {"hand_in", "comment", "share"}
    assert max(told.values()) <= 3, told


def test_two_languages(tree, people):
    people("languages", tree({})).until("done")


NASTY = [
    "<img src=x onerror='window.pwned=1'>.txt", "&lt;script&gt;.txt", "{{7*7}}${window.pwned=1}.txt", "\"'`.txt",
    "\u05d0\u05d1 (exe.txt", "a\u200fb.txt",
]  # fmt: skip


def test_names_and_files_stay_harmless(tree, people):
    script = b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned=1'><script>window.pwned=1</script></svg>"
    server = tree({**{name: b"x" for name in NASTY}, "page.html": script, "picture.svg": script})
    people("hostile", server, names=NASTY, files=["page.html", "picture.svg"]).until("done")


# --- watching ---


def test_watch_seek_and_step(tree, people, short_film):
    server = tree({
        "day-1/film.mp4": short_film, "day-1/unknown.mxf": content(100_000),
        "day-1/film.srt": b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:04,000\r\nHello there\r\n",
    })  # fmt: skip
    told = people("watch", server).until("done")["done"]
    assert told["name"] == "unknown.mxf.m3u"
    assert f"http://{server.host}:{server.port}/files/day-1/unknown.mxf" in told["list"]


def test_films_get_a_picture(tree, people, short_film, tmp_path):
    server = tree({"day-1/film.mp4": short_film, "day-1/notes.txt": b"x"})
    (tmp_path / "own.mp4").write_bytes(short_film)
    told = people("posters", server, file=tmp_path / "own.mp4").until("done")["done"]
    assert told == {"width": 360, "scheme": "blob:", "kept": 1}


# --- talking ---


def test_comments_at_a_moment(tree, people, short_film):
    """Two people at one film: what one says and draws, the other sees, and comes to the moment by its mark."""
    server = tree({"day-1/film.mp4": short_film})
    assert people("comment", server).until("done")["done"]["faults"] == []
    with Line(server.host, server.port) as line:
        told = json.loads(line.ask("GET", "/api/talk/day-1/film.mp4").body)["messages"]
    assert [each["at_ms"] for each in told] == [5000, None, 5000, 5000]
    assert told[0]["resolved"] and told[1]["reply_to"] == told[0]["id"]
    assert told[2]["drawing"]["strokes"]


def test_the_page_and_the_terminal_share_a_room(tree, people, sluice, short_film):
    server = tree({"day-1/film.mp4": short_film})
    program = people("room", server)
    program.until("said")
    chat = sluice("chat", server.url + "/day-1/film.mp4", "--name", "Tom", input=b"hello from the terminal\n", check=0)
    assert "hello from the page" in chat.out
    program.until("seen")
    program.tell("end")
    program.until("done")


# --- sharing ---


def test_links_are_made_used_and_revoked(closed, people, tmp_path):
    """A drop link as a stranger, one with a password, and both after they were revoked."""
    (closed.root / "day-1" / "there.txt").write_bytes(b"t")
    (tmp_path / "rushes.mov").write_bytes(content(3 * MIB))
    told = people("share", closed, key=closed.key, file=tmp_path / "rushes.mov").until("done")["done"]
    assert told["faults"] == []
    assert (closed.root / "day-1" / "rushes.mov").read_bytes() == content(3 * MIB)
