"""Conversations over the native protocol, and both protocols in one room."""

import pytest

from conftest import DEADLINE_S
from wire_client import Failed
from wire_format import messages

MESSAGES, HERE, TYPES = messages.TALK_MESSAGES, messages.TALK_HERE, messages.TALK_TYPES
MOVED, LEFT, MISSED = messages.TALK_MOVED, messages.TALK_LEFT, messages.TALK_MISSED


@pytest.fixture
def one(house, anna):
    with house.native(anna.token) as opened:
        yield opened


def heard(connection, request):
    news, last = connection.news(request, MESSAGES, LEFT, MISSED)
    assert not last, news
    return news.messages


def test_both_protocols_are_in_one_room(anna, ben, film, one):
    assert "talk" in one.hello.features
    request, joined = one.join_room(film)
    assert (joined.path, joined.version, joined.count, joined.people[0].name) == (film, 0, 1, anna.name)
    with ben.live() as page:
        page.join(film)
        said = one.say(film, "你好", at_ms=83500, drawing='{"a":[1]}')
        assert said.mine and not said.guest and said.author == anna.name
        told = page.hear()
        assert told == {
            "kind": "message", "path": film, "id": said.id, "version": said.version, "author": anna.name, "guest": False,
            "mine": False, "time_ms": said.time_ms, "text": "你好", "at_ms": 83500, "until_ms": None, "reply_to": None,
            "resolved": False, "edited": False, "deleted": False, "drawing": {"a": [1]},
        }  # fmt: skip
        assert list(heard(one, request)) == [said]
        answer = ben.say(film, "world", reply_to=said.id)
        (news,) = heard(one, request)
        assert (news.id, news.text, news.reply_to, news.author, news.mine) == (answer["id"], "world", said.id, ben.name, False)


def test_changes(anna, ben, film, one):
    request, _ = one.join_room(film)
    said = ben.say(film, "his")
    assert heard(one, request)[0].id == said["id"]
    assert one.amend(film, said["id"], resolved=True).resolved
    with pytest.raises(Failed, match="NOT_ALLOWED"):
        one.amend(film, said["id"], text="mine")
    own = one.say(film, "own")
    assert one.amend(film, own.id, deleted=True).deleted
    kinds = [news for _ in range(3) for news in heard(one, request)]
    assert [(each.id, each.resolved, each.deleted) for each in kinds] == [
        (said["id"], True, False), (own.id, False, False), (own.id, False, True)]  # fmt: skip


def test_pages_and_catching_up(anna, film, one):
    said = [one.say(film, f"{i}") for i in range(5)]
    found, version, more = one.talk(film, limit=2)
    assert (list(found), version, more) == (said[3:], said[4].version, True)
    assert list(one.talk(film, before=said[3].id)[0]) == said[:3]
    assert list(one.talk(film, search="3")[0]) == [said[3]]
    request, joined = one.join_room(film, after_version=said[2].version)
    assert joined.version == said[4].version
    assert list(heard(one, request)) == said[3:]
    last = one.say(film, "last")
    assert list(heard(one, request)) == [last]


def test_a_page_of_the_largest_messages(house, film):
    """Over the largest frame."""
    for _ in range(2):
        with house.native(house.somebody().token) as one:
            for _ in range(15):
                one.say(film, "😀" * 4000, drawing='{"d":"' + "x" * 16000 + '"}')
            assert len(one.talk(film)[0]) in (15, 30)
            request, _ = one.join_room(film, after_version=0)
    got = 0
    with house.native(house.somebody().token) as one:
        request, _ = one.join_room(film, after_version=0)
        while got < 30:
            got += len(heard(one, request))


def test_leaving_and_joining_again(one, film):
    request, _ = one.join_room(film)
    again, _ = one.join_room(film)
    news, last = one.news(request, LEFT)
    assert last
    one.leave_room(film)
    news, last = one.news(again, LEFT)
    assert last and news.path == film
    with pytest.raises(Failed, match="NOT_FOUND"):
        one.leave_room(film)


def test_who_is_there_types_and_goes_with_the_room(house, anna, ben, film, one):
    request, _ = one.join_room(film)
    with house.native(ben.token) as other:
        _, joined = other.join_room(film)
        assert joined.count == 2
        assert one.news(request, HERE)[0].count == 2
        other.type_in(film)
        assert one.news(request, TYPES)[0].name == ben.name
    assert one.news(request, HERE)[0].count == 1
    one.rename(film, f"moved-{film}")
    moved, _ = one.news(request, MOVED)
    assert (moved.path, moved.name) == (film, f"moved-{film}")
    one.say(f"moved-{film}", "here")
    assert heard(one, request)[0].path == f"moved-{film}"
    one.remove(f"moved-{film}")
    news, last = one.news(request, LEFT)
    assert last and "removed" in news.name


def test_nothing_more_is_heard_without_the_right(house, anna, ben, film, one):
    request, _ = one.join_room(film)
    house.grant(anna, "see,take")
    ben.say(film, "secret")
    news, last = one.news(request, MESSAGES, LEFT)
    assert last and news.what == LEFT
    with pytest.raises(Failed, match="NOT_ALLOWED"):
        one.say(film, "x")


@pytest.mark.parametrize("fields", [
    {"text": ""}, {"text": " "}, {"text": "\x1b"}, {"text": "片" * 4001}, {"text": "x", "reply_to": 999999},
    {"text": "x", "at_ms": 1 << 63}, {"text": "x", "drawing": "["}, {"text": "x", "drawing": '{"d":' + "[" * 999 + "]" * 999 + "}"},
])  # fmt: skip
def test_what_cannot_be_said(one, film, fields):
    with pytest.raises(Failed, match="INVALID_ARGUMENT"):
        one.say(film, **fields)


def test_the_largest_number_of_rooms_and_the_pace(house, one, film):
    for i in range(33):
        (house.root / f"native-{i}").mkdir()
    for i in range(32):
        one.join_room(f"native-{i}")
    with pytest.raises(Failed, match="BUSY"):
        one.join_room("native-32")
    with pytest.raises(Failed, match="BUSY"):
        for _ in range(40):
            one.say(film, "x")


def test_who_does_not_read_is_told_what_it_missed(house, anna, film):
    people = [house.somebody() for _ in range(40)]
    with house.native(anna.token) as slow:
        request, _ = slow.join_room(film)
        said = [who.say(film, "片" * 4000)["id"] for who in people for _ in range(18)]
        got, version = [], 0
        while True:
            news, last = slow.news(request, MESSAGES, MISSED)
            if last:
                break
            got += [each.id for each in news.messages]
            version = news.messages[-1].version
        assert (news.what, news.version) == (MISSED, version)
        assert 0 < len(got) < len(said)
        request, _ = slow.join_room(film, after_version=news.version)
        while len(got) < len(said):
            got += [each.id for each in heard(slow, request)]
        assert got == said


def test_a_stop_does_not_wait_for_those_who_listen(open_talk):
    house = open_talk()
    with house.native(house.somebody().token) as one:
        one.join_room("")
        house.process.send_signal(15)
        assert house.process.wait(DEADLINE_S) == 0
