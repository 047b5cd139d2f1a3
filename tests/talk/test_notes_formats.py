"""`sluice notes`, read by what knows nothing of it: CMX 3600 and FCPXML by the rules that they have, SubRip by ffmpeg.

No program that cuts is needed for it; none of them was asked.
"""

import re
import subprocess
import xml.etree.ElementTree
from fractions import Fraction

import pytest

from talk.test_notes import notes

# What is to be found: in ms, None for a single frame.
NOTES = [
    (0, None, "the first frame"), (40, None, 'quotes " and & and <b>'), (59_993, 60_060, "over the minute"),
    (60_060, None, "天空在闪 🎬"), (600_000, 660_000, "| pipes | --> arrows\nsecond line"), (3_599_999, 3_600_001, "\uffff\u202e.."),
    (7_200_000, None, "late"),
]  # fmt: skip
RATES = {
    "23.976": (Fraction(24000, 1001), 24, 0), "24": (Fraction(24), 24, 0), "25": (Fraction(25), 25, 0),
    "29.97": (Fraction(30000, 1001), 30, 2), "29.97ndf": (Fraction(30000, 1001), 30, 0), "30": (Fraction(30), 30, 0),
    "50": (Fraction(50), 50, 0), "59.94": (Fraction(60000, 1001), 60, 4), "59.94ndf": (Fraction(60000, 1001), 60, 0),
    "60": (Fraction(60), 60, 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def talked(house):
    who = house.somebody()
    (house.root / "formats.mp4").write_bytes(b"film")
    for at, until, text in NOTES:
        who.say("formats.mp4", text, at_ms=at, **({} if until is None else {"until_ms": until}))
    return who


def exported(who, *options):
    done = notes(who, "formats.mp4", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def shown_at(time_ms, rate):
    """The frame that is on the screen: the last one that began, by a clock of milliseconds."""
    return int((time_ms + 1) * rate / 1000)


# --- CMX 3600 ---

EVENT = re.compile(r"(\d{3})  (\d{3})      V     C        (\S{11}) (\S{11}) (\S{11}) (\S{11})")
MARKER = re.compile(r" \|C:ResolveColor(Blue|Green) \|M:([^|]*) \|D:(\d+)")


def frames_by_timecode(counted, drop, minutes):
    """By counting, as a clock does that leaves the numbers away: no formula."""
    found, frame = {}, 0
    for minute in range(minutes):
        for second in range(60):
            for number in range(drop if drop and minute % 10 and second == 0 else 0, counted):
                mark = ";" if drop else ":"
                found[f"{minute // 60:02}:{minute % 60:02}:{second:02}{mark}{number:02}"] = frame
                frame += 1
    return found


def read_edl(text, counted, drop):
    """The events: (first frame, frames of the marker, its text)."""
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    lines = text.split("\r\n")[:-1]
    assert lines[0] == "TITLE: formats.mp4"
    assert lines[1] == ("FCM: DROP FRAME" if drop else "FCM: NON-DROP FRAME")
    frames = frames_by_timecode(counted, drop, 2 * 60 + 2)
    found = []
    for number, (blank, event, marker) in enumerate(zip(lines[2::3], lines[3::3], lines[4::3], strict=True), 1):
        assert blank == ""
        event, marker = EVENT.fullmatch(event), MARKER.fullmatch(marker)
        assert (int(event[1]), event[2]) == (number, "001")
        first, end = frames[event[3]], frames[event[4]]
        assert (event[5], event[6], end - first) == (event[3], event[4], 1)
        found.append((first, int(marker[3]), marker[2]))
    return found


@pytest.mark.parametrize("name", RATES)
def test_an_edl_has_each_note_at_its_frame(talked, name):
    rate, counted, drop = RATES[name]
    found = read_edl(exported(talked, "--export", "edl", "--fps", name), counted, drop)
    assert [(first, count) for first, count, _ in found] == [
        (shown_at(at, rate), 1 if until is None else max(1, shown_at(until, rate) - shown_at(at, rate))) for at, until, _ in NOTES]
    assert [first for first, _, _ in found] == sorted(first for first, _, _ in found)
    assert found[3][2] == f"{talked.name}: 天空在闪 🎬"


def test_an_edl_of_a_film_that_begins_at_one_hour(talked):
    for name, start in (("25", "01:00:00:00"), ("29.97", "01:00:00;00")):
        rate, counted, drop = RATES[name]
        hour = frames_by_timecode(counted, drop, 61)[start]
        frames = frames_by_timecode(counted, drop, 3 * 60 + 1)
        lines = exported(talked, "--export", "edl", "--fps", name, "--start", start).split("\r\n")
        first = [frames[EVENT.fullmatch(line)[3]] for line in lines[3::3]]
        assert first == [hour + shown_at(at, rate) for at, _, _ in NOTES]


# --- FCPXML 1.9 ---

# Of its DTD, what is used here: an element's children in their order, as a pattern over their names; the attributes
# that it must and may have.
DTD = {
    "fcpxml": (r"(resources )?(library |(event )*|(project )*)", {"version"}, set()),
    "resources": (r"((asset|effect|format|media|locator) )*", set(), set()),
    "format": (r"", {"id"}, {"name", "frameDuration", "fieldOrder", "width", "height", "paspH", "paspV", "colorSpace"}),
    "library": (r"(event )*(smart-collection )*", set(), {"location", "colorProcessing"}),
    "event": (r"((clip|project|collection-folder|smart-collection) )*", set(), {"name", "uid"}),
    "project": (r"sequence ", set(), {"name", "uid", "id", "modDate"}),
    "sequence": (r"(note )?spine (metadata )?", {"format"},
                 {"duration", "tcStart", "tcFormat", "audioLayout", "audioRate", "renderFormat", "keywords"}),
    "spine": (r"((audio|video|clip|title|ref-clip|gap|transition) )*", set(), {"lane", "offset", "name", "format"}),
    "gap": (r"(note )?(marker )*(metadata )?", {"duration"}, {"name", "offset", "start", "enabled"}),
    "marker": (r"", {"start", "value"}, {"duration", "completed", "note"}),
}  # fmt: skip
TIMES = {"frameDuration", "duration", "tcStart", "offset", "start"}
TIME = re.compile(r"(\d+)(?:/(\d+))?s")


def seconds(text):
    """A 64-bit numerator over a 32-bit denominator."""
    found = TIME.fullmatch(text)
    over = int(found[2] or 1)
    assert int(found[1]) < 1 << 63 and 0 < over < 1 << 31
    return Fraction(int(found[1]), over)


def check_element(one, frame):
    children, must, may = DTD[one.tag]
    assert re.fullmatch(children, "".join(f"{each.tag} " for each in one)), one.tag
    assert must <= set(one.attrib) <= must | may, one.attrib
    assert not (one.text or "").strip() and not (one.tail or "").strip()
    for name in TIMES & set(one.attrib):
        assert seconds(one.get(name)) % frame == 0, (one.tag, name, one.get(name))
    for each in one:
        check_element(each, frame)


@pytest.mark.parametrize("start", [None, "01:00:00:00"])
@pytest.mark.parametrize("name", RATES)
def test_an_fcpxml_keeps_the_rules_of_its_dtd_and_every_time_is_on_a_frame(talked, name, start):
    rate, counted, drop = RATES[name]
    text = exported(talked, "--export", "fcpxml", "--fps", name, *(("--start", start) if start else ()))
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    tree = xml.etree.ElementTree.fromstring(text)
    assert (tree.tag, tree.get("version")) == ("fcpxml", "1.9")
    frame = seconds(tree.find("resources/format").get("frameDuration"))
    assert frame == 1 / rate
    check_element(tree, frame)
    sequence, gap = tree.find(".//sequence"), tree.find(".//gap")
    assert sequence.get("format") == tree.find("resources/format").get("id")
    assert sequence.get("tcFormat") == ("DF" if drop else "NDF")
    begin = counted * 3600 - drop * 54 if start else 0  # six minutes of an hour leave nothing away
    assert seconds(sequence.get("tcStart")) == seconds(gap.get("offset")) == seconds(gap.get("start")) == begin * frame
    markers = tree.findall(".//marker")
    assert [seconds(each.get("start")) / frame for each in markers] == [begin + shown_at(at, rate) for at, _, _ in NOTES]
    end = seconds(gap.get("start")) + seconds(gap.get("duration"))
    assert all(seconds(each.get("start")) + seconds(each.get("duration")) <= end for each in markers)
    assert markers[1].get("value") == f'{talked.name}: quotes " and & and <b>'


# --- SubRip ---


def test_ffmpeg_reads_the_subtitles(talked, tmp_path):
    (tmp_path / "x.srt").write_bytes(exported(talked, "--export", "srt").encode())
    ran = subprocess.run(["ffprobe", "-v", "error", "-show_packets", "-show_data", "-of", "default", tmp_path / "x.srt"],
                         capture_output=True, timeout=60, check=True)  # fmt: skip
    assert ran.stderr == b""
    told = ran.stdout.decode()
    times = [(float(at), float(took)) for at, took in re.findall(r"pts_time=(\S+).*?duration_time=(\S+)", told, re.S)]
    expected = [(at / 1000, ((at + 3000 if until is None else until) - at) / 1000) for at, until, _ in NOTES]
    assert times == pytest.approx(expected)
    again = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", tmp_path / "x.srt", "-f", "srt", "-"],
                           capture_output=True, timeout=60, check=True)  # fmt: skip
    assert again.stderr == b""
    texts = [block.split("\n", 2)[2].strip() for block in again.stdout.decode().replace("\r", "").strip().split("\n\n")]
    assert len(texts) == len(NOTES) and texts[3] == f"{talked.name}: 天空在闪 🎬"
