"""draft-ietf-httpbis-resumable-upload-12: one test for each MUST and SHOULD that is the server's."""

import base64
import hashlib
import json

import pytest

from client.conftest import MIB, content
from resumable.conftest import INTEROP_VERSION, PARTIAL, PROBLEMS, Exchange


def file(client, name="a.bin"):
    return client.server.root / name


def digest(body, algorithm="sha-256"):
    raw = hashlib.new(algorithm.replace("-", ""), body).digest()
    return f"{algorithm}=:{base64.b64encode(raw).decode()}:"


def limits(answer):
    return dict(item.split("=") for item in answer["Upload-Limit"].split(", "))


# --- Creation ---


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_entire_representation_in_one_request(client, method):
    whole = content(2 * MIB + 3)
    answer = client.create(whole, method=method, path="/uploads/day-1/a.bin")
    assert answer.status == 201
    assert answer["Upload-Complete"] == "?1"
    assert file(client, "day-1/a.bin").read_bytes() == whole


def test_an_interim_response_104_should_announce_the_upload_resource(client):
    answer = client.create(b"12345")
    first = answer.interim[0]
    assert first.status == 104
    assert first["Location"].startswith("/uploads/")
    assert first["Upload-Draft-Interop-Version"] == INTEROP_VERSION
    assert "max-age" in limits(first)
    assert client.head(first["Location"])["Upload-Complete"] == "?1"


def test_the_announcement_comes_before_the_content(client):
    link = client.begin("POST", "/uploads/a.bin", 5, Upload_Complete="?1")
    first = link.next()
    assert first.status == 104
    link.close()


@pytest.mark.parametrize("version", [None, "7", "9", "?1", "8.0", '"8"', ""])
def test_a_104_must_not_be_sent_to_another_interop_version(client, version):
    answer = client.create(b"12345", version=version)
    assert answer.status == 201
    assert answer.interim == []
    url = client.create(b"123", complete="?0", path="/uploads/b", version=version)["Location"]
    answer = client.append(url, 3, b"45", complete="?1", version=version)
    assert (answer.status, answer.interim) == (201, [])


def test_an_incomplete_creation_must_have_location_and_limits(client):
    answer = client.create(b"12345", complete="?0")
    assert answer.status == 201
    assert answer["Upload-Complete"] == "?0"
    assert "max-size" in limits(answer)
    assert [interim["Location"] for interim in answer.interim] == [answer["Location"]], "all are identical"
    assert not file(client).exists()
    assert client.append(answer["Location"], 5, b"67", complete="?1").status == 201
    assert file(client).read_bytes() == b"1234567"


def test_the_content_of_a_creation_may_be_empty(client):
    assert client.create(b"").status == 201
    assert file(client).read_bytes() == b""
    url = client.new(path="/uploads/b")
    assert client.head(url).offset == 0


def test_the_length_must_be_recorded(client):
    assert client.head(client.new(Upload_Length="100"))["Upload-Length"] == "100"
    link = client.begin("POST", "/uploads/b", 50, Upload_Complete="?1")
    url = link.next()["Location"]
    link.send(b"12345").leave()
    answer = client.head(url)
    assert (answer["Upload-Length"], answer.offset, answer["Upload-Complete"]) == ("50", 5, "?0")


def test_lengths_that_contradict_one_another_are_inconsistent(client):
    answer = client.create(b"12345", Upload_Length="6")
    assert answer.status == 400
    assert json.loads(answer.body)["type"] == PROBLEMS + "inconsistent-upload-length"
    assert client.create(b"12345", complete="?0", Upload_Length="4").status == 400


def test_as_much_as_possible_of_an_interrupted_creation_should_be_kept(client):
    whole = content(2 * MIB)
    link = client.begin("POST", "/uploads/a.bin", len(whole), Upload_Complete="?1")
    url = link.next()["Location"]
    link.send(whole[: MIB + 5]).leave()
    answer = client.head(url)
    assert (answer.offset, answer["Upload-Complete"]) == (MIB + 5, "?0"), "never complete then"
    assert client.append(url, MIB + 5, whole[MIB + 5 :], complete="?1").status == 201
    assert file(client).read_bytes() == whole


def test_100_continue_must_not_be_omitted_because_of_104(client):
    link = client.begin("POST", "/uploads/a.bin", 5, Upload_Complete="?1", Expect="100-continue")
    assert [link.next().status, link.next().status] == [104, 100]
    assert link.send(b"12345").final().status == 201


def test_a_name_that_is_taken_is_409_before_the_content(client):
    file(client).write_bytes(b"here first")
    link = client.begin("POST", "/uploads/a.bin", 5, Upload_Complete="?1")
    assert link.next().status == 409
    link.close()


@pytest.mark.parametrize("path,status", [("/uploads/", 400), ("/uploads/.hidden", 403), ("/uploads/a%00b", 400),
                                         ("/uploads/" + "x" * 256, 400)])
def test_a_path_that_is_no_name_is_refused(client, path, status):
    assert client.create(b"1", path=path).status == status


def test_a_request_without_the_fields_is_an_upload_as_any_other(client):
    answer = client.ask("PUT", "/uploads/a.bin", b"12345", version=None)
    assert (answer.status, answer.interim) == (201, [])
    assert file(client).read_bytes() == b"12345"


@pytest.mark.parametrize("value", ["1", "?2", "true", "?1, ?0", '"?1"', ""])
def test_other_values_of_upload_complete_must_be_ignored(client, value):
    answer = client.create(b"12345", complete=value)
    assert (answer.status, answer.interim) == (201, [])
    url = client.new(path="/uploads/b")
    assert client.append(url, 0, b"12345", complete=value).status == 400, "as if it were not there"


@pytest.mark.parametrize("value", ["-1", "1.0", "?1", '"1"', "1, 2", "abc", "1000000000000000", ""])
def test_other_values_of_upload_offset_and_length_must_be_ignored(client, value):
    url = client.new(Upload_Length=value)
    assert "Upload-Length" not in client.head(url)
    assert client.append(url, value, b"1").status == 400
    assert client.append(url, 0, b"1", Upload_Length=value).status == 204
    assert "Upload-Length" not in client.head(url)


# --- Offset retrieval ---


def test_head_must_tell_offset_completeness_length_and_limits(client):
    url = client.new(Upload_Length="10")
    client.append(url, 0, b"123")
    answer = client.head(url)
    assert answer.status == 204
    assert (answer.offset, answer["Upload-Complete"], answer["Upload-Length"]) == (3, "?0", "10")
    assert int(limits(answer)["max-age"]) <= 7 * 24 * 3600
    assert answer["Cache-Control"] == "no-store"


def test_the_length_is_left_away_where_the_client_did_not_tell_it(client):
    assert "Upload-Length" not in client.head(client.new())


def test_the_upload_resource_should_be_kept_after_completion(client):
    url = client.new()
    client.append(url, 0, b"12345", complete="?1")
    client.server.kill()
    client.server.restart()
    answer = client.head(url)
    assert (answer.status, answer.offset, answer["Upload-Complete"], answer["Upload-Length"]) == (204, 5, "?1", "5")


def test_an_offset_that_matches_the_length_is_not_complete(client):
    url = client.new(Upload_Length="5")
    assert client.append(url, 0, b"12345")["Upload-Complete"] == "?0"
    answer = client.head(url)
    assert (answer.offset, answer["Upload-Complete"]) == (5, "?0")
    assert not file(client).exists()
    assert client.append(url, 5, b"", complete="?1").status == 201
    assert file(client).read_bytes() == b"12345"


@pytest.mark.parametrize("url", ["/uploads/" + "0" * 32, "/uploads/a.bin", "/uploads/"])
def test_what_is_no_upload_resource_is_404(client, url):
    assert client.head(url).status == 404
    assert client.append(url, 0, b"1").status == 404
    assert client.ask("DELETE", url).status == 404


# --- Append ---


def test_a_series_of_parts(client):
    whole = content(3 * MIB + 9)
    url, at = client.new(), 0
    for size in (1, MIB, 100, 2 * MIB - 92):
        answer = client.append(url, at, whole[at : at + size])
        at += size
        assert (answer.status, answer["Upload-Complete"], answer.offset) == (204, "?0", at)
        assert client.head(url).offset == at
    assert at == len(whole)
    answer = client.append(url, at, b"", complete="?1")
    assert (answer.status, answer["Upload-Complete"]) == (201, "?1")
    assert file(client).read_bytes() == whole


def test_an_offset_that_mismatches_must_be_409_with_the_right_one(client):
    url = client.new()
    client.append(url, 0, b"12345")
    for offset in (0, 4, 6, 999):
        answer = client.append(url, offset, b"6")
        assert (answer.status, answer.offset) == (409, 5)
        told = json.loads(answer.body)
        assert told["type"] == PROBLEMS + "mismatching-upload-offset"
        assert (told["expected-offset"], told["provided-offset"]) == (5, offset)
    assert client.head(url).offset == 5


def test_a_complete_upload_must_not_be_modified(client):
    url = client.new()
    client.append(url, 0, b"12345", complete="?1")
    answer = client.append(url, 5, b"6", complete="?1")
    assert answer.status == 400
    assert json.loads(answer.body)["type"] == PROBLEMS + "inconsistent-upload-length"
    answer = client.append(url, 5, b"", complete="?1")
    assert answer.status == 400
    assert json.loads(answer.body)["type"] == PROBLEMS + "completed-upload"
    assert file(client).read_bytes() == b"12345"


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/partial-uploads", "", None])
def test_append_of_another_media_type_is_415(client, kind):
    url = client.new()
    assert client.append(url, 0, b"1", Content_Type=kind).status == 415
    assert client.head(url).offset == 0


def test_append_without_its_fields_is_400(client):
    url = client.new()
    assert client.ask("PATCH", url, b"1", Content_Type=PARTIAL, Upload_Offset="0").status == 400
    assert client.ask("PATCH", url, b"1", Content_Type=PARTIAL, Upload_Complete="?1").status == 400


def test_lengths_of_several_requests_must_match(client):
    url = client.new(Upload_Length="10")
    for answer in (client.append(url, 0, b"1", Upload_Length="9"), client.append(url, 0, b"12345", complete="?1")):
        assert answer.status == 400
        assert json.loads(answer.body)["type"] == PROBLEMS + "inconsistent-upload-length"
    assert client.append(url, 0, b"1", Upload_Length="10").status == 204


def test_a_length_may_be_told_by_an_append(client):
    url = client.new()
    client.append(url, 0, b"123", Upload_Length="6")
    assert client.head(url)["Upload-Length"] == "6"
    assert client.append(url, 3, b"4567").status == 400
    assert client.append(url, 3, b"456", complete="?1").status == 201


def test_content_beyond_the_length_must_be_rejected_and_ends_the_upload(client):
    url = client.new(Upload_Length="5")
    link = Exchange(client.server, "PATCH", url, Upload_Offset="0", Upload_Complete="?0", Content_Type=PARTIAL,
                    Transfer_Encoding="chunked")
    answer = link.send(b"6\r\n123456\r\n0\r\n\r\n").final()
    assert answer.status == 400
    assert json.loads(answer.body)["type"] == PROBLEMS + "inconsistent-upload-length"
    assert client.head(url).status == 404


def test_a_chunked_body_completes_an_upload_of_unknown_length(client):
    link = Exchange(client.server, "POST", "/uploads/a.bin", Upload_Complete="?1", Transfer_Encoding="chunked")
    answer = link.send(b"3\r\n123\r\n2\r\n45\r\n0\r\n\r\n").final()
    assert (answer.status, answer["Upload-Complete"]) == (201, "?1")
    assert file(client).read_bytes() == b"12345"


def test_a_chunked_body_that_ends_before_the_length_does_not_complete_it(client):
    url = client.new(Upload_Length="5")
    link = Exchange(client.server, "PATCH", url, Upload_Offset="0", Upload_Complete="?1", Content_Type=PARTIAL,
                    Transfer_Encoding="chunked")
    assert link.send(b"3\r\n123\r\n0\r\n\r\n").final().status == 400
    answer = client.head(url)
    assert (answer.offset, answer["Upload-Complete"]) == (3, "?0")


def test_progress_should_be_told_by_interim_responses_without_location(client):
    whole = content(MIB) * 160
    url = client.new(Upload_Length=str(len(whole)))
    answer = client.append(url, 0, whole, complete="?1")
    told = [interim.offset for interim in answer.interim]
    assert told and told == sorted(told) and told[-1] <= len(whole)
    assert all(interim.status == 104 and "Location" not in interim for interim in answer.interim)
    assert all(interim["Upload-Draft-Interop-Version"] == INTEROP_VERSION for interim in answer.interim)


def test_an_error_of_the_processing_says_that_the_upload_is_complete(client):
    url = client.new()
    file(client).write_bytes(b"here first")
    answer = client.append(url, 0, b"12345", complete="?1")
    assert (answer.status, answer["Upload-Complete"]) == (409, "?1")
    assert file(client).read_bytes() == b"here first"


# --- Cancellation ---


def test_delete_should_deactivate_the_upload_resource(client):
    url = client.new()
    client.append(url, 0, b"12345")
    assert client.ask("DELETE", url).status == 204
    assert client.head(url).status == 404
    assert list((client.server.root / ".sluice" / "partials").iterdir()) == []


def test_delete_should_terminate_requests_that_go_on(client):
    url = client.new()
    link = client.begin("PATCH", url, 100, Upload_Offset="0", Upload_Complete="?1", Content_Type=PARTIAL,
                        Expect="100-continue")
    assert link.next().status == 100
    assert client.ask("DELETE", url).status == 204
    with pytest.raises((EOFError, ConnectionResetError)):
        link.next()
    assert not file(client).exists()


# --- Concurrency ---


def test_an_offset_that_was_told_must_be_accepted(client):
    whole = content(MIB)
    url = client.new(Upload_Length=str(len(whole)))
    for sent in (1, 50_000, 3):
        offset = client.head(url).offset
        older = client.begin("PATCH", url, len(whole) - offset, Upload_Offset=offset, Upload_Complete="?1",
                             Content_Type=PARTIAL, Expect="100-continue")
        assert older.next().status == 100
        older.send(whole[offset : offset + sent])
        told = client.head(url).offset
        assert offset <= told <= offset + sent
        assert client.append(url, told, whole[told : told + 7]).offset == told + 7
        older.close()
    offset = client.head(url).offset
    assert client.append(url, offset, whole[offset:], complete="?1").status == 201
    assert file(client).read_bytes() == whole


# --- Limits ---


def test_options_must_include_accept_patch_and_should_include_limits(client):
    for path in ("/uploads/", "/uploads/day-1/a.bin"):
        answer = client.ask("OPTIONS", path)
        assert answer.status == 204
        assert answer["Accept-Patch"] == PARTIAL
        assert int(limits(answer)["max-size"]) == 10**15 - 1


# --- Digests ---


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_content_that_mismatches_its_digest_should_not_be_appended(client, algorithm):
    url = client.new()
    assert client.append(url, 0, b"123", Content_Digest=digest(b"123", algorithm)).status == 204
    answer = client.append(url, 3, b"45", Content_Digest=digest(b"54", algorithm))
    assert answer.status == 400 and "Upload-Complete" not in answer
    assert client.head(url).offset == 3
    assert client.append(url, 3, b"45", complete="?1", Content_Digest=digest(b"45", algorithm)).status == 201
    assert file(client).read_bytes() == b"12345"


def test_a_digest_of_an_algorithm_that_is_not_known_is_ignored(client):
    assert client.create(b"12345", Content_Digest="md5=:AAAA:", Repr_Digest="crc32c=:AAAA:").status == 201


@pytest.mark.parametrize("told", ["sha-256=1", "sha-256", "=:AAAA:", "sha-256=:AAA", ""])
def test_a_digest_field_that_is_malformed_is_400(client, told):
    assert client.create(b"1", Content_Digest=told or ",").status == 400
    assert client.create(b"1", path="/uploads/b", Repr_Digest=told or ",").status == 400


@pytest.mark.parametrize("parts", [1, 3])
def test_a_representation_that_mismatches_its_digest_should_fail(client, parts):
    whole = content(MIB + 77)
    for name, told, status in (("a", digest(whole), 201), ("b", digest(whole[:-1]), 400)):
        if parts == 1:
            answer = client.create(whole, path=f"/uploads/{name}", Repr_Digest=told)
        else:
            url = client.new(path=f"/uploads/{name}", Repr_Digest=told)
            client.append(url, 0, whole[:MIB])
            client.server.kill()
            client.server.restart()
            answer = client.append(url, MIB, whole[MIB:], complete="?1")
        assert (answer.status, answer["Upload-Complete"]) == (status, "?1")
        assert file(client, name).exists() == (status == 201)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_digest_that_was_asked_for_should_be_in_the_last_response(client, parts):
    whole = b"1234567"
    wanted = "sha-512=3, sha-256=9, md5=10"
    if parts == 1:
        answer = client.create(whole, Want_Repr_Digest=wanted)
    else:
        url = client.new(Want_Repr_Digest=wanted)
        client.append(url, 0, whole[:3])
        answer = client.append(url, 3, whole[3:], complete="?1")
    assert answer["Repr-Digest"] == digest(whole)


def test_the_protocols_do_not_mix(client):
    url = client.new()
    answer = client.ask("HEAD", url.replace("/uploads/", "/tus/"), Tus_Resumable="1.0.0")
    assert answer.status == 404
