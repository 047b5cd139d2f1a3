"""Every role, every message of WebSocket: see test_matrix.py. Who may not see anything does not come so far."""

import json

import pytest

from access.matrix import cells, in_source

NO, YES = "error", "yes"
#              stranger nobody see read drop write admin, links to: watch drop both
LIVE = {
    "watch":   (401, 403, YES, YES, 403, YES, YES, YES, 403, YES),
    "unwatch": (401, 403, YES, YES, 403, YES, YES, YES, 403, YES),
    "join":    (401, 403, NO, NO, 403, YES, YES, YES, 403, YES),
    "leave":   (401, 403, NO, NO, 403, YES, YES, YES, 403, YES),
    "say":     (401, 403, NO, NO, 403, YES, YES, YES, 403, YES),
    "amend":   (401, 403, NO, NO, 403, YES, YES, YES, 403, YES),
    "typing":  (401, 403, NO, NO, 403, YES, YES, YES, 403, YES),
}  # fmt: skip
ANSWERS = {"watch": "watching", "unwatch": "unwatched", "join": "joined", "leave": "left", "say": "said",
           "amend": "amended"}  # fmt: skip


def answer_to(live, kind, **message):
    """What is answered, whatever else is told meanwhile."""
    live.send(json.dumps({"kind": kind, **message}).encode())
    while (told := live.message())["kind"] not in ("error", ANSWERS[kind]):
        pass
    return NO if told["kind"] == "error" else YES


def is_heard_typing(house, live, path):
    """By somebody else in the room, before what is said behind it."""
    with house.live(house.tokens["admin"]) as other:
        assert answer_to(other, "join", path=path) == YES
        answer_to(live, "join", path=path)
        live.send(json.dumps({"kind": "typing", "path": path}).encode())
        answer_to(live, "unwatch", path="nothing")  # so that it has been taken
        assert house.post(house.tokens["admin"], "/api/say", path=path, text="x").status == 201
        heard = [other.message()]
        while heard[-1]["kind"] != "message":
            heard.append(other.message())
        return YES if any(told["kind"] == "typing" for told in heard) else NO


def do(house, live, kind, path):
    if kind == "typing":
        return is_heard_typing(house, live, path)
    if kind == "unwatch":
        answer_to(live, "watch", path="")
        return answer_to(live, kind, path="")
    if kind == "leave":
        answer_to(live, "join", path=path)
    if kind == "amend":
        said = json.loads(house.post(house.tokens["admin"], "/api/say", path=path, text="x").body)
        return answer_to(live, kind, path=path, id=said["id"], resolved=True)
    return answer_to(live, kind, path=path, **({"text": "x"} if kind == "say" else {}))


@pytest.mark.parametrize(("kind", "role", "expected"), cells(LIVE))
def test_live(roles, file, kind, role, expected):
    live = roles.live(roles.tokens[role])
    if live.answer.status != 101:
        assert live.answer.status == expected
        return
    with live:
        path = file.name if kind not in ("watch", "unwatch") else ""
        assert do(roles, live, kind, path) == expected


def test_every_kind_of_message_has_its_row():
    kinds = in_source("http/live_messages.cc", "std::array kinds{", "};", r'message_kind\{"(\w+)"')
    assert set(kinds) == set(LIVE)
