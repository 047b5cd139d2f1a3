"""Who has something under way, as administrators see it."""

import json

from http_client import Line
from openapi import OPENAPI, matches
from product.conftest import until


def connections(house):
    answer = house.ask(house.owner_key, "GET", "/api/connections")
    assert answer.status == 200
    told = json.loads(answer.body)
    matches(told, OPENAPI["components"]["schemas"]["connections"])
    return told


def all_of(house):
    """By their protocols, once there are four, and the upload is as far as it goes."""
    told = connections(house)
    found = {each["protocol"]: each for each in told["connections"]}
    return found if told["count"] == 4 and found.get("files", {"received": 0})["received"] >= 1_000_000 else None


def test_who_does_what(open_house):
    house = open_house()
    anna = house.account("anna", "/=write")
    with house.native(anna), house.live(anna), Line(house.host, house.port) as up, Line(house.host, house.port):
        lines = ["PUT /files/slow.mov HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {anna}", "Content-Length: 3000000", "", ""]
        up.send("\r\n".join(lines).encode() + bytes(1_000_000))
        told = until(lambda: all_of(house), "all of them are told, and what came")
    assert told["native"]["who"] == "anna" and told["native"]["address"] == "127.0.0.1"
    assert told["files"]["does"] == "/files/slow.mov"
    assert told["websocket"]["does"] == "/live" and told["websocket"]["who"] == "anna"
    assert told["api"]["does"] == "/api/connections", "the one that asks"
    until(lambda: connections(house)["count"] == 1, "they are gone")


def test_a_thousand_are_told(open_house):
    house = open_house(public="read")
    lines = [house.native() for _ in range(1001)]
    told = connections(house)
    assert told["count"] == 1002 and len(told["connections"]) == 1000
    for each in lines:
        each.close()
