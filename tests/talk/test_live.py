"""Conversations over /live."""

import json

import pytest

from conftest import DEADLINE_S


def test_everybody_hears_what_is_said_whatever_way_it_came(anna, ben, film):
    with anna.live() as one, ben.live() as other:
        assert one.join(film) == {"kind": "joined", "path": film, "version": 0, "people": [{"name": anna.name, "guest": False}], "count": 1}  # fmt: skip
        other.join(film)
        over_http = anna.say(film, "你好")
        assert one.hear() == over_http
        assert other.hear() == over_http | {"mine": False}
        other.send(json.dumps({"kind": "say", "path": film, "text": "hello", "id": 7}).encode())
        heard = one.hear()
        assert (heard["text"], heard["author"], heard["mine"]) == ("hello", ben.name, False)
        told = {each["kind"]: each for each in (other.message(), other.message())}
        assert told["said"] == {"kind": "said", "message": heard | {"mine": True}, "id": 7}
        assert told["message"] == heard | {"mine": True}


def test_changes_are_heard(anna, ben, film):
    with anna.live() as one:
        one.join(film)
        said = ben.say(film, "before")
        assert one.hear()["version"] == said["version"]
        one.send(json.dumps({"kind": "amend", "path": film, "id": said["id"], "resolved": True}).encode())
        heard = [one.message(), one.message()]
        assert {each["kind"] for each in heard} == {"message", "amended"}
        ben.amend(film, said["id"], deleted=True)
        gone = one.hear()
        assert (gone["id"], gone["text"], gone["deleted"], gone["resolved"]) == (said["id"], "", True, True)


def test_who_comes_again_catches_up_and_hears_each_change_once(anna, ben, film):
    first = anna.say(film, "heard")
    missed = [ben.say(film, f"missed {i}") for i in range(5)]
    changed = anna.amend(film, first["id"], text="heard!")
    with anna.live() as one:
        joined = one.join(film, after_version=first["version"])
        assert joined["version"] == changed["version"]
        after = ben.say(film, "after")
        versions = [one.hear()["version"] for _ in range(7)]
    assert versions == [each["version"] for each in (*missed, changed, after)]


def test_a_long_absence(house, film):
    """More than a page."""
    people = [house.somebody() for _ in range(12)]
    for who in people:
        for i in range(20):
            who.say(film, f"{who.name} {i}")
    with people[0].live() as one:
        one.join(film, after_version=0)
        people[0].post("say", path=film, text="last")
        heard = one.hear_texts(240)
        assert len(set(heard)) == 240


def test_who_is_there(house, anna, ben, film):
    with anna.live() as one:
        one.join(film)
        with ben.live() as other:
            joined = other.join(film)
            assert {each["name"] for each in joined["people"]} == {anna.name, ben.name}
            here = one.hear("here")
            assert here["count"] == 2 and {each["name"] for each in here["people"]} == {anna.name, ben.name}
        assert one.hear("here")["people"] == [{"name": anna.name, "guest": False}]


def test_who_types(anna, ben, film):
    with anna.live() as one, ben.live() as other:
        one.join(film)
        other.join(film)
        other.send(json.dumps({"kind": "typing", "path": film}).encode())
        assert one.hear("typing") == {"kind": "typing", "path": film, "name": ben.name}


def test_leaving(anna, ben, film):
    with anna.live() as one:
        one.join(film)
        assert one.ask({"kind": "leave", "path": f"/{film}"}) == {"kind": "left", "path": film}
        assert one.ask({"kind": "leave", "path": film})["kind"] == "error"
        ben.say(film, "unheard")
        one.join("")
        ben.say("", "heard")
        assert one.hear()["text"] == "heard"


def test_a_room_that_moves_and_ends(house, anna, film):
    with anna.live() as one:
        one.join(film)
        anna.post("rename", **{"from": film, "to": f"new-{film}"})
        assert one.hear("moved") == {"kind": "moved", "path": film, "to": f"new-{film}"}
        anna.say(f"new-{film}", "here")
        assert one.hear()["path"] == f"new-{film}"
        anna.post("remove", path=f"new-{film}")
        left = one.hear("left")
        assert left["path"] == f"new-{film}" and "removed" in left["detail"]


def test_nothing_more_is_heard_without_the_right(house, anna, ben, film):
    with ben.live() as one:
        one.join(film)
        anna.say(film, "heard")
        assert one.hear()["text"] == "heard"
        house.grant(ben, "see,take")
        anna.say(film, "secret")
        assert one.hear("left")["path"] == film
        assert one.ask({"kind": "join", "path": film})["kind"] == "error"
        assert one.ask({"kind": "say", "path": film, "text": "x"})["kind"] == "error"


def test_a_token_that_is_revoked_ends_it(house, anna, film):
    from talk.conftest import Person

    chief = Person(house, "owner", house.owner_key)
    who = house.somebody()
    with who.live() as one:
        one.join(film)
        listed = json.loads(chief.ask("GET", "/api/tokens").body)["tokens"]
        number = next(each["id"] for each in listed if each["account"] == who.name)
        assert chief.post("tokens/revoke", id=number).status < 300
        anna.say(film, "secret")
        assert one.hear("left")["path"] == film


MISTAKES = {
    "no path": {"kind": "join"}, "nothing there": {"kind": "join", "path": "none"}, "hidden": {"kind": "join", "path": ".sluice"},
    "above": {"kind": "join", "path": "../x"}, "a version": {"kind": "join", "path": "", "after_version": "x"},
    "a name": {"kind": "join", "path": "", "name": 5}, "not joined": {"kind": "leave", "path": ""},
    "no text": {"kind": "say", "path": ""}, "empty": {"kind": "say", "path": "", "text": " "},
    "no number": {"kind": "amend", "path": "", "text": "x"}, "no change": {"kind": "amend", "path": "", "id": 1},
    "nowhere": {"kind": "typing"},
}  # fmt: skip


@pytest.mark.parametrize("wish", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_and_nothing_ends(anna, wish):
    with anna.live() as one:
        told = one.ask(wish)
        assert (told["kind"], told["about"]) == ("error", wish["kind"]) and told["detail"]
        one.join("")


def test_a_connection_has_a_limit_of_rooms(house, anna):
    for i in range(33):
        (house.root / f"room-{i}").mkdir(exist_ok=True)
    with anna.live() as one:
        for i in range(32):
            one.join(f"room-{i}")
        assert one.ask({"kind": "join", "path": "room-32"})["kind"] == "error"
        one.join("room-5")
        one.ask({"kind": "leave", "path": "room-5"})
        one.join("room-32")


def test_at_most_fifty_are_named(serve):
    from talk.conftest import Person

    server = serve("--public", "write")
    (server.root / "a.mp4").write_bytes(b"a")
    guest = Person(server, None, None)
    crowd = [guest.live() for _ in range(51)]
    for i, each in enumerate(crowd):
        joined = each.join("a.mp4", name=f"g{i}")
    assert joined["count"] == 51 and len(joined["people"]) == 50
    assert all(each["guest"] for each in joined["people"])
    for each in crowd:
        each.__exit__()


def test_who_does_not_read_misses_messages_is_told_and_catches_up(house, anna, film):
    """What does not fit the kernel's buffers is not kept for one who is slow; nobody else notices."""
    people = [house.somebody() for _ in range(30)]
    with anna.live() as quick, type(anna.live())(anna, receive_buffer=4096) as slow:
        quick.join(film)
        slow.join(film)
        text = "片" * 4000  # 12 kB, so that few of them fill what a kernel holds
        said = []
        for who in people:
            for _ in range(18):
                said.append(who.say(film, text)["id"])
                assert quick.hear()["id"] == said[-1]
        assert house.memory_kib("RssAnon") < 100 * 1024
        heard, last = [], 0
        while True:
            told = slow.message()
            if told["kind"] == "missed":
                break
            if told["kind"] == "message":
                heard.append(told["id"])
                last = told["version"]
        assert told == {"kind": "missed", "path": film, "version": last}
        assert 0 < len(heard) < len(said)
        slow.join(film, after_version=last)
        while len(heard) < len(said):
            heard.append(slow.hear()["id"])
        assert heard == said


def test_the_largest_message_of_a_client(anna, film):
    with anna.live() as one:
        wish = {"kind": "say", "path": film, "text": "片" * 4000, "drawing": {"d": "x" * (16384 - 8)}}
        assert one.ask(wish)["kind"] == "said"


def test_a_stop_does_not_wait_for_those_who_listen(open_talk):
    house = open_talk()
    who = house.somebody()
    with who.live() as one:
        one.join("")
        house.process.send_signal(15)
        assert one.close_code() == 1001
        one.line.socket.close()
        assert house.process.wait(DEADLINE_S) == 0
