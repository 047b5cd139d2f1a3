"""Every role, every request of the native protocol: see test_matrix.py."""

import pytest

from access.conftest import new_name
from access.matrix import cells, in_source
from wire_client import Failed
from wire_format import FROM_SERVER, KINDS, digest, messages

NO, NONE, YES = "NOT_ALLOWED", "NOT_FOUND", "yes"
#                stranger nobody see read drop write admin, links to: watch drop both
NATIVE = {
    "list":         (NO, NO, YES, YES, NONE, YES, YES, YES, NONE, YES),
    "list a file":  (NO, NO, YES, YES, NONE, YES, YES, YES, NONE, YES),
    "stat":         (NO, NO, YES, YES, NONE, YES, YES, YES, NONE, YES),
    "get":          (NO, NO, NO, YES, NONE, YES, YES, YES, NONE, YES),
    "digests":      (NO, NO, NO, YES, NONE, YES, YES, YES, NONE, YES),
    "scrub":        (NO, NO, NO, YES, NONE, YES, YES, YES, NONE, YES),
    "scrub record": (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "put":          (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "put whole":    (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "replace":      (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "replace whole": (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "make folder":  (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "rename":       (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "remove":       (NO, NO, NO, NO, NONE, YES, YES, NO, NONE, NO),
    "talk":         (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "say":          (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "amend":        (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "join":         (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "leave":        (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "type":         (NO, NO, NO, NO, NONE, YES, YES, YES, NONE, YES),
    "put finish":   (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "put abort":    (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "put leave":    (NO, NO, NO, NO, YES, YES, YES, NO, YES, YES),
    "log in":       (YES, YES, YES, YES, YES, YES, YES, YES, YES, YES),
    "join another's": (NO, NO, NO, NO, NONE, NONE, YES, NO, NONE, NONE),
    "digests of another's": (NO, NO, NO, NO, NONE, NONE, YES, NO, NONE, NONE),
}  # fmt: skip


def other_upload(house):
    """The id of an upload of somebody else's."""
    with house.native(house.tokens["admin"]) as owner:
        return owner.open(new_name(), size_bytes=5).upload_id


def do(connection, house, verb, file):
    name, new = file.name, new_name()
    there = messages.Replace(size_bytes=5, mtime_ns=file.stat().st_mtime_ns)
    if verb == "list":
        connection.list("")
    elif verb == "list a file":
        connection.list(name)
    elif verb == "stat":
        connection.stat(name)
    elif verb == "get":
        assert connection.get(name) == b"here\n"
    elif verb == "digests":
        assert connection.digests(path=name)[0] == {0: digest(b"here\n")}
    elif verb in ("scrub", "scrub record"):
        list(connection.scrub(name, record=verb == "scrub record"))
    elif verb == "put":
        connection.put(new, b"content")
    elif verb == "put whole":
        connection.ask("PUT", messages.Put(path=new, size_bytes=0, whole=True), "PUT_DONE")
    elif verb == "replace":
        connection.put(name, b"another", replace=there)
    elif verb == "replace whole":
        connection.ask("PUT", messages.Put(path=name, size_bytes=0, whole=True, replace=there), "PUT_DONE")
    elif verb == "make folder":
        connection.make_folder(new)
    elif verb == "rename":
        connection.rename(name, new)
    elif verb == "remove":
        connection.remove(name)
    elif verb == "talk":
        connection.talk(name)
    elif verb == "say":
        connection.say(name, "x")
    elif verb == "amend":
        with house.native(house.tokens["admin"]) as chief:
            number = chief.say(name, "x").id
        connection.amend(name, number, resolved=True)
    elif verb == "join":
        connection.join_room(name)
    elif verb == "leave":
        connection.join_room(name)
        connection.leave_room(name)
    elif verb == "type":
        connection.join_room(name)
        connection.type_in(name)
    elif verb == "put finish":
        connection.open(new, size_bytes=0).finish()
    elif verb in ("put abort", "put leave"):
        opened = connection.open(new, size_bytes=5)
        opened.abort() if verb == "put abort" else opened.leave()
    elif verb == "log in":
        connection.login(token=house.tokens["read"])
    elif verb == "join another's":
        connection.join(other_upload(house))
    elif verb == "digests of another's":
        connection.digests(upload_id=other_upload(house))
    else:
        raise KeyError(verb)


@pytest.mark.parametrize(("verb", "role", "expected"), cells(NATIVE))
def test_native(roles, file, verb, role, expected):
    with roles.native(roles.tokens[role]) as connection:
        try:
            do(connection, roles, verb, file)
        except Failed as why:
            assert why.code == expected
        else:
            assert expected == YES


def test_every_kind_of_request_has_its_row():
    """Whoever adds a kind of request adds it here, and a row above."""
    begin_something = {"LIST", "STAT", "GET", "DIGESTS", "PUT", "MAKE_FOLDER", "RENAME", "REMOVE", "SCRUB", "LOGIN",
                       "TALK_READ", "TALK_JOIN", "TALK_SAY", "TALK_AMEND"}  # fmt: skip
    of_a_put = {"CHECKPOINT", "PUT_FINISH", "PUT_ABORT", "PUT_LEAVE"}
    of_a_room = {"TALK_LEAVE", "TALK_TYPING"}  # that was joined
    of_a_direct_transfer = {"RECEIVED"}  # where nothing is served: see tests/direct
    assert set(KINDS) - FROM_SERVER == begin_something | of_a_put | of_a_room | of_a_direct_transfer


def test_the_kinds_are_those_of_the_server():
    kinds = in_source("wire/kind.h", "enum class kind", "};", r"(\w+) = (\d+),")
    assert {name.upper(): int(number) for name, number in kinds} == KINDS
