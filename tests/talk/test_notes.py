"""`sluice notes`: what was said, for the programs that cut."""

import csv
import io
import json
import os
import subprocess
import xml.etree.ElementTree

import pytest

from conftest import SLUICE


def notes(who, path, *options):
    env = {**os.environ, "SLUICE_TOKEN": who.token}
    return subprocess.run([str(SLUICE), "notes", f"{who.house.url}/{path}", *options], env=env, capture_output=True, timeout=60)


@pytest.fixture
def talked(anna, ben, film):
    anna.say(film, "天空在闪", at_ms=83500)
    gone = anna.say(film, "a mistake", at_ms=1)
    anna.amend(film, gone["id"], deleted=True)
    ben.say(film, "no time")
    done = ben.say(film, "=1+1, \"first\"", at_ms=1000, until_ms=2000)
    anna.amend(film, done["id"], resolved=True)
    return film


def test_csv(anna, ben, talked):
    done = notes(anna, talked, "--fps", "25")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert [(row["timecode"], row["author"], row["text"], row["resolved"]) for row in rows] == [
        ("00:01:23:12", anna.name, "天空在闪", "no"), ("", ben.name, "no time", "no"),
        ("00:00:01:00", ben.name, "'=1+1, \"first\"", "yes")]  # fmt: skip


def test_edl(anna, ben, talked):
    done = notes(anna, talked, "--export", "edl", "--fps", "29.97", "--start", "01:00:00;00")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().split("\r\n")
    assert lines[1] == "FCM: DROP FRAME"
    assert lines[3] == "001  001      V     C        01:00:01;00 01:00:01;01 01:00:01;00 01:00:01;01"
    assert lines[4] == f" |C:ResolveColorGreen |M:{ben.name}: =1+1, \"first\" |D:29"
    assert "01:01:23;14" in lines[6] and "天空在闪" in lines[7]
    assert b"1 message left out" in done.stderr


def test_fcpxml(anna, talked):
    done = notes(anna, talked, "--export", "fcpxml", "--fps", "23.976")
    tree = xml.etree.ElementTree.fromstring(done.stdout.decode())
    markers = tree.findall(".//gap/marker")
    assert [each.get("completed") for each in markers] == ["1", "0"]
    assert markers[0].get("start") == "24024/24000s"
    assert markers[1].get("value") == f"{anna.name}: 天空在闪"


def test_srt(anna, talked):
    done = notes(anna, talked, "--export", "srt")
    blocks = done.stdout.decode().split("\r\n\r\n")
    assert blocks[1].split("\r\n") == ["2", "00:01:23,500 --> 00:01:26,500", f"{anna.name}: 天空在闪"]


def test_json_of_more_than_a_page(house, film):
    people = [house.somebody() for _ in range(27)]
    for who in people:
        for i in range(19):
            who.say(film, f"{who.name} {i}")
    done = notes(people[0], film, "--export", "json")
    told = json.loads(done.stdout)["notes"]
    assert [each["text"] for each in told] == [f"{who.name} {i}" for who in people for i in range(19)]


@pytest.mark.parametrize(("options", "code"), [
    (("--fps", "31"), 2), (("--export", "pdf"), 2), (("--fps", "25", "--start", "01:00"), 2),
    (("--fps", "29.97", "--start", "00:01:00;00"), 2),
])  # fmt: skip
def test_what_is_wrong_with_the_flags(anna, film, options, code):
    assert notes(anna, film, *options).returncode == code


def test_who_may_not_and_what_is_not_there(house, anna, film):
    assert notes(anna, "none").returncode == 5
    assert notes(house.somebody("see,take"), film).returncode == 4


def made(house, rate, name):
    film = f"{name}-{rate.replace('/', '-')}"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc=size=320x240:rate={rate}", "-frames:v", "40",
                    "-c:v", "rawvideo" if name.endswith("mov") else "mpeg4", "-f", name, house.root / film],
                   check=True, timeout=60)  # fmt: skip
    return film


@pytest.mark.parametrize(("rate", "container", "drops", "last"), [
    ("25", "mp4", False, "00:01:00:01"), ("24000/1001", "matroska", False, "00:01:00:00"),
    ("30000/1001", "mov", True, "00:01:00;02"), ("60000/1001", "mp4", True, "00:01:00;04"),
])  # fmt: skip
def test_the_frame_rate_is_read_from_the_film(house, anna, rate, container, drops, last):
    film = made(house, rate, container)
    anna.say(film, "late", at_ms=60060)
    done = notes(anna, film, "--export", "edl")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().split("\r\n")
    assert lines[1] == ("FCM: DROP FRAME" if drops else "FCM: NON-DROP FRAME")
    assert lines[3].split()[4] == last
    told = json.loads(notes(anna, film, "--export", "json").stdout)
    frames, seconds = map(int, (rate + "/1").split("/")[:2])
    assert (told["frame_rate"], told["drop_frame"]) == ({"frames": frames, "seconds": seconds}, drops)
    # What is given counts.
    assert json.loads(notes(anna, film, "--export", "json", "--fps", "24").stdout)["frame_rate"]["frames"] == 24


def test_a_frame_rate_that_cannot_be_read_has_to_be_given(house, anna, film):
    said = anna.say(film, "timed", at_ms=1000)
    for options in (("--export", "edl"), ("--export", "fcpxml"), (), ("--export", "json")):
        done = notes(anna, film, *options)
        assert done.returncode == 2 and b"--fps" in done.stderr and done.stdout == b"", done
    assert notes(anna, film, "--export", "srt").returncode == 0
    anna.amend(film, said["id"], deleted=True)
    anna.say(film, "untimed")
    assert json.loads(notes(anna, film, "--export", "json").stdout)["frame_rate"] is None
    (house.root / "notes-of-a-folder").mkdir(exist_ok=True)
    anna.say("notes-of-a-folder", "timed", at_ms=1000)
    done = notes(anna, "notes-of-a-folder")
    assert done.returncode == 2 and b"it is a folder" in done.stderr and b"--fps" in done.stderr


def test_who_may_not_take_the_film_gives_its_frame_rate(house, anna, film):
    who = house.somebody("see,talk")
    who.say(film, "timed", at_ms=1000)
    done = notes(who, film)
    assert done.returncode == 4 and b"--fps" in done.stderr
    assert notes(who, film, "--fps", "25").returncode == 0
