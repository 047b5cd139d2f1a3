"""Creation, creation-with-upload, creation-defer-length: one test for each MUST and SHOULD."""

import pytest

from client.conftest import MIB, content
from tus.conftest import metadata, read_head

# --- Creation ---


def test_creation_must_be_acknowledged_with_201_and_a_location(tus):
    answer = tus.create(100)
    assert answer.status == 201
    assert tus.head(answer["Location"]).offset == 0


def test_a_new_upload_has_a_url_of_its_own(tus):
    assert len({tus.new(5, name=f"a{i}") for i in range(10)}) == 10


def test_creation_must_include_upload_length_or_upload_defer_length(tus):
    assert tus.create().status == 400
    assert tus.create(10, Upload_Defer_Length="1").status == 400


def test_a_length_over_tus_max_size_must_be_413(tus):
    most = int(tus.options()["Tus-Max-Size"])
    for size in (most + 1, 2**64, 10**30):
        assert tus.create(size).status == 413, size


def test_a_length_that_the_disk_does_not_have_is_507(tus):
    answer = tus.create(2**62)
    assert answer.status == 507
    assert b"may be used" in answer.body


def test_an_upload_of_no_bytes_is_a_file_at_once(tus):
    url = tus.new(0)
    assert (tus.server.root / "a.bin").read_bytes() == b""
    answer = tus.head(url)
    assert (answer.offset, answer["Upload-Length"]) == (0, "0")


# --- Metadata ---


def test_responses_to_head_must_include_the_metadata_as_it_was_told(tus):
    told = metadata(filename="a.bin", filetype="video/mp4") + ", empty,other  ".rstrip()
    url = tus.new(10, Upload_Metadata=told)
    assert tus.head(url)["Upload-Metadata"] == told
    tus.patch(url, 0, b"1234567890")
    assert tus.head(url)["Upload-Metadata"] == told


@pytest.mark.parametrize("told", [
    "", ",", "filename", "filename ", "filename  YQ==", "filename YQ=", "filename Y", "filename YQ==,",
    ",filename YQ==", "filename YQ==,filename Yg==", "filename YQ== YQ==", "filename YQ==,, x", "filename YR==",
    "filename\tYQ==", "filename YQ==,ключ YQ==", "filename Y-_=", "filename YQ\n==", "filename YQ==;x"])
def test_metadata_that_is_malformed_is_400(tus, told):
    assert tus.ask("POST", "/tus/", Upload_Length="10",
                   Upload_Metadata=told.replace("\n", " ").encode()).status == 400


@pytest.mark.parametrize("name,status", [
    ("../a", 400), ("a/b", 400), ("..", 400), (".", 400), (".hidden", 403), ("a\0b", 400), ("a\nb", 400),
    ("a\\b", 400), (b"\xff", 400), ("x" * 256, 400), ("", 400), ("\u202ea", 400)])
def test_a_name_that_is_none_is_refused(tus, name, status):
    assert tus.create(10, Upload_Metadata=metadata(filename=name)).status == status


@pytest.mark.parametrize("path,told,name", [
    ("/tus/", {"filename": "a"}, "a"),
    ("/tus", {"filename": "a"}, "a"),
    ("/tus/day 1/take".replace(" ", "%20"), {"filename": "a"}, "day 1/take/a"),
    ("/tus/day-1/", {"filename": "影.mov"}, "day-1/影.mov"),
    ("/tus/day-1/a.mov", {"filetype": "video/quicktime"}, "day-1/a.mov"),
    ("/tus/", {"name": "b"}, "b"),
    ("/tus/", {"filename": "a", "name": "b"}, "a"),
    ("/tus/", {"filename": "a", "folder": "x/y"}, "x/y/a"),
    ("/tus/z", {"filename": "a", "folder": "x"}, "z/x/a"),
    ("/tus/", {"filename": "a", "relativePath": "x/y/a"}, "x/y/a"),
    ("/tus/", {"filename": "a", "relativePath": "null"}, "a"),
    ("/tus/", {"filename": "a", "relativePath": ""}, "a")])
def test_the_url_and_the_metadata_say_where_the_file_goes(tus, path, told, name):
    url = tus.new(3, path=path, Upload_Metadata=metadata(**told))
    assert tus.patch(url, 0, b"123").status == 204
    assert (tus.server.root / name).read_bytes() == b"123"


@pytest.mark.parametrize("told", [{"folder": "../x"}, {"folder": "x//y"}, {"folder": "/etc/../x"},
                                  {"relativePath": "../../a"}, {"folder": "x\\y"}])
def test_a_folder_that_is_none_is_400(tus, told):
    assert tus.create(3, Upload_Metadata=metadata(filename="a", **told)).status == 400


def test_without_a_name_the_request_says_what_is_missing(tus):
    for path in ("/tus/", "/tus/day-1/"):
        answer = tus.create(10, name=None, path=path)
        assert answer.status == 400
        assert b"filename" in answer.body


def test_last_modified_is_the_time_of_the_file(tus):
    url = tus.new(3, Upload_Metadata=metadata(filename="a", lastModified="1600000000123"))
    tus.patch(url, 0, b"123")
    assert (tus.server.root / "a").stat().st_mtime_ns == 1600000000123 * 10**6


# --- One name, many writers ---


def test_a_name_that_is_taken_is_409(tus):
    (tus.server.root / "a.bin").write_bytes(b"here first")
    assert tus.create(10).status == 409
    assert (tus.server.root / "a.bin").read_bytes() == b"here first"


def test_of_two_uploads_for_one_name_one_wins_and_the_other_keeps_its_bytes(tus):
    first, second = tus.new(5), tus.new(5)
    assert tus.patch(first, 0, b"first").status == 204
    answer = tus.patch(second, 0, b"later")
    assert answer.status == 409
    assert tus.head(second).status == 409, "never told as complete"
    assert (tus.server.root / "a.bin").read_bytes() == b"first"
    (tus.server.root / "a.bin").unlink()
    assert tus.head(second).offset == 5
    assert (tus.server.root / "a.bin").read_bytes() == b"later"


# --- Deferred length ---


@pytest.mark.parametrize("value", ["0", "2", "true", "", "1 1", "01"])
def test_upload_defer_length_other_than_1_should_be_400(tus, value):
    assert tus.create(Upload_Defer_Length=value).status == 400


def test_while_the_length_is_not_known_head_must_say_upload_defer_length_1(tus):
    url = tus.new(Upload_Defer_Length="1")
    assert tus.head(url)["Upload-Defer-Length"] == "1"
    tus.patch(url, 0, b"123")
    answer = tus.head(url)
    assert (answer["Upload-Defer-Length"], answer.offset) == ("1", 3)
    assert "Upload-Length" not in answer


def test_a_length_that_is_known_must_omit_upload_defer_length(tus):
    url = tus.new(Upload_Defer_Length="1")
    assert tus.patch(url, 0, b"123", Upload_Length="6").status == 204
    answer = tus.head(url)
    assert answer["Upload-Length"] == "6"
    assert "Upload-Defer-Length" not in answer
    assert tus.patch(url, 3, b"456").status == 204
    assert (tus.server.root / "a.bin").read_bytes() == b"123456"


@pytest.mark.parametrize("size", [0, 5, MIB, MIB + 1])
def test_a_length_that_is_told_last_ends_the_upload(tus, size):
    whole = content(size)
    url = tus.new(Upload_Defer_Length="1")
    assert tus.patch(url, 0, whole).offset == size
    assert not (tus.server.root / "a.bin").exists()
    assert tus.patch(url, size, b"", Upload_Length=str(size)).offset == size
    assert (tus.server.root / "a.bin").read_bytes() == whole


def test_once_set_the_length_must_not_be_changed(tus):
    url = tus.new(Upload_Defer_Length="1")
    assert tus.patch(url, 0, b"123", Upload_Length="6").status == 204
    assert tus.patch(url, 3, b"4", Upload_Length="7").status == 409
    assert tus.patch(url, 3, b"4", Upload_Length="6").status == 204
    other = tus.new(10, name="b")
    assert tus.patch(other, 0, b"1", Upload_Length="9").status == 409
    assert tus.head(other).offset == 0


def test_a_length_below_the_offset_is_refused(tus):
    url = tus.new(Upload_Defer_Length="1")
    tus.patch(url, 0, b"12345")
    assert tus.patch(url, 5, b"", Upload_Length="4").status == 409
    assert tus.head(url).offset == 5


def test_a_declared_length_survives_a_kill(tus):
    url = tus.new(Upload_Defer_Length="1")
    assert tus.patch(url, 0, b"123", Upload_Length="6").status == 204
    tus.server.kill()
    tus.server.restart()
    answer = tus.head(url)
    assert (answer.offset, answer["Upload-Length"]) == (3, "6")


# --- Creation with upload ---


def test_creation_with_upload_must_include_the_offset_after_the_bytes(tus):
    answer = tus.create(10, body=b"12345")
    assert (answer.status, answer.offset) == (201, 5)
    assert tus.head(answer["Location"]).offset == 5


def test_creation_with_the_entire_upload(tus):
    whole = content(2 * MIB + 3)
    answer = tus.create(len(whole), body=whole)
    assert (answer.status, answer.offset) == (201, len(whole))
    assert (tus.server.root / "a.bin").read_bytes() == whole
    assert tus.head(answer["Location"]).offset == len(whole)


def test_creation_with_upload_of_a_deferred_length(tus):
    answer = tus.create(Upload_Defer_Length="1", body=b"12345")
    assert (answer.status, answer.offset) == (201, 5)
    assert tus.patch(answer["Location"], 5, b"6", Upload_Length="6").status == 204
    assert (tus.server.root / "a.bin").read_bytes() == b"123456"


@pytest.mark.parametrize("kind", ["text/plain", None])
def test_creation_with_upload_of_another_content_type_is_415(tus, kind):
    assert tus.create(10, body=b"12345", Content_Type=kind).status == 415


def test_creation_with_more_than_the_length_is_413(tus):
    assert tus.create(4, body=b"12345").status == 413


def test_a_creation_that_is_refused_does_not_ask_for_the_content(tus):
    (tus.server.root / "a.bin").write_bytes(b"here first")
    link = tus.begin_patch("/tus/", 0, 100, X_HTTP_Method_Override="POST", Upload_Length="100", Expect="100-continue",
                           Upload_Metadata=metadata(filename="a.bin"))
    assert read_head(link).startswith("HTTP/1.1 409 ")
    link.close()
    link = tus.begin_patch("/tus/", 0, 100, X_HTTP_Method_Override="POST", Upload_Length="100", Expect="100-continue",
                           Upload_Metadata=metadata(filename="b.bin"))
    assert read_head(link).startswith("HTTP/1.1 100 ")
    link.close()
