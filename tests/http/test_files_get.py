"""GET and HEAD of files: RFC 9110, 8 (what it is), 13 (conditions), 14 (ranges)."""

import email.utils
import os
import re

import pytest

from client.conftest import content
from http_client import Line

BIG = content(3 * 1024 * 1024 + 17)


@pytest.fixture(scope="module")
def files(served):
    (served.root / "big.mp4").write_bytes(BIG)
    (served.root / "empty").write_bytes(b"")
    (served.root / "day 1").mkdir()
    (served.root / "day 1" / "日本 “x”.mov").write_bytes(b"take one")
    (served.root / "page.html").write_bytes(b"<script>alert(1)</script>")
    (served.root / ".secret").write_bytes(b"hidden")
    os.symlink("ok.txt", served.root / "link.txt")
    return served


@pytest.fixture
def line(files):
    with Line(files.host, files.port) as opened:
        yield opened


def tag(line, target="/files/big.mp4"):
    return line.ask("HEAD", target)["ETag"]


def test_a_file_as_it_is(line):
    answer = line.ask("GET", "/files/big.mp4")
    assert answer.status == 200
    assert answer.body == BIG
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Disposition"] == 'inline; filename="big.mp4"'
    assert answer["Accept-Ranges"] == "bytes"


def test_every_response_forbids_sniffing_referrers_and_script(line):
    for target in ["/files/big.mp4", "/files/none", "/nowhere", "/api/list/"]:
        answer = line.ask("GET", target)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer


def test_head_says_what_get_says_and_no_more(line):
    got, told = line.ask("GET", "/files/big.mp4"), line.ask("HEAD", "/files/big.mp4")
    assert told.status == 200
    different = {"Date"}
    assert [f for f in told.fields if f[0] not in different] == [f for f in got.fields if f[0] not in different]
    assert line.ask("GET", "/files/ok.txt").body == b"here\n"  # nothing of the body was on the line


def test_an_empty_file(line):
    answer = line.ask("GET", "/files/empty")
    assert (answer.status, answer["Content-Length"], answer.body) == (200, "0", b"")
    assert line.ask("GET", "/files/empty", "Range: bytes=0-").status == 200


@pytest.mark.parametrize("target", [
    "/files/day%201/%E6%97%A5%E6%9C%AC%20%E2%80%9Cx%E2%80%9D.mov", "/files/day%201/日本%20“x”.mov",
])  # fmt: skip
def test_names_of_any_language(line, target):
    line.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = line.answer()
    assert answer.body == b"take one"
    assert answer["Content-Disposition"] == (
        'attachment; filename="__ _x_.mov"; filename*=UTF-8\'\'%E6%97%A5%E6%9C%AC%20%E2%80%9Cx%E2%80%9D.mov'
    )


def test_what_could_run_script_is_a_download(line):
    assert line.ask("GET", "/files/page.html")["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize("target", ["/files/none", "/files/none/deeper", "/files/ok.txt/deeper", "/files/link.txt", "/files/", "/files/day%201", "/nothing", "/files", "/FILES/ok.txt"])
def test_what_is_not_there(line, target):
    answer = line.ask("GET", target)
    assert answer.status in (404, 409)
    assert answer["Content-Type"] == "application/problem+json"


def test_hidden_names_are_nobodys_business(line):
    assert line.ask("GET", "/files/.secret").status == 403
    assert line.ask("GET", "/files/.sluice/catalog.db").status == 403


def test_methods_that_a_path_does_not_have(line):
    answer = line.ask("POST", "/files/ok.txt", body=b"")
    assert answer.status == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
    assert line.ask("OPTIONS", "/files/ok.txt")["Allow"] == answer["Allow"]
    assert line.ask("OPTIONS", "*").status == 204
    assert line.ask("TRACE", "/files/ok.txt").status == 405


# --- Ranges (RFC 9110, 14) ---


@pytest.mark.parametrize(("wanted", "first", "end"), [
    ("0-0", 0, 1), ("0-", 0, len(BIG)), ("-1", len(BIG) - 1, len(BIG)), ("5-4000000", 5, len(BIG)), ("1048570-1048590", 1048570, 1048591),
    (f"-{len(BIG) + 5}", 0, len(BIG)), ("3-99999999999999999999999999", 3, len(BIG)), (" 7-8 ", 7, 9), (",7-8,,", 7, 9),
])  # fmt: skip
def test_one_range(line, wanted, first, end):
    answer = line.ask("GET", "/files/big.mp4", f"Range: bytes={wanted}")
    assert answer.status == 206
    assert answer["Content-Range"] == f"bytes {first}-{end - 1}/{len(BIG)}"
    assert answer.body == BIG[first:end]


def parts_of(answer):
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", answer["Content-Type"])[1].encode()
    pieces = answer.body.split(b"\r\n--" + boundary)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    for piece in pieces[1:-1]:
        head, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        yield dict(line.split(": ", 1) for line in head.decode().split("\r\n")), body


def test_several_ranges(line):
    wanted = [(0, 1), (2_000_000, 2_000_009), (len(BIG) - 3, len(BIG) - 1), (10, 12)]
    answer = line.ask("GET", "/files/big.mp4", "Range: bytes=" + ",".join(f"{a}-{b}" for a, b in wanted))
    assert answer.status == 206
    assert "Content-Range" not in answer
    found = list(parts_of(answer))
    assert [body for _, body in found] == [BIG[a : b + 1] for a, b in wanted]
    assert [head["Content-Range"] for head, _ in found] == [f"bytes {a}-{b}/{len(BIG)}" for a, b in wanted]
    assert {head["Content-Type"] for head, _ in found} == {"video/mp4"}


def test_ranges_behind_the_end_are_left_out(line):
    assert line.ask("GET", "/files/big.mp4", "Range: bytes=0-1,99999999-").body == BIG[:2]


def ranges(count):
    return "Range: bytes=" + ",".join(f"{i * 10}-{i * 10}" for i in range(count))


def test_eight_ranges_are_the_most(line):
    assert len(list(parts_of(line.ask("GET", "/files/big.mp4", ranges(8))))) == 8
    assert line.ask("GET", "/files/big.mp4", ranges(9)).status == 416


@pytest.mark.parametrize("wanted", ["99999999-", "-0", "4000000-4000001", "0-5,5-6", "0-,-1", "0-1,0-1", "18446744073709551616-"])
def test_ranges_that_cannot_be(line, wanted):
    answer = line.ask("GET", "/files/big.mp4", f"Range: bytes={wanted}")
    assert answer.status == 416
    assert answer["Content-Range"] == f"bytes */{len(BIG)}"


@pytest.mark.parametrize("field", ["bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=2-1", "bytes=1", "lines=0-1", "bytes=0-1;2-3", "bytes=+1-2", "bytes=0 - 1"])
def test_what_is_no_range_is_ignored(line, field):
    answer = line.ask("GET", "/files/big.mp4", f"Range: {field}")
    assert answer.status == 200
    assert answer.body == BIG


def test_head_has_no_ranges(line):
    assert line.ask("HEAD", "/files/big.mp4", "Range: bytes=0-1").status == 200


# --- Conditions (RFC 9110, 13) ---

OLD, NEW = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 2100 23:59:59 GMT"


def test_the_tag_is_strong_and_another_for_other_content(line, files):
    path = files.root / "changing"
    path.write_bytes(b"one")
    first = tag(line, "/files/changing")
    assert re.fullmatch(r'"[0-9a-f]+"', first)
    assert tag(line, "/files/changing") == first
    os.utime(path, ns=(1, 1))
    second = tag(line, "/files/changing")
    path.unlink()
    path.write_bytes(b"one")
    assert len({first, second, tag(line, "/files/changing")}) == 3


def test_if_none_match(line):
    current = tag(line)
    for value in [current, f"W/{current}", f'"x", {current}', "*"]:
        answer = line.ask("GET", "/files/big.mp4", f"If-None-Match: {value}")
        assert answer.status == 304
        assert answer["ETag"] == current
        assert "Content-Type" not in answer
    assert line.ask("GET", "/files/big.mp4", 'If-None-Match: "x", "y,z"').status == 200


def test_if_match(line):
    current = tag(line)
    for value in [current, "*", f'"x",{current}']:
        assert line.ask("GET", "/files/big.mp4", f"If-Match: {value}").status == 200
    for value in ['"x"', f"W/{current}", current.strip('"')]:
        assert line.ask("GET", "/files/big.mp4", f"If-Match: {value}").status == 412


def test_dates(line):
    modified = line.ask("HEAD", "/files/big.mp4")["Last-Modified"]
    for form in [modified, NEW]:
        assert line.ask("GET", "/files/big.mp4", f"If-Modified-Since: {form}").status == 304
        assert line.ask("GET", "/files/big.mp4", f"If-Unmodified-Since: {form}").status == 200
    for form in [OLD, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]:
        assert line.ask("GET", "/files/big.mp4", f"If-Modified-Since: {form}").status == 200
        assert line.ask("GET", "/files/big.mp4", f"If-Unmodified-Since: {form}").status == 412
    for form in ["yesterday", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT"]:
        assert line.ask("GET", "/files/big.mp4", f"If-Modified-Since: {form}").status == 200
        assert line.ask("GET", "/files/big.mp4", f"If-Unmodified-Since: {form}").status == 200


def test_the_time_in_the_future_is_not_told(line, files):
    (files.root / "early").write_bytes(b"x")
    os.utime(files.root / "early", (4102444800, 4102444800))
    told = email.utils.parsedate_to_datetime(line.ask("HEAD", "/files/early")["Last-Modified"])
    assert told.year < 2100


@pytest.mark.parametrize(("fields", "status"), [
    (["If-Match: *", f"If-Unmodified-Since: {OLD}"], 200),  # 13.2.2: If-Match takes the place of the date
    (['If-Match: "x"', f"If-Unmodified-Since: {NEW}"], 412),
    (['If-None-Match: "x"', f"If-Modified-Since: {NEW}"], 200),
    (["If-None-Match: *", f"If-Modified-Since: {OLD}"], 304),
    (['If-Match: "x"', "If-None-Match: *"], 412),
    (["If-None-Match: *", "Range: bytes=0-1"], 304),
    (['If-Match: "x"', "Range: bytes=0-1"], 412),
    ([f"If-Unmodified-Since: {OLD}", "If-None-Match: *"], 412),
])  # fmt: skip
def test_precedence(line, fields, status):
    assert line.ask("GET", "/files/big.mp4", *fields).status == status


def test_if_range(line, files):
    current = tag(line)
    os.utime(files.root / "ok.txt", (1_000_000_000, 1_000_000_000))
    modified = line.ask("HEAD", "/files/ok.txt")["Last-Modified"]

    def status(target, condition):
        return line.ask("GET", target, "Range: bytes=0-1", f"If-Range: {condition}").status

    assert status("/files/big.mp4", current) == 206
    assert status("/files/ok.txt", modified) == 206
    for stale in ['"x"', f"W/{current}", NEW, OLD, "nonsense"]:
        assert status("/files/big.mp4", stale) == 200
    assert line.ask("GET", "/files/big.mp4", f"If-Range: {current}").status == 200  # of no range


def test_a_stale_range_gets_the_whole(line):
    answer = line.ask("GET", "/files/big.mp4", "Range: bytes=0-1", 'If-Range: "x"')
    assert answer.body == BIG
