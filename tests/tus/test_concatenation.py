"""Concatenation, also with unfinished parts: one test for each MUST and SHOULD."""

import pytest

from client.conftest import MIB, content
from tus.conftest import metadata


def new_part(tus, size, body=b""):
    answer = tus.create(size, name=None, Upload_Concat="partial", body=body)
    assert answer.status == 201, answer
    return answer["Location"]


def join(tus, *urls, name="a.bin", **fields):
    return tus.create(name=name, Upload_Concat="final;" + " ".join(urls), **fields)


@pytest.mark.parametrize("sizes", [[5, 6], [MIB, MIB], [MIB + 7, 1, 2 * MIB, 99], [3]])
def test_partial_uploads_must_be_concatenated_in_the_order_of_the_list(tus, sizes):
    whole = content(sum(sizes))
    urls, at = [], 0
    for size in sizes:
        urls.append(new_part(tus, size))
        assert tus.patch(urls[-1], 0, whole[at : at + size]).offset == size
        at += size
    answer = join(tus, *urls)
    assert answer.status == 201, answer
    assert (tus.server.root / "a.bin").read_bytes() == whole
    seen = tus.head(answer["Location"])
    assert (seen.offset, int(seen["Upload-Length"])) == (len(whole), len(whole)), "the sum of the parts"


def test_the_list_decides_the_order(tus):
    world, hello = new_part(tus, 6, b" world"), new_part(tus, 5, b"hello")
    assert join(tus, hello, world).status == 201
    assert (tus.server.root / "a.bin").read_bytes() == b"hello world"


def test_urls_may_be_absolute_or_relative(tus):
    parts = [new_part(tus, 1, b"1"), new_part(tus, 1, b"2")]
    assert join(tus, f"http://{tus.server.host}:{tus.server.port}{parts[0]}", parts[1]).status == 201
    assert (tus.server.root / "a.bin").read_bytes() == b"12"


@pytest.mark.parametrize("told", ["final", "final;", "final; ", "final;/tus/none", "final;x y", "finale;/tus/x", "Partial",
                                  "partial;", "", "final;/files/a.bin", "final;/tus/" + "0" * 32])
def test_a_value_that_is_neither_partial_nor_final_and_urls_is_400(tus, told):
    assert tus.create(None if told.startswith("final") else 5, Upload_Concat=told).status == 400


def test_a_final_upload_must_not_have_a_length(tus):
    part = new_part(tus, 1, b"1")
    assert join(tus, part, Upload_Length="1").status == 400
    assert join(tus, part, Upload_Defer_Length="1").status in (201, 400)


def test_a_final_upload_has_no_content(tus):
    assert join(tus, new_part(tus, 1, b"1"), body=b"1").status == 400


def test_partial_uploads_are_not_processed_until_they_are_concatenated(tus):
    new_part(tus, 5, b"hello")
    assert [entry.name for entry in tus.server.root.iterdir()] == [".sluice"]


def test_the_metadata_of_the_parts_is_not_transferred(tus):
    part = tus.new(1, Upload_Concat="partial", Upload_Metadata=metadata(filename="part", other="x"))
    tus.patch(part, 0, b"1")
    answer = join(tus, part, name="whole")
    assert tus.head(answer["Location"])["Upload-Metadata"] == metadata(filename="whole")
    assert (tus.server.root / "whole").read_bytes() == b"1"


def test_patch_of_a_final_upload_must_be_403_and_modify_nothing(tus):
    parts = [new_part(tus, 5, b"hello"), new_part(tus, 6, b" wo")]
    final = join(tus, *parts)["Location"]
    for offset in (0, 5, 8):
        assert tus.patch(final, offset, b"x").status == 403
    assert [tus.head(part).offset for part in parts] == [5, 3]
    tus.patch(parts[1], 3, b"rld")
    assert tus.patch(final, 11, b"x").status == 403
    assert (tus.server.root / "a.bin").read_bytes() == b"hello world"


def test_concatenation_may_be_asked_for_while_the_parts_are_in_progress(tus):
    whole = content(MIB + 300)
    parts = [new_part(tus, MIB), new_part(tus, 300)]
    final = join(tus, *parts)
    assert final.status == 201
    assert tus.patch(parts[1], 0, whole[MIB:]).status == 204
    assert not (tus.server.root / "a.bin").exists()
    tus.server.kill()
    tus.server.restart()
    assert tus.patch(parts[0], 0, whole[:MIB]).status == 204
    assert (tus.server.root / "a.bin").read_bytes() == whole
    seen = tus.head(final["Location"])
    assert (seen.offset, seen["Upload-Length"]) == (len(whole), str(len(whole)))


def test_head_of_a_final_upload_should_not_have_an_offset_before_it_is_done(tus):
    final = join(tus, new_part(tus, 5, b"hello"), new_part(tus, 6))["Location"]
    answer = tus.head(final)
    assert answer.status == 200
    assert "Upload-Offset" not in answer


def test_head_of_a_final_upload_must_have_a_length_if_it_can_be_calculated(tus):
    known = [new_part(tus, 5), new_part(tus, 6)]
    assert tus.head(join(tus, *known)["Location"])["Upload-Length"] == "11"
    unknown = tus.new(name=None, Upload_Concat="partial", Upload_Defer_Length="1")
    answer = tus.head(join(tus, new_part(tus, 5), unknown, name="b")["Location"])
    assert "Upload-Length" not in answer


def test_head_must_include_upload_concat_as_it_was_told(tus):
    parts = [new_part(tus, 1, b"1"), new_part(tus, 1)]
    told = "final;" + " ".join(parts)
    final = tus.create(Upload_Concat=told)["Location"]
    assert tus.head(parts[0])["Upload-Concat"] == "partial"
    assert tus.head(parts[0]).offset == 1
    assert tus.head(final)["Upload-Concat"] == told
    tus.patch(parts[1], 0, b"2")
    assert tus.head(final)["Upload-Concat"] == told


def test_a_part_is_of_one_final_upload_only(tus):
    part = new_part(tus, 5)
    assert join(tus, part, part).status == 400
    assert join(tus, part).status == 201
    assert join(tus, part, name="b").status == 409


def test_what_was_not_made_to_be_a_part_is_none(tus):
    whole = tus.new(5, name="b")
    assert join(tus, whole).status == 400


def test_parts_are_no_more_when_the_final_upload_is_done(tus):
    part = new_part(tus, 5, b"hello")
    final = join(tus, part)["Location"]
    assert tus.head(part).status == 404
    assert tus.head(final).offset == 5
    assert list((tus.server.root / ".sluice" / "partials").iterdir()) == []


def test_a_final_upload_that_cannot_get_its_name_gives_its_parts_back(tus):
    part = new_part(tus, 5)
    final = join(tus, part)["Location"]
    (tus.server.root / "a.bin").write_bytes(b"here first")
    assert tus.patch(part, 0, b"hello").status == 204
    assert tus.head(final).status == 409
    assert tus.delete(final).status == 204
    assert join(tus, part, name="b").status == 201
    assert (tus.server.root / "b").read_bytes() == b"hello"
