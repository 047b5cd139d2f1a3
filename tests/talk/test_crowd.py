"""A thousand listeners in one room."""

import resource

import pytest

from talk.conftest import Person
from wire_client import Connection
from wire_format import messages

LISTENERS = 1000
MESSAGES = 5
KIB_EACH = 32


@pytest.fixture
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.slow
def test_all_hear_all_once_in_one_order_and_cost_little(serve, many_descriptors):
    server = serve("--public", "write")
    (server.root / "a.mp4").write_bytes(b"a")
    guest = Person(server, None, None)
    before = server.memory_kib("RssAnon")
    crowd = [guest.live() for _ in range(LISTENERS)]
    for i, each in enumerate(crowd):
        joined = each.join("a.mp4", name=f"g{i}")
    assert joined["count"] == LISTENERS
    said = [guest.say("a.mp4", f"{i}")["id"] for i in range(MESSAGES)]
    for each in crowd:
        heard = [each.hear()["id"] for _ in range(MESSAGES)]
        assert heard == said
    assert (server.memory_kib("RssAnon") - before) / LISTENERS <= KIB_EACH
    for each in crowd:
        each.__exit__()
    # All of them are forgotten.
    with guest.live() as last:
        count = last.join("a.mp4")["count"]
        while count > 1:
            count = last.hear("here")["count"]


def test_listeners_of_both_protocols_hear_the_same(serve, many_descriptors):
    server = serve("--public", "write")
    (server.root / "a.mp4").write_bytes(b"a")
    guest = Person(server, None, None)
    pages = [guest.live() for _ in range(50)]
    natives = [Connection(server.host, server.port) for _ in range(50)]
    for each in pages:
        each.join("a.mp4")
    requests = [each.join_room("a.mp4")[0] for each in natives]
    said = [guest.say("a.mp4", f"{i}")["id"] for i in range(MESSAGES)]
    for each in pages:
        assert [each.hear()["id"] for _ in range(MESSAGES)] == said
    for each, request in zip(natives, requests, strict=True):
        heard = [each.news(request, messages.TALK_MESSAGES)[0].messages[0].id for _ in range(MESSAGES)]
        assert heard == said
        each.close()
    for each in pages:
        each.__exit__()
