"""The core protocol, one test for each MUST and SHOULD that is the server's."""

import pytest

from tus.conftest import VERSION, leave, metadata, read_head, read_to_end
from client.conftest import MIB, content


# --- Headers ---


def test_tus_resumable_must_be_in_every_response_but_that_of_options(tus):
    url = tus.new(10)
    answers = [tus.create(10), tus.create(10, name="b"), tus.create(), tus.head(url), tus.patch(url, 0, b"12345"),
               tus.patch(url, 0, b"12345"), tus.patch(url, 5, b"1", Content_Type="text/plain"),
               tus.head("/tus/" + "0" * 32), tus.ask("PUT", url), tus.delete(url), tus.delete(url)]
    assert [answer["Tus-Resumable"] for answer in answers] == [VERSION] * len(answers)
    assert len({answer.status for answer in answers}) > 5


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", "", "1.0.0, 1.0.0"])
def test_a_version_that_is_not_supported_must_be_412_with_tus_version_and_not_be_processed(tus, version):
    url = tus.new(10)
    for answer in (tus.ask("HEAD", url, version=version), tus.ask("DELETE", url, version=version),
                   tus.patch(url, 0, b"12345", version=version), tus.create(10, version=version)):
        assert answer.status == 412
        assert answer["Tus-Version"] == VERSION
    assert tus.head(url).offset == 0


def test_tus_extension_must_list_what_is_supported(tus):
    assert tus.options()["Tus-Extension"].split(",") == [
        "creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum", "checksum-trailer",
        "termination", "concatenation", "concatenation-unfinished"]


def test_tus_max_size_must_be_a_non_negative_integer(tus):
    assert int(tus.options()["Tus-Max-Size"]) == 2**63 - 1


@pytest.mark.parametrize("value", ["-1", "+1", "1.0", "0x1", "one", "", " ", "1 1", "1,1", "99999999999999999999"])
def test_upload_offset_must_be_a_non_negative_integer(tus, value):
    url = tus.new(10)
    assert tus.patch(url, value, b"12345").status == 400
    assert tus.head(url).offset == 0


@pytest.mark.parametrize("value", ["-1", "+1", "1.0", "0x1", "one", "", "1 1"])
def test_upload_length_must_be_a_non_negative_integer(tus, value):
    assert tus.create(value).status == 400


def test_x_http_method_override_must_be_the_method(tus):
    url = tus.new(10)
    answer = tus.ask("POST", url, b"12345", X_HTTP_Method_Override="PATCH", Upload_Offset="0",
                     Content_Type="application/offset+octet-stream")
    assert (answer.status, answer.offset) == (204, 5)
    assert tus.ask("GET", url, X_HTTP_Method_Override="HEAD").offset == 5
    assert tus.ask("PATCH", url, X_HTTP_Method_Override="DELETE").status == 204
    assert tus.head(url).status == 404


def test_a_method_that_is_none_of_tus_is_405(tus):
    url = tus.new(10)
    for answer in (tus.ask("PUT", url, b"x"), tus.ask("GET", url), tus.ask("POST", url, X_HTTP_Method_Override="MOVE")):
        assert answer.status == 405
        assert "PATCH" in answer["Allow"]


# --- HEAD ---


def test_head_must_include_upload_offset_even_if_it_is_0(tus):
    answer = tus.head(tus.new(10))
    assert (answer.status, answer["Upload-Offset"]) == (200, "0")


def test_head_must_include_upload_offset_when_the_upload_is_completed(tus):
    url = tus.new(5)
    assert tus.patch(url, 0, b"12345").offset == 5
    for _ in range(2):
        answer = tus.head(url)
        assert (answer.status, answer.offset, answer["Upload-Length"]) == (200, 5, "5")


def test_head_must_include_upload_length_if_it_is_known(tus):
    assert tus.head(tus.new(77))["Upload-Length"] == "77"
    assert "Upload-Length" not in tus.head(tus.new(Upload_Defer_Length="1", name="b"))


@pytest.mark.parametrize("url", ["/tus/" + "0" * 32, "/tus/none", "/tus/", "/tus", "/tus/a/b"])
def test_head_of_what_is_not_there_should_be_404_without_upload_offset(tus, url):
    answer = tus.head(url)
    assert answer.status == 404
    assert "Upload-Offset" not in answer


def test_head_must_prevent_caching(tus):
    url = tus.new(10)
    assert tus.head(url)["Cache-Control"] == "no-store"
    assert tus.head("/tus/" + "0" * 32)["Cache-Control"] == "no-store"


# --- PATCH ---


def test_patch_should_be_applied_at_the_offset(tus):
    whole = content(3 * MIB + 77)
    url = tus.new(len(whole))
    at = 0
    for size in (1, 99, MIB, 2 * MIB - 200, 177):
        answer = tus.patch(url, at, whole[at : at + size])
        at += size
        assert (answer.status, answer.offset) == (204, at)
    assert (tus.server.root / "a.bin").read_bytes() == whole


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/offset+octet-streams", "text/plain", "", None])
def test_patch_of_another_content_type_should_be_415(tus, kind):
    url = tus.new(10)
    assert tus.patch(url, 0, b"12345", Content_Type=kind).status == 415
    assert tus.head(url).offset == 0


@pytest.mark.parametrize("offset", [0, 4, 6, 10, 2**63 - 1])
def test_patch_at_another_offset_must_be_409_without_modifying_the_upload(tus, offset):
    url = tus.new(10)
    tus.patch(url, 0, b"12345")
    answer = tus.patch(url, offset, b"67890")
    assert answer.status == 409
    assert tus.head(url).offset == 5
    assert tus.patch(url, 5, b"abcde").status == 204
    assert (tus.server.root / "a.bin").read_bytes() == b"12345abcde"


def test_patch_must_be_acknowledged_with_204_and_the_new_offset(tus):
    url = tus.new(10)
    answer = tus.patch(url, 0, b"123")
    assert (answer.status, answer.offset, answer.body) == (204, 3, b"")


def test_patch_of_no_bytes_is_acknowledged(tus):
    url = tus.new(10)
    assert tus.patch(url, 0, b"").offset == 0


def test_patch_of_what_is_not_there_should_be_404(tus):
    assert tus.patch("/tus/" + "0" * 32, 0, b"12345").status == 404


def test_patch_without_an_offset_is_400(tus):
    url = tus.new(10)
    assert tus.ask("PATCH", url, b"123", Content_Type="application/offset+octet-stream").status == 400


def test_patch_of_a_chunked_body(tus):
    url = tus.new(10)
    head = tus.chunked_patch(url, 0, [b"123", b"4567", b"890"])
    assert head.startswith("HTTP/1.1 204 ") and "Upload-Offset: 10\r\n" in head
    assert (tus.server.root / "a.bin").read_bytes() == b"1234567890"


def test_as_much_as_possible_of_what_was_received_should_be_stored(tus):
    whole = content(2 * MIB + 100)
    url = tus.new(len(whole))
    at = 0
    for part in (1, 400, MIB, MIB - 1000):
        link = tus.begin_patch(url, at, len(whole) - at)
        link.sendall(whole[at : at + part - (at % 7)])
        at += part - (at % 7)
        assert b" 204 " not in leave(link)
        assert tus.head(url).offset == at
    assert tus.patch(url, at, whole[at:]).status == 204
    assert (tus.server.root / "a.bin").read_bytes() == whole


@pytest.mark.parametrize("announced", [True, False])
def test_no_byte_more_than_the_length_is_taken(tus, announced):
    url = tus.new(10)
    assert tus.patch(url, 0, b"123").offset == 3
    if announced:
        assert tus.patch(url, 3, b"45678901").status == 413
    else:
        assert tus.chunked_patch(url, 3, [b"45678901"]).startswith("HTTP/1.1 413 ")
    offset = tus.head(url).offset
    assert offset == 3
    assert tus.patch(url, 3, b"4567890").status == 204
    assert (tus.server.root / "a.bin").read_bytes() == b"1234567890"


def test_a_finished_upload_takes_nothing(tus):
    url = tus.new(5)
    assert tus.patch(url, 0, b"12345").status == 204
    assert tus.patch(url, 5, b"6").status == 413
    assert tus.patch(url, 0, b"12345").status == 409
    assert tus.patch(url, 5, b"").offset == 5, "the last one, sent again"
    assert (tus.server.root / "a.bin").read_bytes() == b"12345"


# --- OPTIONS ---


@pytest.mark.parametrize("path", ["/tus", "/tus/", "/tus/day-1/"])
def test_options_must_contain_tus_version(tus, path):
    answer = tus.options(path)
    assert answer.status in (200, 204)
    assert answer["Tus-Version"] == VERSION


@pytest.mark.parametrize("version", ["1.0.0", "0.0.1", "x"])
def test_options_must_ignore_tus_resumable(tus, version):
    assert tus.options(Tus_Resumable=version).status == 204


# --- Two at once: a newer request fences the older one off ---


def begin_slow(tus, url, offset, whole, sent):
    """A PATCH that the server has begun to take, which goes on."""
    link = tus.begin_patch(url, offset, len(whole) - offset, Expect="100-continue")
    assert read_head(link).startswith("HTTP/1.1 100 ")
    link.sendall(whole[offset : offset + sent])
    return link


@pytest.mark.parametrize("newer", ["HEAD", "PATCH"])
def test_a_newer_request_takes_the_upload_over(tus, newer):
    whole = content(2 * MIB)
    url = tus.new(len(whole))
    older = begin_slow(tus, url, 0, whole, 100_000)
    if newer == "PATCH":
        tus.patch(url, 2 * MIB - 1, b"")  # wherever it is: 409, and the older one is gone
    offset = tus.head(url).offset
    assert 0 <= offset <= 100_000
    said = b""
    try:
        older.sendall(bytes(len(whole) - 100_000))  # other bytes than those that belong here
    except OSError:
        pass
    said = read_to_end(older)
    assert b" 204 " not in said
    assert tus.head(url).offset == offset
    assert tus.patch(url, offset, whole[offset:]).status == 204
    assert (tus.server.root / "a.bin").read_bytes() == whole


def test_an_offset_that_was_told_holds_until_the_next_request(tus):
    whole = content(MIB)
    url = tus.new(len(whole))
    for sent in (1, 70_000, 5):
        offset = tus.head(url).offset
        older = begin_slow(tus, url, offset, whole, sent)
        told = tus.head(url).offset
        assert told in range(offset, offset + sent + 1)
        assert tus.patch(url, told, whole[told : told + 10]).offset == told + 10
        older.close()
    offset = tus.head(url).offset
    assert tus.patch(url, offset, whole[offset:]).status == 204
    assert (tus.server.root / "a.bin").read_bytes() == whole


# --- What is acknowledged is durable ---


def test_an_acknowledged_byte_survives_a_kill(tus):
    whole = content(MIB + 5000)
    url = tus.new(len(whole))
    at = 0
    for size in (100, 1, MIB, 99, len(whole)):
        answer = tus.patch(url, at, whole[at : at + size])
        at = answer.offset
        tus.server.kill()
        tus.server.restart()
        assert tus.head(url).offset == at
    assert (tus.server.root / "a.bin").read_bytes() == whole


def test_a_lost_last_acknowledgement_is_found(tus):
    url = tus.new(5)
    with tus.begin_patch(url, 0, 5) as link:
        link.sendall(b"12345")
        assert "204" in read_head(link)
    tus.server.kill()
    tus.server.restart()
    answer = tus.head(url)
    assert (answer.offset, answer["Upload-Length"]) == (5, "5")


def test_metadata_survives_a_restart(tus):
    told = metadata(filename="a.bin", filetype="video/mp4") + ",is_confidential"
    url = tus.new(5, Upload_Metadata=told)
    tus.server.stop()
    tus.server.restart()
    assert tus.head(url)["Upload-Metadata"] == told
