"""Expiration, checksum, checksum-trailer, termination: one test for each MUST and SHOULD."""

import base64
import email.utils
import hashlib
import time

import pytest

from client.conftest import MIB, content
from product.conftest import until
from tus.conftest import Tus, read_head, read_to_end

WEEK_S = 7 * 24 * 3600
ALGORITHMS = ["sha1", "sha256", "sha512", "md5"]


def checksum(body, algorithm="sha1"):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, body).digest()).decode()}"


# --- Expiration ---


def test_upload_expires_must_be_in_the_responses_to_post_and_patch(tus):
    before = int(time.time())
    created = tus.create(10)
    patched = tus.patch(created["Location"], 0, b"123")
    for answer in (created, patched, tus.create(10, body=b"12", name="b"), tus.head(created["Location"])):
        told = email.utils.parsedate_to_datetime(answer["Upload-Expires"])
        assert before + WEEK_S - 60 <= told.timestamp() <= time.time() + WEEK_S + 1
        assert answer["Upload-Expires"].endswith(" GMT")


def test_what_is_finished_does_not_expire(tus):
    url = tus.new(3)
    assert "Upload-Expires" not in tus.patch(url, 0, b"123")
    assert "Upload-Expires" not in tus.head(url)
    assert "Upload-Expires" not in tus.create(0, name="b")


def test_an_upload_that_expired_should_be_404(serve):
    tus = Tus(serve("--upload-expiry", "1s"))
    url = tus.new(10)
    partials = tus.server.root / ".sluice" / "partials"
    assert len(list(partials.iterdir())) == 1
    until(lambda: not list(partials.iterdir()), "the upload expires")
    assert tus.head(url).status == 404
    assert tus.patch(url, 0, b"123").status == 404


# --- Checksum ---


def test_tus_checksum_algorithm_must_be_in_the_response_to_options(tus):
    offered = tus.options()["Tus-Checksum-Algorithm"].split(",")
    assert offered == ALGORITHMS
    assert "sha1" in offered and all(name == name.lower() for name in offered)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_chunk_must_be_verified(tus, algorithm):
    whole = content(MIB + 5000)
    url = tus.new(len(whole))
    assert tus.patch(url, 0, whole[:1000], Upload_Checksum=checksum(whole[:1000], algorithm)).status == 204
    assert tus.patch(url, 1000, whole[1000:], Upload_Checksum=checksum(whole[1000:], algorithm)).status == 204
    assert (tus.server.root / "a.bin").read_bytes() == whole


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_that_mismatches_is_460_and_nothing_of_the_chunk_is_kept(tus, algorithm):
    whole = content(2 * MIB + 5000)
    url = tus.new(len(whole))
    tus.patch(url, 0, whole[:777])
    for body in (whole[777:], whole[777:1000], bytes(len(whole) - 777)):
        answer = tus.patch(url, 777, body, Upload_Checksum=checksum(b"other", algorithm))
        assert answer.status == 460
        assert tus.head(url).offset == 777
    tus.server.kill()
    tus.server.restart()
    assert tus.head(url).offset == 777
    assert tus.patch(url, 777, whole[777:], Upload_Checksum=checksum(whole[777:], algorithm)).status == 204
    assert (tus.server.root / "a.bin").read_bytes() == whole


@pytest.mark.parametrize("told", ["crc32 AAAAAA==", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1", "sha1 ", "sha1  Kq5s",
                                  "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0", "", "Kq5sNclPz7QV2+lfQIuc6R7oRu0="])
def test_an_algorithm_that_is_not_supported_is_400_and_nothing_is_kept(tus, told):
    url = tus.new(11)
    assert tus.patch(url, 0, b"hello world", Upload_Checksum=told).status == 400
    assert tus.head(url).offset == 0


def test_a_chunk_with_a_checksum_that_is_cut_off_leaves_nothing(tus):
    url = tus.new(1000)
    with tus.begin_patch(url, 0, 1000, Upload_Checksum=checksum(bytes(1000))) as link:
        link.sendall(bytes(500))
        link.shutdown(1)
        read_to_end(link)
    assert tus.head(url).offset == 0


def test_the_content_of_a_creation_is_verified(tus):
    answer = tus.create(10, body=b"hello", Upload_Checksum=checksum(b"hello"))
    assert (answer.status, answer.offset) == (201, 5)
    assert tus.create(10, body=b"hello", name="b", Upload_Checksum=checksum(b"hullo")).status == 460
    assert len(list((tus.server.root / ".sluice" / "partials").iterdir())) == 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_may_be_in_the_trailer(tus, algorithm):
    pieces = [b"hello", b" ", b"world"]
    url = tus.new(11)
    wrong = tus.chunked_patch(url, 0, pieces, Trailer="Upload-Checksum",
                              trailer=f"Upload-Checksum: {checksum(b'hello', algorithm)}\r\n")
    assert wrong.startswith("HTTP/1.1 460 ")
    assert tus.head(url).offset == 0
    right = tus.chunked_patch(url, 0, pieces, Trailer="Upload-Checksum",
                              trailer=f"Upload-Checksum: {checksum(b'hello world', algorithm)}\r\n")
    assert right.startswith("HTTP/1.1 204 ")
    assert (tus.server.root / "a.bin").read_bytes() == b"hello world"


@pytest.mark.parametrize("trailer", ["", "Upload-Checksum: crc32 AAAA\r\n", "Other: x\r\n", "Upload-Checksum: \r\n"])
def test_a_trailer_that_was_announced_and_does_not_say_it_leaves_nothing(tus, trailer):
    url = tus.new(11)
    assert tus.chunked_patch(url, 0, [b"hello world"], trailer, Trailer="Upload-Checksum").startswith("HTTP/1.1 400 ")
    assert tus.head(url).offset == 0


# --- Termination ---


def test_delete_must_be_204_and_later_requests_should_be_404(tus):
    url = tus.new(10)
    tus.patch(url, 0, b"12345")
    answer = tus.delete(url)
    assert (answer.status, answer.body) == (204, b"")
    assert tus.head(url).status == 404
    assert tus.patch(url, 5, b"67890").status == 404
    assert tus.delete(url).status == 404
    assert list((tus.server.root / ".sluice" / "partials").iterdir()) == [], "resources are freed"


def test_delete_of_a_finished_upload_leaves_the_file(tus):
    url = tus.new(3)
    tus.patch(url, 0, b"123")
    assert tus.delete(url).status == 204
    assert tus.head(url).status == 404
    assert (tus.server.root / "a.bin").read_bytes() == b"123"


def test_delete_ends_a_patch_that_goes_on(tus):
    url = tus.new(1000)
    with tus.begin_patch(url, 0, 1000, Expect="100-continue") as link:
        assert read_head(link).startswith("HTTP/1.1 100 ")
        assert tus.delete(url).status == 204
        assert b" 204 " not in read_to_end(link)
    assert not (tus.server.root / "a.bin").exists()
    tus.server.kill()
    tus.server.restart()
    assert tus.head(url).status == 404
