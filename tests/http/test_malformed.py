"""What is malformed, or could be read in two ways: one 4xx, then the end; what follows is never taken for a request.

A case is a name, the bytes, and the statuses that are right for it.
"""

import json

import pytest

from http_client import Line

HOST = b"Host: 127.0.0.1\r\n"
CONTROLS = [c for c in range(0x20) if c not in (0x09, 0x0A, 0x0D)] + [0x7F]


def get(target=b"/files/ok.txt", version=b"HTTP/1.1", fields=HOST, method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + fields + b"\r\n"


def request_lines():
    for c in CONTROLS:
        yield f"method with 0x{c:02x}", get(method=b"G" + bytes([c]) + b"T"), {400}
    for c in b'"(),/:;<=>?@[\\]{}':
        yield f"method with {chr(c)}", get(method=b"GE" + bytes([c])), {400}
    yield "no method", b" /files/ok.txt HTTP/1.1\r\n" + HOST + b"\r\n", {400}
    yield "no target", b"GET  HTTP/1.1\r\n" + HOST + b"\r\n", {400}
    yield "no spaces", b"GET/files/ok.txtHTTP/1.1\r\n" + HOST + b"\r\n", {400}
    yield "only a method", b"GET\r\n" + HOST + b"\r\n", {400}
    yield "HTTP/0.9", b"GET /files/ok.txt\r\n" + HOST + b"\r\n", {400}
    yield "two spaces before the target", get(target=b" /files/ok.txt"), {400}
    yield "two spaces before the version", get(target=b"/files/ok.txt "), {400}
    yield "a space in the target", get(target=b"/files/ok txt"), {400}
    yield "a tab for a space", b"GET\t/files/ok.txt HTTP/1.1\r\n" + HOST + b"\r\n", {400}
    yield "a tab before the version", b"GET /files/ok.txt\tHTTP/1.1\r\n" + HOST + b"\r\n", {400}
    yield "a space behind the version", get(version=b"HTTP/1.1 "), {400}
    yield "a space before the method", b" " + get(), {400}
    yield "a tab before the method", b"\r\n\t" + get(), {400}
    yield "three empty lines", b"\r\n\r\n\r\n" + get(), {400}
    yield "a response", b"HTTP/1.1 200 OK\r\n" + HOST + b"\r\n", {400}


def versions():
    for version in [
        b"", b"HTTP", b"HTTP/", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/1.1.1", b"HTTP/01.1", b"HTTP/1.01",
        b"HTTP/11", b"HTTP/1,1", b"HTTP/1-1", b"http/1.1", b"Http/1.1", b"HTTPS/1.1", b"HTP/1.1", b"HTTP 1.1",
        b"HTTP/1.x", b"HTTP/x.1", b"HTTP/-1.1", b"HTTP/1.-1", b"HTTP/1.1\x00", b"ICAP/1.0", b"RTSP/1.0",
    ]:  # fmt: skip
        yield f"version {version!r}", get(version=version), {400}


def targets():
    for c in CONTROLS + [ord(c) for c in '"<>\\#']:
        yield f"target with 0x{c:02x}", get(target=b"/files/o" + bytes([c]) + b"k.txt"), {400}
        yield f"query with 0x{c:02x}", get(target=b"/files/ok.txt?a=" + bytes([c])), {400}
    for c in CONTROLS + [0x09, 0x0A, 0x0D]:
        yield f"target with %{c:02x}", get(target=b"/files/o%%%02xk.txt" % c), {400}
    for target in [
        b"files/ok.txt", b"ok.txt", b"*", b"?a=b", b"127.0.0.1:80", b"https://127.0.0.1/files/ok.txt",
        b"ftp://127.0.0.1/files/ok.txt", b"http:/files/ok.txt", b"http://", b"http:///files/ok.txt",
        b"http://user@127.0.0.1/files/ok.txt", b"http://127.0.0.2/files/ok.txt",
        b"http://127.0.0.1:x/files/ok.txt", b"//files/ok.txt", b"/files//ok.txt", b"/files/./ok.txt",
        b"/files/../files/ok.txt", b"/files/a/../ok.txt", b"/..", b"/.", b"/files/..", b"/files/%2e%2e/ok.txt",
        b"/files/%2E/ok.txt", b"/files/.%2e/etc", b"/files/..%2fetc", b"/files/%2e%2e%2fetc", b"/files%2fok.txt",
        b"/files/%2Fetc%2Fpasswd", b"/files/a%5cb", b"/files/%5c..%5cetc", b"/files/%", b"/files/%2",
        b"/files/%g0", b"/files/%0g", b"/files/%%41", b"/files/% 1", b"/files/%-1", b"/files/%00", b"/files/ok.txt%00",
        b"/files/%ff", b"/files/%c0%af", b"/files/%c0%ae%c0%ae/ok.txt", b"/files/%e0%80%af", b"/files/%f0%80%80%af",
        b"/files/%ed%a0%80", b"/files/%f4%90%80%80", b"/files/\xff", b"/files/\xc0\xaf", b"/files/%25%30%zz",
        b"/files/ok.txt?%", b"/files/ok.txt?a=%0", b"/files/ok.txt?%zz=1", b"/files/ok.txt?a=%00", b"/files/ok.txt?%0a",
        b"/files/ok.txt?a=%ff",
    ]:  # fmt: skip
        yield f"target {target!r}", get(target=target), {400}
    yield "a request line over its limit", get(target=b"/files/" + b"a" * 17000), {414}
    yield "a request line without an end", b"GET /" + b"a" * 17000, {414}
    yield "too many parameters", get(target=b"/files/ok.txt?" + b"a&" * 65), {400}
    yield "authority form", get(method=b"CONNECT", target=b"127.0.0.1:80"), {400}
    yield "* of GET", get(target=b"*"), {400}


def fields():
    for c in CONTROLS:
        yield f"value with 0x{c:02x}", get(fields=HOST + b"X: a" + bytes([c]) + b"b\r\n"), {400}
        yield f"name with 0x{c:02x}", get(fields=HOST + b"X" + bytes([c]) + b": a\r\n"), {400}
    for c in b' \t"(),/;<=>?@[\\]{}\xe4':
        yield f"name with {chr(c)!r}", get(fields=HOST + b"X" + bytes([c]) + b"Y: a\r\n"), {400}
    for line in [
        b"no colon\r\n", b": no name\r\n", b"X : a\r\n", b"X\t: a\r\n", b"X:a\r\n folded\r\n", b"X:a\r\n\tfolded\r\n",
        b" folded: first\r\n", b"X: a\r\n \r\n", b"X:\r\n\t\r\n", b"Transfer-Encoding : chunked\r\n",
        b"Content-Length : 5\r\n", b"Host : 127.0.0.1\r\n", b"X: a\nY: b\r\n", b"X: a\rY: b\r\n", b"X: a\r\r\n",
        b"X: a\n", b"X: a\r", b"X: a\n\n", b"X: a\r\n\n", b"X\r\n: a\r\n", b"\x00: a\r\n", b"\xef\xbb\xbfX: a\r\n",
    ]:  # fmt: skip
        yield f"line {line!r}", get(fields=HOST + line), {400}
        yield f"first line {line!r}", get(fields=line + HOST), {400}
    yield "a bare LF behind the request line", b"GET /files/ok.txt HTTP/1.1\n" + HOST + b"\r\n", {400}
    yield "a bare CR behind the request line", b"GET /files/ok.txt HTTP/1.1\r" + HOST + b"\r\n", {400}
    yield "lines of bare LF", b"GET /files/ok.txt HTTP/1.1\nHost: 127.0.0.1\n\n", {400}
    yield "an LF before the request", b"\n" + get(), {400}
    yield "a head over its limit", get(fields=HOST + b"".join(b"X%d: %s\r\n" % (i, b"a" * 990) for i in range(40))), {431}
    yield "a field over the limit", get(fields=HOST + b"X: " + b"a" * 33000 + b"\r\n"), {431}
    yield "a field without an end", get(fields=HOST)[:-2] + b"X: " + b"a" * 33000, {431}
    yield "101 fields", get(fields=HOST + b"X: a\r\n" * 100), {431}


def hosts():
    yield "no Host", get(fields=b""), {400}
    yield "two equal Hosts", get(fields=HOST * 2), {400}
    yield "two Hosts", get(fields=HOST + b"Host: localhost\r\n"), {400}
    yield "no Host with absolute form", get(target=b"http://127.0.0.1/files/ok.txt", fields=b""), {400}
    for value in [
        b"", b" ", b":80", b"a b", b"a,b", b"a/b", b"a@b", b"user@127.0.0.1", b"127.0.0.1:", b"127.0.0.1:x", b"127.0.0.1:-1",
        b"127.0.0.1:65536", b"127.0.0.1:999999", b"127.0.0.1:80:80", b"127.0.0.1:+80", b"127.0.0.1: 80", b"[::1", b"::1",
        b"[::1]x", b"[]", b"[::1%25lo]", b"[::g]", b"127.0.0.1/", b"http://127.0.0.1", b"127.0.0.1#", b"127.0.0.1?",
        b"\xe4.example", b"a\\b", b"a_b\"", b"%31", b"127.0.0.1, 127.0.0.1", b"a" * 256,
    ]:  # fmt: skip
        if value != b"127.0.0.1:":
            yield f"Host {value!r}", get(fields=b"Host: " + value + b"\r\n"), {400}
    for value in [b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil.example", b"xn--4ca.example", b"0x7f.1"]:
        yield f"a foreign Host {value!r}", get(fields=b"Host: " + value + b"\r\nConnection: close\r\n"), {421}


def put(fields, body=b""):
    return b"PUT /files/new.bin HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def lengths():
    for value in [
        b"", b"-1", b"-0", b"+5", b"0x5", b"5 5", b"5,5", b"5, 5", b"5, 6", b"5;", b"5.0", b"5e0", b"five", b"0_5", b"\"5\"",
        b"5\xa0", b"\xef\xbc\x95", b"5 ;a", b"5\t5", b",5", b"5,", b"1/2", b"0b101", b"- 5", b"5-",
    ]:  # fmt: skip
        yield f"Content-Length {value!r}", put(b"Content-Length: " + value + b"\r\n", b"hello"), {400}
        yield f"GET with Content-Length {value!r}", get(fields=HOST + b"Content-Length: " + value + b"\r\n"), {400}
    for value in [b"9223372036854775808", b"18446744073709551616", b"18446744073709551621", b"9" * 40, b"0" * 20 + b"9" * 20]:
        yield f"Content-Length {value!r}", put(b"Content-Length: " + value + b"\r\n", b"hello"), {413}
    five = b"Content-Length: 5\r\n"
    yield "two equal lengths", put(five * 2, b"hello"), {400}
    yield "two lengths", put(five + b"Content-Length: 6\r\n", b"hello!"), {400}
    yield "two lengths, in cases", put(five + b"content-length: 0\r\n", b"hello"), {400}


def codings():
    chunked = b"5\r\nhello\r\n0\r\n\r\n"
    for value in [
        b"", b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked, identity",
        b"identity, chunked", b"xchunked", b"chunkedx", b"chunk", b"\"chunked\"", b"chunked;a=b", b"chunked;", b", chunked",
        b"chunked,", b"chunked\xa0", b"\x0bchunked", b"ch\tunked", b"chunked 0", b"cow", b"x, chunked", b"CHUNKED, CHUNKED",
        b"'chunked'", b"chunked=1", b"trailers",
    ]:  # fmt: skip
        yield f"Transfer-Encoding {value!r}", put(b"Transfer-Encoding: " + value + b"\r\n", chunked), {400}
    coded = b"Transfer-Encoding: chunked\r\n"
    yield "two codings", put(coded * 2, chunked), {400}
    yield "two codings, one strange", put(coded + b"Transfer-Encoding: cow\r\n", chunked), {400}
    yield "coding and length", put(coded + b"Content-Length: 5\r\n", chunked), {400}
    yield "length and coding", put(b"Content-Length: 5\r\n" + coded, chunked), {400}
    yield "length 0 and coding", put(b"Content-Length: 0\r\n" + coded, chunked), {400}
    yield "coding and a bad length", put(coded + b"Content-Length: x\r\n", chunked), {400}
    yield "a strange coding and a length", put(b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", b"hello"), {400}
    yield "coding in HTTP/1.0", put(coded, chunked).replace(b"HTTP/1.1", b"HTTP/1.0"), {400}
    yield "coding of GET with length", get(fields=HOST + coded + b"Content-Length: 3\r\n") + b"abc", {400}


def expectations():
    for value in [b"", b"200-ok", b"100-continue, x", b"100", b"100-continue;a"]:
        yield f"Expect {value!r}", put(b"Expect: " + value + b"\r\nContent-Length: 5\r\n"), {417}


CORPUS = [
    case
    for part in (request_lines, versions, targets, fields, hosts, lengths, codings, expectations)
    for case in part()
]


def test_the_corpus_is_large_and_its_names_differ():
    assert len(CORPUS) >= 300
    assert len({name for name, _, _ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(("said", "right"), [case[1:] for case in CORPUS], ids=[case[0] for case in CORPUS])
def test_refused_once_and_closed(served, said, right):
    with Line(served.host, served.port) as line:
        line.send(said + get())  # what hides behind it, or follows it in the same segment
        answer = line.answer()
        assert answer.status in right
        assert line.to_end() == b""
    assert answer["Connection"] == "close"
    assert answer["Content-Type"] == "application/problem+json"
    told = json.loads(answer.body)
    assert told["status"] == answer.status
    assert told["detail"]


def test_the_server_goes_on(served, line):
    assert line.ask("GET", "/files/ok.txt").body == b"here\n"
    assert served.process.poll() is None
