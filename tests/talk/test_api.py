"""/api/talk, /api/say and /api/amend."""

import json

import pytest

from openapi import OPENAPI, matches


def test_what_is_said_is_told_with_all_that_it_has(anna, ben, film):
    first = anna.say(film, "第一\nsecond line")
    said = anna.say(film, "look", at_ms=83500, until_ms=84000, reply_to=first["id"], drawing={"lines": [[0.5, 0.25]]})
    assert said == {
        "kind": "message", "path": film, "id": said["id"], "version": said["version"], "author": anna.name,
        "guest": False, "mine": True, "time_ms": said["time_ms"], "text": "look", "at_ms": 83500, "until_ms": 84000,
        "reply_to": first["id"], "resolved": False, "edited": False, "deleted": False,
        "drawing": {"lines": [[0.5, 0.25]]},
    }  # fmt: skip
    assert anna.page(film) == {"messages": [first, said], "version": said["version"], "more": False}
    assert ben.page(film)["messages"] == [first | {"mine": False}, said | {"mine": False}]


def test_a_conversation_outlives_a_kill(house, anna, film):
    said = anna.say(film, "durable")
    house.kill()
    house.restart()
    assert anna.page(film)["messages"] == [said]


def test_pages_and_searches(anna, film):
    said = [anna.say(film, f"Take {i}") for i in range(7)]
    newest = anna.page(film, limit=3)
    assert newest["messages"] == said[4:] and newest["more"]
    assert anna.page(film, limit=4, before=said[4]["id"]) == newest | {"messages": said[:4], "more": False}
    assert anna.texts(film, search="take 5") == ["Take 5"]
    changed = anna.amend(film, said[2]["id"], text="Take two")
    assert anna.page(film, after_version=said[5]["version"])["messages"] == [said[6], changed]
    assert changed["edited"] and changed["version"] > said[6]["version"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=-1", "after_version=x", "before=1&search=x"])
def test_questions_that_are_none(anna, film, query):
    answer = anna.ask("GET", f"/api/talk/?{query}")
    assert answer.status == 400, answer.body


def test_own_messages_and_those_of_others(house, anna, ben, film):
    said = anna.say(film, "mine")
    for what in ({"text": "his"}, {"deleted": True}):
        assert ben.post("amend", path=film, id=said["id"], **what).status == 403
    resolved = ben.amend(film, said["id"], resolved=True)
    assert resolved["resolved"] and not resolved["mine"]
    assert house.somebody("admin").amend(film, said["id"], text="ours")["text"] == "ours"
    gone = anna.amend(film, said["id"], deleted=True)
    assert (gone["deleted"], gone["text"], gone["drawing"]) == (True, "", None)
    assert anna.post("amend", path=film, id=said["id"], text="again").status == 404
    assert anna.post("amend", path=film, id=999999, resolved=True).status == 404
    assert anna.texts(film) == [""]


MISTAKES = {
    "empty": {"text": ""}, "blank": {"text": " \n\u3000"}, "none": {}, "a number": {"text": 5},
    "too long": {"text": "片" * 4001}, "an escape": {"text": "a\x1b[31m"}, "a tab": {"text": "a\tb"}, "a C1": {"text": "\u009b1m"},
    "before the film": {"text": "x", "at_ms": -1}, "half": {"text": "x", "at_ms": 0.5}, "huge": {"text": "x", "at_ms": 1 << 63},
    "backwards": {"text": "x", "at_ms": 5, "until_ms": 4}, "an end alone": {"text": "x", "until_ms": 4},
    "a reply to nothing": {"text": "x", "reply_to": 999999}, "a drawing that is none": {"text": "x", "drawing": "x"},
    "a large drawing": {"text": "x", "drawing": {"d": "x" * 16384}}, "a nonce": {"text": "x", "nonce": "x" * 65},
    "a deep drawing": {"text": "x", "drawing": json.loads('{"d":' + "[" * 40 + "]" * 40 + "}")},
}  # fmt: skip


@pytest.mark.parametrize("wish", MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_said(anna, film, wish):
    assert anna.post("say", path=film, **wish).status == 400
    assert anna.texts(film) == []


def test_the_longest_message_and_the_largest_drawing(anna, film):
    drawing = {"d": "x" * (16384 - 8)}
    said = anna.say(film, "😀" * 4000, drawing=drawing)
    assert anna.page(film)["messages"] == [said]
    assert said["drawing"] == drawing


def test_said_again_after_a_lost_answer(anna, film):
    first = anna.say(film, "once", nonce="n-1")
    assert anna.say(film, "once", nonce="n-1") == first
    assert anna.texts(film) == ["once"]
    assert "nonce" not in first


def test_whoever_talks_too_fast_is_told_when_to_go_on(anna, ben, film):
    answers = [anna.post("say", path=film, text=str(i)) for i in range(40)]
    refused = [each for each in answers if each.status == 429]
    assert {each.status for each in answers} == {201, 429}
    assert all(each["Retry-After"] == "1" for each in refused)
    matches(json.loads(refused[0].body), OPENAPI["components"]["schemas"]["problem"])
    assert sum(each.status == 201 for each in answers[:20]) == 20
    ben.say(film, "not slowed down")


#                      see, talk       see         talk       neither
ROLES = {"see,talk": (201, 200, 200), "see,take": (403, 403, 403), "talk": (404, 404, 404), "give": (403, 403, 403)}


@pytest.mark.parametrize(("rights", "expected"), ROLES.items(), ids=ROLES)
def test_who_may_talk(house, anna, film, rights, expected):
    number = anna.say(film, "here")["id"]
    who = house.somebody(rights)
    told = (who.post("say", path=film, text="x").status, who.ask("GET", f"/api/talk/{film}".replace("片", "%E7%89%87")).status,
            who.post("amend", path=film, id=number, resolved=True).status)  # fmt: skip
    assert told == expected


def test_strangers_and_other_pages_are_refused(house, anna, film):
    assert house.stranger().post("say", path=film, text="x").status == 401
    assert house.stranger().ask("GET", "/api/talk/").status == 401
    body = json.dumps({"path": film, "text": "x"}).encode()
    foreign = anna.ask("POST", "/api/say", "Content-Type: application/json", "Origin: http://evil.example", body=body)
    assert foreign.status == 403
    assert anna.ask("POST", "/api/say", "Content-Type: text/plain", body=body).status == 415
    assert anna.texts(film) == []


@pytest.mark.parametrize("path", ["none.mp4", "../x", ".sluice", "a//b"])
def test_a_room_is_about_something_that_is_there(anna, path):
    assert anna.post("say", path=path, text="x").status in (400, 403, 404)


def test_the_served_folder_and_folders_have_rooms(house, anna):
    (house.root / "day").mkdir(exist_ok=True)
    assert anna.say("/day/", "folder")["path"] == "day"
    anna.say("", "all")
    assert anna.texts("day") == ["folder"]
    assert anna.texts("")[-1] == "all"


def test_a_conversation_moves_with_a_rename_and_ends_with_a_removal(house, anna, film):
    (house.root / "old").mkdir()
    (house.root / "old" / "a.mp4").write_bytes(b"a")
    anna.say("old", "of the folder")
    said = anna.say("old/a.mp4", "of the file")
    assert anna.post("rename", **{"from": "old", "to": "new"}).status == 200
    assert anna.texts("new") == ["of the folder"]
    assert anna.page("new/a.mp4")["messages"] == [said | {"path": "new/a.mp4"}]
    anna.amend("new/a.mp4", said["id"], resolved=True)
    assert anna.post("remove", path="new", recursive=True).status == 204
    (house.root / "new").mkdir()
    (house.root / "new" / "a.mp4").write_bytes(b"another")
    assert anna.texts("new/a.mp4") == [] and anna.texts("new") == []


def test_a_conversation_follows_a_file_that_another_program_renamed(house, anna, film):
    said = anna.say(film, "here")
    (house.root / film).rename(house.root / f"by-hand-{film}")
    assert anna.page(f"by-hand-{film}")["messages"] == [said | {"path": f"by-hand-{film}"}]
    (house.root / film).write_bytes(b"another")
    assert anna.texts(film) == []
    folder = house.root / f"day-{film}"
    folder.mkdir()
    (house.root / f"by-hand-{film}").rename(folder / film)
    anna.say(f"day-{film}/{film}", "inside")
    assert anna.texts(f"day-{film}/{film}") == ["here", "inside"]
    folder.rename(house.root / f"night-{film}")
    assert anna.texts(f"night-{film}/{film}") == ["here", "inside"]


def test_a_file_that_is_deleted_or_replaced(house, anna, film):
    anna.say(film, "about the first")
    with_tag = anna.ask("PUT", f"/files/{film}".replace("片", "%E7%89%87"), "If-Match: *", body=b"a newer cut")
    assert with_tag.status == 204
    assert anna.texts(film) == ["about the first"]
    assert anna.ask("DELETE", f"/files/{film}".replace("片", "%E7%89%87")).status == 204
    (house.root / film).write_bytes(b"another film")
    assert anna.texts(film) == []


def test_guests_of_an_open_server(serve):
    from talk.conftest import Person

    server = serve("--public", "write")
    (server.root / "a.mp4").write_bytes(b"a")
    guest = Person(server, None, None)
    said = guest.say("a.mp4", "hello", name="Mia", nonce="0123456789abcdef")
    assert (said["author"], said["guest"], said["mine"]) == ("Mia", True, True)
    assert guest.page("a.mp4")["messages"] == [said | {"mine": False}]  # the server cannot tell
    assert guest.post("amend", path="a.mp4", id=said["id"], text="x").status == 403
    assert guest.post("amend", path="a.mp4", id=said["id"], text="x", nonce="another-nonce-of").status == 403
    assert guest.amend("a.mp4", said["id"], text="better", nonce="0123456789abcdef")["text"] == "better"
    assert guest.say("a.mp4", "nameless")["author"] == "guest"
    for name in ("", " ", "a\nb", "\x1b", "x" * 65):
        assert guest.post("say", path="a.mp4", text="x", name=name).status == (400 if name else 201)


def test_no_text_is_in_the_log(house, anna, film):
    canary = "canary-7319"
    anna.say(film, canary, nonce=canary)
    anna.texts(film, search=canary)
    anna.post("say", path=film, text=canary * 1000)
    with anna.live() as ear:
        ear.ask({"kind": "say", "path": film, "text": canary * 1000})
    log = (house.root.parent / "served.log").read_text()
    assert canary not in log
